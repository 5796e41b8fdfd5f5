"""What Alertmanager's and Prometheus' APIs list becomes the same incidents that the webhook would have opened."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.polling import AlertmanagerAlerts, ApiError, JsonApi, PrometheusAlerts, Seen
from producers.polling.settings import PollSettings
from producers.sources.alert import Arrival
from producers.sources.alertmanager import fingerprint_of, parse
from worker.contract import Incident, Severity

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
JSON_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
KEYS = st.sampled_from(
    (
        "labels",
        "annotations",
        "startsAt",
        "activeAt",
        "state",
        "status",
        "data",
        "groups",
        "rules",
        "alerts",
        "interval",
    )
)
LABELS = {"alertname": "DiskSlow", "instance": "web-01:9100", "severity": "critical"}
ANNOTATIONS = {"summary": "The disk of web-01 is slow"}


def api_with(answers: dict[str, Any]) -> JsonApi:
    def answer(request: httpx2.Request) -> httpx2.Response:
        found = answers.get(request.url.path)
        return httpx2.Response(404) if found is None else httpx2.Response(200, json=found)

    return JsonApi("http://monitoring.example", PollSettings.model_construct(), transport=httpx2.MockTransport(answer))


def listed(state: str = "active", **changes: Any) -> dict[str, Any]:
    alert = {
        "labels": LABELS,
        "annotations": ANNOTATIONS,
        "startsAt": "2026-11-22T02:59:30.123Z",
        "endsAt": "2026-11-22T03:04:00.000Z",
        "fingerprint": fingerprint_of(LABELS),
        "status": {"state": state, "silencedBy": ["a"] if state == "suppressed" else [], "inhibitedBy": []},
    }
    return {**alert, **changes}


def in_alertmanager(*alerts: object) -> Seen:
    with api_with({"/api/v2/alerts": list(alerts)}) as api:
        return AlertmanagerAlerts(api).look(NOW)


def in_prometheus(*alerts: object, duration: object = 30, interval: object = 15) -> Seen:
    rule = {"name": "DiskSlow", "type": "alerting", "duration": duration, "alerts": list(alerts)}
    groups = [{"name": "desk", "interval": interval, "rules": [rule]}]
    with api_with({"/api/v1/rules": {"status": "success", "data": {"groups": groups}}}) as api:
        return PrometheusAlerts(api).look(NOW)


def active(state: str = "firing", active_at: str = "2026-11-22T02:59:00.123456789Z") -> dict[str, Any]:
    return {"labels": LABELS, "annotations": ANNOTATIONS, "state": state, "activeAt": active_at, "value": "1e+00"}


def sent_by_webhook(starts_at: str = "2026-11-22T02:59:30.123456789Z") -> Incident:
    alert = {"status": "firing", "labels": LABELS, "annotations": ANNOTATIONS, "startsAt": starts_at}
    document = {"version": "4", "status": "firing", "alerts": [alert | {"fingerprint": fingerprint_of(LABELS)}]}
    (outcome,) = parse(document, Arrival(received_at=NOW, unique="webhook", source="alertmanager"))
    assert isinstance(outcome, Incident)
    return outcome


def test_webhook_alertmanager_and_prometheus_tell_of_one_incident() -> None:
    expected = sent_by_webhook()
    assert expected.server_id == "web-01"
    assert expected.severity is Severity.CRITICAL
    for seen in (in_alertmanager(listed()), in_prometheus(active())):
        (polled,) = seen.firing
        assert polled.model_copy(update={"started_at": expected.started_at}) == expected


@pytest.mark.parametrize(
    ("duration", "interval", "fired_at"),
    [
        (0, 15, "2026-11-22T02:59:00.123Z"),
        (10, 15, "2026-11-22T02:59:15.123Z"),
        (30, 15, "2026-11-22T02:59:30.123Z"),
        (31, 15, "2026-11-22T02:59:45.123Z"),
        (0.3, 0.1, "2026-11-22T02:59:00.423Z"),
        ("soon", 15, "2026-11-22T02:59:00.123Z"),
        (30, 0, "2026-11-22T02:59:00.123Z"),
        (30, None, "2026-11-22T02:59:00.123Z"),
        (1e300, 15, "2026-11-22T02:59:00.123Z"),
    ],
)
def test_an_alert_of_prometheus_fires_from_the_first_evaluation_at_which_it_was_held(
    duration: object, interval: object, fired_at: str
) -> None:
    (polled,) = in_prometheus(active(), duration=duration, interval=interval).firing
    assert polled.incident_id == sent_by_webhook(fired_at).incident_id


def test_what_is_pending_is_left_alone() -> None:
    assert in_prometheus(active("pending"), active("inactive")) == Seen(firing=())


def test_what_is_silenced_is_there_and_not_taken() -> None:
    seen = in_alertmanager(listed("suppressed"), listed("unprocessed", labels=LABELS | {"instance": "web-02"}))
    assert seen.withheld == {sent_by_webhook().incident_id}
    assert [incident.server_id for incident in seen.firing] == ["web-02"]


def test_every_state_is_asked_for_lest_a_silence_looks_like_the_end() -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, json=[])

    transport = httpx2.MockTransport(answer)
    with JsonApi("http://monitoring.example", PollSettings.model_construct(), transport=transport) as api:
        AlertmanagerAlerts(api).look(NOW)
    (url,) = asked
    for state in ("active", "silenced", "inhibited"):
        assert f"{state}=true" in url


@pytest.mark.parametrize("strange", [None, 7, "text", [], {}, {"labels": 1}, {"labels": {}, "annotations": []}])
def test_an_alert_that_is_none_keeps_no_other_from_being_taken(strange: object) -> None:
    seen = in_alertmanager(strange, listed())
    assert [incident.incident_id for incident in seen.firing] == [sent_by_webhook().incident_id]
    assert len(seen.rejected) == 1
    assert in_prometheus(strange, active()).firing


@pytest.mark.parametrize("document", [None, 7, {}, {"status": "success"}, {"status": "error", "data": {"groups": []}}])
def test_an_answer_of_something_else_is_an_error_and_never_an_empty_list(document: object) -> None:
    answers = {"/api/v1/rules": document, "/api/v2/alerts": document}
    with api_with(answers) as api:
        for source in (PrometheusAlerts(api), AlertmanagerAlerts(api)):
            with pytest.raises(ApiError, match="http://monitoring"):
                source.look(NOW)


@given(document=st.recursive(JSON_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner)))
def test_no_answer_whatsoever_raises_anything_but_an_api_error(document: object) -> None:
    answers = {"/api/v1/rules": document, "/api/v2/alerts": document}
    with api_with(answers) as api:
        for source in (PrometheusAlerts(api), AlertmanagerAlerts(api)):
            with suppress(ApiError):
                source.look(NOW)
    in_prometheus(document, duration=document, interval=document)
    in_alertmanager(document)


def test_when_the_source_itself_began_is_told_where_it_tells() -> None:
    answers = {
        "/api/v2/status": {"uptime": "2026-11-22T01:00:00Z"},
        "/api/v1/status/runtimeinfo": {"status": "success", "data": {"startTime": "2026-11-22T02:00:00Z"}},
    }
    with api_with(answers) as api, api_with({}) as silent:
        assert AlertmanagerAlerts(api).began_at() == "2026-11-22T01:00:00Z"
        assert PrometheusAlerts(api).began_at() == "2026-11-22T02:00:00Z"
        assert PrometheusAlerts(silent).began_at() is AlertmanagerAlerts(silent).began_at() is None


def test_a_rule_with_a_thousand_alerts_gives_a_thousand_incidents() -> None:
    alerts = [active() | {"labels": LABELS | {"instance": f"web-{number}"}} for number in range(1000)]
    assert len({incident.incident_id for incident in in_prometheus(*json.loads(json.dumps(alerts))).firing}) == 1000
