"""The broker killed, frozen, cut off and full under a real worker process: it works again by itself, and loses nothing.

A slow model keeps triages running. The strikes share one worker, which must outlive them all, and at the end every
incident is counted; each other test has a Valkey and a worker of its own.
"""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from redis import Redis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.endpoint import MANNERS, StubEndpoint
from tests.faults.proxy import Proxy
from tests.house import WELL, record, write_house
from tests.programs import environment_of, running, wait_until
from tests.redis_servers import _binary, _free_port, _wait_until_ready, client_of
from worker.contract.queue import BROKER_KEY_PREFIX, DEAD_LETTERS, QUEUES, RESULTS_STREAM, incident_key, render_message

pytestmark = [pytest.mark.integration, pytest.mark.faults]

WORKER: Final = (sys.executable, "-m", "worker.cli", "worker")
PLAIN_WORKER: Final = (sys.executable, "-m", "celery", "-A", "worker", "worker", "--loglevel=INFO")
PLAIN_WORKER_ON_KOMBUS_TRANSPORT: Final = (
    sys.executable,
    "-c",
    "from worker.tasks import app; app.conf.broker_transport = None; app.worker_main(['worker', '--loglevel=INFO'])",
)
MODEL_SECONDS: Final = 0.4
"""A triage asks the model three times."""

SERVERS: Final = [f"web-server-{number:02}" for number in range(8)]
RESUMES_WITHIN_SECONDS: Final = 25
ANSWERS_WITHIN_SECONDS: Final = 80
"""What the broker lost is brought back by the sweeper after a lease (30 s), its patience (30 s) and its interval."""


class Broker:
    """A Valkey that can be killed and started again on the same port and files."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        self._command = [_binary(), *settings, "--appendonly", "yes", "--appendfsync", "always"]
        self.start()

    def start(self) -> None:
        self._server = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_until_ready(self._server, self.port)

    def kill(self) -> None:
        self._server.kill()
        self._server.wait(10)

    def freeze(self, *, seconds: float) -> None:
        self._server.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._server.send_signal(signal.SIGCONT)


class Desk:
    """What a test needs of all this."""

    def __init__(self, folder: Path, broker: Broker, proxy: Proxy, redis: Redis, model_url: str) -> None:
        self.broker, self.proxy, self.redis = broker, proxy, redis
        self.log = folder / "worker.log"
        for server in SERVERS:
            record(folder / server, WELL, "INFO 200 GET /\n")
        settings = write_house(folder, dict.fromkeys(SERVERS, "web")) | {
            "redis_url": f"redis://127.0.0.1:{proxy.port}/0",
            "worker_concurrency": 2,
        }
        self.environment = environment_of(settings) | {"OPENAI_BASE_URL": model_url}

    @contextmanager
    def worker(self, command: tuple[str, ...] = WORKER) -> Iterator[subprocess.Popen[bytes]]:
        with running(*command, environment=self.environment, log=self.log) as worker:
            self.wait_until(lambda: "ready." in self.log.read_text(), seconds=30)
            yield worker

    def submit(self, count: int) -> list[str]:
        """Take new incidents in; their servers are well, and each will have one result."""
        incidents = [
            parse_text(f"{SERVERS[number % len(SERVERS)]} is slow", received_at=datetime.now(UTC), unique=uuid4().hex)
            for number in range(count)
        ]
        return [verdict.incident_id for verdict in take_in(self.redis, incidents)]

    def entries(self, stream: str) -> list[dict[str, str]]:
        found: Any = self.redis.xrange(stream)
        return [fields for _, fields in found]

    def results(self) -> Counter[str]:
        return Counter(fields["incident_id"] for fields in self.entries(RESULTS_STREAM))

    def running(self, incident_ids: list[str]) -> int:
        return sum(self.redis.hget(incident_key(incident_id), "state") == "CLAIMED" for incident_id in incident_ids)

    def wait_until(self, is_so: Callable[[], bool], *, seconds: float) -> None:
        wait_until(is_so, seconds=seconds, log=self.log)


@contextmanager
def open_desk(folder: Path) -> Iterator[Desk]:
    broker = Broker(folder)
    try:
        with (
            Proxy(broker.port) as proxy,
            client_of(broker.port) as redis,
            StubEndpoint(MANNERS["sane"], delay_seconds=MODEL_SECONDS) as model,
        ):
            yield Desk(folder, broker, proxy, redis, model.url)
    finally:
        broker.kill()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path) as desk:
        yield desk


@dataclass
class Shift:
    """One worker that has to outlive everything, and all the incidents that it was promised to answer."""

    desk: Desk
    worker: subprocess.Popen[bytes]
    accepted: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shift]:
    with open_desk(tmp_path_factory.mktemp("shift")) as desk, desk.worker() as worker:
        yield Shift(desk, worker)


def killed_and_started_again(desk: Desk) -> None:
    desk.broker.kill()
    time.sleep(2)
    desk.broker.start()


def frozen_for_10_s(desk: Desk) -> None:
    desk.broker.freeze(seconds=10)


def black_hole_for_6_s(desk: Desk) -> None:
    with desk.proxy.swallowing():
        time.sleep(6)


def cut_every_second_for_10_s(desk: Desk) -> None:
    for _ in range(10):
        assert desk.proxy.cut() > 0
        time.sleep(1)


def replies_lost_for_3_s(desk: Desk) -> None:
    with desk.proxy.dropping_replies():
        time.sleep(3)


def full_for_5_s(desk: Desk) -> None:
    desk.redis.config_set("maxmemory", "1mb")
    time.sleep(5)
    desk.redis.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    "strike",
    [
        killed_and_started_again,
        frozen_for_10_s,
        black_hole_for_6_s,
        cut_every_second_for_10_s,
        replies_lost_for_3_s,
        full_for_5_s,
    ],
)
def test_the_same_worker_goes_on_after_the_broker_was(shift: Shift, strike: Callable[[Desk], None]) -> None:
    desk = shift.desk
    before = desk.submit(8)
    desk.wait_until(lambda: desk.running(before) == 2, seconds=30)
    strike(desk)

    after = desk.submit(4)
    shift.accepted += before + after
    desk.wait_until(lambda: any(desk.results()[incident_id] for incident_id in after), seconds=RESUMES_WITHIN_SECONDS)
    assert shift.worker.poll() is None, "the worker has ended"


def test_after_all_that_every_accepted_incident_has_one_result(shift: Shift) -> None:
    desk = shift.desk
    desk.wait_until(lambda: len(desk.results()) == len(shift.accepted), seconds=ANSWERS_WITHIN_SECONDS)
    assert desk.results() == Counter(shift.accepted)
    assert shift.worker.poll() is None


def test_on_kombus_own_transport_a_worker_ends_when_the_broker_dies(desk: Desk) -> None:
    """The control: one running triage, one free slot. Should this fail, `Channel.close` may have become needless."""
    with desk.worker(PLAIN_WORKER_ON_KOMBUS_TRANSPORT) as worker:
        running = desk.submit(1)
        desk.wait_until(lambda: desk.running(running) == 1, seconds=10)
        desk.broker.kill()
        worker.wait(60)  # its triage asks Redis again for as long as its lease lives
    assert "'NoneType' object has no attribute 'hostname'" in desk.log.read_text()


def test_on_ours_it_outlives_the_broker_in_the_same_state(desk: Desk) -> None:
    with desk.worker(PLAIN_WORKER) as worker:
        running = desk.submit(1)
        desk.wait_until(lambda: desk.running(running) == 1, seconds=10)
        killed_and_started_again(desk)
        after = desk.submit(1)
        desk.wait_until(lambda: desk.results()[after[0]] == 1, seconds=RESUMES_WITHIN_SECONDS)
        assert worker.poll() is None


def spoiled(**changes: object) -> bytes:
    return json.dumps(json.loads(render_message("inc-" + "0" * 20, QUEUES[1])) | changes).encode()


def with_body(body: bytes) -> bytes:
    return spoiled(body=body.decode())


POISON: Final = [
    b"this is not JSON",
    spoiled()[:200],
    b"42",
    b"\xff\xfe",
    spoiled(properties=None),
    spoiled(headers=None),
    spoiled(body="!not JSON!"),
    spoiled(properties={"body_encoding": "base64"}),
    spoiled(headers={"task": "os.system", "id": "x"}),
    with_body(b"42"),
    with_body(b"[[], {}]"),
    with_body(b"[[], {}, {}]"),
    with_body(b'[["inc-00000000000000000000", "inc-00000000000000000000"], {}, {}]'),
    with_body(b'[["inc-1; reboot"], {}, {}]'),
    with_body(b'[["inc-00000000000000000000"], {"more": 1}, {}]'),
    spoiled(**{"content-type": "application/x-python-serialize"}),
    spoiled(**{"content-type": "application/x-yaml"}),
    b"[" * 10_000,
    spoiled(body=base64.b64encode(os.urandom(48 * 1024 * 1024)).decode()),
]
"""The last has 64 MiB."""


def test_poison_stops_no_worker_blocks_no_queue_and_becomes_dead_letters(desk: Desk) -> None:
    queue = BROKER_KEY_PREFIX + QUEUES[1]
    good = []
    for content in POISON:
        desk.redis.lpush(queue, content)
        good += desk.submit(1)
    notes = ["nonsense", json.dumps([json.loads(with_body(b"42")), "", QUEUES[1]])]
    for tag, note in enumerate(notes):
        desk.redis.hset(f"{BROKER_KEY_PREFIX}unacked", str(tag), note)
        desk.redis.zadd(f"{BROKER_KEY_PREFIX}unacked_index", {str(tag): 1})

    with desk.worker() as worker:
        desk.wait_until(lambda: all(desk.results()[incident_id] == 1 for incident_id in good), seconds=60)
        desk.wait_until(lambda: desk.redis.xlen(DEAD_LETTERS) == len(POISON) + len(notes), seconds=30)
        assert worker.poll() is None
    letters = desk.entries(DEAD_LETTERS)
    assert {hashlib.sha256(content).hexdigest() for content in POISON} < {
        letter["content_sha256"] for letter in letters
    }
    assert max(len(letter["content"]) for letter in letters) < 400_000
    assert desk.results().total() == len(good) + len(letters), "dead letters are escalated, too"


def test_a_worker_told_to_stop_finishes_its_triages_and_takes_no_new_one(desk: Desk) -> None:
    with desk.worker() as worker:
        ids = desk.submit(6)
        desk.wait_until(lambda: desk.running(ids) == 2, seconds=10)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
    assert desk.results().total() == 2
    assert desk.running(ids) == 0

    with desk.worker():
        desk.wait_until(lambda: desk.results() == Counter(ids), seconds=30)
