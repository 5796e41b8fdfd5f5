"""The worked example, from a unit that fails to Prometheus' proof that it is well, on the files that people copy."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.integration.example_site import ADDRESSES, EXAMPLE, Site, running_example
from tests.integration.monitoring import require_program
from tests.programs import firstline
from tests.target.rig import UNIT
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM
from worker.contract.result import Disposition, RestartOutcome

UNIT_LABELS: Final = {"name": UNIT, "state": "failed"}

pytestmark = [pytest.mark.integration, pytest.mark.timeout(110)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_example(tmp_path) as site:
        yield site


def test_a_failed_unit_is_restarted_once_proven_well_by_prometheus_and_its_alert_ends(site: Site) -> None:
    site.wait_for_scrapes(3)
    checked = firstline("inventory", "check", "payment-server-01", environment=site.environment)
    assert checked.returncode == 0, checked.stdout.decode()
    # Here both servers stand behind one sshd, whose one command restarts the first one's unit.
    wrong = firstline("inventory", "check", "--json", "search-server-02", environment=site.environment)
    assert (wrong.returncode, b"restarts payments.service" in wrong.stdout) == (1, True)

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
    assert site.target.ledger.read_text().count(result.incident.incident_id) == 1
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


def test_an_alert_by_hand_about_a_well_server_comes_all_the_way_and_nothing_is_restarted(site: Site) -> None:
    site.wait_for_scrapes(3)
    site.raise_alert("payment-server-01")
    result = site.result()
    assert (result.server_id, result.disposition) == ("payment-server-01", Disposition.NO_ACTION), result.summary
    assert (site.target.notes("start"), site.payments.start_count) == (0, 1)


def test_the_page_names_every_file_and_every_address_and_path_that_has_to_be_changed() -> None:
    page = (EXAMPLE / "README.md").read_text()
    assert {path.name for path in EXAMPLE.iterdir()} == {*ADDRESSES, "README.md"}
    assert [name for name in ADDRESSES if f"[`{name}`]({name})" not in page] == []
    written = [each for replaced in ADDRESSES.values() for each in replaced]
    assert [each for each in written if f"`{each}`" not in page] == []


@pytest.mark.parametrize(
    ("program", "package", "arguments"),
    [
        ("promtool", "prometheus", ["check", "config", "prometheus.yml"]),
        ("promtool", "prometheus", ["check", "rules", "alerts.rules.yml"]),
        ("amtool", "prometheus-alertmanager", ["check-config", "alertmanager.yml"]),
    ],
)
def test_the_files_are_valid_as_they_are_shipped(program: str, package: str, arguments: list[str]) -> None:
    command = [require_program(program, package=package), *arguments]
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_fire_for_a_named_unit_that_failed_and_for_spent_memory_and_name_the_server(tmp_path: Path) -> None:
    case = {
        "evaluation_interval": "10s",
        "rule_files": [str(EXAMPLE / "alerts.rules.yml")],
        "tests": [
            {
                "interval": "10s",
                "input_series": [
                    {"series": f"{series}, server='web-1'}}", "values": f"{value}x60"}
                    for series, value in {
                        "node_systemd_unit_state{state='failed', name='payments.service'": 1,
                        "node_systemd_unit_state{state='failed', name='another.service'": 1,
                        "node_systemd_unit_state{state='active', name='search.service'": 1,
                        "node_memory_MemAvailable_bytes{job='node'": 5,
                        "node_memory_MemTotal_bytes{job='node'": 100,
                    }.items()
                ],
                "alert_rule_test": [
                    fired("UnitFailed", "20s"),
                    fired("UnitFailed", "30s", "critical", "payments.service on web-1 has failed", UNIT_LABELS),
                    fired("MemoryPressure", "4m"),
                    fired("MemoryPressure", "5m", "warning", "memory of web-1 at 95 %", {"job": "node"}),
                ],
            }
        ],
    }
    (tmp_path / "case.json").write_text(json.dumps(case))
    command = [require_program("promtool", package="prometheus"), "test", "rules", str(tmp_path / "case.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def fired(
    alert: str, when: str, severity: str = "", summary: str = "", labels: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return what promtool shall see at a time: this one alert of web-1, or none without a severity."""
    expected = {"exp_labels": {**(labels or {}), "server": "web-1", "severity": severity}}
    told = {**expected, "exp_annotations": {"summary": summary}}
    return {"alertname": alert, "eval_time": when, "exp_alerts": [told] if severity else []}
