"""One server of the lab fleet: a small HTTP service with a real defect, started by supervisord, on loopback only.

    python lab_server.py payments --port 20001

Nothing is acted: a service gets into trouble because of a request, burns real CPU, keeps real memory, really ends. What
lives in its memory is cured by a restart; what lies on disk or in another server is not.
"""

import argparse
import gc
import hashlib
import json
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MIB = 1_048_576
PAGE = bytes(16 * MIB)  # hashing it takes 10 ms without the interpreter's lock, so that the threads burn side by side


class Service:
    """A service that answers, and nothing more; the others differ in `answer` and `start`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.log = logging.getLogger(options.service)

    def start(self) -> None:
        """Begin what the service does without being asked."""

    def answer(self, path: str, body: bytes) -> HTTPStatus:
        """Answer one request; called in a thread of its own."""
        return HTTPStatus.OK


class Payments(Service):
    """Rounding an amount of less than a cent never ends, and takes a worker thread with it. A restart frees them."""

    WORKER_THREADS = 2
    PATIENCE_SECONDS = 0.5

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.free_threads = threading.BoundedSemaphore(self.WORKER_THREADS)

    def answer(self, path: str, body: bytes) -> HTTPStatus:
        """Settle a payment of `amount`."""
        if path != "/payments":
            return HTTPStatus.OK
        if not self.free_threads.acquire(timeout=self.PATIENCE_SECONDS):
            self.log.error(
                "worker threads exhausted: %d of %d busy; request timed out after %.1f s in the queue",
                self.WORKER_THREADS,
                self.WORKER_THREADS,
                self.PATIENCE_SECONDS,
            )
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            self.settle(Decimal(json.loads(body)["amount"]))
        finally:
            self.free_threads.release()
        return HTTPStatus.CREATED

    def settle(self, amount: Decimal) -> None:
        """Round to cents and sign. The defect: a remainder is looked at again, but never taken off."""
        began, rounds = time.monotonic(), 0
        while amount % Decimal("0.01"):
            hashlib.sha256(PAGE)
            rounds += 1
            if rounds % 40 == 0:
                self.log.warning("slow request: rounding busy for %.1f s, round %d", time.monotonic() - began, rounds)


class Search(Service):
    """Healthy in itself, but the backend with its index does not listen: restarting this server changes nothing."""

    RETRY_SECONDS = 0.5

    def start(self) -> None:
        """Look for the backend again and again."""
        threading.Thread(target=self.connect_for_ever, daemon=True).start()

    def connect_for_ever(self) -> None:
        """Try to reach the backend about twice a second, and log what the system says."""
        host, port = self.options.backend.rsplit(":", 1)
        while True:
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
            except OSError as error:
                self.log.error("index backend %s: connect failed: %s", self.options.backend, error)  # noqa: TRY400
            time.sleep(self.RETRY_SECONDS)

    def answer(self, path: str, body: bytes) -> HTTPStatus:
        """Answer that no index is there."""
        return HTTPStatus.OK if path == "/healthz" else HTTPStatus.BAD_GATEWAY


class Auth(Service):
    """Keeps a session for every login and never lets one go. A restart empties the cache."""

    SESSION_BYTES = 2 * MIB
    LIMIT_BYTES = 128 * MIB

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.sessions: list[bytes] = []

    def answer(self, path: str, body: bytes) -> HTTPStatus:
        """Open a session at /login."""
        if path != "/login":
            return HTTPStatus.OK
        held_bytes = len(self.sessions) * self.SESSION_BYTES
        if held_bytes >= self.LIMIT_BYTES:
            self.log.error("session cache full at %d MiB: login rejected", held_bytes // MIB)
            return HTTPStatus.SERVICE_UNAVAILABLE
        self.sessions.append((body or b"-") * (self.SESSION_BYTES // len(body or b"-")))
        if len(self.sessions) % 8 == 0:
            self.report_pressure()
        return HTTPStatus.OK

    def report_pressure(self) -> None:
        """Collect garbage, in vain, and say so."""
        began = time.monotonic()
        found = gc.collect()
        self.log.warning(
            "session cache at %d MiB (%d sessions, 0 expired, a leak?); full GC took %.0f ms, freed %d objects",
            len(self.sessions) * self.SESSION_BYTES // MIB,
            len(self.sessions),
            (time.monotonic() - began) * 1_000,
            found,
        )


class Reports(Service):
    """Renders what lies in its queue folder. A report of pages without rows never ends, and outlives every restart."""

    FIRST_LOOK_SECONDS = 3.0
    LOOK_SECONDS = 0.5
    RENDER_THREADS = 2

    def start(self) -> None:
        """Begin to look into the queue, a little after the start."""
        threading.Thread(target=self.render_for_ever, daemon=True).start()

    def answer(self, path: str, body: bytes) -> HTTPStatus:
        """Put a report into the queue."""
        if path != "/reports":
            return HTTPStatus.OK
        queue = Path(self.options.queue)
        written = queue / f"{time.time_ns()}.tmp"
        written.write_bytes(body)
        written.rename(written.with_suffix(".json"))
        return HTTPStatus.ACCEPTED

    def render_for_ever(self) -> None:
        """Render the oldest report, take it off the queue, and look again."""
        time.sleep(self.FIRST_LOOK_SECONDS)
        while True:
            for queued in self.queued_reports():
                self.render(queued)
                queued.unlink()
            time.sleep(self.LOOK_SECONDS)

    def queued_reports(self) -> Iterator[Path]:
        """Yield the queued reports, oldest first."""
        yield from sorted(Path(self.options.queue).glob("*.json"))

    def render(self, queued: Path) -> None:
        """Render one report in several threads; return when all pages are done."""
        report = json.loads(queued.read_bytes())
        self.log.info("rendering queued report %s (%d rows)", queued.name, report["rows"])
        threads = [
            threading.Thread(target=self.render_pages, args=(queued.name, report), daemon=True)
            for _ in range(self.RENDER_THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.log.info("rendered %s", queued.name)

    def render_pages(self, name: str, report: dict[str, int]) -> None:
        """Lay out page after page. The defect: pages of zero rows are accepted, and the rows never become fewer."""
        rows, pages = report["rows"], 0
        while rows > 0:
            hashlib.sha256(PAGE)
            rows -= report["rows_per_page"]
            pages += 1
            if pages % 40 == 0:
                self.log.warning("report %s: %d pages laid out, %d rows left", name, pages, rows)


class Cache(Service):
    """A value that overruns its slab ends the whole server. It comes up empty and well."""

    SLAB_BYTES = 65_536

    def answer(self, path: str, body: bytes) -> HTTPStatus:
        """Store a value at /keys/…."""
        if path.startswith("/keys/") and len(body) > self.SLAB_BYTES:
            self.log.critical(
                "fatal: slab overrun, value of %d bytes in a slab of %d; aborting", len(body), self.SLAB_BYTES
            )
            os._exit(70)
        return HTTPStatus.OK


SERVICES = {
    "payments": Payments,
    "search": Search,
    "auth": Auth,
    "reports": Reports,
    "web": Service,
    "cache": Cache,
}


def door_of(service: Service) -> type[BaseHTTPRequestHandler]:
    """Return the class that reads requests for `service` and logs them."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.serve(b"")

        def do_POST(self) -> None:
            self.serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def serve(self, body: bytes) -> None:
            began = time.monotonic()
            status = service.answer(self.path, body)
            milliseconds = (time.monotonic() - began) * 1_000
            service.log.info("%s %s %d %.1f ms", self.command, self.path, status, milliseconds)
            try:
                self.send_response_only(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                service.log.info("client left before the answer to %s", self.path)

    return Door


def main() -> None:
    """Serve until supervisord's SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--backend", help="search: host:port of the index backend")
    parser.add_argument("--queue", help="reports: the folder of the queue")
    options = parser.parse_args()
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    service = SERVICES[options.service](options)
    with ThreadingHTTPServer(("127.0.0.1", options.port), door_of(service)) as server:
        service.log.info("listening on 127.0.0.1:%d, pid %d", options.port, os.getpid())
        service.start()
        server.serve_forever()


if __name__ == "__main__":
    main()
