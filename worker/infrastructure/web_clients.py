"""HTTP clients with a system's credentials: made once for each system of the inventory, and shared by its servers.

Environment proxies are not used: what is asked stands in the inventory. Made by `Adapters`.
"""

import ssl
from collections.abc import Generator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Final

import httpx2

from worker.errors import ConfigurationError, SourceUnavailable
from worker.infrastructure.inventory_systems import DockerSystem, LokiSystem, WebAccess

__all__ = ["docker_client", "web_client"]

_HEADERS: Final = {
    "Accept": "application/json",
    "Cache-Control": "no-cache",  # an answer that a proxy kept says nothing of now
    "User-Agent": "firstline",
}


def web_client(system: WebAccess, *, folder: Path, environment: Mapping[str, str]) -> httpx2.Client:
    """Return a client that presents the system's credentials; `folder` is where its relative files begin.

    Raises `ConfigurationError` for a CA file that is none, and for a token that no header can hold.
    """
    tenant = {"X-Scope-OrgID": system.tenant} if isinstance(system, LokiSystem) and system.tenant else {}
    return httpx2.Client(
        headers=_HEADERS | tenant,
        auth=_auth_of(system, folder=folder, environment=environment),
        verify=_trusted(system, folder),
        cookies=_no_cookies(),
        follow_redirects=False,
        trust_env=False,
    )


def docker_client(system: DockerSystem) -> httpx2.Client:
    """Return a client of the engine's unix socket, at `http://docker`; it connects when something is asked."""
    transport = httpx2.HTTPTransport(uds=str(system.socket))
    return httpx2.Client(headers=_HEADERS, transport=transport, cookies=_no_cookies(), trust_env=False)


def _no_cookies() -> CookieJar:
    """Return a jar that takes none: a server could fill it until its own limits refuse our requests."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _trusted(system: WebAccess, folder: Path) -> ssl.SSLContext:
    if system.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(folder / system.ca_file))
    except OSError as error:  # what is no certificate is one too
        raise ConfigurationError(
            f"The ca_file {folder / system.ca_file} is no file of certificates (PEM): correct it ({error.strerror})."
        ) from error


def _auth_of(system: WebAccess, *, folder: Path, environment: Mapping[str, str]) -> httpx2.Auth | None:
    if system.token_file is not None:
        return _TokenFile(folder / system.token_file)
    if system.token_env is not None:
        return _Bearer(_fit_for_header(environment[system.token_env], variable=system.token_env))
    if system.username is not None and system.password_env is not None:
        return httpx2.BasicAuth(system.username, environment[system.password_env])
    return None


def _fit_for_header(token: str, *, variable: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise ConfigurationError(f"The token in {variable} holds characters that no HTTP header may: correct it.")
    return token


class _Bearer(httpx2.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class _TokenFile(httpx2.Auth):
    """A token that its platform renews in place, as Kubernetes does: read for each request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        try:
            token = self._path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceUnavailable(f"The token file {self._path} can't be read ({type(error).__name__}).") from error
        if not token.isprintable():
            raise SourceUnavailable(f"The token file {self._path} holds more than one line: correct it.")
        request.headers["Authorization"] = f"Bearer {token}"
        yield request
