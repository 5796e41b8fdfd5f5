"""The files of deploy/example as they stand, on real parts: an alert begins a triage, a restart, and its proof.

Prometheus, Alertmanager, sshd, Valkey, `firstline intake` and `firstline worker` are real processes. systemd can't run
here: a real little service stands in the place of each unit, one program in that of `systemctl restart`, one in that
of `journalctl`, and the exporter says of the service what the kernel says.
"""

import getpass
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.exporter import running_exporter
from tests.integration.little_service import LittleService
from tests.integration.monitoring import alertmanager_by, free_port, get_json, prometheus_by, require_program
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, running_valkey
from tests.target.rig import UNIT, Target
from tests.target.sshd import make_keys, running_sshd
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM
from worker.contract.result import Disposition, RestartOutcome, TriageResult

pytestmark = [pytest.mark.integration, pytest.mark.timeout(110)]

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "deploy" / "example"
TOKEN: Final = "0123456789abcdef-worked-example"
FIRSTLINE: Final = (sys.executable, "-m", "worker.cli")
SECONDS: Final = 40
"""More than any step takes on a busy machine."""

ADDRESSES: Final[Mapping[str, Mapping[str, str]]] = {
    "alerts.rules.yml": {"for: 30s": "for: 1s"},
    "prometheus.yml": {
        "scrape_interval: 15s": "scrape_interval: 500ms",
        "evaluation_interval: 15s": "evaluation_interval: 500ms",
        "127.0.0.1:9093": "127.0.0.1:{alertmanager}",
        "payment-server-01.example.com:9100": "{payments_exporter}",
        "search-server-02.example.com:9100": "{search_exporter}",
    },
    "alertmanager.yml": {
        "group_wait: 10s": "group_wait: 200ms",
        "group_interval: 30s": "group_interval: 1s",
        "127.0.0.1:8080": "127.0.0.1:{intake}",
        "/etc/alertmanager/firstline-token": "{folder}/firstline-token",
    },
    "inventory.toml": {
        "127.0.0.1:9090": "127.0.0.1:{prometheus}",
        '"firstline-look"': '"{user}"',
        '"firstline" ': '"{user}" ',
        "port = 22": "port = {sshd}",
        '"payment-server-01.example.com"': '"127.0.0.1"',
        '"search-server-02.example.com"': '"localhost"',
        "/var/log/payments/payments.log": "{folder}/payments/service.log",
    },
    "intake.toml": {},
}
"""All that is replaced in the example's files: ports and paths by those of the test, times by shorter ones."""


def write_example(folder: Path, values: Mapping[str, object]) -> None:
    """Copy the example, with the test's own values in the place of those that `ADDRESSES` names."""
    for name, replaced in ADDRESSES.items():
        text = (EXAMPLE / name).read_text()
        for written, ours in replaced.items():
            assert written in text, f"{name} has no {written!r} any more"
            text = text.replace(written, ours.format(**values))
        (folder / name).write_text(text)
    (folder / "firstline-token").write_text(TOKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The example, running: its two services, the restart command that both servers lead to, and Redis."""

    folder: Path
    payments: LittleService
    search: LittleService
    target: Target
    redis: Any
    prometheus_url: str
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


def open_server(folder: Path, target: Target, journal: Path) -> None:
    """Write the keys of both users, and what each may do on the server."""
    (folder / "keys").mkdir()
    make_keys(folder, "host_key", "keys/look", "keys/restart")
    (folder / "bin").mkdir()
    (folder / "bin" / "journalctl").write_text(f"#!/bin/sh\nexec cat {shlex.quote(str(journal))}\n")
    (folder / "bin" / "journalctl").chmod(0o755)
    restart = f'command="{shlex.join(target.command())}",restrict {(folder / "keys" / "restart.pub").read_text()}'
    # root may come by a forced command only, so that the reading key has one too: a shell.
    shell = f'command="PATH={folder}/bin:$PATH /bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict '
    (folder / "authorized_keys").write_text(restart + shell + (folder / "keys" / "look.pub").read_text())


def pin_hosts(folder: Path, port: int) -> None:
    host_key = (folder / "host_key.pub").read_text()
    pinned = [f"[{host}]:{port} {host_key}" for host in ("127.0.0.1", "localhost")]
    (folder / "keys" / "known_hosts").write_text("".join(pinned))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    for program in ("prometheus", "prometheus-alertmanager"):
        require_program(program)
    ports = {name: free_port() for name in ("alertmanager", "intake", "prometheus")}
    with ExitStack() as stack:
        payments, search = stack.enter_context(running_services(tmp_path))
        target = Target(folder=tmp_path).install(ending=f"os.execv({str(payments.start_program)!r}, ['start'])")
        open_server(tmp_path, target, search.log)
        redis_port = stack.enter_context(running_valkey(tmp_path))
        sshd_port = stack.enter_context(running_sshd(tmp_path))
        pin_hosts(tmp_path, sshd_port)
        values = {
            **ports,
            "sshd": sshd_port,
            "folder": tmp_path,
            "user": getpass.getuser(),
            "payments_exporter": stack.enter_context(running_exporter(payments.metrics)),
            "search_exporter": stack.enter_context(running_exporter(search.metrics)),
        }
        write_example(tmp_path, values)
        environment = environment_of(
            {
                "redis_url": f"redis://127.0.0.1:{redis_port}/0",
                "inventory_file": tmp_path / "inventory.toml",
                "intake_file": tmp_path / "intake.toml",
                "intake_port": ports["intake"],
                "policy_file": ROOT / "deploy" / "policy.toml",
                "verification_interval_seconds": 0.5,
                "verification_hold_seconds": 2,
                "verification_timeout_seconds": 20,
            }
        ) | {"ALERTMANAGER_TOKEN": TOKEN}
        yield Site(
            folder=tmp_path,
            payments=payments,
            search=search,
            target=target,
            redis=stack.enter_context(client_of(redis_port)),
            prometheus_url=stack.enter_context(_monitoring(tmp_path, ports)),
            environment=stack.enter_context(_firstline(tmp_path, environment)),
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


def test_a_failed_unit_is_restarted_once_proven_well_by_prometheus_and_its_alert_ends(site: Site) -> None:
    site.wait_for_scrapes(3)
    checked = firstline("inventory", "check", environment=site.environment)
    assert checked.returncode == 0, checked.stdout.decode()

    site.payments.fail()
    result = site.result()
    assert (result.server_id, result.disposition) == ("payment-server-01", Disposition.RECOVERED), result.summary
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.RESTORED
    assert result.restart.restarted_at is not None
    assert all(probe.observed_at > result.restart.restarted_at for probe in result.restart.probes)
    assert "payments.service on payment-server-01 has failed" in result.incident.text
    statements = " ".join(piece.statement for piece in result.evidence)
    assert "the service is stopped" in statements
    assert "1 with local faults" in statements

    site.wait_for_answer("resolved")
    assert site.alerts() == []
    assert site.payments.is_active
    assert (site.target.notes("start"), site.target.notes("end"), site.payments.start_count) == (1, 1, 2)
    assert (site.redis.xlen(RESULTS_STREAM), site.redis.zcard(OPEN_INCIDENTS)) == (1, 0)


def test_the_same_alert_of_a_server_under_observe_restarts_nothing_and_says_that_it_would_have_been_justified(
    site: Site,
) -> None:
    site.wait_for_scrapes(3)
    site.search.fail()
    result = site.result()
    assert (result.server_id, result.disposition) == ("search-server-02", Disposition.ESCALATED)
    assert [refusal.reason for refusal in result.refusals] == ["observed_only"]
    assert result.restart is None
    assert (site.target.notes("start"), site.search.is_active, site.payments.start_count) == (0, False, 1)


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("promtool", ["check", "config", "prometheus.yml"]),
        ("promtool", ["check", "rules", "alerts.rules.yml"]),
        ("amtool", ["check-config", "alertmanager.yml"]),
    ],
)
def test_the_files_are_valid_as_they_are_shipped(program: str, arguments: list[str]) -> None:
    require_program({"promtool": "prometheus", "amtool": "prometheus-alertmanager"}[program])
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")
    done = subprocess.run([program, *arguments], cwd=EXAMPLE, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
