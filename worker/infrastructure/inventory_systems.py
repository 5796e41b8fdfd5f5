"""The systems that servers are reached by, as the inventory has them: kind, address, credentials and times.

Forms only: what one table says of another is checked in `inventory_mistakes.py`. Nothing here connects to anything.
"""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from worker.infrastructure.inventory_forms import in_form

__all__ = [
    "DockerSystem",
    "FilesSystem",
    "HttpSystem",
    "KubernetesSystem",
    "LokiSystem",
    "PrometheusSystem",
    "ReplaySystem",
    "SshSystem",
    "SupervisordSystem",
    "System",
    "Table",
    "WebAccess",
    "WebSystem",
]

_Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_SshUser = Annotated[str, in_form(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", "is no name of a user")]
_RestartSeconds = Annotated[float, Field(strict=True, ge=5, le=150)]


def _is_loopback_address(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _on_loopback(url: HttpUrl) -> HttpUrl:
    host = (url.host or "").strip("[]")
    if host != "localhost" and not _is_loopback_address(host):
        raise ValueError("must be on loopback: health is measured on this machine's own processes")
    return url


def _without_credentials(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("must hold no credentials: use `username` and `password_env`, or `token_env`")
    return url


class Table(BaseModel):
    """One table of the inventory; it never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SupervisordSystem(Table):
    """A supervisord on this machine; `password_env` names the environment variable that holds the password.

    Each kind's `restart_timeout_seconds` is how long its service manager is waited for.
    """

    kind: Literal["supervisord"]
    url: Annotated[HttpUrl, AfterValidator(_on_loopback), AfterValidator(_without_credentials)]
    username: _Name
    password_env: _Name
    restart_timeout_seconds: _RestartSeconds = 30.0


class ReplaySystem(Table):
    """Recordings: `folder`, relative to the inventory's own, has one folder a server."""

    kind: Literal["replay"]
    folder: Path


class FilesSystem(Table):
    """Plain log files on this machine, or mounted on it."""

    kind: Literal["files"]


class WebAccess(Table):
    """What HTTP needs: environment variables that hold credentials, a CA file of its own, and how long to wait."""

    username: _Name | None = None
    password_env: _Name | None = None
    token_env: _Name | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    timeout_seconds: Annotated[float, Field(strict=True, ge=0.1, le=10)] = 3.0


class WebSystem(WebAccess):
    """A system behind an HTTP API."""

    url: Annotated[HttpUrl, AfterValidator(_without_credentials)]


class HttpSystem(WebAccess):
    """The services' own health endpoints, which all take the same credentials; each server has its `health_url`."""

    kind: Literal["http"]


class PrometheusSystem(WebSystem):
    """A Prometheus, or whatever answers its query API."""

    kind: Literal["prometheus"]


class LokiSystem(WebSystem):
    """A Grafana Loki; `tenant` is its X-Scope-OrgID."""

    kind: Literal["loki"]
    tenant: Annotated[str, in_form(r"[!-~]{1,128}", "is no id of a tenant")] | None = None


class KubernetesSystem(WebSystem):
    """A Kubernetes API server; a service account's token is best read from `token_file`, which its platform renews."""

    kind: Literal["kubernetes"]
    restart_timeout_seconds: _RestartSeconds = 60.0


class DockerSystem(Table):
    """A Docker engine behind its unix socket, which is as good as root: give it to nobody else."""

    kind: Literal["docker"]
    socket: Path = Path("/var/run/docker.sock")
    timeout_seconds: Annotated[float, Field(strict=True, ge=0.1, le=10)] = 5.0
    restart_timeout_seconds: _RestartSeconds = 30.0


class SshSystem(Table):
    """Servers behind sshd: a user who reads, and one whose key runs the command of deploy/target and nothing else."""

    kind: Literal["ssh"]
    user: _SshUser | None = None
    identity_file: Path | None = None
    restart_user: _SshUser = "firstline"
    restart_identity_file: Path | None = None
    known_hosts_file: Path
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] = 22
    timeout_seconds: Annotated[float, Field(strict=True, ge=0.1, le=10)] = 5.0
    restart_timeout_seconds: _RestartSeconds = 60.0


System = (
    SupervisordSystem
    | ReplaySystem
    | FilesSystem
    | PrometheusSystem
    | LokiSystem
    | HttpSystem
    | DockerSystem
    | KubernetesSystem
    | SshSystem
)
