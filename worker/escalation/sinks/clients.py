"""What a sink that speaks HTTP is made with: a client, its address in two parts, and a secret that a header can carry.

Whoever makes sinks makes the client. Mistakes are told without showing what may be a secret.
"""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpx2

from worker.errors import ConfigurationError

__all__ = ["checked_secret", "posting_client", "server_and_path"]

LABEL_LIMIT: Final = 63
"""What a part of a host's name holds at most."""


def posting_client(*, ca_file: Path | None = None) -> httpx2.Client:
    """Return a client for sinks: certificates are verified (by `ca_file` where one is given), and no cookie is kept.

    The environment's proxies are not used. Raises `ConfigurationError` for a CA file that is none.
    """
    try:
        trusted = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:  # what is no certificate is one too
        raise ConfigurationError(f"The ca_file {ca_file} is no file of certificates (PEM): correct it.") from error
    return httpx2.Client(
        headers={"Accept": "application/json", "User-Agent": "firstline"},
        verify=trusted,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def checked_secret(name: str, secret: str) -> str:
    """Return a secret that a header can carry. Raises `ConfigurationError`, which does not show it."""
    if secret and secret.isascii() and secret.isprintable() and " " not in secret:
        return secret
    raise ConfigurationError(f"{name} is empty or holds what no header can carry: correct it.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def server_and_path(name: str, url: str) -> tuple[str, str]:
    """Return the server's URL, which may be told, and the path with its query, which may be a secret.

    Raises `ConfigurationError`, too, where a secret or a card would cross a network unencrypted.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, TypeError):
        parsed = httpx2.URL("")
    is_host = all(0 < len(label) <= LABEL_LIMIT for label in parsed.host.split("."))
    if parsed.scheme not in {"http", "https"} or not is_host or parsed.userinfo or parsed.fragment:
        raise ConfigurationError(
            f"The address of {name} is no http or https URL, or has a user or a fragment in it: correct it."
        )
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise ConfigurationError(f"The address of {name} would send secrets and cards unencrypted: write https.")
    return str(parsed.copy_with(raw_path=b"/")), parsed.raw_path.decode("ascii")
