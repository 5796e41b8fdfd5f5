"""Health by Debian's Prometheus and node_exporter on loopback; of containers by an exporter that talks like cAdvisor.

systemd can't run here: what its collector tells of units is a textfile of node_exporter's. What Prometheus keeps of
the last hours of one container is written into it before it starts.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.infrastructure.prometheus_stub import NOT_UNDERSTOOD, asked_at, measured, unread
from tests.integration.exporter import Values, backfill, running_exporter
from tests.integration.monitoring import free_port, get_json, require_program, running_prometheus
from tests.programs import environment_of, running, wait_until
from worker.clock import SystemClock
from worker.contract.observations import HealthReading, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.promql import CPU_AGE, expressions_of

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
SECONDS_AHEAD = 900
"""By which the clock of the containers' host is ahead."""
STARTED = int(time.time()) + SECONDS_AHEAD - 600
UNITS = r"""
node_systemd_unit_state{name="payments.service",state="active"} 0
node_systemd_unit_state{name="payments.service",state="failed"} 1
node_systemd_unit_state{name="reloading.service",state="active"} 0
node_systemd_unit_state{name="reloading.service",state="failed"} 0
node_systemd_unit_state{name="web\\x2dshop.service",state="active"} 1
"""


@dataclass(frozen=True)
class Watched:
    """Prometheus' URL, and the instance of a machine."""

    url: str
    machine: str

    def read(
        self, selector: str, *, exporter: str = "cadvisor", unit: str | None = None, error_rate: str | None = None
    ) -> HealthReading:
        with asked_at(
            self.url, selector=selector, exporter=exporter, unit=unit, error_rate=error_rate, clock=CLOCK
        ) as health:
            return health.read_health()

    def asked(self, query: str, *, at: float) -> Any:
        return get_json(f"{self.url}/api/v1/query?{urlencode({'query': query, 'time': f'{at:.3f}'})}")["data"]["result"]

    def read_machine(self, *, unit: str | None = None, error_rate: str | None = None) -> HealthReading:
        return self.read(f'instance="{self.machine}"', exporter="node", unit=unit, error_rate=error_rate)


def containers(seconds: float) -> Mapping[str, float]:
    """Return what an exporter tells of three containers that use two cores each, with a quota, without, and alone."""
    now = int(time.time()) + SECONDS_AHEAD
    of_each = {
        "container_cpu_usage_seconds_total": 2 * seconds,
        "container_memory_working_set_bytes": 3e8,
        "container_spec_memory_limit_bytes": 1e9,
        "container_start_time_seconds": STARTED,
        "container_last_seen": now,
    }
    labels = ('name="with quota"', 'name="without"', 'name="alone",instance="a host that tells no cores"')
    return {f"{metric}{{{label}}}": value for metric, value in of_each.items() for label in labels} | {
        'container_spec_cpu_quota{name="with quota"}': 400_000,
        'container_spec_cpu_period{name="with quota"}': 100_000,
        'container_spec_memory_limit_bytes{name="without"}': 0,  # as cAdvisor says that there is none
        "machine_cpu_cores": 8,
        "machine_memory_bytes": 2e9,
        "node_load1": 1,
    }


def keep_the_past(folder: Path) -> None:
    """Write two hours of a container that started again 40 minutes ago, and whose memory grew 20 minutes ago."""
    now, label = time.time(), '{name="kept",instance="kept"}'

    def at(second: float) -> Mapping[str, float]:
        return {
            "container_memory_working_set_bytes": 2e8 if second < 6_000 else 6e8,
            "container_spec_memory_limit_bytes": 1e9,
            "container_spec_cpu_quota": 200_000,
            "container_spec_cpu_period": 100_000,
            "container_start_time_seconds": now - (30_000 if second < 4_800 else 2_400),
            "container_cpu_usage_seconds_total": second / 2,
        }

    def values_of(name: str) -> Values:
        return lambda second: {f"{name}{label}": at(second)[name]}

    kinds = {name: "counter" if name.endswith("_total") else "gauge" for name in at(0)}
    families = {name.removesuffix("_total"): (kind, values_of(name)) for name, kind in kinds.items()}
    backfill(folder, families, hours=2)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "unit.prom").write_text(UNITS)
    keep_the_past(folder / "prometheus")
    machine = f"127.0.0.1:{free_port()}"
    command = [
        require_program("prometheus-node-exporter"),
        f"--web.listen-address={machine}",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
    ]
    with (
        running(*command, environment=environment_of({}), log=folder / "exporter.log"),
        running_exporter(containers) as host,
        running_prometheus(folder / "prometheus", scrape=[machine, host]) as url,
    ):
        query = f"{url}/api/v1/query?query=count(count_over_time(node_load1[1m])%3E2)%3E1"
        wait_until(lambda: bool(get_json(query)["data"]["result"]), seconds=30)
        yield Watched(url, machine)


def test_a_service_is_seen_with_units_ages_and_what_is_missing(watched: Watched) -> None:
    before = CLOCK.now()
    reading = watched.read_machine(unit="payments.service")
    assert reading.status is ServiceStatus.STOPPED
    assert reading.cpu_percent is not None
    assert reading.memory_percent is not None
    assert 0 < reading.memory_percent < 100
    assert {"fullest disk", "load of one minute by core", "file handles", "swap in use"} <= measured(reading).keys()
    measures = {measure.name: measure for measure in reading.measures}
    assert measures["fullest disk"].unit == "percent"
    assert measures["memory"].half_an_hour_before is None  # of this machine this Prometheus has no past
    assert unread(reading, "started") == ["started: metrics has no sample of it."]
    assert 0.9 < (before - reading.observed_at).total_seconds() < 10  # two scrapes back, not one


def test_the_older_sample_of_a_rate_is_the_last_but_one(watched: Watched) -> None:
    series = f'node_cpu_seconds_total{{mode="idle",cpu="0",instance="{watched.machine}"}}'
    at = CLOCK.now().timestamp() - 1  # a scrape that is under way would come between the two questions
    expression = expressions_of("node", selector=f'instance="{watched.machine}"', unit=None)[CPU_AGE]
    (age,) = watched.asked(expression.promql, at=at)
    (samples,) = watched.asked(f"{series}[1m]", at=at)
    moments = [moment for moment, _ in samples["values"]]
    assert at - float(age["value"][1]) == pytest.approx(moments[-2], abs=0.002)


def test_a_machine_without_a_unit_is_told_and_proves_no_service_well(watched: Watched) -> None:
    reading = watched.read_machine()
    assert reading.status is ServiceStatus.RUNNING
    assert not reading.is_good
    assert {"CPU of the machine", "memory of the machine"} <= measured(reading).keys()


def test_a_unit_whose_name_is_escaped_is_found(watched: Watched) -> None:
    assert watched.read_machine(unit=r"web\x2dshop.service").status is ServiceStatus.RUNNING


@pytest.mark.parametrize(
    ("unit", "why"), [("other.service", "no sample of it came"), ("reloading.service", "says no state of it")]
)
def test_a_unit_s_state_that_nobody_tells_is_not_guessed(watched: Watched, unit: str, why: str) -> None:
    with pytest.raises(SourceUnavailable, match=f"does not know the state of {unit} on web-01: .*{why}"):
        watched.read_machine(unit=unit)


def test_a_target_that_is_not_there_is_a_sentence(watched: Watched) -> None:
    with pytest.raises(SourceUnavailable, match="metrics has no sample of web-01: it is not scraped"):
        watched.read('instance="10.0.0.9:9100"', exporter="node")
    with pytest.raises(SourceUnavailable, match="metrics answered 400"):
        watched.read('instance=~"("', exporter="node")


def test_a_second_target_is_seen_though_it_has_one_metric_only(watched: Watched) -> None:
    query = f"{watched.url}/api/v1/query?query=count(node_memory_MemTotal_bytes)"
    assert get_json(query)["data"]["result"][0]["value"][1] == "1"
    with pytest.raises(SourceUnavailable, match=r"The `metrics` of web-01 fit 2 targets of metrics: name one\."):
        watched.read('job="lab"', exporter="node")


def test_two_containers_of_one_host_are_two(watched: Watched) -> None:
    with pytest.raises(SourceUnavailable, match=r"fit 2 targets of metrics: name one\."):
        watched.read('name=~"with quota|without"')


@pytest.mark.parametrize(("name", "cpu", "memory"), [("with quota", 50, 30), ("without", 25, 15)])
def test_a_container_s_figures_are_of_its_limits_or_of_the_machine(
    watched: Watched, name: str, cpu: float, memory: float
) -> None:
    reading = watched.read(f'name="{name}"')
    assert reading.cpu_percent == pytest.approx(cpu, rel=0.2)
    assert reading.memory_percent == memory
    by_its_own_clock = CLOCK.now().timestamp() + SECONDS_AHEAD - STARTED
    assert reading.running_seconds == pytest.approx(by_its_own_clock, abs=3)
    assert measured(reading)["CPU of one core"] == pytest.approx(200, rel=0.2)


def test_a_container_whose_cores_nobody_tells_has_no_cpu(watched: Watched) -> None:
    reading = watched.read('name="alone"')
    assert reading.cpu_percent is None
    assert "machine_cpu_cores" in " ".join(unread(reading, "CPU"))
    assert measured(reading)["CPU of one core"] == pytest.approx(200, rel=0.2)


def test_the_past_of_a_container_is_told(watched: Watched) -> None:
    reading = watched.read('name="kept"')
    measures = {measure.name: measure for measure in reading.measures}
    assert (measures["memory"].value, measures["memory"].half_an_hour_before) == (60, 20)
    assert measures["restarts in the last hour"].value == 1
    assert reading.cpu_percent == 25
    assert 60 <= (CLOCK.now() - reading.observed_at).total_seconds() < 180  # a sample a minute, and two are taken
    assert reading.running_seconds == pytest.approx(2_400, abs=60)


@pytest.mark.parametrize("expression", ["vector(0.25)", "vector(0.25) # of all requests", "vector(1)\n/ 4"])
def test_an_error_rate_is_read_as_it_is_written(watched: Watched, expression: str) -> None:
    assert measured(watched.read_machine(error_rate=expression))["error_rate"] == 0.25


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("sum(", NOT_UNDERSTOOD),
        ("0.25", NOT_UNDERSTOOD),
        ("http_errors_total", "metrics has no sample of it."),
        ('node_cpu_seconds_total{mode=~"idle|user",cpu="0"} * 0', "metrics gave 2 samples of it, where one is meant."),
        ("vector(0) / 0", "metrics gave nan, which is no number."),
    ],
)
def test_an_error_rate_that_is_none_is_named_and_costs_nothing_else(
    watched: Watched, expression: str, why: str
) -> None:
    reading = watched.read_machine(error_rate=expression)
    assert unread(reading, "error_rate") == [f"error_rate: {why}"]
    assert "memory of the machine" in measured(reading)
