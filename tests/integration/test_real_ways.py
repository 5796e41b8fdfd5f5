"""A sick unit behind real parts: health by Prometheus, log and restart over ssh, and the proof by Prometheus."""

import getpass
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.integration.exporter import running_exporter
from tests.integration.monitoring import get_json, running_prometheus
from tests.programs import wait_until
from tests.redis_servers import valkey_fixture  # noqa: F401 - a fixture
from tests.target.rig import UNIT, Target
from tests.target.sshd import make_keys, pin, running_sshd
from worker.bootstrap import make_worker
from worker.contract.result import Disposition, RestartOutcome, TriageResult
from worker.registry.claim import Finished
from worker.settings import load_settings

pytestmark = pytest.mark.integration

INVENTORY = """
[systems.metrics]
kind = "prometheus"
url = "{url}"
[systems.hosts]
kind = "ssh"
user = "{user}"
identity_file = "look"
restart_user = "{user}"
restart_identity_file = "key"
known_hosts_file = "known_hosts"
port = {port}
restart_timeout_seconds = 20
[servers.payment-server-01]
service = "payments"
restart_policy = "{restart_policy}"
health = "metrics"
metrics = 'instance="{address}"'
unit = "payments.service"
logs = "hosts"
log_path = "{log}"
restart = "hosts"
host = "127.0.0.1"
"""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A server in a folder: what its exporter says of it, and where it is reached."""

    target: Target
    is_cured_by_restart: bool

    def metrics(self, seconds: float) -> Mapping[str, float]:
        is_active = self.is_cured_by_restart and self.target.notes("end") > 0
        unit = {"active": float(is_active), "failed": float(not is_active)}
        start = f'node_systemd_unit_start_time_seconds{{name="{UNIT}"}}'
        started = {start: self.target.effects.stat().st_mtime} if is_active else {}
        return {
            "node_memory_MemTotal_bytes": 1e9,
            "node_memory_MemAvailable_bytes": 7e8,
            'node_cpu_seconds_total{mode="idle",cpu="0"}': 0.9 * seconds,
            **{f'node_systemd_unit_state{{name="{UNIT}",state="{state}"}}': value for state, value in unit.items()},
            **started,
        }


@pytest.fixture
def machine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Machine, Mapping[str, object]]]:
    target = Target(folder=tmp_path).install()
    machine = Machine(target=target, is_cured_by_restart=request.param)
    make_keys(tmp_path, "key", "look", "host_key")
    restart = f'command="{shlex.join(target.command())}",restrict {(tmp_path / "key.pub").read_text()}'
    shell = 'command="/bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict '  # root may come by a forced command only
    (tmp_path / "authorized_keys").write_text(restart + shell + (tmp_path / "look.pub").read_text())
    (tmp_path / "service.log").write_text("INFO started\nWARNING request threads hung\n")
    with (
        running_sshd(tmp_path) as port,
        running_exporter(machine.metrics) as address,
        running_prometheus(tmp_path / "prometheus", scrape=[address], interval="500ms") as url,
    ):
        pin(tmp_path, port, "host_key")
        query = f"{url}/api/v1/query?query=count_over_time(node_memory_MemTotal_bytes[1m])%3E2"
        wait_until(lambda: bool(get_json(query)["data"]["result"]), seconds=30)
        log = tmp_path / "service.log"
        yield machine, {"url": url, "port": port, "address": address, "log": log, "user": getpass.getuser()}


def triage(folder: Path, redis: Redis, ways: Mapping[str, object], *, restart_policy: str = "auto") -> TriageResult:
    (folder / "inventory.toml").write_text(INVENTORY.format(**ways, restart_policy=restart_policy))
    (folder / "policy.toml").write_text("[restart]\n")
    settings = load_settings(
        _env_file=None,
        inventory_file=folder / "inventory.toml",
        policy_file=folder / "policy.toml",
        verification_interval_seconds=0.5,
        verification_hold_seconds=2,
        verification_timeout_seconds=12,
        max_seconds=60,
    )
    worker = make_worker(settings, redis)
    try:
        incident = parse_text("payment-server-01 is down", received_at=datetime.now(UTC), unique=uuid4().hex)
        list(take_in(redis, [incident]))
        with worker.registry.claim(incident.incident_id) as claim:
            assert claim is not None
            result = worker.triage(claim)
            assert claim.finish(result) is Finished.PUBLISHED
        return result
    finally:
        worker.close()


@pytest.mark.parametrize("machine", [True], indirect=True)
def test_a_failed_unit_is_restarted_once_over_ssh_and_prometheus_proves_it_well(
    machine: tuple[Machine, Mapping[str, object]], tmp_path: Path, valkey: Redis
) -> None:
    result = triage(tmp_path, valkey, machine[1])
    assert result.disposition is Disposition.RECOVERED, result.summary
    assert (machine[0].target.notes("start"), machine[0].target.notes("end")) == (1, 1)
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.RESTORED
    assert result.restart.restarted_at is not None
    assert all(probe.observed_at > result.restart.restarted_at for probe in result.restart.probes)
    statements = " ".join(piece.statement for piece in result.evidence)
    assert "the service is stopped" in statements
    assert "1 with local faults" in statements


@pytest.mark.parametrize("machine", [False], indirect=True)
def test_a_unit_that_stays_failed_is_handed_over_with_its_one_restart(
    machine: tuple[Machine, Mapping[str, object]], tmp_path: Path, valkey: Redis
) -> None:
    result = triage(tmp_path, valkey, machine[1])
    assert result.disposition is Disposition.ESCALATED
    assert machine[0].target.notes("start") == 1
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.NOT_RESTORED


@pytest.mark.parametrize("machine", [True], indirect=True)
def test_a_server_that_is_only_observed_is_not_restarted_and_the_card_says_that_it_would_have_been(
    machine: tuple[Machine, Mapping[str, object]], tmp_path: Path, valkey: Redis
) -> None:
    result = triage(tmp_path, valkey, machine[1], restart_policy="observe")
    assert result.disposition is Disposition.ESCALATED
    assert [refusal.reason for refusal in result.refusals] == ["observed_only"]
    assert machine[0].target.notes("start") == 0
