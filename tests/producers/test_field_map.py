"""The field map: where server, service and group are looked for, whatever else an alert is labelled with."""

from datetime import UTC, datetime

from producers.sources import alertmanager
from producers.sources.alert import Arrival, Reported, alert_of
from producers.sources.field_map import FieldMap
from producers.sources.plain_alert import incident_of_alert
from worker.contract import Incident

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FORTY = {f"a{number:02}": "v" for number in range(40)}
NAMING = {"instance": "web-9:9100", "job": "shop", "cluster": "eu"}


def arrival(source: str, fields: FieldMap) -> Arrival:
    return Arrival(received_at=NOW, unique="u1", source=source, fields=fields)


def from_alertmanager(labels: dict[str, str], fields: FieldMap) -> Incident:
    document = {"alerts": [{"labels": {"alertname": "Slow", **labels}, "startsAt": NOW.isoformat()}]}
    (incident,) = alertmanager.parse(document, arrival(alertmanager.SOURCE, fields))
    assert isinstance(incident, Incident)
    return incident


def from_a_person(labels: dict[str, str], fields: FieldMap) -> Incident:
    incident = incident_of_alert(
        {"error_msg": "slow", "server_id": "web-9", "labels": labels}, arrival("plain", fields)
    )
    assert isinstance(incident, Incident)
    return incident


def test_server_service_and_group_are_found_behind_any_number_of_labels_and_these_labels_are_kept() -> None:
    fields = FieldMap(group_by=("server", "cluster"))
    for incident in (from_alertmanager(FORTY | NAMING, fields), from_a_person(FORTY | NAMING, fields)):
        assert (incident.server_id, incident.service) == ("web-9", "shop")
        assert incident.group == "server=web-9\ncluster=eu"
        assert incident.labels.items() >= NAMING.items()
        assert len(incident.labels) == 33


def test_labels_past_the_limit_are_counted_and_those_that_are_kept_stay_in_their_order() -> None:
    labels = from_a_person(FORTY | NAMING, FieldMap(group_by=("server", "cluster"))).labels
    assert list(labels) == [*list(FORTY)[:29], *NAMING, "labels_left_out"]
    assert labels["labels_left_out"] == "11"


def test_two_alerts_of_no_named_condition_that_differ_behind_the_limit_are_two_conditions() -> None:
    first, second = (
        alert_of(Reported(text="Slow", labels={**FORTY, "z": z}, started_at=NOW.isoformat()), arrival("x", FieldMap()))
        for z in ("1", "2")
    )
    assert first.fingerprint != second.fingerprint
