"""Makes the Alertmanager fixtures anew: real rules fire in a real Prometheus, and what Alertmanager sends is kept.

`python -m tests.producers.capture_alertmanager` needs Debian's prometheus and prometheus-alertmanager, and about a
minute. Servers, rules and addresses are made up; times and fingerprints are what they were.
"""

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from tests.integration.monitoring import (
    QUICK_ROUTE,
    get_json,
    post_json,
    running_alertmanager,
    running_alertmanager_pair,
    running_prometheus,
)
from tests.programs import wait_until

FIXTURES: Final = Path(__file__).with_name("fixtures") / "alertmanager"
PATIENCE_SECONDS: Final = 40.0

_LONG: Final = "The heap grows by 40 MiB an hour since the deployment of 2026-11-20; see the dashboard. " * 120
RULES: Final[list[Mapping[str, Any]]] = [
    {
        "alert": "InstanceDown",
        "expr": "server_up == 0",
        "labels": {"severity": "critical", "team": "payments"},
        "annotations": {
            "summary": "{{ $labels.instance }} is down",
            "description": "{{ $labels.instance }} of job {{ $labels.job }} has not answered for a minute.",
            "runbook_url": "https://runbooks.example/instance-down",
        },
    },
    {
        "alert": "Speicher voll — 内存",
        "expr": "server_memory_used_ratio > 0.9",
        "labels": {"severity": "warning", "standort": "Zürich", "replica": ""},
        "annotations": {
            "summary": "Speicher auf {{ $labels.instance }} zu {{ $value | humanizePercentage }} belegt ⚠️",
            "description": _LONG,
            "dashboard": "https://dashboards.example/memory",
        },
    },
]


class Lab:
    """An exporter whose servers fall sick when told to, and webhooks that keep what they are sent, by path."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.full: set[str] = set()
        self.bodies: dict[str, list[Any]] = {}
        self.authorizations: set[str | None] = set()
        self.address = ""

    def metrics(self) -> str:
        lines = []
        for number in range(1, 6):
            server = f"payment-server-{number:02d}"
            labels = f'{{instance="{server}:9100",job="payments"}}'
            lines.append(f"server_up{labels} {int(server not in self.down)}")
            lines.append(f"server_memory_used_ratio{labels} {0.97 if server in self.full else 0.4}")
        return "\n".join(lines) + "\n"

    def newest(self, path: str, status: str, count: int) -> Any:
        """Wait for a notification with this status and so many alerts at `path`."""

        def fitting() -> list[Any]:
            bodies = self.bodies.get(path, [])
            return [each for each in bodies if each["status"] == status and len(each["alerts"]) == count]

        wait_until(lambda: bool(fitting()), seconds=PATIENCE_SECONDS)
        return fitting()[-1]

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


@contextmanager
def running_lab() -> Iterator[Lab]:
    """Serve a lab on loopback."""
    lab = Lab()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(lab.metrics().encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            lab.authorizations.add(self.headers["Authorization"])
            lab.bodies.setdefault(self.path, []).append(json.loads(body))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    lab.address = f"127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield lab
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def capture_one(lab: Lab, folder: Path) -> None:
    """Keep what one Alertmanager sends to several receivers, and what its API lists."""
    route = {
        **QUICK_ROUTE,
        "routes": [
            {"receiver": "archive", "continue": True},
            {"receiver": "short", "continue": True, "matchers": ["alertname = InstanceDown"]},
            {"receiver": "desk"},
        ],
    }
    receivers: dict[str, dict[str, object]] = {
        "archive": {"url": lab.url("/archive")},
        "short": {"url": lab.url("/short"), "max_alerts": 2},
    }
    alertmanager = running_alertmanager(folder, webhook_url=lab.url("/desk"), route=route, receivers=receivers)
    with (
        alertmanager as running,
        running_prometheus(folder / "p", rules=RULES, alertmanagers=[running.url], scrape=[lab.address]),
    ):
        lab.down = {"payment-server-01"}
        keep("firing", lab.newest("/desk", "firing", 1))
        keep("firing_second_receiver", lab.newest("/archive", "firing", 1))
        lab.down = {f"payment-server-{number:02d}" for number in range(1, 6)}
        keep("firing_grouped", lab.newest("/desk", "firing", 5))
        keep("firing_truncated", lab.newest("/short", "firing", 2))
        lab.full = {"payment-server-02"}
        wait_until(lambda: len(get_json(f"{running.url}/api/v2/alerts")) == 6, seconds=PATIENCE_SECONDS)
        wait_until(lambda: _full_of(lab) == 1, seconds=PATIENCE_SECONDS)
        keep("firing_long_and_unicode", lab.bodies["/desk"][-1])
        silence(running.url, "payment-server-05:9100")
        keep("api_v2_alerts", get_json(f"{running.url}/api/v2/alerts"))
        lab.down = {"payment-server-01", "payment-server-05"}
        wait_until(lambda: _resolved_of(lab) > 0, seconds=PATIENCE_SECONDS)
        keep("partly_resolved", next(each for each in reversed(lab.bodies["/desk"]) if _is_mixed(each)))
        lab.down, lab.full = set(), set()
        keep("resolved", _resolved(lab))


def capture_pair(lab: Lab, folder: Path) -> None:
    """Keep what both of a pair send for the same alerts, one of them with a start to the nanosecond, and their API."""
    lab.bodies.clear()
    with running_alertmanager_pair(folder, webhook_url=lab.url("/pair")) as pair:
        alert = {
            "labels": {"alertname": "DiskWillFill", "instance": "auth-server-02", "severity": "page", "replica": ""},
            "annotations": {"message": "The disk of auth-server-02 is full in four hours."},
            "startsAt": "2026-11-22T04:00:00.123456789+01:00",
            "endsAt": "2036-11-22T04:00:00+01:00",
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=disk",
        }
        for each in pair:
            post_json(f"{each.url}/api/v2/alerts", [alert])
        wait_until(lambda: len(lab.bodies.get("/pair", ())) > 1, seconds=PATIENCE_SECONDS)
        keep("pair_firing", lab.bodies["/pair"][:2])
        keep("pair_api_v2_alerts", get_json(f"{pair[0].url}/api/v2/alerts"))


def silence(url: str, instance: str) -> None:
    """Silence one server's alerts, and wait until the API says so."""
    matcher = {"name": "instance", "value": instance, "isRegex": False, "isEqual": True}
    times = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"}
    post_json(f"{url}/api/v2/silences", {"matchers": [matcher], "createdBy": "desk", "comment": "repair", **times})
    wait_until(
        lambda: any(each["status"]["state"] == "suppressed" for each in get_json(f"{url}/api/v2/alerts")),
        seconds=PATIENCE_SECONDS,
    )


def keep(name: str, document: object) -> None:
    """Write one fixture, for people to read."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (FIXTURES / f"{name}.json").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{name}.json {len(text)} characters\n")


def _full_of(lab: Lab) -> int:
    return sum(each["commonLabels"]["alertname"] == RULES[1]["alert"] for each in lab.bodies["/desk"])


def _is_mixed(notification: Any) -> bool:
    return len({alert["status"] for alert in notification["alerts"]}) > 1


def _resolved_of(lab: Lab) -> int:
    return sum(_is_mixed(each) for each in lab.bodies["/desk"])


def _resolved(lab: Lab) -> Any:
    """Wait until a notification says of all alerts of a group that they are over."""

    def found() -> list[Any]:
        return [each for each in lab.bodies["/desk"] if each["status"] == "resolved"]

    wait_until(lambda: any(each["groupLabels"]["alertname"] == "InstanceDown" for each in found()), seconds=60)
    return next(each for each in found() if each["groupLabels"]["alertname"] == "InstanceDown")


def main() -> None:
    """Capture everything, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, running_lab() as lab:
        capture_one(lab, Path(folder) / "one")
        capture_pair(lab, Path(folder) / "pair")


if __name__ == "__main__":
    main()
