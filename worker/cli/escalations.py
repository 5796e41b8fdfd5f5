"""`firstline escalations`: the consumer of the results stream; to a terminal, a pipe, or the sinks of a routes file."""

import os
import shutil
import signal
import socket
import sys
import threading

from producers.intake import connect
from worker.bootstrap import connect as connect_decoding
from worker.bootstrap import make_placeholder_store
from worker.cli.dispatching import run_dispatching
from worker.cli.settings_recorded import record_settings, settings_record, try_to_record
from worker.escalation.consumer import EscalationConsumer
from worker.escalation.notifiers import ConsoleNotifier, JsonNotifier
from worker.escalation.revealing import gated
from worker.logs import configure_logging
from worker.redaction.sinks import Sink
from worker.settings import Settings

__all__ = ["run_escalations"]


def run_escalations(settings: Settings, *, as_json: bool, once: bool, name: str | None) -> None:
    """Deliver results until SIGTERM or Ctrl-C; with `once`, until nothing waits.

    To the sinks of the routes file; without one, as cards, or as lines of JSON, on this terminal.
    """
    configure_logging(settings.log_level)
    if settings.routes_file is not None:
        run_dispatching(settings, settings.routes_file, as_json=as_json, once=once, name=name)
        return
    width = min(shutil.get_terminal_size().columns, 100)
    sink = Sink.JSON if as_json else Sink.CONSOLE
    bare = JsonNotifier(sys.stdout) if as_json else ConsoleNotifier(sys.stdout, width=width)
    redis, member = connect_decoding(settings), name or f"{socket.gethostname()}-{os.getpid()}"
    record = settings_record(redis, settings, file=None, member=member)
    vault = make_placeholder_store(settings, redis)
    notifier = gated(bare, sink, is_trusted=sink in settings.trusted_sinks, vault=vault)
    consumer = EscalationConsumer(connect(str(settings.redis_url)), notifier, name=member)
    if once:
        try_to_record(record)
        while consumer.deliver_pending(block_seconds=0):
            pass
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    record_settings(record, stop)
    consumer.run(stop)
