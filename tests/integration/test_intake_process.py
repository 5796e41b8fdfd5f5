"""`firstline intake` as a real process on a real Valkey: it starts only where it is safe, and keeps its promises."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from redis import Redis

from tests.integration.monitoring import post_json, running_alertmanager
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract.queue import incident_key

pytestmark = pytest.mark.integration

TOKEN = "0123456789abcdef-integration"
HEADERS = {"authorization": f"Bearer {TOKEN}"}
NOBODY = "redis://127.0.0.1:1/0"
numbers = itertools.count()


@dataclass
class Intake:
    """A running process, its log, and a client that has the token."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int
    client: httpx2.Client

    def post(self, alerts: object) -> httpx2.Response:
        return self.client.post("/v1/alerts", json=alerts)

    def posting(self, promises: "Promises", *, senders: int = 2) -> list[threading.Thread]:
        """Start senders that post until the process has gone."""
        threads = [threading.Thread(target=promises.collect, args=(self.port,)) for _ in range(senders)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(promises.accepted) > 50, seconds=20, log=self.log)
        return threads


@dataclass
class Promises:
    """What senders were told was accepted, and answers that were broken off."""

    accepted: list[str] = field(default_factory=list)
    broken_off: list[str] = field(default_factory=list)

    def collect(self, port: int) -> None:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=10) as client:
            while True:
                try:
                    answered = client.post("/v1/alerts", json=new_alerts(20))
                except httpx2.ConnectError:
                    return
                except httpx2.TransportError as error:
                    self.broken_off.append(str(error))
                    return
                if answered.status_code == 200:
                    said = answered.json()["answers"]
                    self.accepted.extend(each["incident_id"] for each in said if each["answer"] == "accepted")


def new_alerts(count: int) -> list[dict[str, object]]:
    return [
        {"server_id": f"web-{next(numbers)}", "error_msg": "hush: slow", "timestamp": 1_790_000_000}
        for _ in range(count)
    ]


def forgotten(redis: Redis, promised: Sequence[str]) -> list[str]:
    """Return the incidents that a sender was promised and the registry does not know."""
    return [incident_id for incident_id in promised if not redis.exists(incident_key(incident_id))]


@contextmanager
def open_intake(
    folder: Path, redis_url: str, *arguments: str, more: Mapping[str, object] | None = None
) -> Iterator[Intake]:
    log = folder / f"intake-{next(numbers)}.log"
    settings = {"redis_url": redis_url, "intake_tokens": TOKEN, "intake_sender_requests_per_second": 10_000}
    command = (sys.executable, "-m", "worker.cli", "intake", "--port", "0", *arguments)
    environment = environment_of(settings | dict(more or {}))
    with running(*command, environment=environment, log=log, grace_seconds=25) as process:
        wait_until(lambda: b"intake.started" in log.read_bytes(), seconds=30, log=log)
        port = next(json.loads(line)["port"] for line in log.read_text().splitlines() if "intake.started" in line)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=30) as client:
            yield Intake(process, log, port, client)


@pytest.fixture
def valkey_port(tmp_path: Path) -> Iterator[int]:
    with running_valkey(tmp_path) as port:
        yield port


@pytest.fixture
def valkey(valkey_port: int) -> Iterator[Redis]:
    with client_of(valkey_port) as client:
        yield client


@pytest.fixture
def intake(tmp_path: Path, valkey_port: int) -> Iterator[Intake]:
    with open_intake(tmp_path, f"redis://127.0.0.1:{valkey_port}/0") as running_intake:
        yield running_intake


@contextmanager
def frozen(redis: Redis) -> Iterator[None]:
    pid = int(redis.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        ((), {}, "FIRSTLINE_INTAKE_TOKENS"),
        ((), {"intake_tokens": "short"}, "16 characters"),
        (("--insecure", "--host", "192.0.2.1"), {}, "--insecure"),
        (("--host", "192.0.2.1"), {"intake_tokens": TOKEN}, "--host"),
        ((), {"intake_tokens": TOKEN, "intake_file": "/none/intake.toml"}, "/none/intake.toml"),
        ((), {"intake_tokens": TOKEN, "intake_body_limit_bytes": "much"}, "FIRSTLINE_INTAKE_BODY_LIMIT_BYTES"),
        (
            ("--spool", "/none/spool"),
            {"intake_tokens": TOKEN, "direct_escalation_url": "https://127.0.0.1/"},
            "FIRSTLINE_DIRECT_ESCALATION_KEY",
        ),
        (("--spool", "/proc/none"), {"intake_tokens": TOKEN}, "/proc/none"),
    ],
)
def test_what_is_not_safe_does_not_start_and_says_why(
    arguments: Sequence[str], settings: Mapping[str, object], told: str
) -> None:
    done = firstline("intake", "--port", "0", *arguments, environment=environment_of(settings))
    assert (done.returncode, told in done.stderr.decode()) == (2, True), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"short" not in done.stderr.replace(b"shorter", b"")


@pytest.mark.parametrize(("open_files", "started"), [(320, False), (1000, True)])
def test_with_too_few_open_files_for_its_requests_it_does_not_start_and_says_why(
    tmp_path: Path, open_files: int, *, started: bool
) -> None:
    """The other connections of a process that starts make do with what is left."""
    settings = {"intake_tokens": TOKEN, "redis_url": NOBODY}
    command = f'ulimit -n {open_files}; exec "$0" -m worker.cli intake --port 0'
    log = tmp_path / "intake.log"
    with running("sh", "-c", command, sys.executable, environment=environment_of(settings), log=log) as process:
        wait_until(lambda: b"intake.started" in log.read_bytes() or process.poll() is not None, seconds=30, log=log)
        assert (process.poll() is None, b"FIRSTLINE_INTAKE_REQUESTS_LIMIT" in log.read_bytes()) == (
            started,
            not started,
        )


def test_who_only_holds_connections_open_keeps_nobody_out(tmp_path: Path) -> None:
    with open_intake(tmp_path, NOBODY) as intake, ExitStack() as stack:
        address = ("127.0.0.1", intake.port)
        idle = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(900)]
        assert intake.client.get("/healthz").status_code == 200
        idle += [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(300)]
        assert httpx2.get(f"http://127.0.0.1:{intake.port}/healthz").status_code == 200
        assert idle[0].recv(1) == b""


def test_a_port_that_is_taken_is_told_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = firstline("intake", "--port", port, environment=environment_of({"intake_tokens": TOKEN}))
    assert (done.returncode, b"--port" in done.stderr) == (2, True), done.stderr


def test_on_loopback_everybody_may_be_let_in_by_saying_so(tmp_path: Path, valkey_port: int) -> None:
    url = f"redis://127.0.0.1:{valkey_port}/0"
    with open_intake(tmp_path, url, "--insecure", more={"intake_tokens": ""}) as intake:
        answered = httpx2.post(f"http://127.0.0.1:{intake.port}/v1/alerts", json=new_alerts(1))
        assert answered.json()["counts"] == {"accepted": 1}
        assert b"intake.opened_to_all" in intake.log.read_bytes()


def test_what_was_accepted_is_in_the_registry_and_nothing_of_it_in_the_log(intake: Intake, valkey: Redis) -> None:
    answered = intake.post([*new_alerts(3), {"hush": 1}])
    said = answered.json()
    assert said["counts"] == {"accepted": 3, "rejected": 1}
    assert forgotten(valkey, [each["incident_id"] for each in said["answers"][:3]]) == []
    assert intake.client.get("/readyz").status_code == 200
    assert httpx2.post(f"http://127.0.0.1:{intake.port}/v1/alerts", json=new_alerts(1)).status_code == 401
    assert b"hush" not in intake.log.read_bytes()
    assert TOKEN.encode() not in intake.log.read_bytes()


def test_without_redis_it_starts_answers_503_and_says_so(tmp_path: Path) -> None:
    with open_intake(tmp_path, NOBODY) as intake:
        answered = intake.post(new_alerts(1))
        assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")
        assert intake.client.get("/readyz").status_code == 503
        assert intake.client.get("/healthz").status_code == 200


def test_while_redis_is_frozen_every_answer_is_503_in_time_and_the_process_lives(intake: Intake, valkey: Redis) -> None:
    alerts = new_alerts(1)
    with frozen(valkey):
        began = time.monotonic()
        answered = intake.post(alerts)
        assert answered.status_code == 503
        assert time.monotonic() - began < 10
        assert intake.client.get("/healthz").status_code == 200
        assert intake.client.get("/readyz").status_code == 503
    wait_until(lambda: intake.client.get("/readyz").status_code == 200, seconds=10)
    assert intake.post(alerts).json()["counts"].keys() <= {"accepted", "duplicate"}


@pytest.mark.parametrize("round_number", range(3))
def test_killed_at_any_moment_it_has_kept_every_promise(intake: Intake, valkey: Redis, round_number: int) -> None:
    promises = Promises()
    senders = intake.posting(promises)
    intake.process.kill()
    for sender in senders:
        sender.join()
    assert len(promises.accepted) > 50
    assert forgotten(valkey, promises.accepted) == []


def test_the_count_of_promises_can_fail(intake: Intake, valkey: Redis) -> None:
    promised = [each["incident_id"] for each in intake.post(new_alerts(5)).json()["answers"]]
    valkey.delete(incident_key(promised[3]))
    assert forgotten(valkey, promised) == [promised[3]]


def test_when_redis_is_killed_while_alerts_come_no_promise_was_false(tmp_path: Path) -> None:
    promises = Promises()
    with ExitStack() as stack:
        first = stack.enter_context(running_valkey(tmp_path))
        intake = stack.enter_context(open_intake(tmp_path, f"redis://127.0.0.1:{first}/0"))
        senders = intake.posting(promises)
        with client_of(first) as redis:
            os.kill(int(redis.info("server")["process_id"]), signal.SIGKILL)
        wait_until(lambda: intake.post(new_alerts(1)).status_code == 503, seconds=10)
        intake.process.kill()
        for sender in senders:
            sender.join()
    with running_valkey(tmp_path) as again, client_of(again) as redis:
        assert forgotten(redis, promises.accepted) == []


def test_on_sigterm_what_is_being_answered_is_answered(intake: Intake, valkey: Redis) -> None:
    alerts, statuses = new_alerts(20), []
    with frozen(valkey):
        sender = threading.Thread(target=lambda: statuses.append(intake.post(alerts).status_code))
        sender.start()
        wait_until(lambda: intake.client.get("/healthz").status_code == 200, seconds=5)
        time.sleep(0.3)  # the post is on its thread now, and Redis does not answer
        intake.process.send_signal(signal.SIGTERM)
        wait_until(lambda: b"intake.stopping" in intake.log.read_bytes(), seconds=5, log=intake.log)
    sender.join()
    assert statuses == [200]
    assert intake.process.wait(20) == 0
    assert b"intake.stopped" in intake.log.read_bytes()


def test_sigterm_in_a_stream_of_posts_exits_with_0_and_breaks_no_promise(intake: Intake, valkey: Redis) -> None:
    promises = Promises()
    senders = intake.posting(promises)
    intake.process.send_signal(signal.SIGTERM)
    assert intake.process.wait(20) == 0
    for sender in senders:
        sender.join()
    assert forgotten(valkey, promises.accepted) == []


def test_a_real_alertmanager_keeps_what_was_answered_503_and_delivers_it_when_redis_is_back(
    tmp_path: Path, intake: Intake, valkey: Redis
) -> None:
    credentials = {"basic_auth": {"username": "alertmanager", "password": TOKEN}}
    webhook = {"url": f"http://127.0.0.1:{intake.port}/v1/alerts/alertmanager", "http_config": credentials}
    with running_alertmanager(tmp_path / "am", webhook_url="", receivers={"desk": webhook}) as alertmanager:
        with frozen(valkey):
            labels = {"alertname": "Slow", "instance": "web-kept:9100"}
            post_json(f"{alertmanager.url}/api/v2/alerts", [{"labels": labels, "annotations": {"summary": "slow"}}])
            wait_until(lambda: b'"status": 503' in intake.log.read_bytes(), seconds=30, log=intake.log)
        wait_until(lambda: b'"status": 200' in intake.log.read_bytes(), seconds=60, log=intake.log)
    kept = [str(valkey.hget(key, "incident")) for key in valkey.scan_iter(incident_key("*"))]
    assert ["web-kept" in incident for incident in kept] == [True]


def test_a_real_process_closes_who_drips_within_twenty_seconds(intake: Intake) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", intake.port), timeout=0.2) as connection:
        connection.sendall(b"POST /v1/alerts HTTP/1.1\r\n")
        answered: bytes | None = None
        while answered is None and time.monotonic() - began < 30:
            try:
                connection.sendall(b"x")
                answered = connection.recv(1024)
            except TimeoutError:
                continue
            except ConnectionError:
                answered = b""
    assert answered == b""
    assert time.monotonic() - began < 20


def test_a_redis_that_does_not_sync_each_write_is_named_at_the_start(tmp_path: Path, valkey: Redis) -> None:
    valkey.config_set("appendfsync", "everysec")
    port = valkey.connection_pool.connection_kwargs["port"]
    with open_intake(tmp_path, f"redis://127.0.0.1:{port}/0") as intake:
        wait_until(lambda: b"intake.durability_doubted" in intake.log.read_bytes(), seconds=10, log=intake.log)
        assert b"appendfsync" in intake.log.read_bytes()


def test_a_redis_that_does_is_not_doubted(intake: Intake) -> None:
    assert intake.post(new_alerts(1)).status_code == 200
    assert b"intake.durability_doubted" not in intake.log.read_bytes()


def test_with_a_spool_the_answer_is_yes_while_redis_is_away_and_it_is_kept(tmp_path: Path) -> None:
    spool, promised = tmp_path / "spool", new_alerts(3)
    with open_intake(tmp_path, NOBODY, "--spool", str(spool)) as intake:
        answered = intake.post(promised)
        assert (answered.status_code, answered.json()["counts"]) == (200, {"spooled": 3})
        intake.process.kill()
    incident_ids = [each["incident_id"] for each in answered.json()["answers"]]
    with ExitStack() as stack:
        port = stack.enter_context(running_valkey(tmp_path))
        redis = stack.enter_context(client_of(port))
        intake = stack.enter_context(open_intake(tmp_path, f"redis://127.0.0.1:{port}/0", "--spool", str(spool)))
        wait_until(lambda: forgotten(redis, incident_ids) == [], seconds=20, log=intake.log)
