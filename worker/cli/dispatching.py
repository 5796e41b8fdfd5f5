"""`firstline escalations` with a routes file: results go to sinks, and each delivery is one line on this terminal.

What is printed is a log for people: nobody is paged by it, and a pipe that breaks stops no page.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final, TextIO

import structlog
from redis import Redis
from redis.exceptions import RedisError

from producers.intake import connect
from worker.bootstrap import connect as connect_decoding
from worker.bootstrap import make_placeholder_store
from worker.cli.settings_recorded import record_settings, settings_record, try_to_record
from worker.cli.words import one_line
from worker.clock import SystemClock
from worker.escalation.consumer import EscalationConsumer
from worker.escalation.deliveries import Deliveries
from worker.escalation.dispatcher import Dispatcher
from worker.escalation.making_sinks import make_sinks
from worker.escalation.routes_file import RoutesFile, read_routes_file
from worker.escalation.sending import SinkInUse
from worker.escalation.sink_health import sinks_in_use
from worker.escalation.standing import Standings
from worker.escalation.telling import Told
from worker.settings import Settings, read_environment

__all__ = ["Printer", "run_dispatching", "sinks_of"]

LAST_SEND_SECONDS: Final = 12.0
"""How long what is being sent is waited for at the end; what is cut off is sent again, by whoever comes next."""

_CONNECTIONS: Final = 4
"""Beside one for each sink."""

log = structlog.get_logger()


class Printer:
    """Prints a line for each delivery, from any thread; after the reader has gone it prints nothing more."""

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self._lock = threading.Lock()
        self._is_broken = False

    def __call__(self, told: Told) -> None:
        """Print one delivery."""
        text = json.dumps(asdict(told), default=str) if self._as_json else _line(told)
        with self._lock:
            if self._is_broken:
                return
            try:
                self._stream.write(f"{text}\n")
                self._stream.flush()
            except OSError as error:
                self._is_broken = True
                log.warning("deliveries.not_printed", error=type(error).__name__)


def run_dispatching(settings: Settings, path: Path, *, as_json: bool, once: bool, name: str | None) -> None:
    """Deliver to sinks until SIGTERM or Ctrl-C; with `once`, until nothing is due."""
    file, sinks = sinks_of(settings, path)
    redis = connect_decoding(settings, connections=len(sinks) + _CONNECTIONS)
    member = name or f"{socket.gethostname()}-{os.getpid()}"
    record = settings_record(redis, settings, file=file, member=member)
    dispatcher = Dispatcher(
        sinks,
        routes=file.routes,
        # Two hosts may have one name and process id: only who was given a name resumes what a dead one had in hand.
        deliveries=Deliveries(redis, member=name),
        standings=Standings(redis),
        clock=SystemClock(),
        tell=Printer(sys.stdout, as_json=as_json),
    )
    consumer = EscalationConsumer(connect(str(settings.redis_url)), dispatcher, name=member)
    if once:
        try_to_record(record)
        _name_what_left(redis, file)
        while consumer.deliver_pending(block_seconds=0):
            pass
        dispatcher.drain()
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    record_settings(record, stop)
    _name_what_left(redis, file)
    threads = dispatcher.start(stop)
    try:
        consumer.run(stop)
    finally:
        stop.set()
        give_up = time.monotonic() + LAST_SEND_SECONDS
        for thread in threads:
            thread.join(max(give_up - time.monotonic(), 0))


def sinks_of(settings: Settings, path: Path) -> tuple[RoutesFile, list[SinkInUse]]:
    """Read the routes file and make its sinks. Raises `ConfigurationError`."""
    environment = read_environment()
    file = read_routes_file(path, environment=environment)
    vault = make_placeholder_store(settings, connect_decoding(settings))
    return file, make_sinks(file, environment=environment, vault=vault, clock=SystemClock())


def _name_what_left(redis: Redis, file: RoutesFile) -> None:
    """Tell the log which sinks have lost their table while something waits for them."""
    try:
        left = [health for health in sinks_in_use(redis) if health.waiting and health.sink not in file.sinks]
    except (RedisError, ValueError) as error:
        log.warning("sinks.not_read", error=type(error).__name__)
        return
    for health in left:
        remedy = "its pages go to the present sinks; put its table back to show there what was done since"
        log.warning("sink.not_in_routes_file", sink=health.sink, waiting=health.waiting, remedy=remedy)


def _line(told: Told) -> str:
    words = told.outcome.replace("_", " ")
    tries = f" (try {told.tries})" if told.tries > 1 else ""
    detail = f" · {told.detail}" if told.detail else ""
    columns = (f"{told.at:%H:%M:%S}Z", told.sink, f"{words}{tries}", told.action, f"{told.incident_id}{detail}")
    return "  ".join(map(one_line, columns))
