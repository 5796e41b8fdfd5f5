"""The connections of one inventory: one HTTP client a system, one circuit breaker an address, one ssh master a host.

Made when a server first needs them, shared by all its servers, closed together. It connects to nothing itself. Called
by `Adapters`, by any number of threads.
"""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.inventory_systems import DockerSystem, HttpSystem, SshSystem, WebAccess, WebSystem
from worker.infrastructure.ssh import SshHost
from worker.infrastructure.web_api import WebApi
from worker.infrastructure.web_clients import docker_client, web_client
from worker.ports import Clock

if TYPE_CHECKING:
    import httpx2

__all__ = ["Connections"]


class Connections:
    """What the adapters of one inventory speak through; `folder` is where its relative files begin."""

    def __init__(self, folder: Path, *, clock: Clock, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._clock = clock
        self._environment = environment
        self._lock = threading.Lock()
        self._apis: dict[tuple[str, str], WebApi] = {}
        self._clients: dict[str, httpx2.Client] = {}
        self._opened = ExitStack()
        self._hosts: dict[tuple[str, str, str, Path], SshHost] = {}

    def close(self) -> None:
        """Close the connections to HTTP systems, once nobody asks any more."""
        with self._lock:
            self._opened.close()

    def system(self, name: str, system: WebSystem) -> WebApi:
        """Return the API of a system."""
        return self._api(name, system, str(system.url), title=f"{name} ({system.url.host})")

    def endpoint(self, name: str, system: HttpSystem, url: str) -> tuple[WebApi, str]:
        """Return the API of the server behind a health endpoint, and the endpoint's path there."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        return self._api(name, system, origin, title=f"{name} ({parts.netloc})"), path

    def docker(self, name: str, system: DockerSystem) -> WebApi:
        """Return the API of the engine behind a unix socket."""
        return self._api(name, system, "http://docker", title=name)

    def host(self, name: str, system: SshSystem, host: str, *, user: str, identity_file: Path) -> SshHost:
        """Return the way to a host under one user and key."""
        with self._lock:
            way = (name, host, user, identity_file)
            if way not in self._hosts:
                self._hosts[way] = SshHost(
                    f"ssh to {host}",
                    host=host,
                    port=system.port,
                    user=user,
                    identity_file=self._folder / identity_file,
                    known_hosts_file=self._folder / system.known_hosts_file,
                    breaker=CircuitBreaker(f"ssh to {host}", self._clock),
                    timeout_seconds=system.timeout_seconds,
                )
            return self._hosts[way]

    def _api(self, name: str, system: WebAccess | DockerSystem, url: str, *, title: str) -> WebApi:
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._opened.enter_context(self._client(system))
            if (name, url) not in self._apis:
                self._apis[name, url] = WebApi(
                    title,
                    url,
                    client=self._clients[name],
                    breaker=CircuitBreaker(title, self._clock),
                    timeout_seconds=system.timeout_seconds,
                )
            return self._apis[name, url]

    def _client(self, system: WebAccess | DockerSystem) -> "httpx2.Client":
        if isinstance(system, DockerSystem):
            return docker_client(system)
        return web_client(system, folder=self._folder, environment=self._environment)
