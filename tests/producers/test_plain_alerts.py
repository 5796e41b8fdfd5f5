"""One alert at a time: what is read, what is rejected, and when two alerts are the same incident."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakeredis import FakeRedis

from producers import AlertError, Answer, parse_line, parse_text, take_in
from producers.sources.alert import Arrival
from producers.sources.plain_alert import alert_of_fields
from worker.contract import Incident, Resolution, Severity
from worker.contract.incident import TEXT_LIMIT_BYTES

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ARRIVAL = Arrival(received_at=NOW, unique="u1", source="cli")
FIRING = {"server_id": "a", "error_msg": "Timed out", "timestamp": "2026-11-22T02:00:00Z", "severity": "critical"}


def parsed(alert: Any, *, unique: str = "u1", received_at: datetime = NOW) -> Incident:
    return parse_text(json.dumps(alert), received_at=received_at, unique=unique)


def reason_of(alert: Any) -> str:
    text = alert if isinstance(alert, str) else json.dumps(alert)
    with pytest.raises(AlertError) as caught:
        parse_text(text, received_at=NOW, unique="u1")
    return str(caught.value)


def test_a_sentence_becomes_a_warning_without_a_named_server() -> None:
    sentence = "The payment-server-01 is extremely slow and timing out."
    incident = parse_text(f"  {sentence}\n", received_at=NOW, unique="u1")

    assert incident.text == sentence
    assert incident.server_id is None
    assert (incident.severity, incident.source) == (Severity.WARNING, "cli")
    assert incident.started_at == incident.received_at == NOW


def test_a_json_alert_names_its_server_its_time_and_its_severity() -> None:
    incident = parsed(
        {
            "server_id": " payment-server-01 ",
            "error_msg": "Connection timed out",
            "timestamp": "2026-11-22T04:58:30+02:00",
            "severity": "PAGE",
            "service": "payments",
            "labels": {"team": "checkout", "replica": 3, "canary": True, "nested": {"left": "out"}},
        }
    )

    assert incident.server_id == "payment-server-01"
    assert incident.text == "Connection timed out"
    assert incident.started_at == datetime(2026, 11, 22, 2, 58, 30, tzinfo=UTC)
    assert incident.severity is Severity.CRITICAL
    assert incident.labels == {"service": "payments", "team": "checkout", "replica": "3", "canary": "true"}


def test_the_first_text_field_is_the_text_and_the_others_are_labels() -> None:
    assert parsed({"message": "slow"}).text == "slow"
    assert parsed({"text": "slow"}).text == "slow"
    both = parsed({"message": "see the wiki", "error_msg": "slow"})
    assert (both.text, both.labels) == ("slow", {"message": "see the wiki"})


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        *[(word, Severity.CRITICAL) for word in ("critical", "P1", "page", "fatal", "urgent", "blocker", "emerg")],
        *[(word, Severity.CRITICAL) for word in ("P0", "sev0", "SEV-1", "S1", "Priority 1", "P0 - everything is down")],
        *[(word, Severity.WARNING) for word in ("error", " Warning", "p2", "Sev 2", "high", "purple", 7, None)],
        *[(word, Severity.WARNING) for word in ("p10", "s", "sum0", "-1")],
        *[(word, Severity.INFO) for word in ("info", "p3", "sev_4", "low")],
    ],
)
def test_severity_words_are_mapped_and_unknown_ones_are_warnings(word: object, severity: Severity) -> None:
    assert parsed({"error_msg": "slow", "severity": word}).severity is severity


@pytest.mark.parametrize(
    ("timestamp", "started_at"),
    [
        ("2026-11-22T02:00:00Z", datetime(2026, 11, 22, 2, tzinfo=UTC)),
        ("2026-11-22T02:00:00", datetime(2026, 11, 22, 2, tzinfo=UTC)),
        ("2026-11-22T02:00:00.123456789Z", datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=UTC)),
        (1795312800, datetime(2026, 11, 22, 2, tzinfo=UTC)),
        (1795312800.5, datetime(2026, 11, 22, 2, 0, 0, 500000, tzinfo=UTC)),
        (None, NOW),
    ],
)
def test_times_are_iso_or_seconds_and_a_time_without_offset_is_utc(timestamp: object, started_at: datetime) -> None:
    assert parsed({"error_msg": "slow", "timestamp": timestamp}).started_at == started_at


@pytest.mark.parametrize(
    "timestamp",
    ["yesterday", "", True, [1], 1795312800000, -1, 0, 10**30, "0001-01-01T00:00:00+05:00", "2026-11-24T00:00:00Z"],
)
def test_a_time_that_no_clock_shows_is_rejected_with_its_field(timestamp: object) -> None:
    assert "`timestamp`" in reason_of({"error_msg": "slow", "timestamp": timestamp})


@pytest.mark.parametrize("server_id", ["", "  ", "two words", "a\nb", "a\x1b[31m", "a\u202eb", "\ud800", 42, ["a"]])
def test_a_server_that_is_not_one_plain_word_is_rejected(server_id: object) -> None:
    assert "`server_id`" in reason_of({"server_id": server_id, "error_msg": "slow"})


def test_a_server_id_is_bounded_in_bytes() -> None:
    assert parsed({"server_id": "s" * 253, "error_msg": "slow"}).server_id == "s" * 253
    assert "254 bytes" in reason_of({"server_id": "s" * 252 + "é", "error_msg": "slow"})


@pytest.mark.parametrize("alert", [{}, {"error_msg": None}, {"error_msg": " \n "}, {"error_msg": 5}, " ", "[{}]", "[]"])
def test_an_alert_that_says_nothing_is_rejected(alert: object) -> None:
    assert reason_of(alert)


def test_a_text_past_the_limit_is_rejected_with_both_sizes_and_the_remedy() -> None:
    fitting = "x" * TEXT_LIMIT_BYTES
    assert parsed({"error_msg": fitting}).text == fitting
    reason = reason_of({"error_msg": fitting + "x"})
    assert f"{TEXT_LIMIT_BYTES + 1} bytes" in reason
    assert f"limit is {TEXT_LIMIT_BYTES}" in reason
    assert "leave the log to the worker" in reason


def test_control_characters_are_made_visible_in_text_and_labels() -> None:
    incident = parsed({"error_msg": "a\x1b[31mred\x00\u202e\ud800", "la\x1bbel": "one\ntwo\x07"})
    assert incident.text == r"a\x1b[31mred\x00\u202e\ud800"
    assert incident.labels == {r"la\x1bbel": r"one two\x07"}


def test_labels_are_bounded_in_number_and_size_and_say_so() -> None:
    incident = parsed(
        {"error_msg": "slow", "service": "payments", "labels": {f"l{n}" * 40: "v" * 999 for n in range(50)}}
    )
    assert len(incident.labels) == 33
    assert incident.labels["service"] == "payments"
    assert incident.labels["labels_left_out"] == "19"
    assert all(len(name.encode()) < 100 and len(value.encode()) < 300 for name, value in incident.labels.items())


@pytest.mark.parametrize(
    "text",
    [
        '{"error_msg": "a", "x": NaN}',
        '{"error_msg": "a", "x": -Infinity}',
        '{"error_msg": "a", "x": 1e999}',
        '{"error_msg": "a", "x": ' + "9" * 5000 + "}",
        '{"error_msg": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"error_msg": "a", "server_id": "one", "server_id": "two"}',
        '{"error_msg": "a", "x": {"y": NaN}}',
        '{"error_msg": "a"} and more',
        '{"error_msg": "a"',
        "{",
    ],
)
def test_json_that_has_no_safe_reading_is_rejected(text: str) -> None:
    assert len(reason_of(text)) < 200


def test_a_rejection_quotes_at_most_eighty_visible_characters() -> None:
    reason = reason_of({"error_msg": "slow", "server_id": "\x1b]0;owned\x07 " * 500})
    assert "\x1b" not in reason
    assert len(reason.partition("“")[2].rpartition("”")[0]) <= 80


def test_a_line_that_is_not_utf8_is_rejected_with_the_byte_offset() -> None:
    with pytest.raises(AlertError, match="offset 5"):
        parse_line(b"slow \xff", received_at=NOW, unique="u1")


def test_an_alert_sent_again_is_the_same_incident() -> None:
    alert = {"server_id": "a", "error_msg": "Timed  out", "timestamp": "2026-11-22T02:00:00Z"}
    again = {**alert, "error_msg": "timed out", "timestamp": 1795312800, "severity": "p1"}
    later = NOW + timedelta(minutes=5)
    first = parsed(alert)
    assert parsed(again, unique="u2", received_at=later).incident_id == first.incident_id
    assert parsed({**alert, "server_id": "b"}).incident_id != first.incident_id
    assert parsed({**alert, "error_msg": "timed out on sda2"}).incident_id != first.incident_id
    assert parsed({**alert, "timestamp": "2026-11-22T02:00:01Z"}).incident_id != first.incident_id
    assert parsed({**alert, "timestamp": "2026-11-22T02:00:01Z"}).fingerprint == first.fingerprint


@pytest.mark.parametrize(
    ("server", "incident_id"),
    [
        ({}, "inc-b7648fdf11c18e33a90b"),
        ({"server_id": "a"}, "inc-0243dc0de1dce4bba6d7"),
        ({"server_id": "a:9100"}, "inc-0c49dd99c0b88307ec20"),
        ({"server_id": "::1"}, "inc-7815d2179169c3e14d1b"),
    ],
)
def test_identities_stay_what_they_were_in_earlier_releases(server: dict[str, object], incident_id: str) -> None:
    alert = {"error_msg": "Timed out", "timestamp": "2026-11-22T02:00:00Z", "fingerprint": "f", "job": "shop"}
    assert parsed(alert | server).incident_id == incident_id


def test_without_a_time_each_submission_is_an_incident_of_its_own() -> None:
    for alert in ({"server_id": "a", "error_msg": "slow"}, "a is slow"):
        text = alert if isinstance(alert, str) else json.dumps(alert)
        one, two = (parse_text(text, received_at=NOW, unique=unique) for unique in ("u1", "u2"))
        assert one.incident_id != two.incident_id
        assert one.fingerprint == two.fingerprint
        assert parse_text(text, received_at=NOW, unique="u1") == one


@pytest.mark.parametrize("status", ["resolved", " Resolved ", "RECOVERED", "ok"])
def test_an_alert_that_says_it_is_over_ends_the_one_with_its_server_its_text_and_its_timestamp(status: str) -> None:
    end = alert_of_fields(FIRING | {"status": status, "severity": "info", "value": 3}, ARRIVAL)
    assert isinstance(end, Resolution)
    assert (end.server_id, end.text, end.resolved_at) == ("a", "Timed out", NOW)
    verdicts = list(take_in(FakeRedis(decode_responses=True), [parsed(FIRING), end]))
    assert [verdict.answer for verdict in verdicts] == [Answer.ACCEPTED, Answer.RESOLVED]
    assert verdicts[0].incident_id == verdicts[1].incident_id


@pytest.mark.parametrize("status", ["firing", "closed", "down", "resolved?", 200, None, ["resolved"]])
def test_any_other_status_is_a_label_or_nothing(status: object) -> None:
    assert parsed(FIRING | {"status": status}).incident_id == parsed(FIRING).incident_id


def test_an_end_without_a_timestamp_is_rejected_with_the_remedy() -> None:
    with pytest.raises(AlertError, match="`timestamp` of its beginning"):
        alert_of_fields({"error_msg": "Timed out", "status": "resolved", "fingerprint": "f"}, ARRIVAL)


def test_the_end_of_an_alert_is_read_as_strictly_as_the_alert() -> None:
    for change in ({"timestamp": "yesterday"}, {"server_id": ""}, {"error_msg": ""}, {"labels": 3}):
        with pytest.raises(AlertError):
            alert_of_fields(FIRING | {"status": "resolved"} | change, ARRIVAL)


def test_where_incidents_alone_are_asked_for_an_end_is_refused() -> None:
    assert "no ends are taken here" in reason_of(FIRING | {"status": "resolved"})
