"""Debian's Prometheus and Alertmanager as real processes on loopback, for tests: started in a folder, ended by pid.

Both are told a made-up address of their own, so that nothing that they send names this machine. Where the programs
are missing the test is skipped, with how to install them; in CI (environment variable `CI`) it fails.
"""

import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from tests.programs import environment_of, running, wait_until

__all__ = [
    "QUICK_ROUTE",
    "RunningAlertmanager",
    "alertmanager_by",
    "free_port",
    "get_json",
    "post_json",
    "prometheus_by",
    "require_program",
    "running_alertmanager",
    "running_alertmanager_pair",
    "running_prometheus",
]

START_SECONDS: Final = 20.0
REQUEST_TIMEOUT_SECONDS: Final = 5.0
GOSSIP_INTERVAL: Final = "50ms"
"""A peer takes its cluster for settled after about thirty of these."""

QUICK_ROUTE: Final = {
    "receiver": "desk",
    "group_by": ["alertname"],
    "group_wait": "500ms",
    "group_interval": "1s",
    "repeat_interval": "1h",
}
"""How soon the default receiver is told: at once, where a real one waits half a minute."""

_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RunningAlertmanager:
    """Where an Alertmanager answers, and where its peers find it ("" when it has none)."""

    url: str
    cluster_address: str


@contextmanager
def running_prometheus(
    folder: Path,
    *,
    rules: Sequence[Mapping[str, Any]] = (),
    alertmanagers: Sequence[str] = (),
    scrape: Sequence[str] = (),
    interval: str = "1s",
) -> Iterator[str]:
    """Start a Prometheus, and yield its URL.

    `rules` are those of one group, `alertmanagers` are URLs, `scrape` are addresses (``host:port``) of `/metrics`,
    whose own labels `job` and `instance` win. It scrapes and evaluates every `interval`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.json").write_text(json.dumps({"groups": [{"name": "desk", "rules": list(rules)}]}))
    configuration = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules.json"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [_address(url) for url in alertmanagers]}]}]},
        "scrape_configs": [
            {"job_name": "lab", "honor_labels": True, "static_configs": [{"targets": list(scrape)}]},
        ],
    }
    (folder / "prometheus.json").write_text(json.dumps(configuration))
    with prometheus_by(folder / "prometheus.json", port=free_port(), data=folder / "data") as url:
        yield url


@contextmanager
def prometheus_by(configuration: Path, *, port: int, data: Path) -> Iterator[str]:
    """Start a Prometheus as its configuration file says, and yield its URL; its log stands beside the file."""
    command = [
        require_program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={_LOOPBACK}:{port}",
        "--web.external-url=http://prometheus.example:9090/",
    ]
    with _ready(command, configuration.with_suffix(".log"), f"http://{_LOOPBACK}:{port}") as url:
        yield url


@contextmanager
def running_alertmanager(
    folder: Path,
    *,
    webhook_url: str,
    token: str | None = None,
    route: Mapping[str, Any] | None = None,
    receivers: Mapping[str, Mapping[str, Any]] | None = None,
    peers: Sequence[str] | None = None,
    peer_timeout: str = "0s",
) -> Iterator[RunningAlertmanager]:
    """Start an Alertmanager whose receiver `desk` is the webhook at `webhook_url`, and yield where it answers.

    `token` is sent as bearer token. `route` takes the place of `QUICK_ROUTE`; `receivers` gives further receivers by
    name, each as settings of its one `webhook_config` (such as `url`, `max_alerts`). `peers` are cluster addresses;
    None leaves the cluster off. With a `peer_timeout` of 0s, a pair sends everything twice, as on a bad network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    webhooks = {"desk": {"url": webhook_url}, **(receivers or {})}
    authorization = {"http_config": {"authorization": {"credentials": token}}} if token else {}
    configuration = {
        "route": dict(route or QUICK_ROUTE),
        "receivers": [
            {"name": name, "webhook_configs": [{"send_resolved": True, **authorization, **webhook}]}
            for name, webhook in webhooks.items()
        ],
    }
    (folder / "alertmanager.json").write_text(json.dumps(configuration))
    cluster_address = f"{_LOOPBACK}:{free_port()}" if peers is not None else ""
    options = [f"--cluster.listen-address={cluster_address}"]
    if cluster_address:
        options += [f"--cluster.advertise-address={cluster_address}", f"--cluster.peer-timeout={peer_timeout}"]
        options += [f"--cluster.gossip-interval={GOSSIP_INTERVAL}", *(f"--cluster.peer={peer}" for peer in peers or ())]
    file = folder / "alertmanager.json"
    with alertmanager_by(file, *options, port=free_port(), data=folder / "data") as url:
        yield RunningAlertmanager(url, cluster_address)


@contextmanager
def alertmanager_by(configuration: Path, *options: str, port: int, data: Path) -> Iterator[str]:
    """Start an Alertmanager as its configuration file says, and yield its URL; its log stands beside the file."""
    url = f"http://{_LOOPBACK}:{port}"
    command = [
        require_program("prometheus-alertmanager"),
        f"--config.file={configuration}",
        f"--storage.path={data}",
        f"--web.listen-address={_address(url)}",
        "--web.external-url=http://alertmanager.example:9093/",
        "--web.route-prefix=/",
        *options,
    ]
    with _ready(command, configuration.with_suffix(".log"), url):
        yield url


@contextmanager
def running_alertmanager_pair(
    folder: Path,
    *,
    webhook_url: str,
    token: str | None = None,
    route: Mapping[str, Any] | None = None,
    peer_timeout: str = "0s",
) -> Iterator[tuple[RunningAlertmanager, RunningAlertmanager]]:
    """Start two Alertmanagers that know each other, with the same settings, and yield both once they do."""
    with ExitStack() as stack:
        pair: list[RunningAlertmanager] = []
        for name in ("first", "second"):
            peers = [each.cluster_address for each in pair]
            alertmanager = running_alertmanager(
                folder / name,
                webhook_url=webhook_url,
                token=token,
                route=route,
                peers=peers,
                peer_timeout=peer_timeout,
            )
            pair.append(stack.enter_context(alertmanager))
        first, second = pair
        wait_until(lambda: all(_peers_of(each.url) == len(pair) for each in pair), seconds=START_SECONDS)
        yield first, second


def get_json(url: str) -> Any:
    """Return the JSON that a server on loopback answers with."""
    with _client() as client:
        return client.get(url).raise_for_status().json()


def post_json(url: str, document: object) -> Any:
    """Send JSON to a server on loopback, and return its answer, None when it is empty."""
    with _client() as client:
        response = client.post(url, json=document).raise_for_status()
    return response.json() if response.content else None


def require_program(name: str, *, package: str | None = None) -> str:
    """Return a program's path; skip the test when there is none, or fail in CI.

    Its `package` has the same name when none is given.
    """
    program = shutil.which(name)
    if program is not None:
        return program
    reason = f"no {name} on this machine: apt-get install {package or name} (its service need not run)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """Return a port of loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _ready(command: Sequence[str], log: Path, url: str) -> Iterator[str]:
    with running(*command, environment=environment_of({}), log=log):
        wait_until(lambda: _answers(f"{url}/-/ready"), seconds=START_SECONDS, log=log)
        yield url


def _answers(url: str) -> bool:
    with _client() as client:
        try:
            return client.get(url).is_success
        except httpx2.TransportError:
            return False


def _peers_of(url: str) -> int:
    status = get_json(f"{url}/api/v2/status")["cluster"]
    return len(status.get("peers", ())) if status["status"] == "ready" else 0


def _client() -> httpx2.Client:
    return httpx2.Client(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False)


def _address(url: str) -> str:
    return url.removeprefix("http://").rstrip("/")
