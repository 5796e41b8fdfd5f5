"""Alertmanager: what a real one sent and listed, what older ones send, and what nobody should.

The fixtures were captured by `python -m tests.producers.capture_alertmanager`; version 3 of the webhook, and receivers
without fingerprints, are made from them after the documentation of their time.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.sources.alert import Ignored, Outcome, Rejection, alert_of
from producers.sources.alertmanager import SOURCE, alert_of_api, fingerprint_of, parse, reported_of
from producers.sources.field_map import FieldMap
from tests.integration.monitoring import (
    get_json,
    require_program,
    running_alertmanager_pair,
    running_prometheus,
)
from tests.producers.capture_alertmanager import RULES, running_lab
from tests.producers.notifications import (
    NOW,
    arrival_of,
    assert_bounded,
    fixture_of,
    incidents_in,
    json_values,
    spoilt,
)
from tests.programs import wait_until
from worker.contract import Incident, Resolution, Severity

ARRIVAL: Final = arrival_of(SOURCE)
NOTIFICATIONS: Final = (
    "firing",
    "firing_grouped",
    "firing_long_and_unicode",
    "firing_second_receiver",
    "firing_truncated",
    "partly_resolved",
    "resolved",
)


def fixture(name: str) -> Any:
    return fixture_of(SOURCE, name)


def parsed(document: object, *, unique: str = "u1") -> list[Outcome]:
    return list(parse(document, arrival_of(SOURCE, unique=unique)))


def ids_of(outcomes: list[Outcome]) -> list[str]:
    return [outcome.incident_id for outcome in outcomes if isinstance(outcome, Incident | Resolution)]


def alert(**changes: object) -> dict[str, Any]:
    return {**fixture("firing")["alerts"][0], **changes}


def only(changed: object, **notification: object) -> Outcome:
    (outcome,) = parsed({**fixture("firing"), "alerts": [changed], **notification})
    return outcome


def test_a_firing_alert_is_an_incident_with_server_service_severity_and_text() -> None:
    (incident,) = incidents_in(parsed(fixture("firing")))

    assert (incident.source, incident.server_id, incident.service) == (SOURCE, "payment-server-01", "payments")
    assert incident.severity is Severity.CRITICAL
    assert incident.started_at == datetime.fromisoformat(alert()["startsAt"])
    assert incident.labels == alert()["labels"]
    assert incident.group == "server=payment-server-01"
    assert incident.text.splitlines() == [
        "InstanceDown: payment-server-01:9100 is down",
        "payment-server-01:9100 of job payments has not answered for a minute.",
        "runbook_url: https://runbooks.example/instance-down",
        "generatorURL: http://prometheus.example:9090/graph?g0.expr=server_up+%3D%3D+0&g0.tab=1",
    ]


def test_each_alert_of_a_group_is_an_incident_in_the_order_in_which_they_were_sent() -> None:
    incidents = incidents_in(parsed(fixture("firing_grouped")))
    sent = [each["labels"]["instance"] for each in fixture("firing_grouped")["alerts"]]
    assert [f"{incident.server_id}:9100" for incident in incidents] == sent
    assert len(set(ids_of(parsed(fixture("firing_grouped"))))) == 5


def test_an_alert_that_is_over_ends_the_occurrence_that_fired() -> None:
    (resolution,) = parsed(fixture("resolved"))
    assert isinstance(resolution, Resolution)
    assert [resolution.incident_id] == ids_of(parsed(fixture("firing")))
    assert resolution.resolved_at == datetime.fromisoformat(fixture("resolved")["alerts"][0]["endsAt"])

    mixed = parsed(fixture("partly_resolved"))
    statuses = [each["status"] for each in fixture("partly_resolved")["alerts"]]
    assert [isinstance(outcome, Resolution) for outcome in mixed] == [status == "resolved" for status in statuses]
    assert set(ids_of(mixed)) < set(ids_of(parsed(fixture("firing_grouped"))))


def test_two_receivers_a_retry_and_a_grown_group_bring_the_same_occurrence() -> None:
    first = ids_of(parsed(fixture("firing")))
    assert ids_of(parsed(fixture("firing_second_receiver"), unique="u2")) == first
    assert ids_of(parsed(fixture("firing"), unique="u3")) == first
    assert first[0] in ids_of(parsed(fixture("firing_grouped"), unique="u4"))


def test_both_peers_of_a_pair_and_their_api_agree_although_the_api_tells_milliseconds() -> None:
    notifications, listed = fixture("pair_firing"), fixture("pair_api_v2_alerts")
    assert notifications[0]["alerts"][0]["startsAt"] != listed[0]["startsAt"]

    brought = [*parsed(notifications[0]), *parsed(notifications[1]), alert_of_api(listed[0], ARRIVAL)]
    assert len(set(ids_of(brought))) == 1


def test_control_with_the_start_as_it_was_sent_webhook_and_api_would_be_two_occurrences() -> None:
    sent = fixture("pair_firing")[0]["alerts"][0], fixture("pair_api_v2_alerts")[0]
    careless = [alert_of(replace(reported_of(each, is_over=False), occurrence=None), ARRIVAL) for each in sent]
    assert careless[0].incident_id != careless[1].incident_id


@pytest.mark.parametrize(
    "starts_at",
    ["2026-11-22T04:00:00.123456789+01:00", "2026-11-22T03:00:00.123Z", "2026-11-21T22:00:00.1239-05:00"],
)
def test_one_instant_is_one_occurrence_whatever_its_offset_and_precision(starts_at: str) -> None:
    expected = only(alert(startsAt="2026-11-22T03:00:00.123456Z"))
    assert ids_of([only(alert(startsAt=starts_at))]) == ids_of([expected])


@pytest.mark.parametrize("starts_at", ["2026-11-22T03:00:00.124Z", "2026-11-22T03:00:00.123456789+00:30"])
def test_another_start_is_another_occurrence_of_the_same_condition(starts_at: str) -> None:
    first, second = only(alert(startsAt="2026-11-22T03:00:00.123Z")), only(alert(startsAt=starts_at))
    assert isinstance(first, Incident)
    assert isinstance(second, Incident)
    assert first.incident_id != second.incident_id
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("starts_at", [1795316400123, "1795316400.123", "2026-11-22T03:00:00.123"])
def test_a_start_in_another_form_is_read_and_stays_the_same(starts_at: object) -> None:
    outcome = only(alert(startsAt=starts_at))
    assert isinstance(outcome, Incident)
    assert outcome.started_at == datetime.fromisoformat("2026-11-22T03:00:00.123Z")
    assert ids_of([only(alert(startsAt=starts_at))]) == [outcome.incident_id]


@pytest.mark.parametrize("starts_at", [None, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00-05:00", "", {}])
def test_an_alert_without_a_start_began_when_it_arrived(starts_at: object) -> None:
    outcome = only(alert(startsAt=starts_at))
    assert isinstance(outcome, Incident)
    assert outcome.started_at == NOW


def test_the_fingerprint_of_labels_is_the_one_that_alertmanager_gives_them() -> None:
    alerts = [each for name in NOTIFICATIONS for each in fixture(name)["alerts"]] + fixture("api_v2_alerts")
    assert len({each["fingerprint"] for each in alerts}) == 6
    assert all(fingerprint_of(each["labels"]) == each["fingerprint"] for each in alerts)
    labels = alert()["labels"]
    assert fingerprint_of({**labels, "replica": ""}) == fingerprint_of(dict(reversed(labels.items())))
    assert fingerprint_of({**labels, "replica": "a"}) != fingerprint_of(labels)


@pytest.mark.parametrize("fingerprint", [None, "", []])
def test_without_a_fingerprint_an_alert_is_the_same_occurrence(fingerprint: object) -> None:
    old = alert()
    del old["fingerprint"]
    assert ids_of([only(old)]) == ids_of(parsed(fixture("firing")))
    assert ids_of([only(alert(fingerprint=fingerprint))]) == ids_of(parsed(fixture("firing")))


@pytest.mark.parametrize("name", ["firing", "resolved"])
def test_version_3_says_of_all_alerts_at_once_whether_they_fire(name: str) -> None:
    old = {**fixture(name), "version": "3", "groupKey": 15_324_182_412_345_678_901}
    old["alerts"] = [
        {key: each[key] for key in ("labels", "annotations", "startsAt", "endsAt")} for each in old["alerts"]
    ]
    assert ids_of(parsed(old)) == ids_of(parsed(fixture("firing")))
    assert [type(outcome) for outcome in parsed(old)] == [Incident if name == "firing" else Resolution]


def test_an_alert_that_does_not_say_whether_it_fires_is_over_once_its_end_has_passed() -> None:
    assert isinstance(only(alert(status=None, endsAt="2029-12-31T23:59:59Z"), status=None), Resolution)
    assert isinstance(only(alert(status=None, endsAt="2030-01-01T00:05:00Z"), status=None), Incident)
    assert isinstance(only(alert(status="FIRING", endsAt="2029-12-31T23:59:59Z"), status="resolved"), Incident)


def test_alerts_that_alertmanager_left_out_are_said_with_the_remedy() -> None:
    *alerts, word = parsed(fixture("firing_truncated"))
    assert len(incidents_in(alerts)) == 2
    assert isinstance(word, Ignored)
    assert "left 3 alerts out" in word.reason
    assert "`max_alerts: 0`" in word.reason


@pytest.mark.parametrize("count", [0, -1, None, "3", True, [], 0.5])
def test_nothing_is_said_of_alerts_left_out_where_there_are_none(count: object) -> None:
    assert len(parsed({**fixture("firing"), "truncatedAlerts": count})) == 1


def test_long_and_foreign_annotations_are_cut_with_a_note_and_what_follows_is_kept() -> None:
    sent = fixture("firing_long_and_unicode")["alerts"][0]
    (incident,) = incidents_in(parsed({"alerts": [sent]}))
    title, description, *rest = incident.text.splitlines()
    assert title == f"Speicher voll — 内存: {sent['annotations']['summary']}"
    assert description.endswith("bytes cut]")
    assert rest[0] == "dashboard: https://dashboards.example/memory"
    assert incident.labels["standort"] == "Zürich"


def test_an_alert_with_many_annotations_tells_some_of_them_and_how_many_it_does_not() -> None:
    annotations = {f"note{number}": "x" * 9_999 for number in range(40)} | {"__internal__": "hidden"}
    outcome = only(alert(annotations=annotations))
    assert isinstance(outcome, Incident)
    assert "note9: xxx" in outcome.text
    assert "note10" not in outcome.text
    assert outcome.text.endswith("[… 31 annotations left out]")
    assert "hidden" not in outcome.text


def test_an_alert_without_a_name_is_told_by_its_labels() -> None:
    outcome = only(alert(labels={"job": "payments", "instance": "a:1"}, annotations={}, generatorURL=""))
    assert isinstance(outcome, Incident)
    assert outcome.text == "job=payments, instance=a:1"


def test_the_message_stands_for_a_summary_and_nothing_is_said_twice() -> None:
    labels = {"alertname": "Slow"}
    outcome = only({"labels": labels, "annotations": {"message": "It is slow", "description": "It is slow"}})
    assert isinstance(outcome, Incident)
    assert outcome.text == "Slow: It is slow"


def test_the_field_map_says_which_label_holds_the_server() -> None:
    fields = FieldMap(server=("standort",), service=("team",), group_by=("alertname",))
    (outcome,) = parse(
        {"alerts": [alert(labels={"alertname": "A", "standort": "zrh", "team": "b"})]}, replace(ARRIVAL, fields=fields)
    )
    assert isinstance(outcome, Incident)
    assert (outcome.server_id, outcome.service, outcome.group) == ("zrh", "b", "alertname=A")


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({"severity": "page"}, Severity.CRITICAL),
        ({"priority": "P1"}, Severity.CRITICAL),
        ({"severity": "", "level": "info"}, Severity.INFO),
        ({"severity": ["critical"]}, Severity.WARNING),
        ({}, Severity.WARNING),
    ],
)
def test_the_severity_is_read_from_the_labels_that_people_use(labels: dict[str, object], severity: Severity) -> None:
    outcome = only(alert(labels={"alertname": "A", **labels}))
    assert isinstance(outcome, Incident)
    assert outcome.severity is severity


def test_one_bad_alert_is_rejected_and_the_others_are_not() -> None:
    outcomes = parsed({**fixture("firing"), "alerts": [alert(), 7, {}, None, alert()]})
    assert [isinstance(outcome, Rejection) for outcome in outcomes] == [False, True, True, True, False]
    assert ids_of(outcomes) == ids_of(parsed(fixture("firing"))) * 2


@pytest.mark.parametrize("document", [None, 7, "firing", [], [{}], {}, {"alerts": None}, {"alerts": {"a": 1}}])
def test_what_is_no_notification_is_rejected_once_with_what_was_expected(document: object) -> None:
    (outcome,) = parsed(document)
    assert isinstance(outcome, Rejection)
    assert "no notification of Alertmanager: expected a JSON object whose `alerts` is an array" in outcome.reason


def test_a_notification_without_alerts_says_nothing() -> None:
    assert parsed({**fixture("firing"), "alerts": []}) == []


def test_what_the_api_lists_are_the_occurrences_that_the_webhook_brought_and_a_silenced_one_is_ignored() -> None:
    outcomes = [alert_of_api(each, ARRIVAL) for each in fixture("api_v2_alerts")]
    silenced = [outcome for outcome in outcomes if isinstance(outcome, Ignored)]
    assert [outcome.reason for outcome in silenced] == ["Alertmanager tells nobody of this alert: it is silenced there"]
    brought = parsed(fixture("firing_grouped")) + parsed(fixture("firing_long_and_unicode"))
    assert set(ids_of(outcomes)) < set(ids_of(brought))
    assert len(ids_of(outcomes)) == 5


def test_an_alert_that_the_api_has_not_processed_yet_fires_and_no_alert_is_rejected() -> None:
    listed = fixture("pair_api_v2_alerts")[0]
    status = {"state": "unprocessed", "silencedBy": [], "inhibitedBy": []}
    assert isinstance(alert_of_api({**listed, "status": status}, ARRIVAL), Incident)
    assert isinstance(alert_of_api([listed], ARRIVAL), Rejection)
    inhibited = alert_of_api({**listed, "status": {"state": "suppressed", "inhibitedBy": ["a"]}}, ARRIVAL)
    assert inhibited == Ignored("Alertmanager tells nobody of this alert: it is inhibited there")


@settings(max_examples=50, deadline=None)
@given(json_values)
def test_no_json_whatever_raises(document: object) -> None:
    for outcome in [*parsed(document), *parsed({"alerts": document}), alert_of_api(document, ARRIVAL)]:
        assert_bounded(outcome)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(NOTIFICATIONS).flatmap(lambda name: spoilt(fixture(name))))
def test_a_spoilt_notification_gives_one_outcome_an_alert(document: Any) -> None:
    outcomes = parsed(document)
    for outcome in outcomes:
        assert_bounded(outcome)
    alerts = document.get("alerts")
    if isinstance(alerts, list):
        assert len(alerts) <= len(outcomes) <= len(alerts) + 1
    else:
        assert len(outcomes) == 1


@settings(max_examples=50, deadline=None)
@given(spoilt(fixture("api_v2_alerts")[0]))
def test_a_spoilt_alert_of_the_api_gives_one_outcome(listed: Any) -> None:
    assert_bounded(alert_of_api(listed, ARRIVAL))


@pytest.mark.integration
def test_a_real_pair_and_its_api_bring_each_alert_as_one_occurrence(tmp_path: Path) -> None:
    with (
        running_lab() as lab,
        running_alertmanager_pair(tmp_path, webhook_url=lab.url("/desk"), token="made-up") as pair,
        running_prometheus(
            tmp_path / "prometheus", rules=RULES, alertmanagers=[each.url for each in pair], scrape=[lab.address]
        ),
    ):
        lab.down = {"payment-server-03"}
        wait_until(lambda: len(lab.bodies.get("/desk", ())) > 1, seconds=40)
        firing = [outcome for body in lab.bodies["/desk"][:2] for outcome in parsed(body)]
        listed = [alert_of_api(each, ARRIVAL) for peer in pair for each in get_json(f"{peer.url}/api/v2/alerts")]
        lab.down = set()
        wait_until(lambda: any(body["status"] == "resolved" for body in lab.bodies["/desk"]), seconds=40)
        ends = [parsed(body) for body in lab.bodies["/desk"] if body["status"] == "resolved"]

    assert len(incidents_in(firing)) == 2
    assert len(incidents_in(listed)) == 2
    assert len({*ids_of(firing), *ids_of(listed), *ids_of(ends[0])}) == 1
    assert lab.authorizations == {"Bearer made-up"}


def test_a_missing_program_skips_a_test_and_fails_it_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install no-such-program"):
        require_program("no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install no-such-program"):
        require_program("no-such-program")
