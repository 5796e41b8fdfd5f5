"""The site of a row: a real Valkey behind a proxy, two supervised workers, recorded servers, a producer and a ledger.

A row submits incidents, does harm, and says when; what came of it is read from the results stream and from the servers'
own files.
"""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, Self
from unittest.mock import patch
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import RedisError

from producers import intake
from producers.sources.plain import parse_text
from tests.endpoint import StubEndpoint
from tests.faults.fenced import host_answers
from tests.faults.fleet import Fleet
from tests.faults.ledger import Figures, Ledger, restarts_in
from tests.faults.proxy import Proxy
from tests.faults.results import ResultsReader
from tests.faults.settings import environment_of_faults
from tests.faults.setup import WORKERS, Setup, server_name, write_servers
from tests.faults.traps import Traps
from tests.faults.words import untruths
from tests.programs import environment_of, wait_until
from worker.bootstrap import connect, make_guard
from worker.clock import SystemClock
from worker.contract.incident import Incident
from worker.contract.result import Disposition, TriageResult
from worker.embedded import EmbeddedValkey
from worker.escalation.approving import Approving
from worker.guardrails.policy import Policy
from worker.guardrails.restart_guard import RestartGuard
from worker.infrastructure.inventory import Inventory
from worker.registry.view import RegistryView
from worker.settings import load_settings

__all__ = ["PATIENCE_SECONDS", "Site"]

PATIENCE_SECONDS: Final = 1.0
_INTAKE_SECONDS: Final = 60.0
_SILENCE_SECONDS: Final = 0.3
_TRIALS_BETWEEN_VISITS: Final = 10
"""In a long run every server would be closed at last, and nothing would be tried any more."""

_DEBUG: Final = {"enable-debug-command": "local"}
"""Only here: a product's server obeys no `DEBUG SLEEP`."""


class Site:
    """`with Site(folder, setup, seed=1) as site:` is ready when both workers beat. For one thread.

    `server` is the Redis or Valkey to run; without it, the embedded one.
    """

    def __init__(self, folder: Path, setup: Setup, *, seed: int, server: Path | None = None) -> None:
        self.setup = setup
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.valkey = EmbeddedValkey(folder / "valkey", binary=server, more_settings=_DEBUG)
        self.traps = Traps(folder / "traps")
        self.deadline = time.monotonic() + 3600
        """No trial is begun after it, by the monotonic clock."""
        self.allowed_minutes = 0.0
        """How long a long run may take; 0 in a short one."""
        self.endpoint = StubEndpoint(setup.manner) if setup.manner else None
        self.folder = folder
        self._stack = ExitStack()
        self._numbers = {kind: count() for kind in setup.servers}
        self._incidents = count()
        self.exits_before = 0
        self._saves_before = 0
        self.longest_offer_seconds = 0.0

    def __enter__(self) -> Self:
        with self._stack as stack:
            stack.enter_context(patch.object(intake, "SWEEPER_PATIENCE_SECONDS", PATIENCE_SECONDS))
            stack.enter_context(self.valkey)
            settings = write_servers(self.folder, self.setup) | {"redis_url": self.valkey.url, **self.setup.settings}
            self.proxy = stack.enter_context(Proxy(urlsplit(self.valkey.url).port or 0))
            self._settings = load_settings(_env_file=None, **settings)
            self.redis = stack.enter_context(connect(self._settings))
            self._results = ResultsReader(self.redis)
            if self.endpoint is not None:
                stack.enter_context(self.endpoint)
            stack.callback(time.sleep, _SILENCE_SECONDS)  # the proxy sees the last connections end before it does
            self.fleet = stack.enter_context(self._fleet(settings))
            wait_until(lambda: len(RegistryView(self.redis).workers()) == WORKERS, seconds=60)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def proxied_url(self) -> str:
        """Redis' address with the proxy in between."""
        return self.valkey.url.replace(f":{urlsplit(self.valkey.url).port}/", f":{self.proxy.port}/")

    def trials(self, number: int) -> Iterator[int]:
        """Count up to `number` trials, as long as the time allows; now and then a person frees what is closed."""
        for trial in range(number):
            if time.monotonic() > self.deadline:
                return
            if trial and trial % _TRIALS_BETWEEN_VISITS == 0:
                self.settle()
                self.resolve_all()
            self.ledger.trials += 1
            yield trial

    def submit(self, kind: str, number: int = 1) -> list[str]:
        """Send incidents of the next servers of a kind, until they are accepted; return their ids."""
        return self.send([self.incident(self.next_server(kind)) for _ in range(number)])

    def send(self, incidents: Sequence[Incident], *, patience_seconds: float = _INTAKE_SECONDS) -> list[str]:
        """Send incidents until each has its answer, as a producer must; return their ids."""
        waiting = list(incidents)
        give_up = time.monotonic() + patience_seconds
        while (waiting := self.offer(waiting)) and time.monotonic() < give_up:
            time.sleep(0.2)
        if waiting:
            self.complain(f"intake had no answer for {len(waiting)} incidents in {patience_seconds:g} s")
        return [incident.incident_id for incident in incidents]

    def offer(self, incidents: Sequence[Incident], *, redis: Redis | None = None) -> list[Incident]:
        """Send incidents once, over a connection of their own or this one; return those that were not taken."""
        answered = set()
        started = time.monotonic()
        try:
            with nullcontext(redis) if redis else intake.connect(self.valkey.url) as connection:
                for verdict in intake.take_in(connection, incidents):
                    if verdict.answer is intake.Answer.FULL:
                        continue
                    answered.add(verdict.incident_id)
                    self.ledger.accepted[verdict.incident_id] = time.time()
                    self.note("answered duplicate", verdict.answer is intake.Answer.DUPLICATE)
        except intake.IntakeUnavailable:
            self.note("offers refused", 1)
        self.longest_offer_seconds = max(self.longest_offer_seconds, time.monotonic() - started)
        return [incident for incident in incidents if incident.incident_id not in answered]

    def incident(self, server: str) -> Incident:
        """Make the next incident on a server."""
        text = f"{server} is slow and times out"
        return parse_text(text, received_at=datetime.now(UTC), unique=f"{server}-{next(self._incidents)}")

    def next_server(self, kind: str) -> str:
        """Return the next server of a kind; after the last comes the first again, as sick as it was at first."""
        servers = self.setup.servers[kind]
        round_number, number = divmod(next(self._numbers[kind]), servers.number)
        server = server_name(kind, number)
        if round_number and servers.is_cured:
            restarts = self.folder / server / "restarts.jsonl"
            with suppress(FileNotFoundError):
                restarts.rename(restarts.with_name(f"restarts.{round_number}.jsonl"))
        return server

    def fault(self) -> None:
        """Note that harm is done now: whatever is open has to recover from it."""
        self.ledger.faults.append(time.time())

    def complain(self, sentence: str) -> None:
        """Note that something was not as it should be."""
        sys.stderr.write(f"    complaint: {sentence}\n")
        self.ledger.complaints.append(sentence)

    def note(self, name: str, number: float) -> None:
        """Add a number to the row's notes; nothing is noted of nothing."""
        if number:
            self.ledger.notes[name] = self.ledger.notes.get(name, 0) + number

    def settle(self) -> bool:
        """Wait until every promised incident has its result; False when that takes too long."""
        give_up = time.monotonic() + self.setup.settle_seconds
        while self._read_results() and time.monotonic() < give_up:
            time.sleep(0.1)
        return not self.ledger.unanswered()

    def is_answered(self, incident_id: str) -> bool:
        """Say whether an incident has its result."""
        self._read_results()
        return incident_id in self.ledger.results

    def results(self) -> dict[str, TriageResult]:
        """Return the results of this row's incidents."""
        self._read_results()
        return self._results.results(self.ledger.accepted)

    def restarts_of(self, *incident_ids: str) -> int:
        """Count the restarts that servers have noted for these incidents."""
        wanted = frozenset(incident_ids)
        return sum(restart.incident_id in wanted for restart in restarts_in(self.folder))

    def host_answers(self, server: str, incident_id: str) -> list[int]:
        """Return how a fenced server's restart command has answered orders for an incident: its exit codes."""
        return host_answers(self.folder / server, incident_id)

    def expect_not_halted(self) -> None:
        """Complain when the kill switch has tripped."""
        if (why := self._guard().halted()) is not None:
            self.complain(f"the kill switch has tripped: {why}")

    def approving(self) -> Approving:
        """Return what takes an engineer's word on this site's proposals."""
        inventory = Inventory.load(self._settings.inventory_file, SystemClock())
        return Approving(redis=self.redis, servers=inventory, within_seconds=600)

    def resolve_all(self) -> None:
        """Free every server whose restart has no known outcome, as a person would; one under a lease has to wait.

        Complains of one that nobody was told of.
        """
        guard = self._guard()
        results = self.results()
        for attempt in guard.open_attempts():
            result = results.get(attempt.incident_id)
            if guard.resolve(attempt, person="test", why="looked after") is not None or result is None:
                continue
            self.note("servers closed for a person", 1)
            if result.disposition in (Disposition.RECOVERED, Disposition.NO_ACTION):
                self.complain(f"{attempt.server_id} is closed, and nobody was told: {result.disposition}")

    def close_row(self) -> Figures:
        """Wait for what is open, judge the row, and begin a new ledger."""
        self.settle()
        for incident_id in list(self.ledger.unanswered())[:5]:
            entry: Any = self.redis.hgetall(f"firstline:incident:{incident_id}")
            entry.pop("incident", None)
            sys.stderr.write(f"    unanswered: {incident_id} {json.dumps(entry)[:600]}\n")
        self._judge_words()
        self.resolve_all()
        self.traps.disarm_all()
        saves = self.fleet.count_in_logs("incident.reenqueued")
        self.note("worker exits", self.fleet.exits - self.exits_before)
        self.note("sweeper saves", saves - self._saves_before)
        self.exits_before, self._saves_before = self.fleet.exits, saves
        figures = self.ledger.figures(restarts_in(self.folder), self.setup.limits)
        self.ledger = Ledger()
        self._results.forget()
        return figures

    def _judge_words(self) -> None:
        """Complain of every result that tells of a restart what is not so."""
        restarts = Counter(restart.incident_id for restart in restarts_in(self.folder))
        guard = self._guard()
        for incident_id, result in self.results().items():
            attempt = guard.attempt_of(incident_id)
            state = attempt.state if attempt else None
            for untruth in untruths(result, restarts=restarts[incident_id], state=state):
                self.complain(f"{incident_id} {untruth}")

    def _guard(self) -> RestartGuard:
        return make_guard(self.redis, Policy.load(self._settings.policy_file), worker="a person")

    def _read_results(self) -> bool:
        """Read on in the results stream. True while something is unanswered."""
        try:
            arrived = self._results.read_on()
        except RedisError:
            return True
        for incident_id, at in arrived:
            self.ledger.results.setdefault(incident_id, []).append(at)
        return bool(self.ledger.unanswered())

    def _fleet(self, settings: Mapping[str, Any]) -> Fleet:
        environments = []
        for number, clock in enumerate(self.setup.worker_clocks):
            name = {"worker_name": f"worker-{number}", "redis_url": self.proxied_url}
            environment = environment_of({**settings, **name})
            folders = {"traps_folder": self.folder / "traps", "servers_folder": self.folder}
            faults = {**folders, "clock": clock, **self.setup.faults}
            environment |= environment_of_faults(**faults)
            if self.endpoint is not None:
                environment["OPENAI_BASE_URL"] = self.endpoint.url
            environments.append(environment)
        celery = (sys.executable, "-m", "celery", "-A", "tests.faults.crashing_app", "worker")
        options = ("--without-gossip", "--without-mingle", "--loglevel=INFO")
        return Fleet((*celery, *options), environments, logs=self.folder / "logs")
