"""Health by Debian's own Prometheus and node_exporter on loopback."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.integration.monitoring import free_port, get_json, require_program, running_prometheus
from tests.programs import environment_of, running, wait_until
from worker.clock import SystemClock
from worker.contract.observations import ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.prometheus import PrometheusHealth
from worker.infrastructure.web_api import WebApi

pytestmark = pytest.mark.integration

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Give Prometheus' URL and the address of a node_exporter, whose textfile tells of a unit as systemd's would."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "unit.prom").write_text(
        'node_systemd_unit_state{name="payments.service",state="active"} 0\n'
        'node_systemd_unit_state{name="payments.service",state="failed"} 1\n'
    )
    address = f"127.0.0.1:{free_port()}"
    command = [
        require_program("prometheus-node-exporter"),
        f"--web.listen-address={address}",
        "--collector.textfile",
        f"--collector.textfile.directory={folder}",
    ]
    with (
        running(*command, environment=environment_of({}), log=folder / "exporter.log"),
        running_prometheus(folder / "prometheus", scrape=[address]) as url,
    ):
        query = f"{url}/api/v1/query?query=count_over_time(node_load1[1m])%3E2"
        wait_until(lambda: bool(get_json(query)["data"]["result"]), seconds=30)
        yield url, address


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


def health(url: str, client: httpx2.Client, selector: str, *, unit: str | None = None) -> PrometheusHealth:
    api = WebApi("metrics", url, client=client, breaker=CircuitBreaker("metrics", CLOCK), timeout_seconds=5)
    return PrometheusHealth("web-01", api=api, selector=selector, exporter="node", unit=unit, clock=CLOCK)


def test_a_machine_is_seen_with_units_ages_and_what_is_missing(watched: tuple[str, str], client: httpx2.Client) -> None:
    url, address = watched
    before = CLOCK.now()
    reading = health(url, client, f'instance="{address}"').read_health()
    assert reading.status is ServiceStatus.RUNNING
    assert reading.cpu_percent is not None
    assert reading.memory_percent is not None
    assert 0 < reading.memory_percent < 100
    assert reading.observed_at <= CLOCK.now()
    assert (before - reading.observed_at).total_seconds() < 5
    measures = {measure.name: measure for measure in reading.measures}
    assert {"fullest disk", "load of one minute by core", "file handles"} <= set(measures)
    assert measures["fullest disk"].unit == "percent"
    assert measures["memory"].half_an_hour_before is None  # this Prometheus has no past


def test_a_unit_s_state_is_systemd_s_and_one_that_nobody_tells_of_is_not_guessed(
    watched: tuple[str, str], client: httpx2.Client
) -> None:
    url, address = watched
    selector = f'instance="{address}"'
    reading = health(url, client, selector, unit="payments.service").read_health()
    assert reading.status is ServiceStatus.STOPPED
    assert "started: metrics has no sample of it" in reading.unread
    with pytest.raises(SourceUnavailable, match=r"does not know the state of other\.service on web-01"):
        health(url, client, selector, unit="other.service").read_health()


def test_a_target_that_is_not_there_is_a_sentence(watched: tuple[str, str], client: httpx2.Client) -> None:
    url, _ = watched
    with pytest.raises(SourceUnavailable, match="metrics has no sample of web-01: it is not scraped"):
        health(url, client, 'instance="10.0.0.9:9100"').read_health()
    with pytest.raises(SourceUnavailable, match="metrics answered 400"):
        health(url, client, 'instance=~"(').read_health()
