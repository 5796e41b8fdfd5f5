"""CloudEvents: structured, in a batch and in binary mode, and when two events are the same occurrence.

The fixtures follow the examples of the specification's JSON format (the address stands in the parser); what they
carry as data is ours.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from producers.intake import Answer, Verdict, take_in
from producers.sources import alertmanager
from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.cloudevents import SOURCE, from_binary, parse
from worker.contract import Incident, Resolution, Severity

FIXTURES = Path(__file__).parent / "fixtures" / "cloudevents"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ARRIVAL = Arrival(received_at=NOW, unique="u1", source=SOURCE)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def only(document: object) -> Outcome:
    (outcome,) = parse(document, ARRIVAL)
    return outcome


def incident_of(document: object) -> Incident:
    outcome = only(document)
    assert isinstance(outcome, Incident)
    return outcome


def reason_of(document: object) -> str:
    outcome = only(document)
    assert isinstance(outcome, Rejection)
    return outcome.reason


def alertmanagers_alerts_inside_and_direct(document: Any) -> tuple[list[Outcome], list[Outcome]]:
    direct = Arrival(received_at=NOW, unique="u2", source=alertmanager.SOURCE)
    return list(parse(document, ARRIVAL)), list(alertmanager.parse(document["data"], direct))


def offered(redis: fakeredis.FakeRedis, outcomes: list[Outcome]) -> list[Verdict]:
    return list(take_in(redis, [each for each in outcomes if isinstance(each, Incident | Resolution)]))


def test_an_alert_in_the_data_is_told_with_its_server_its_labels_and_where_it_came_from() -> None:
    incident = incident_of(fixture("structured-alert"))

    assert (incident.text, incident.server_id) == ("Connection timed out", "payment-server-01")
    assert (incident.service, incident.severity) == ("payment", Severity.CRITICAL)
    assert incident.started_at == datetime(2026, 11, 22, 2, 58, tzinfo=UTC)
    assert incident.labels == {
        "env": "prod",
        "service": "payment",
        "server_id": "payment-server-01",
        "event_source": "/monitoring/eu-1",
        "event_type": "com.example.server.down",
        "subject": "payment-server-01",
    }


def test_source_and_id_are_the_identity_whatever_else_differs() -> None:
    document = fixture("structured-alert")
    same = incident_of(document | {"time": "2026-11-22T02:59:00Z", "type": "com.example.other"})
    assert incident_of(document).incident_id == same.incident_id
    assert incident_of(document).incident_id != incident_of(document | {"id": "A234-9"}).incident_id
    assert incident_of(document).incident_id != incident_of(document | {"source": "/monitoring/eu-2"}).incident_id


def test_text_is_an_alert_too() -> None:
    incident = incident_of(fixture("structured-text"))
    assert (incident.text, incident.server_id) == ("The backup of db-07 did not finish", None)


def test_data_in_base64_is_decoded_and_read_as_json() -> None:
    incident = incident_of(fixture("structured-base64"))
    assert (incident.text, incident.server_id, incident.severity) == ("Disk is full", "db-07", Severity.CRITICAL)


@pytest.mark.parametrize("encoded", ["not base64!", "gICA", "YQ", ""])
def test_base64_that_is_none_or_no_text_is_rejected(encoded: str) -> None:
    assert "data" in reason_of(fixture("structured-base64") | {"data_base64": encoded})


def test_data_that_names_its_own_condition_and_start_has_an_end_that_is_found() -> None:
    firing, resolved = only(fixture("own-identity-firing")), only(fixture("own-identity-resolved"))

    assert isinstance(firing, Incident)
    assert isinstance(resolved, Resolution)
    verdicts = list(take_in(fakeredis.FakeRedis(decode_responses=True), [firing, firing, resolved]))
    assert [verdict.answer for verdict in verdicts] == [Answer.ACCEPTED, Answer.DUPLICATE, Answer.RESOLVED]
    assert resolved.resolved_at == datetime(2026, 11, 22, 2, 59, 30, tzinfo=UTC)


def test_the_type_alone_says_that_it_is_over() -> None:
    document = fixture("own-identity-resolved")
    del document["data"]["status"]
    assert isinstance(only(document), Resolution)


def test_an_end_that_names_no_beginning_is_ignored_with_what_to_send() -> None:
    outcome = only(fixture("structured-alert") | {"type": "com.example.server.resolved"})
    assert isinstance(outcome, Ignored)
    assert "`startsAt`" in outcome.reason


def test_a_condition_without_a_start_does_not_make_every_later_firing_a_copy_of_the_first() -> None:
    document = fixture("own-identity-firing")
    del document["data"]["startsAt"]
    assert incident_of(document).incident_id != incident_of(document | {"id": "C-9"}).incident_id


def test_the_data_may_name_its_occurrence_itself() -> None:
    firing = fixture("structured-alert") | {"data": {"incident_id": 77, "text": "slow"}}
    resolved = firing | {"id": "other", "data": {"incident_id": 77, "text": "fine", "status": "resolved"}}
    end = only(resolved)
    assert isinstance(end, Resolution)
    assert end.incident_id == incident_of(firing).incident_id


def test_alertmanagers_alerts_in_the_data_are_read_as_without_the_envelope_and_are_cloudevents_own() -> None:
    inside, direct = alertmanagers_alerts_inside_and_direct(fixture("alertmanager-inside"))

    assert [type(outcome) for outcome in inside] == [Incident, Incident]
    own = ("source", "fingerprint", "incident_id")
    for one, other in zip(inside, direct, strict=True):
        assert isinstance(one, Incident)
        assert isinstance(other, Incident)
        assert one == other.model_copy(update={name: getattr(one, name) for name in own})
        assert (one.source, one.group) == (SOURCE, other.group)


def test_whoever_may_send_cloudevents_ends_no_alert_that_alertmanager_sent() -> None:
    document = fixture("alertmanager-inside")
    _, direct = alertmanagers_alerts_inside_and_direct(document)
    for alert in document["data"]["alerts"]:
        alert["status"] = "resolved"
    inside, control = alertmanagers_alerts_inside_and_direct(document)

    redis = fakeredis.FakeRedis(decode_responses=True)
    first = [verdict.incident_id for verdict in offered(redis, direct)]
    assert not {end.incident_id for end in offered(redis, inside)} & set(first)
    assert [verdict.incident_id for verdict in offered(redis, control)] == first


def test_one_broken_event_of_a_batch_leaves_the_others_alone() -> None:
    first, second, old, nameless = parse(fixture("batch"), ARRIVAL)

    assert isinstance(first, Incident)
    assert isinstance(second, Incident)
    assert (first.server_id, second.server_id) == ("payment-server-01", "payment-server-02")
    assert old == Rejection("`specversion` must be 1.0; this is “0.3”")
    assert nameless == Rejection("a CloudEvent has to have `id`, `source`: add it, as text")


def test_a_batch_without_events_is_ignored() -> None:
    assert isinstance(only([]), Ignored)


@pytest.mark.parametrize("attribute", ["id", "source", "specversion", "type"])
@pytest.mark.parametrize("value", [None, "", " ", {}, True])
def test_an_attribute_that_is_missing_is_named(attribute: str, value: object) -> None:
    assert f"`{attribute}`" in reason_of(fixture("structured-alert") | {attribute: value})


def test_an_event_without_data_says_nothing() -> None:
    document = fixture("structured-alert")
    del document["data"]
    assert "`error_msg`" in reason_of(document)


def test_binary_mode_gives_the_same_incident_as_the_structured_one() -> None:
    document = fixture("structured-alert")
    headers = {
        "Ce-Specversion": "1.0",
        "CE-TYPE": document["type"],
        "ce-source": document["source"],
        "ce-id": document["id"],
        "ce-time": document["time"],
        "ce-subject": document["subject"],
        "Content-Type": "application/json",
        "Authorization": "Bearer a-secret",
    }
    event = from_binary(headers, document["data"])

    assert incident_of(event) == incident_of(document)
    assert "a-secret" not in str(event)


def test_header_values_are_unquoted_and_percent_decoded() -> None:
    event = from_binary({"ce-subject": ' "Euro %E2%82%AC \\"x\\"" ', "ce-data": "no attribute"}, None)
    assert event == {"subject": 'Euro € "x"'}


def test_a_body_that_is_no_json_is_the_text() -> None:
    headers = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/s", "ce-id": "1", "content-type": "text/plain"}
    assert incident_of(from_binary(headers, "db-07 is full")).text == "db-07 is full"


def test_a_request_without_the_headers_is_no_cloudevent() -> None:
    assert "`specversion`" in reason_of(from_binary({"content-type": "application/json"}, {"text": "slow"}))


@pytest.mark.parametrize("document", [None, {}, "text", 3, {"data": {"text": "x"}}, [[]]])
def test_what_is_no_cloudevent_is_one_rejection_that_says_what_was_expected(document: object) -> None:
    assert "`specversion`" in reason_of(document)
