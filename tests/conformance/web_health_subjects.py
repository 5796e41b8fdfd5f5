"""Health sources that ask an HTTP API in their surroundings: a real Prometheus, and documented exchanges."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pytest_httpserver import HTTPServer

from tests.conformance.subjects import (
    CLOCK,
    MISSING,
    PATIENCE_SECONDS,
    SERVER_ID,
    HealthSubject,
    api_at,
    client_of,
    silent_socket,
    talking_ways,
    web_ways,
)
from tests.fakes import FakeClock
from tests.infrastructure.docker_stub import INSPECTED, STATS, Engine, running_engine
from tests.infrastructure.kubernetes_stub import Cluster, pod
from tests.integration.exporter import running_exporter
from tests.integration.monitoring import get_json, running_prometheus
from tests.programs import wait_until
from worker.infrastructure.docker import DockerContainer
from worker.infrastructure.http_health import HttpHealth
from worker.infrastructure.kubernetes import KubernetesDeployment
from worker.infrastructure.prometheus import PrometheusHealth
from worker.infrastructure.web_api import WebApi
from worker.ports import HealthSource

__all__ = ["by_http", "by_prometheus", "docked", "in_kubernetes"]


def _exported(seconds: float) -> Mapping[str, float]:
    now = time.time()
    units = {"web.service": now - 60, "future.service": now + 3600}
    return {
        "node_memory_MemTotal_bytes": 1e9,
        "node_memory_MemAvailable_bytes": 7e8,
        'node_cpu_seconds_total{mode="idle",cpu="0"}': 0.9 * seconds,
        "node_load1": 0.5,
        **{f'node_systemd_unit_state{{name="{unit}",state="active"}}': 1 for unit in units},
        **{f'node_systemd_unit_start_time_seconds{{name="{unit}"}}': started for unit, started in units.items()},
    }


@contextmanager
def by_prometheus(folder: Path) -> Iterator[HealthSubject]:
    with (
        ExitStack() as stack,
        running_exporter(_exported) as address,
        running_prometheus(folder, scrape=[address], interval="500ms") as url,
    ):
        query = f"{url}/api/v1/query?query=count_over_time(node_load1[1m])%3E2"
        wait_until(lambda: bool(get_json(query)["data"]["result"]), seconds=30)

        def health(
            api: WebApi, *, server_id: str = SERVER_ID, unit: str = "web.service", instance: str = address
        ) -> HealthSource:
            selector = f'instance="{instance}"'
            return PrometheusHealth(server_id, api=api, selector=selector, exporter="node", unit=unit, clock=CLOCK)

        well, unreachable, silent = web_ways(stack, url, name="metrics")
        slow, endless, talker = talking_ways(stack, name="metrics")
        yield HealthSubject(
            source=health(well),
            missing=health(well, server_id=MISSING, instance="10.0.0.9:9100"),
            unreachable=health(unreachable),
            silent=health(silent),
            slow=health(slow),
            endless=health(endless),
            taken_bytes=lambda: talker.taken_bytes,
            from_the_future=health(well, unit="future.service"),
            system="metrics",
            oldest_seconds=10,
        )


@contextmanager
def docked(folder: Path) -> Iterator[HealthSubject]:
    early = {**INSPECTED, "State": {**INSPECTED["State"], "StartedAt": "2026-06-01T01:01:00Z"}}  # type: ignore[dict-item]
    calm = {**STATS, "cpu_stats": {**STATS["cpu_stats"], "cpu_usage": {"total_usage": 2_000_000}}}  # type: ignore[dict-item]
    engines = {"web": Engine(), "early": Engine()}
    engines["early"].answers["json"] = early
    for engine in engines.values():
        engine.answers["stats"] = calm
    with ExitStack() as stack:
        for name, engine in engines.items():
            stack.enter_context(running_engine(engine, folder / f"{name}.sock"))
        stack.enter_context(silent_socket(folder / "silent.sock"))

        def api(socket: str) -> WebApi:
            client = stack.enter_context(client_of(folder / f"{socket}.sock"))
            timeout_seconds = PATIENCE_SECONDS if socket == "silent" else 10
            return api_at("http://docker", client, name="Docker", timeout_seconds=timeout_seconds)

        def health(api: WebApi, *, server_id: str = SERVER_ID, container: str = "web") -> HealthSource:
            return DockerContainer(server_id, container=container, api=api, restart_seconds=10, clock=CLOCK)

        slow, endless, talker = talking_ways(stack, name="Docker")

        yield HealthSubject(
            source=health(api("web")),
            missing=health(api("web"), server_id=MISSING, container=MISSING),
            unreachable=health(api("nobody")),
            silent=health(api("silent")),
            slow=health(slow),
            endless=health(endless),
            taken_bytes=lambda: talker.taken_bytes,
            from_the_future=health(api("early")),
            named="Docker",
            system="Docker",
            figures=frozenset({"docker_state", "restarts", "oom_killed", "exit_code", "processes", "memory_mib"}),
            age_seconds=1,
            oldest_seconds=1,
        )


@contextmanager
def in_kubernetes(folder: Path) -> Iterator[HealthSubject]:
    clock = FakeClock()
    with ExitStack() as stack:
        servers = [stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True)) for _ in range(2)]
        _, early = (Cluster(server) for server in servers)
        early.pods = {"items": [pod("web-2", age_seconds=-3600)]}

        def health(api: WebApi, *, server_id: str = SERVER_ID, deployment: str = "web") -> HealthSource:
            return KubernetesDeployment(
                server_id,
                namespace="shop",
                deployment=deployment,
                needed_ready=2,
                api=api,
                restart_seconds=60,
                clock=clock,
            )

        well, unreachable, silent = web_ways(stack, servers[0].url_for("/"), name="the cluster")
        slow, endless, talker = talking_ways(stack, name="the cluster")
        yield HealthSubject(
            source=health(well),
            missing=health(well, server_id=MISSING, deployment=MISSING),
            unreachable=health(unreachable),
            silent=health(silent),
            slow=health(slow),
            endless=health(endless),
            taken_bytes=lambda: talker.taken_bytes,
            from_the_future=health(web_ways(stack, servers[1].url_for("/"), name="the cluster")[0]),
            clock=clock,
            named="the cluster",
            system="the cluster",
            figures=frozenset({"replicas_wanted", "replicas_ready", "container_restarts"}),
            age_seconds=10,
            oldest_seconds=60,
        )


@contextmanager
def by_http(folder: Path) -> Iterator[HealthSubject]:
    with ExitStack() as stack:
        server = stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True))
        server.expect_request("/health").respond_with_json({"status": "UP", "uptime": 60})
        server.expect_request("/early").respond_with_json({"status": "UP", "uptime": -3600})
        server.expect_request("/gone").respond_with_data("", status=404)

        def health(api: WebApi, *, server_id: str = SERVER_ID, path: str = "/health") -> HealthSource:
            return HttpHealth(server_id, api=api, path=path, clock=CLOCK)

        well, unreachable, silent = web_ways(stack, server.url_for(""), name="web")
        slow, _, _ = talking_ways(stack, name="web")
        yield HealthSubject(
            source=health(well),
            missing=health(well, server_id=MISSING, path="/gone"),
            unreachable=health(unreachable, server_id=MISSING),
            silent=health(silent, server_id=MISSING),
            slow=health(slow, server_id=MISSING),
            endless=None,  # the status is read, whatever follows
            from_the_future=health(well, path="/early"),
            system=MISSING,
            figures=frozenset({"http_status", "health_status"}),
            tells_cpu_and_memory=False,
        )
