"""The restart guard in a storm of requests from many threads, on a real server; with a control that does double."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Lock

import pytest
from redis import Redis

from tests.guardrails.claims import ask
from tests.redis_servers import valkey_fixture as valkey_fixture  # noqa: PLC0414 - pytest finds fixtures by import
from worker.contract.result import Refusal, RestartOutcome
from worker.guardrails.restart_guard import Grant, RestartGuard, RestartLimits

LIMITS = RestartLimits(
    cooldown_seconds=600,
    server_restarts=2,
    server_window_seconds=3600,
    fleet_restarts=12,
    fleet_window_seconds=1800,
    fleet_concurrency=3,
    lease_seconds=60,
)
OPEN_HANDED = replace(LIMITS, cooldown_seconds=0, server_restarts=100, fleet_restarts=1000, fleet_concurrency=100)
THREADS, SERVERS, REQUESTS = 32, 20, 640


def storm(restart: Callable[[int], object]) -> None:
    """Call `restart` for every request number from 32 threads that start together."""
    together = Barrier(THREADS, timeout=30)

    def share(thread: int) -> None:
        together.wait()
        for number in range(thread, REQUESTS, THREADS):
            restart(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(share, range(THREADS)))


class Servers:
    """What was restarted, counted outside Redis: every restart, and how many were under way at once at the most."""

    def __init__(self) -> None:
        self.restarts: Counter[str] = Counter()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = Lock()

    def start(self, server_id: str) -> None:
        with self._lock:
            self.restarts[server_id] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)

    def end(self) -> None:
        with self._lock:
            self._at_once -= 1


@pytest.mark.integration
class TestStorm:
    @pytest.mark.parametrize("fleet_restarts", [12, 1000])
    def test_no_server_is_granted_twice_and_the_fleet_keeps_its_limits(
        self, valkey: Redis, fleet_restarts: int
    ) -> None:
        limits = replace(LIMITS, fleet_restarts=fleet_restarts)
        guards = [RestartGuard(valkey, limits, worker=f"w{number}") for number in range(8)]
        servers = Servers()

        def restart(number: int) -> None:
            guard, server_id = guards[number % 8], f"s{number // THREADS % SERVERS}"
            grant = ask(guard, f"inc-{number // 2}", server_id)
            if isinstance(grant, Refusal) or guard.mark_sent(grant) is not None:
                return
            servers.start(server_id)
            servers.end()
            guard.record(grant, RestartOutcome.RESTORED, "")

        storm(restart)
        assert servers.restarts
        assert set(servers.restarts.values()) == {1}
        assert servers.restarts.total() <= fleet_restarts
        assert servers.most_at_once <= 3

    def test_without_outcomes_the_fleet_concurrency_is_the_end(self, valkey: Redis) -> None:
        guard = RestartGuard(valkey, replace(OPEN_HANDED, fleet_concurrency=3), worker="w1")
        servers = Servers()

        def restart(number: int) -> None:
            grant = ask(guard, f"inc-{number}", f"s{number % SERVERS}")
            if isinstance(grant, Grant):
                servers.start(grant.server_id)

        storm(restart)
        assert servers.restarts.total() == 3
        assert len(guard.open_attempts()) == 3

    def test_control_a_naive_check_then_set_restarts_servers_twice(self, valkey: Redis) -> None:
        """The same storm and the same count, with a lock that is asked for first and taken afterwards."""
        servers = Servers()

        def restart(number: int) -> None:
            server_id = f"s{number // THREADS % SERVERS}"
            if valkey.exists(f"lock:{server_id}"):
                return
            valkey.set(f"lock:{server_id}", number)
            servers.start(server_id)
            servers.end()

        storm(restart)
        assert any(count > 1 for count in servers.restarts.values())

    def test_one_incident_delivered_to_all_threads_is_restarted_once(self, valkey: Redis) -> None:
        guard = RestartGuard(valkey, OPEN_HANDED, worker="w1")
        answers: list[Grant | Refusal] = []
        storm(lambda number: answers.append(ask(guard, "inc-1", f"s{number}")))
        assert sum(isinstance(answer, Grant) for answer in answers) == 1


@pytest.mark.integration
def test_a_worker_whose_clock_steps_gains_nothing(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = RestartGuard(valkey, LIMITS, worker="w1")
    grant = ask(guard, "inc-1", "s1")
    assert isinstance(grant, Grant)
    guard.mark_sent(grant)
    guard.record(grant, RestartOutcome.RESTORED, "")
    ask(guard, "inc-2", "s2")
    for worker_time in (0.0, 4e9):
        monkeypatch.setattr("time.time", lambda now=worker_time: now)
        answers = [ask(guard, "inc-3", server_id) for server_id in ("s1", "s2")]
        assert [answer.reason for answer in answers if isinstance(answer, Refusal)] == ["cooldown", "server_locked"]
