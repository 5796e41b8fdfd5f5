"""Every log source in its surroundings, each with a log that a test writes and in the same kinds of trouble."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.conformance.subjects import (
    CLOCK,
    MISSING,
    PATIENCE_SECONDS,
    SERVER_ID,
    SshSite,
    lab_fleet,
    recorded_server,
    running_ssh_site,
    server_of,
    silent_port,
    supervised_at,
)
from tests.conformance.web_log_subjects import docked, in_kubernetes, in_loki
from tests.conformance.written_log import LogSubject, WrittenLog
from tests.fakes import FakeClock, FakeServer
from tests.target.sshd import free_port
from worker.infrastructure.log_files import PlainLogFile
from worker.infrastructure.ssh_logs import SshJournal, SshLogFile
from worker.ports import LogSource

__all__ = ["LOGS", "REAL_LOGS"]

_WELL = json.dumps({"status": "running", "cpu_percent": 1, "memory_percent": 1})


def _writing_to(path: Path) -> Callable[[Sequence[bytes]], None]:
    def write(lines: Sequence[bytes]) -> None:
        path.write_bytes(b"".join(line + b"\n" for line in lines))

    return write


@contextmanager
def faked(folder: Path) -> Iterator[LogSubject]:
    clock = FakeClock()
    server = FakeServer(clock)
    missing = FakeServer(clock, log_failure=f"Nobody knows {MISSING}.")

    def write(lines: Sequence[bytes]) -> None:
        server.log_lines = [line.decode("utf-8", "surrogateescape") for line in lines]

    yield LogSubject(
        source=server,
        write=write,
        missing=missing,
        unreachable=missing,
        silent=None,
        server_id=server.as_server().server_id,
        clock=clock,
    )


@contextmanager
def replayed(folder: Path) -> Iterator[LogSubject]:
    server, missing, silent = (
        recorded_server(folder, server_id, health=_WELL) for server_id in (SERVER_ID, MISSING, "silent")
    )
    (folder / "replay" / MISSING / "service.log").unlink()
    (folder / "replay" / "silent" / "service.log").unlink()
    os.mkfifo(folder / "replay" / "silent" / "service.log")
    yield LogSubject(
        source=server.logs,
        write=_writing_to(folder / "replay" / SERVER_ID / "service.log"),
        missing=missing.logs,
        unreachable=None,
        silent=silent.logs,
        system="silent",
    )


@contextmanager
def in_a_file(folder: Path) -> Iterator[LogSubject]:
    os.mkfifo(folder / "silent")
    yield LogSubject(
        source=PlainLogFile(SERVER_ID, path=folder / "service.log", clock=CLOCK),
        write=_writing_to(folder / "service.log"),
        missing=PlainLogFile(MISSING, path=folder / MISSING, clock=CLOCK),
        unreachable=None,
        silent=PlainLogFile(MISSING, path=folder / "silent", clock=CLOCK),
        system="silent",
    )


@contextmanager
def supervised(folder: Path) -> Iterator[LogSubject]:
    with lab_fleet(folder) as (_, inventory), silent_port() as port:
        yield LogSubject(
            source=server_of(inventory, "web-server-03").logs,
            write=_writing_to(folder / "logs" / "web-server-03.log"),
            missing=server_of(inventory, MISSING).logs,
            unreachable=supervised_at(free_port()),
            silent=supervised_at(port),
            server_id="web-server-03",
            system="supervisord",
        )


@contextmanager
def in_a_file_over_ssh(folder: Path) -> Iterator[LogSubject]:
    def logs(site: SshSite, server_id: str, name: str, *, port: int | None = None) -> LogSource:
        ssh = site.host(port=port, timeout_seconds=PATIENCE_SECONDS if port else 20)
        return SshLogFile(server_id, ssh=ssh, path=str(folder / name), clock=CLOCK)

    with running_ssh_site(folder) as site, silent_port() as port:
        yield LogSubject(
            source=logs(site, SERVER_ID, "service.log"),
            write=_writing_to(folder / "service.log"),
            missing=logs(site, MISSING, "gone.log"),
            unreachable=logs(site, MISSING, "service.log", port=free_port()),
            silent=logs(site, MISSING, "service.log", port=port),
            system="ssh to 127.0.0.1",
        )


_JOURNALCTL = """#!{python} -IS
import datetime, sys
asked = dict(option.lstrip("-").partition("=")[::2] for option in sys.argv[1:])
if asked["unit"] != "web.service":
    sys.exit("Failed to open the journal")
entries = [line.split(b" ", 1) for line in open({journal!r}, "rb").read().split(b"\\0")[:-1]]
since = float(asked.get("since", "@0")[1:])
entries = [entry for entry in entries if float(entry[0]) >= since]
if not entries:
    print("-- No entries --")
for at, message in entries[-int(asked["lines"]) :]:
    dated = datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc).isoformat()
    sys.stdout.buffer.write(dated.encode() + b" web[7]: " + message.replace(b"\\n", b"\\n    ") + b"\\n")
"""


@contextmanager
def in_a_journal(folder: Path) -> Iterator[LogSubject]:
    log, journal = WrittenLog(CLOCK), folder / "journal"

    def write(lines: Sequence[bytes]) -> None:
        log.write(lines)
        journal.write_bytes(b"".join(b"%d %b\0" % entry for entry in log.entries))

    def logs(site: SshSite, server_id: str, unit: str, *, port: int | None = None) -> LogSource:
        ssh = site.host(port=port, timeout_seconds=PATIENCE_SECONDS if port else 20)
        return SshJournal(server_id, ssh=ssh, unit=unit, clock=CLOCK)

    with running_ssh_site(folder) as site, silent_port() as port:
        site.install("journalctl", _JOURNALCTL.format(python=sys.executable, journal=str(journal)))
        yield LogSubject(
            source=logs(site, SERVER_ID, "web.service"),
            write=write,
            missing=logs(site, MISSING, "other.service"),
            unreachable=logs(site, MISSING, "web.service", port=free_port()),
            silent=logs(site, MISSING, "web.service", port=port),
            system="ssh to 127.0.0.1",
            knows_times=True,
        )


LOGS: Mapping[str, Callable[[Path], AbstractContextManager[LogSubject]]] = {
    "fake": faked,
    "replay": replayed,
    "files": in_a_file,
    "supervisord": supervised,
    "ssh_file": in_a_file_over_ssh,
    "ssh_journal": in_a_journal,
    "loki": in_loki,
    "docker": docked,
    "kubernetes": in_kubernetes,
}
REAL_LOGS = frozenset({"supervisord", "ssh_file", "ssh_journal"})
