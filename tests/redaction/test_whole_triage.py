"""One triage in which every source and the model are full of canaries: not one leaves, by any way that there is.

The registry's own entry of the incident and the alerts attached to it may hold what came in; everything else is read
byte by byte. The controls have a detector that finds nothing: there each canary is seen where it would have left.
"""

import base64
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from fakeredis import FakeRedis

from producers.intake import take_in
from tests.endpoint import StubEndpoint, answer, scripted
from tests.house import SICK, record, write_house
from tests.redaction.canaries import Blind, CanaryDetector, canaries_in
from worker import tasks
from worker.bootstrap import make_worker
from worker.cli.show import _as_json, _as_text
from worker.cli.shown import entry_to_show
from worker.contract.incident import Incident, Severity, identity
from worker.contract.observations import HealthReading
from worker.contract.queue import DEAD_LETTERS, RESULTS_STREAM, alerts_key, incident_key, journal_key, placeholders_key
from worker.contract.result import Disposition
from worker.duty import Worker
from worker.errors import OrderRefused, SourceUnavailable
from worker.escalation.consumer import EscalationConsumer
from worker.escalation.notifiers import ConsoleNotifier
from worker.logs import MaskingProcessor
from worker.ports import Directory, HealthSource, RestartOrder, Server
from worker.redaction import Detector, Kind, stateless_masker
from worker.redaction.sealing import Sealer
from worker.registry import Registry
from worker.registry.placeholder_store import PlaceholderStore
from worker.settings import load_settings

SERVER: Final = "payment-server-01"
_KEY_OF_SEVERAL_LINES: Final = "canary-key-begins\ncanary-key-goes-on\ncanary-key-ends"
CANARIES: Final = {
    "canary-alert": Kind.HOST,
    "canary-label": Kind.PASSWORD,
    "canary-later": Kind.USER,
    "canary-figure": Kind.EMAIL_ADDRESS,
    "canary-unread": Kind.HOST,
    "canary-line": Kind.API_KEY,
    _KEY_OF_SEVERAL_LINES: Kind.PRIVATE_KEY,
    "canary-restart": Kind.HOST,
    "canary-reply": Kind.PASSWORD,
    "canary-argument": Kind.USER,
    "canary-summary": Kind.IP_ADDRESS,
}
LOG: Final = f"WARNING canary-line hung\n{_KEY_OF_SEVERAL_LINES}\nERROR all request threads hung\n"
FINDS_ALL: Final = CanaryDetector(CANARIES)


@dataclass
class TalkativeServer:
    """The recorded server's health once, and then why it can't be read; and a service manager that says too much."""

    health: HealthSource
    reads: int = 0

    def read_health(self) -> HealthReading:
        self.reads += 1
        if self.reads > 1:
            raise SourceUnavailable("canary-unread did not answer")
        read = self.health.read_health()
        return read.model_copy(update={"figures": {**read.figures, "owner": "canary-figure"}})

    @property
    def restart_seconds(self) -> float:
        return 1.0

    def check(self) -> str:
        return "there"

    def restart(self, order: RestartOrder) -> None:
        raise OrderRefused("canary-restart refuses the order")


@dataclass(frozen=True)
class TalkativeDirectory:
    directory: Directory
    servers: dict[str, Server] = field(default_factory=dict)

    def server_of(self, incident: Incident) -> Server | str:
        server = self.directory.server_of(incident)
        if isinstance(server, str):
            return server
        talkative = TalkativeServer(server.health)
        return self.servers.setdefault(server.server_id, replace(server, health=talkative, service_manager=talkative))


MODEL: Final = (
    answer("canary-reply looks at it", ("get_server_health", {"server_id": SERVER})),
    answer(None, ("fetch_recent_logs", {"server_id": SERVER, "lines": 50}), ("ssh", {"user": "canary-argument"})),
    answer("canary-reply restarts", ("restart_service", {"server_id": SERVER})),
    answer(None, ("get_server_health", {"server_id": SERVER})),
    answer(None, ("escalate_to_engineer", {"summary": "canary-summary is down; canary-reply saw it."})),
)


def alert(text: str, started_at: datetime, **labels: str) -> Incident:
    return Incident(
        incident_id=identity("f", "s"),
        source="test",
        fingerprint="f" * 16,
        server_id=SERVER,
        text=f"{SERVER} hangs: {text}",
        labels=labels,
        severity=Severity.WARNING,
        group="payments",
        started_at=started_at,
        received_at=started_at,
    )


@dataclass
class Run:
    """What one incident left behind, by the way on which it left."""

    left: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    incident_id: str = ""

    def canaries(self, way: str) -> set[str]:
        return canaries_in(self.left[way], CANARIES)


Runs = Callable[..., Run]


@pytest.fixture
def logged() -> Iterator[Callable[[Detector], io.StringIO]]:
    """Let the worker's loggers write masked lines into a text, as `configure_logging` does on standard error."""
    before = structlog.get_config()

    def start(detector: Detector) -> io.StringIO:
        written = io.StringIO()
        steps: list[Any] = [structlog.processors.format_exc_info, MaskingProcessor(stateless_masker(detector))]
        structlog.configure(
            processors=[*steps, structlog.processors.JSONRenderer()],
            logger_factory=structlog.PrintLoggerFactory(written),
            cache_logger_on_first_use=False,
        )
        return written

    yield start
    structlog.configure(**before)


@pytest.fixture
def run(tmp_path: Path, logged: Callable[[Detector], io.StringIO], monkeypatch: pytest.MonkeyPatch) -> Runs:
    def run(detector: Detector, *, claims_before: int = 0) -> Run:
        written = logged(detector)
        redis: Any = FakeRedis(decode_responses=True)
        record(tmp_path / SERVER, SICK, LOG)
        with StubEndpoint(scripted(*MODEL)) as endpoint:
            settings = load_settings(
                _env_file=None, openai_base_url=endpoint.url, **write_house(tmp_path, {SERVER: "payments"})
            )
            worker = make_worker(settings, redis)
            store = PlaceholderStore(redis, Sealer([b"k" * 32], random_bytes=os.urandom))
            registry = Registry(redis, worker="w1", detector=detector, placeholder_store=store)
            worker = replace(worker, registry=registry, directory=TalkativeDirectory(worker.directory))
            monkeypatch.setitem(tasks._open_workers, "this", worker)
            incident_id = _triaged(worker, redis, claims_before)
            worker.close()
            registry.close()
        sent = b"\n".join(request.content for request in endpoint.requests).decode()
        return _left(redis, incident_id, {"HTTP bodies": sent, "worker's log": written.getvalue()}, detector, store)

    return run


def _triaged(worker: Worker, redis: Any, claims_before: int) -> str:
    first = alert("canary-alert", datetime(2026, 11, 22, 3, tzinfo=UTC), note="canary-label", alertname="Hangs")
    later = alert("canary-later", datetime(2026, 11, 22, 4, tzinfo=UTC))
    list(take_in(redis, [first, later.model_copy(update={"incident_id": identity("f", "later")})]))
    for _ in range(claims_before):
        with worker.registry.claim(first.incident_id) as claim:
            assert claim is not None
    tasks.triage_incident(first.incident_id)
    return first.incident_id


def _left(redis: Any, incident_id: str, left: dict[str, str], detector: Detector, store: PlaceholderStore) -> Run:
    paper = io.StringIO()
    EscalationConsumer(redis, ConsoleNotifier(paper), name="desk").deliver_pending(block_seconds=0)
    shown = entry_to_show(redis, incident_id, vault=store, detector=detector, reveal_why=None)
    left |= {
        "journal": "\n".join(redis.lrange(journal_key(incident_id), 0, -1)),
        "results": str(redis.xrange(RESULTS_STREAM)),
        "dead letters": "\n".join(_letter(fields) for _, fields in redis.xrange(DEAD_LETTERS)),
        "placeholders": str(redis.get(placeholders_key(incident_id))),
        "card": " ".join(paper.getvalue().split()),
        "show": _as_text(shown),
        "show --json": _as_json(shown),
    }
    kept_inside = {incident_key(incident_id), alerts_key(incident_id)}
    others = [key for key in redis.scan_iter() if key not in kept_inside]
    entry = redis.hgetall(incident_key(incident_id))
    left["entry"] = str({name: value for name, value in entry.items() if name != "incident"})
    left["every other key"] = "\n".join(str(redis.dump(key)) for key in others)
    result = shown.result
    return Run(left, result.disposition if result else "", incident_id)


def _letter(fields: dict[str, str]) -> str:
    """Return a letter with its content as it reads, which is kept in base64."""
    return f"{fields}\n{base64.b64decode(fields['content']).decode()}"


def test_not_one_canary_leaves_a_triage(run: Runs) -> None:
    seen = run(FINDS_ALL)
    assert seen.disposition == Disposition.ESCALATED
    assert {way: seen.canaries(way) for way in seen.left} == {way: set() for way in seen.left}
    assert "[PRIVATE_KEY]" in seen.left["HTTP bodies"]
    assert "[IP_ADDRESS_1] is down" in seen.left["card"]
    assert seen.left["placeholders"] != "None"
    assert "incident.finished" in seen.left["worker's log"]


def test_not_one_canary_leaves_an_incident_that_is_given_up(run: Runs) -> None:
    seen = run(FINDS_ALL, claims_before=5)
    assert seen.disposition == Disposition.DEAD_LETTERED
    assert {way: seen.canaries(way) for way in seen.left} == {way: set() for way in seen.left}
    assert "[HOST_1]" in seen.left["dead letters"]


def test_control_without_redaction_every_canary_is_on_its_way(run: Runs) -> None:
    seen = run(Blind())
    told_to_the_model = set(CANARIES) - {"canary-summary"}
    assert seen.canaries("HTTP bodies") == told_to_the_model
    assert seen.canaries("journal") | {"canary-alert", "canary-label"} == set(CANARIES)
    for way in ("results", "card", "show", "show --json", "entry", "every other key"):
        assert "canary-summary" in seen.canaries(way), way


def test_control_without_redaction_a_dead_letter_holds_the_alert(run: Runs) -> None:
    seen = run(Blind(), claims_before=5)
    assert "canary-alert" in seen.canaries("dead letters")
    assert "canary-alert" in seen.canaries("results")
