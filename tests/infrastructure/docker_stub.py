"""Docker's Engine API as documented, on a unix socket: one container `web`, whose answers a test sets."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

__all__ = ["CUT", "INSPECTED", "STATS", "Engine", "frame", "running_engine"]

CUT = 0
"""In the place of a status: the connection is closed without an answer."""

INSPECTED = {
    "Id": "4fa6e0f0c678",
    "State": {
        "Status": "running",
        "Running": True,
        "OOMKilled": False,
        "ExitCode": 0,
        "StartedAt": "2026-06-01T00:00:00.123456789Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
    },
    "RestartCount": 3,
    "Config": {"Tty": False},
}
STATS = {
    "read": "2026-06-01T00:01:00.123456789Z",
    "preread": "2026-06-01T00:00:59.123456789Z",
    "pids_stats": {"current": 7},
    "cpu_stats": {"cpu_usage": {"total_usage": 3_500_000}, "system_cpu_usage": 20_000_000, "online_cpus": 4},
    "precpu_stats": {"cpu_usage": {"total_usage": 1_500_000}, "system_cpu_usage": 10_000_000, "online_cpus": 4},
    "memory_stats": {"usage": 70 * 1_048_576, "limit": 100 * 1_048_576, "stats": {"inactive_file": 20 * 1_048_576}},
}


@dataclass
class Engine:
    """What stands behind the socket: an answer for each path's end, and what was asked."""

    answers: dict[str, object] = field(default_factory=lambda: {"json": INSPECTED, "stats": STATS, "restart": 204})
    asked: list[str] = field(default_factory=list)

    def answer(self, target: str) -> tuple[int, bytes]:
        self.asked.append(target)
        path = urlsplit(target).path
        given = self.answers[path.rsplit("/", 1)[1]] if path.startswith("/containers/web/") else 404
        if callable(given):
            given = given({name: values[0] for name, values in parse_qs(urlsplit(target).query).items()})
        if isinstance(given, int):
            return given, b"" if given == 204 else b'{"message": "No such container: web"}'
        if isinstance(given, tuple):
            return given
        return 200, given if isinstance(given, bytes) else json.dumps(given).encode()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def running_engine(engine: Engine, socket: Path) -> Iterator[None]:
    """Let `engine` answer at `socket`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = engine.answer(self.path)
            if status == CUT:
                return
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            return

    with _Server(str(socket), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(timeout=5)


def frame(stream: int, payload: bytes) -> bytes:
    """Return one frame of a log's multiplexed stream."""
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload
