"""The field map: where server, service and group are looked for, whatever else an alert is labelled with."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from producers.sources import alertmanager
from producers.sources.alert import Arrival, Reported, alert_of
from producers.sources.field_map import FieldMap
from producers.sources.plain_alert import alert_of_fields
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
    incident = alert_of_fields({"error_msg": "slow", "server_id": "web-9", "labels": labels}, arrival("plain", fields))
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


def told_by_a_person(alert: Mapping[str, object], fields: FieldMap) -> Incident:
    sent = {"error_msg": "slow", "timestamp": NOW.isoformat(), **alert}
    incident = alert_of_fields(sent, arrival("plain", fields))
    assert isinstance(incident, Incident)
    return incident


@pytest.mark.parametrize("alert", [{"vm": "vm-7"}, {"labels": {"vm": "vm-7:9100"}}, {"server_id": "vm-7:22"}])
def test_a_plain_alert_is_read_with_the_field_map_too(alert: dict[str, object]) -> None:
    incident = told_by_a_person({"labels": {"cluster": "eu"}, **alert}, FieldMap(server=("vm",)))
    assert (incident.server_id, incident.group) == ("vm-7", "server=vm-7")


def test_a_group_of_labels_needs_no_server() -> None:
    incident = told_by_a_person({"labels": {"cluster": "eu"}}, FieldMap(group_by=("cluster",)))
    assert (incident.server_id, incident.group) == (None, "cluster=eu")
    assert told_by_a_person({"labels": {"job": "shop"}}, FieldMap()).group == ""


def test_one_machine_is_one_group_whoever_tells_of_it() -> None:
    fields = FieldMap()
    by_name, by_label = (told_by_a_person(alert, fields) for alert in ({"server_id": "web-9:9100"}, NAMING))
    assert by_name.group == by_label.group == from_alertmanager(NAMING, fields).group == "server=web-9"


def test_a_server_that_is_named_outright_is_the_server_whatever_the_labels_name() -> None:
    labels = {"vm": "vm-7", "server_id": "exporter"}
    reported = Reported(text="Slow", labels=labels, server_id="web-9")
    assert alert_of(reported, arrival("x", FieldMap(server=("vm",)))).server_id == "web-9"
    assert alert_of(reported, arrival("x", FieldMap())).server_id == "web-9"


def test_the_same_text_at_the_same_time_on_two_servers_or_ports_is_two_incidents() -> None:
    alerts: list[Mapping[str, object]] = [
        *({"instance": f"web-{number}:{port}"} for number in (1, 2) for port in (9100, 9200)),
        *({"server_id": f"db-{number}:{port}"} for number in (1, 2) for port in (9100, 9200)),
    ]
    assert len({told_by_a_person(alert, FieldMap()).incident_id for alert in alerts}) == len(alerts)


def test_two_alerts_of_no_named_condition_that_differ_behind_the_limit_are_two_conditions() -> None:
    first, second = (
        alert_of(Reported(text="Slow", labels={**FORTY, "z": z}, started_at=NOW.isoformat()), arrival("x", FieldMap()))
        for z in ("1", "2")
    )
    assert first.fingerprint != second.fingerprint


def test_a_long_group_is_told_from_another_that_differs_at_its_end() -> None:
    fields = FieldMap(group_by=("server", *(f"label{number}" for number in range(6))))
    labels = {f"label{number}": "v" * 250 for number in range(6)}
    one, other = (fields.group_of("web-9", labels | {"label5": end}) for end in ("a" * 250, "b" * 250))
    assert one != other
    assert len(one) <= 1024
