"""Rows 3 and 8 to 16: the broker dies, freezes, is cut off or repeats itself, and strangers write to its queues."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from signal import SIGCONT, SIGSTOP
from threading import Timer
from typing import Any, Final

from redis import Redis

from producers import intake
from tests.faults.site import Site
from tests.programs import wait_until
from worker.contract.incident import Severity
from worker.contract.queue import BROKER_KEY_PREFIX, DEAD_LETTERS, queue_of, render_message
from worker.contract.result import Disposition

__all__ = [
    "broker_down_for_long",
    "broker_frozen",
    "broker_killed",
    "broker_killed_during_restarts",
    "clients_killed",
    "connections_cut",
    "delivered_six_times",
    "longer_than_the_visibility_timeout",
    "network_swallows",
    "poisoned",
    "replies_lost",
]

_RESTARTS_AT_ONCE: Final = 3
_AWAY_DURING_RESTARTS_SECONDS: Final = 2.5
"""A restart takes 1 s here, and its verification less; a claim lives for 10 s."""

_DOWN_SECONDS: Final = 15
_DOWN_FOR_LONG_SECONDS: Final = 60
_DOWN_FOR_LONGEST_SECONDS: Final = 600
_MINUTES_FOR_THE_LONGEST: Final = 45
_FROZEN_SECONDS: Final = 10
_ASLEEP_SECONDS: Final = 8
_FALLS_ASLEEP_SECONDS: Final = 0.2
_SWALLOWED_SECONDS: Final = 6
_SWALLOWED_FOR_LONG_SECONDS: Final = 120
_ANSWERED_AFTER_SECONDS: Final = 60
_LONGEST_OFFER_SECONDS: Final = 6
_QUEUE: Final = queue_of(Severity.WARNING)
_QUEUE_KEY: Final = BROKER_KEY_PREFIX + _QUEUE
_COPIES: Final = 5
_LOST_AT_ONCE: Final = 3
_BURIED_WITHIN_SECONDS: Final = 30
_MEBIBYTE: Final = 1_048_576


def clients_killed(site: Site, trials: int) -> None:
    """Row 3: every client of Redis is disconnected, twice a second, under load."""
    for _ in site.trials(trials):
        site.submit("cured", 2)
        site.submit("stubborn", 1)
        time.sleep(site.random.uniform(0.2, 0.5))
        site.fault()
        killed: Any = site.redis.client_kill_filter(_type="normal", skipme=True)
        site.note("connections", killed)


def broker_killed(site: Site, trials: int) -> None:
    """Row 8: SIGKILL of the server, back with its append-only file."""
    for _ in site.trials(trials):
        site.submit("cured", 4)
        site.submit("stubborn", 2)
        time.sleep(site.random.uniform(0.0, 0.6))
        site.fault()
        site.valkey.kill()
        time.sleep(site.random.uniform(0.5, 3.0))
        site.valkey.start()
        site.submit("cured", 2)
        site.settle()


def broker_killed_during_restarts(site: Site, trials: int) -> None:
    """Row 8, with the kill switch alive: the broker is away when three restarts that help would be recorded."""
    for _ in site.trials(trials):
        incident_ids = site.submit("brief", _RESTARTS_AT_ONCE)
        wait_until(partial(_are_all_restarted, site, incident_ids), seconds=20)
        site.fault()
        site.valkey.kill()
        time.sleep(_AWAY_DURING_RESTARTS_SECONDS)
        site.valkey.start()
        site.settle()
    for incident_id, result in site.results().items():
        if result.disposition is not Disposition.RECOVERED:
            site.complain(f"{incident_id} was restarted, which helped, and ended as {result.disposition}")
    site.expect_not_halted()


def broker_down_for_long(site: Site, trials: int) -> None:
    """Row 9: the server is away for longer than every timeout; the producer keeps what it could not send.

    15 s; a long run begins with 60 s, or with ten minutes when it has the time.
    """
    longest = _DOWN_FOR_LONG_SECONDS
    if site.allowed_minutes >= _MINUTES_FOR_THE_LONGEST:
        longest = _DOWN_FOR_LONGEST_SECONDS
    for trial in site.trials(trials):
        seconds = _longer_at_first(site, trial, usual=_DOWN_SECONDS, longest=longest)
        site.submit("cured", 4)
        site.fault()
        site.valkey.kill()
        _meanwhile(site, seconds, site.valkey.start)
        site.settle()
        site.note("seconds down", seconds)


def broker_frozen(site: Site, trials: int) -> None:
    """Row 10: DEBUG SLEEP for 8 s and SIGSTOP of the server for 10 s, by turns; a producer gets its no in seconds."""
    manners = (_put_to_sleep, _stop_for_a_while)
    for trial in site.trials(trials):
        site.submit("cured", 4)
        site.longest_offer_seconds = 0.0
        site.fault()
        manners[trial % len(manners)](site)
        site.settle()
        if site.longest_offer_seconds > _LONGEST_OFFER_SECONDS:
            site.complain(f"a producer waited {site.longest_offer_seconds:.1f} s for its answer")


def connections_cut(site: Site, trials: int) -> None:
    """Row 11: the network resets every connection, each second."""
    for _ in site.trials(trials):
        site.submit("cured", 3)
        site.submit("stubborn", 2)
        time.sleep(site.random.uniform(0.5, 1.0))
        site.fault()
        site.note("connections", site.proxy.cut())


def network_swallows(site: Site, trials: int) -> None:
    """Row 12: connections stay open, and nothing comes through for 6 s; a long run begins with two minutes."""
    for trial in site.trials(trials):
        seconds = _longer_at_first(site, trial, usual=_SWALLOWED_SECONDS, longest=_SWALLOWED_FOR_LONG_SECONDS)
        site.submit("cured", 4)
        site.submit("stubborn", 2)
        time.sleep(site.random.uniform(0.0, 0.5))
        site.fault()
        with site.proxy.swallowing():
            time.sleep(seconds)
        site.settle()
        site.note("seconds swallowed", seconds)


def replies_lost(site: Site, trials: int) -> None:
    """Row 13: what a producer and the workers write arrives, and its answer does not."""
    for _ in site.trials(trials):
        incidents = [site.incident(site.next_server("cured")) for _ in range(_LOST_AT_ONCE)]
        site.submit("stubborn", 2)
        with intake.connect(site.proxied_url) as redis:
            redis.ping()
            site.fault()
            with site.proxy.dropping_replies():
                unanswered = site.offer(incidents, redis=redis)
        site.send(unanswered)
        site.settle()
    if site.ledger.notes.get("answered duplicate", 0) != _LOST_AT_ONCE * site.ledger.trials:
        site.complain("not every incident that had arrived was answered as a duplicate")


def delivered_six_times(site: Site, trials: int) -> None:
    """Row 14: the broker hands the same message out six times at once; one claim works."""
    for _ in site.trials(trials):
        incident_ids = site.submit("stubborn", 3)
        site.fault()
        copies = [render_message(incident_id, _QUEUE) for incident_id in incident_ids for _ in range(_COPIES)]
        site.redis.lpush(_QUEUE_KEY, *copies)
        site.settle()
    _expect_one_claim_each(site)


def longer_than_the_visibility_timeout(site: Site, trials: int) -> None:
    """Row 15: a triage lasts longer than the broker believes its worker to live."""
    refused_before = site.fleet.count_in_logs("delivery.skipped")
    for _ in site.trials(trials):
        site.submit("slow", 4)
        site.fault()
        site.settle()
    refused = site.fleet.count_in_logs("delivery.skipped") - refused_before
    site.note("deliveries refused", refused)
    if not refused:
        site.complain("nothing was delivered again, so nothing was tried")
    _expect_one_claim_each(site)


def poisoned(site: Site, trials: int) -> None:
    """Row 16: what no worker can read stands in the queue, between incidents; each is kept, and the queue moves on."""
    for trial in site.trials(trials):
        poisons = _poisons(megabytes=64 if trial == 0 else 1)
        expected = site.redis.xlen(DEAD_LETTERS) + len(poisons)
        site.fault()
        for poison in poisons:
            site.redis.lpush(_QUEUE_KEY, poison)
            site.submit("cured")
        site.settle()
        _expect_dead_letters(site, expected)
        site.note("poisons", len(poisons))
    if site.fleet.exits != site.exits_before:
        site.complain("a worker died of a message")


def _are_all_restarted(site: Site, incident_ids: list[str]) -> bool:
    return site.restarts_of(*incident_ids) == len(incident_ids)


def _longer_at_first(site: Site, trial: int, *, usual: float, longest: float) -> float:
    return usual if trial or not site.allowed_minutes else longest


def _stop_for_a_while(site: Site) -> None:
    pid = site.valkey.pid
    assert pid is not None
    os.kill(pid, SIGSTOP)
    _meanwhile(site, _FROZEN_SECONDS, partial(os.kill, pid, SIGCONT))
    site.note("stopped", 1)


def _put_to_sleep(site: Site) -> None:
    with Redis.from_url(site.valkey.url, socket_timeout=3 * _ASLEEP_SECONDS) as redis, ThreadPoolExecutor(1) as aside:
        asleep = aside.submit(redis.execute_command, "DEBUG", "SLEEP", str(_ASLEEP_SECONDS))
        time.sleep(_FALLS_ASLEEP_SECONDS)
        site.submit("cured", 2)
        asleep.result()
    site.submit("cured", 2)
    site.note("put to sleep", 1)


def _meanwhile(site: Site, seconds: float, mend: Callable[[], None]) -> None:
    """Go on submitting until the broker is mended, `seconds` from now."""
    mending = Timer(seconds, mend)
    mending.start()
    incidents = [site.incident(site.next_server("cured")) for _ in range(2)]
    site.send(incidents, patience_seconds=seconds + _ANSWERED_AFTER_SECONDS)
    mending.join()
    site.submit("cured", 2)


def _expect_dead_letters(site: Site, expected: int) -> None:
    give_up = time.monotonic() + _BURIED_WITHIN_SECONDS
    while site.redis.xlen(DEAD_LETTERS) < expected and time.monotonic() < give_up:
        time.sleep(0.1)
    missing = expected - site.redis.xlen(DEAD_LETTERS)
    if missing:
        site.complain(f"{missing} unreadable messages were not kept")


def _expect_one_claim_each(site: Site) -> None:
    for incident_id, result in site.results().items():
        if result.epoch != 1:
            site.complain(f"{incident_id} was claimed {result.epoch} times")


def _poisons(*, megabytes: int) -> list[bytes]:
    good = json.loads(render_message("inc-" + "0" * 20, _QUEUE))

    def with_body(value: object) -> bytes:
        return json.dumps({**good, "body": json.dumps(value)}).encode()

    return [
        b"not json",
        b"{}",
        json.dumps(good).encode()[:-40],
        json.dumps({**good, "properties": {}}).encode(),
        json.dumps({**good, "body": "%%%"}).encode(),
        json.dumps({**good, "content-type": "application/x-python-serialize"}).encode(),
        json.dumps({**good, "headers": {**good["headers"], "task": "unknown.task"}}).encode(),
        with_body(42),
        with_body([[], {"wrong": 1}, {}]),
        with_body([["x" * megabytes * _MEBIBYTE], {}, {}]),
    ]
