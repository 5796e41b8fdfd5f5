"""The files of deploy/example as they stand, running on real parts in a folder: what its tests start from.

Prometheus, Alertmanager, sshd, Valkey, `firstline intake` and `firstline worker` are real processes. systemd can't run
here: a real little service stands in the place of each unit, one program in that of `systemctl restart`, one in that
of `journalctl`, and the exporter says of the service what the kernel says.
"""

import getpass
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.integration.exporter import running_exporter
from tests.integration.little_service import LittleService
from tests.integration.monitoring import alertmanager_by, free_port, get_json, prometheus_by, require_program
from tests.programs import environment_of, running, wait_until
from tests.redis_servers import client_of, running_valkey
from tests.target.rig import UNIT, Target
from tests.target.sshd import make_keys, running_sshd
from worker.contract.queue import RESULTS_STREAM
from worker.contract.result import TriageResult

__all__ = ["ADDRESSES", "EXAMPLE", "Site", "running_example"]

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "deploy" / "example"
TOKEN: Final = "0123456789abcdef-worked-example"
FIRSTLINE: Final = (sys.executable, "-m", "worker.cli")
SECONDS: Final = 40
"""More than any step takes on a busy machine."""

ADDRESSES: Final[Mapping[str, Mapping[str, str]]] = {
    "alerts.rules.yml": {},
    "prometheus.yml": {
        "127.0.0.1:9093": "127.0.0.1:{alertmanager}",
        "payment-server-01.example.com:9100": "{payments_exporter}",
        "search-server-02.example.com:9100": "{search_exporter}",
    },
    "alertmanager.yml": {
        "127.0.0.1:8080": "127.0.0.1:{intake}",
        "/etc/alertmanager/firstline-token": "{folder}/firstline-token",
    },
    "inventory.toml": {
        "127.0.0.1:9090": "127.0.0.1:{prometheus}",
        'restart_user = "firstline"': 'restart_user = "{user}"',
        'user = "firstline-look"': 'user = "{user}"',
        "port = 22": "port = {sshd}",
        'host = "payment-server-01.example.com"': 'host = "127.0.0.1"',
        'host = "search-server-02.example.com"': 'host = "localhost"',
        "/var/log/payments/payments.log": "{folder}/payments/service.log",
    },
    "intake.toml": {},
}
"""What is replaced in each file of the example, as who copies it does: the page names every one of these."""

TIMES: Final[Mapping[str, Mapping[str, str]]] = {
    "alerts.rules.yml": {"for: 30s": "for: 1s"},
    "prometheus.yml": {
        "scrape_interval: 10s": "scrape_interval: 500ms",
        "evaluation_interval: 10s": "evaluation_interval: 500ms",
    },
    "alertmanager.yml": {"group_wait: 10s": "group_wait: 200ms", "group_interval: 30s": "group_interval: 1s"},
}
"""Times that are shorter here, so that nobody waits."""


def write_example(folder: Path, values: Mapping[str, object]) -> None:
    """Copy the example, with the test's own values in the place of those that `ADDRESSES` and `TIMES` name."""
    for name, replaced in ADDRESSES.items():
        text = (EXAMPLE / name).read_text()
        for written, ours in {**replaced, **TIMES.get(name, {})}.items():
            assert written in text, f"{name} has no {written!r} any more"
            text = text.replace(written, ours.format(**values))
        (folder / name).write_text(text)
    (folder / "firstline-token").write_text(f"{TOKEN}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The example, running: its two services, the restart command that both servers lead to, and Redis."""

    folder: Path
    payments: LittleService
    search: LittleService
    target: Target
    redis: Any
    prometheus_url: str
    alertmanager_url: str
    environment: Mapping[str, str]

    def result(self) -> TriageResult:
        """Wait for the end of the one triage, and return it."""
        wait_until(lambda: self.redis.xlen(RESULTS_STREAM) > 0, seconds=SECONDS, log=self.folder / "worker.log")
        ((_, fields),) = self.redis.xrange(RESULTS_STREAM)
        return TriageResult.model_validate_json(fields["result"])

    def wait_for_scrapes(self, count: int) -> None:
        """Wait until Prometheus has seen both servers so often."""
        query = f"{self.prometheus_url}/api/v1/query?query=count_over_time(node_load1[1m])%3E={count}"
        wait_until(lambda: len(get_json(query)["data"]["result"]) == 2, seconds=SECONDS)

    def raise_alert(self, server_id: str) -> None:
        """Add an alert by hand, by the page's own command."""
        program = require_program("amtool", package="prometheus-alertmanager")
        alert = [
            "UnitFailed",
            f"server={server_id}",
            "severity=critical",
            f"--alertmanager.url={self.alertmanager_url}",
        ]
        subprocess.run([program, "alert", "add", *alert], check=True, capture_output=True, timeout=30)

    def wait_for_answer(self, answer: str) -> None:
        """Wait until intake has given an alert this answer."""
        log = self.folder / "intake.log"
        wait_until(lambda: any(line.get(answer) for line in _lines(log)), seconds=SECONDS, log=log)

    def alerts(self) -> list[object]:
        found: list[object] = get_json(f"{self.prometheus_url}/api/v1/alerts")["data"]["alerts"]
        return found


def _lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("}\n")]


@contextmanager
def running_services(folder: Path) -> Iterator[tuple[LittleService, LittleService]]:
    payments = LittleService(folder=folder / "payments", unit=UNIT).install()
    search = LittleService(folder=folder / "search", unit="search.service").install()
    try:
        for service in (payments, search):
            service.start()
        wait_until(lambda: payments.is_active and search.is_active, seconds=SECONDS)
        yield payments, search
    finally:
        payments.end()
        search.end()


def open_server(folder: Path, target: Target, *, status_program: Path, journal: Path) -> None:
    """Write the keys of both users, and what each may do on the server."""
    (folder / "keys").mkdir()
    make_keys(folder, "host_key", "keys/look", "keys/restart")
    (folder / "bin").mkdir()
    (folder / "bin" / "journalctl").write_text(f"#!/bin/sh\nexec cat {shlex.quote(str(journal))}\n")
    (folder / "bin" / "journalctl").chmod(0o755)
    command = shlex.join(target.command("--status-command", str(status_program)))
    restart = f'command="{command}",restrict {(folder / "keys" / "restart.pub").read_text()}'
    # root may come by a forced command only, so that the reading key has one too: a shell.
    shell = f'command="PATH={folder}/bin:$PATH /bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict '
    (folder / "authorized_keys").write_text(restart + shell + (folder / "keys" / "look.pub").read_text())


def pin_hosts(folder: Path, port: int) -> None:
    host_key = (folder / "host_key.pub").read_text()
    pinned = [f"[{host}]:{port} {host_key}" for host in ("127.0.0.1", "localhost")]
    (folder / "keys" / "known_hosts").write_text("".join(pinned))


@contextmanager
def running_example(folder: Path) -> Iterator[Site]:
    """Start everything that the page speaks of, in a folder, and end it."""
    for program in ("prometheus", "prometheus-alertmanager"):
        require_program(program)
    ports = {name: free_port() for name in ("alertmanager", "intake", "prometheus")}
    with ExitStack() as stack:
        payments, search = stack.enter_context(running_services(folder))
        target = Target(folder=folder).install(ending=f"os.execv({str(payments.start_program)!r}, ['start'])")
        open_server(folder, target, status_program=payments.status_program, journal=search.log)
        redis_port = stack.enter_context(running_valkey(folder))
        sshd_port = stack.enter_context(running_sshd(folder))
        pin_hosts(folder, sshd_port)
        values = {
            **ports,
            "sshd": sshd_port,
            "folder": folder,
            "user": getpass.getuser(),
            "payments_exporter": stack.enter_context(running_exporter(payments.metrics)),
            "search_exporter": stack.enter_context(running_exporter(search.metrics)),
        }
        write_example(folder, values)
        environment = environment_of(
            {
                "redis_url": f"redis://127.0.0.1:{redis_port}/0",
                "inventory_file": folder / "inventory.toml",
                "intake_file": folder / "intake.toml",
                "intake_port": ports["intake"],
                "policy_file": ROOT / "deploy" / "policy.toml",
                "verification_interval_seconds": 0.5,
                "verification_hold_seconds": 2,
                "verification_timeout_seconds": 20,
            }
        ) | {"ALERTMANAGER_TOKEN": TOKEN}
        yield Site(
            folder=folder,
            payments=payments,
            search=search,
            target=target,
            redis=stack.enter_context(client_of(redis_port)),
            alertmanager_url=f"http://127.0.0.1:{ports['alertmanager']}",
            prometheus_url=stack.enter_context(_monitoring(folder, ports)),
            environment=stack.enter_context(_firstline(folder, environment)),
        )


@contextmanager
def _monitoring(folder: Path, ports: Mapping[str, int]) -> Iterator[str]:
    alone = "--cluster.listen-address="
    with (
        alertmanager_by(folder / "alertmanager.yml", alone, port=ports["alertmanager"], data=folder / "alertmanager"),
        prometheus_by(folder / "prometheus.yml", port=ports["prometheus"], data=folder / "prometheus") as url,
    ):
        yield url


@contextmanager
def _firstline(folder: Path, environment: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    intake, worker = folder / "intake.log", folder / "worker.log"
    with (
        running(*FIRSTLINE, "intake", environment=environment, log=intake, grace_seconds=25),
        running(*FIRSTLINE, "worker", environment=environment, log=worker),
    ):
        wait_until(lambda: b"intake.started" in intake.read_bytes(), seconds=SECONDS, log=intake)
        yield environment
