"""Direct escalation: after two minutes without Redis each critical alert reaches an engineer, once, and its end too."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from producers.settings import ProducerConfigurationError
from producers.spool import Spool
from producers.spool.direct_escalation import DirectEscalation, PagerRefused, PagerUnavailable
from producers.spool.pagerduty_events import NOTE, EventsPager, open_pager, payload_of
from producers.spool.waiting import WaitingCritical
from tests.producers.spool_fakes import NOW, FakeDoor, FakeTime, firing, over
from worker.contract import Incident, Resolution, Severity

KEY = SecretStr("a-routing-key-of-32-characters--")


class FakePager:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.tries = 0
        self.sent: list[tuple[str, str]] = []

    def trigger(self, incident: Incident) -> None:
        self._send("trigger", incident.incident_id)

    def resolve(self, resolution: Resolution) -> None:
        self._send("resolve", resolution.incident_id)

    def _send(self, action: str, incident_id: str) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.sent.append((action, incident_id))


class Outage:
    """A spool whose Redis can go away, its clock, and the escalation that looks at it."""

    def __init__(self, directory: Path, pager: FakePager | None) -> None:
        self.directory = directory
        self.pager = pager
        self.time = FakeTime()
        self.door = FakeDoor()
        self.restart()

    def restart(self) -> None:
        self.spool = Spool(self.directory, self.door, now=self.time.now, monotonic_seconds=self.time)
        self.escalation = DirectEscalation(
            self.spool,
            self.pager,
            self.directory / "escalated.jsonl",
            monotonic_seconds=self.time,
            chance=lambda: 0.0,
        )

    def begins(self, *, seconds: float = 120) -> None:
        self.door.is_away = True
        self.spool.shipper.ship_page()
        self.time.seconds += seconds

    def ends(self) -> None:
        self.door.is_away = False
        while self.spool.shipper.ship_page() is not None:
            pass

    def look(self) -> float:
        """Look until there is nothing to do at once."""
        for _ in range(10_000):
            if seconds := self.escalation.look():
                return seconds
        raise AssertionError("it never rests")


@pytest.fixture
def pager() -> FakePager:
    return FakePager()


@pytest.fixture
def outage(tmp_path: Path, pager: FakePager) -> Outage:
    return Outage(tmp_path, pager)


FIRST, SECOND = (firing(number, Severity.CRITICAL) for number in (1, 2))


def test_before_two_minutes_nobody_is_paged_and_then_every_critical_alert_once(
    outage: Outage, pager: FakePager
) -> None:
    outage.spool.take_in([FIRST, firing(3), FIRST, SECOND])
    outage.begins(seconds=119)
    outage.look()
    assert pager.sent == []
    outage.time.seconds += 1
    outage.look()
    outage.look()
    assert pager.sent == [("trigger", FIRST.incident_id), ("trigger", SECOND.incident_id)]


def test_while_redis_answers_nobody_is_paged_however_long_alerts_wait(outage: Outage, pager: FakePager) -> None:
    outage.door.room = 0
    outage.spool.take_in([FIRST])
    outage.spool.shipper.ship_page()
    outage.time.seconds += 10_000
    outage.look()
    assert pager.sent == []


def test_what_comes_during_the_outage_is_paged_too(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    outage.begins()
    outage.look()
    outage.spool.take_in([SECOND])
    outage.look()
    assert pager.sent == [("trigger", FIRST.incident_id), ("trigger", SECOND.incident_id)]


def test_an_alert_that_ended_before_is_not_paged(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST, SECOND, over(FIRST)])
    outage.begins()
    outage.look()
    assert pager.sent == [("trigger", SECOND.incident_id)]


def test_the_end_of_a_paged_alert_is_told_once_and_a_new_firing_is_paged_anew(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    outage.begins()
    outage.look()
    outage.spool.take_in([over(FIRST), over(FIRST)])
    outage.look()
    outage.spool.take_in([FIRST])
    outage.look()
    assert pager.sent == [(action, FIRST.incident_id) for action in ("trigger", "resolve", "trigger")]


def test_a_storm_pages_once_a_group_also_over_a_restart_and_its_end_is_a_person_s(
    outage: Outage, pager: FakePager
) -> None:
    storm = [
        firing(number, Severity.CRITICAL).model_copy(update={"group": f"server={number % 2}"}) for number in range(50)
    ]
    outage.spool.take_in(storm)
    outage.begins()
    outage.look()
    assert pager.sent == [("trigger", storm[0].incident_id), ("trigger", storm[1].incident_id)]
    outage.restart()
    outage.begins()
    outage.spool.take_in([over(storm[0])])
    outage.look()
    assert len(pager.sent) == 2


def test_after_a_restart_nobody_is_paged_a_second_time(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST, SECOND])
    outage.begins()
    outage.look()
    outage.restart()
    outage.begins()
    outage.look()
    assert len(pager.sent) == 2
    outage.spool.take_in([over(SECOND)])
    outage.look()
    assert pager.sent[2:] == [("resolve", SECOND.incident_id)]


def restarted_every_119_seconds(outage: Outage, restarts: int) -> None:
    for _ in range(restarts):
        outage.begins(seconds=119)
        outage.look()
        outage.restart()
    outage.spool.shipper.ship_page()
    outage.look()


def test_restarts_of_intake_do_not_begin_the_two_minutes_anew(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    restarted_every_119_seconds(outage, 1)
    assert pager.sent == []
    outage.time.seconds += 1
    outage.look()
    assert pager.sent == [("trigger", FIRST.incident_id)]


def test_control_a_spool_that_forgets_since_when_its_alerts_wait_never_pages(
    outage: Outage, pager: FakePager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WaitingCritical, "oldest_received_at", lambda _: None)
    outage.spool.take_in([FIRST])
    restarted_every_119_seconds(outage, 10)
    assert pager.sent == []


def test_an_alert_that_ended_and_one_that_is_not_critical_say_nothing_of_how_long_engineers_wait(
    outage: Outage, pager: FakePager
) -> None:
    outage.spool.take_in([SECOND, firing(3), over(SECOND)])
    outage.begins(seconds=119)
    outage.spool.take_in([FIRST.model_copy(update={"received_at": outage.time.now()})])
    outage.restart()
    outage.begins(seconds=119)
    outage.look()
    assert pager.sent == []
    outage.time.seconds += 1
    outage.look()
    assert pager.sent == [("trigger", FIRST.incident_id)]


def test_once_redis_has_answered_an_outage_counts_from_its_own_beginning(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    outage.door.room = 0
    outage.time.seconds += 10_000
    outage.restart()
    outage.spool.shipper.ship_page()
    outage.begins(seconds=119)
    outage.look()
    assert pager.sent == []


def test_a_clock_that_was_set_back_costs_two_minutes_at_the_most(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    outage.time.steps_seconds = -10_000
    outage.restart()
    outage.begins(seconds=120)
    outage.look()
    assert pager.sent == [("trigger", FIRST.incident_id)]


def test_control_without_the_marks_a_restart_pages_again(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    outage.begins()
    outage.look()
    (outage.directory / "escalated.jsonl").unlink()
    outage.restart()
    outage.begins()
    outage.look()
    assert len(pager.sent) == 2


def test_a_torn_mark_costs_a_page_and_nothing_else(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST, SECOND])
    outage.begins()
    outage.look()
    marks = outage.directory / "escalated.jsonl"
    marks.write_bytes(marks.read_bytes()[:-20])
    outage.restart()
    outage.begins()
    outage.look()
    assert pager.sent[2:] == [("trigger", SECOND.incident_id)]


def test_when_redis_is_back_all_is_taken_in_and_the_marks_are_gone(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST, firing(3)])
    outage.begins()
    outage.look()
    outage.ends()
    outage.look()
    assert outage.door.taken == [FIRST, firing(3)]
    assert not (outage.directory / "escalated.jsonl").exists()
    outage.spool.take_in([SECOND])
    outage.begins(seconds=60)
    outage.look()
    assert len(pager.sent) == 1


def test_a_pager_that_is_away_is_tried_again_with_growing_pauses(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST])
    outage.begins()
    pager.error = PagerUnavailable("away")
    assert [outage.look() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    pager.error = PagerUnavailable("limited", retry_after_seconds=90)
    assert outage.look() == 90
    pager.error = None
    outage.look()
    assert pager.sent == [("trigger", FIRST.incident_id)]


def test_an_alert_that_the_pager_refuses_is_reported_and_holds_up_no_other(outage: Outage, pager: FakePager) -> None:
    outage.spool.take_in([FIRST, SECOND])
    outage.begins()
    pager.error = PagerRefused("status 400")
    outage.escalation.look()
    with capture_logs() as logs:
        outage.escalation.look()
    pager.error = None
    outage.look()
    assert [(entry["event"], entry["incident_id"]) for entry in logs] == [
        ("direct_escalation.refused", FIRST.incident_id)
    ]
    assert pager.sent == [("trigger", SECOND.incident_id)]


def test_without_a_pager_the_critical_alerts_that_wait_are_reported_once_a_minute(tmp_path: Path) -> None:
    outage = Outage(tmp_path, None)
    outage.spool.take_in([FIRST, SECOND, firing(3)])
    outage.begins()
    with capture_logs() as logs:
        for _ in range(125):
            assert outage.look() == 1
            outage.time.seconds += 1
    assert [(entry["event"], entry["log_level"], entry["critical_alerts"]) for entry in logs] == [
        ("direct_escalation.not_configured", "error", 2)
    ] * 3


def test_without_a_pager_and_without_critical_alerts_nothing_is_reported(tmp_path: Path) -> None:
    outage = Outage(tmp_path, None)
    outage.spool.take_in([firing(3)])
    outage.begins()
    with capture_logs() as logs:
        outage.look()
    assert logs == []


def test_the_page_says_what_where_since_when_and_that_nobody_has_looked() -> None:
    incident = FIRST.model_copy(update={"text": "x" * 16_000, "labels": {"alertname": "Slow"}, "service": "payments"})
    payload = payload_of(incident)
    assert payload["source"] == "server-1"
    assert (payload["severity"], payload["component"]) == ("critical", "payments")
    assert len(str(payload["summary"])) == 1024
    details = payload["custom_details"]
    assert isinstance(details, dict)
    assert details["note"] == "Firstline cannot reach its Redis; nobody has looked at this alert."
    assert (details["where"], details["since"]) == ("server-1", NOW.isoformat())
    assert details["labels"] == {"alertname": "Slow"}
    assert len(str(payload)) < 10_000


_TELLING = FIRST.model_copy(
    update={
        "text": "10.1.2.3 refuses password=hunter2",
        "server_id": "10.1.2.3",
        "service": "10.1.2.3",
        "group": "server=10.1.2.3",
        "labels": {"instance": "10.1.2.3:9100", "db_password": "hunter2"},
    }
)


def test_a_page_is_masked_whole_for_no_triage_has_been_there() -> None:
    payload = payload_of(_TELLING)
    assert payload["summary"] == "[IP_ADDRESS]: [IP_ADDRESS] refuses password=[PASSWORD]"
    assert (payload["source"], payload["group"]) == ("[IP_ADDRESS]", "server=[IP_ADDRESS]")
    assert "10.1.2.3" not in str(payload)
    assert "hunter2" not in str(payload)


@pytest.mark.integration
def test_a_trusted_pager_gets_addresses_and_never_secrets(httpserver: HTTPServer) -> None:
    received: list[str] = []

    def enqueue(request: Request) -> Response:
        received.append(request.get_data(as_text=True))
        return Response(status=202)

    httpserver.expect_request("/v2/enqueue", method="POST").respond_with_handler(enqueue)
    for is_trusted in (False, True):
        with open_pager(httpserver.url_for("/v2/enqueue"), KEY, is_trusted=is_trusted) as pager:
            assert pager is not None
            pager.trigger(_TELLING)
    assert ["10.1.2.3" in body for body in received] == [False, True]
    assert not any("hunter2" in body for body in received)


def test_a_page_of_an_alert_without_a_server_says_so() -> None:
    payload = payload_of(FIRST.model_copy(update={"server_id": None}))
    assert payload["summary"] == "no server was named: slow"
    assert payload["source"] == "cli"


@pytest.mark.parametrize(
    ("url", "key", "complaint"),
    [
        ("http://127.0.0.1/", None, "ESCALATION_KEY is not set"),
        (None, KEY, "ESCALATION_URL is not set"),
        ("pager.example", KEY, "must be an address"),
        ("ftp://pager.example", KEY, "must be an address"),
        ("https://", KEY, "must be an address"),
        ("https://pager.example:port", KEY, "must be an address"),
    ],
)
def test_half_a_configuration_stops_the_start(url: str | None, key: SecretStr | None, complaint: str) -> None:
    with pytest.raises(ProducerConfigurationError, match=complaint), open_pager(url, key):
        pass


def test_without_a_configuration_there_is_no_pager() -> None:
    with open_pager(None, None) as pager:
        assert pager is None


@pytest.fixture
def events(httpserver: HTTPServer) -> Iterator[EventsPager]:
    with open_pager(httpserver.url_for("/v2/enqueue"), KEY) as pager:
        assert pager is not None
        yield pager


@pytest.mark.integration
def test_events_arrive_in_pagerduty_s_form(httpserver: HTTPServer, events: EventsPager) -> None:
    received: list[object] = []

    def enqueue(request: Request) -> Response:
        received.append(request.get_json())
        return Response('{"status": "success"}', status=202)

    httpserver.expect_request("/v2/enqueue", method="POST").respond_with_handler(enqueue)
    events.trigger(FIRST)
    events.resolve(over(FIRST))
    identified = {"routing_key": KEY.get_secret_value(), "dedup_key": FIRST.incident_id}
    assert received == [
        identified | {"event_action": "trigger", "payload": payload_of(FIRST)},
        identified | {"event_action": "resolve"},
    ]
    assert NOTE in str(received[0])


@pytest.mark.integration
@pytest.mark.parametrize(("status", "retry_after", "seconds"), [(429, "30", 30), (429, "9999", 300), (503, "x", 0)])
def test_a_limit_or_an_error_of_the_pager_is_tried_again_later(
    httpserver: HTTPServer, events: EventsPager, status: int, retry_after: str, seconds: float
) -> None:
    httpserver.expect_request("/v2/enqueue").respond_with_data(status=status, headers={"Retry-After": retry_after})
    with pytest.raises(PagerUnavailable, match=str(status)) as raised:
        events.trigger(FIRST)
    assert raised.value.retry_after_seconds == seconds


@pytest.mark.integration
@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_a_wrong_address_or_key_is_tried_again_for_somebody_may_correct_it(
    httpserver: HTTPServer, events: EventsPager, status: int
) -> None:
    httpserver.expect_request("/v2/enqueue").respond_with_data(status=status, headers={"Location": "/elsewhere"})
    with pytest.raises(PagerUnavailable, match=str(status)):
        events.trigger(FIRST)
    assert len(httpserver.log) == 1


@pytest.mark.integration
def test_neither_the_address_nor_the_key_is_logged(
    httpserver: HTTPServer, events: EventsPager, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request("/v2/enqueue").respond_with_data(status=202)
    with caplog.at_level(logging.INFO):
        events.trigger(FIRST)
    assert "enqueue" not in "".join(record.getMessage() for record in caplog.records if record.name != "werkzeug")
    assert KEY.get_secret_value() not in caplog.text


@pytest.mark.integration
def test_an_event_that_is_wrong_is_not_sent_again(httpserver: HTTPServer, events: EventsPager) -> None:
    httpserver.expect_request("/v2/enqueue").respond_with_data(status=400)
    with pytest.raises(PagerRefused, match="400"):
        events.trigger(FIRST)


@pytest.mark.integration
def test_a_pager_that_refuses_the_connection_is_unavailable_and_its_address_is_not_told() -> None:
    with open_pager("http://127.0.0.1:9/secret-path", KEY) as pager:
        assert pager is not None
        with pytest.raises(PagerUnavailable) as raised:
            pager.trigger(FIRST)
    assert "secret" not in str(raised.value)
    assert KEY.get_secret_value() not in str(raised.value)
