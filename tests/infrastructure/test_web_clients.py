"""Credentials of HTTP systems: sent to their own system as the inventory says, and a renewed token at once."""

from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from worker.errors import ConfigurationError, SourceUnavailable
from worker.infrastructure.inventory_systems import LokiSystem, PrometheusSystem
from worker.infrastructure.web_clients import web_client

ENVIRONMENT = {
    "TOKEN": "made-up-token",
    "PASSWORD": "made-up-password",
    "UMLAUT": "s\u00e9cret",
    "TWO_LINES": "a\nsecret",
}


def sent(server: HTTPServer, folder: Path, **keys: Any) -> dict[str, str]:
    """Return the headers of one request of a system with these keys."""
    server.expect_request("/x").respond_with_data("")
    kind = LokiSystem if "tenant" in keys else PrometheusSystem
    name = "loki" if "tenant" in keys else "prometheus"
    system = kind.model_validate({"kind": name, "url": server.url_for("/"), **keys})
    with web_client(system, folder=folder, environment=ENVIRONMENT) as client:
        client.get(server.url_for("/x"))
    return dict(server.log[-1][0].headers)


def test_nothing_is_sent_where_nothing_is_said(httpserver: HTTPServer, tmp_path: Path) -> None:
    headers = sent(httpserver, tmp_path)
    assert "Authorization" not in headers
    assert "X-Scope-Orgid" not in headers


def test_a_token_a_password_and_a_tenant_are_sent(httpserver: HTTPServer, tmp_path: Path) -> None:
    assert sent(httpserver, tmp_path, token_env="TOKEN")["Authorization"] == "Bearer made-up-token"
    basic = sent(httpserver, tmp_path, username="me", password_env="PASSWORD")["Authorization"]
    assert basic == "Basic bWU6bWFkZS11cC1wYXNzd29yZA=="
    assert sent(httpserver, tmp_path, tenant="team-1")["X-Scope-Orgid"] == "team-1"


def test_a_token_that_is_renewed_in_its_file_is_used_at_once(httpserver: HTTPServer, tmp_path: Path) -> None:
    for token in ("first", "second"):
        (tmp_path / "token").write_text(f"{token}\n")
        assert sent(httpserver, tmp_path, token_file="token")["Authorization"] == f"Bearer {token}"
    (tmp_path / "token").unlink()
    with pytest.raises(SourceUnavailable, match=r"token can't be read \(FileNotFoundError\)\.$"):
        sent(httpserver, tmp_path, token_file="token")


def test_a_proxy_of_the_environment_is_not_asked(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert sent(httpserver, tmp_path)["User-Agent"] == "firstline"


def test_a_ca_file_that_is_none_is_named(httpserver: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(ConfigurationError, match=r"ca\.pem is no file of certificates"):
        sent(httpserver, tmp_path, ca_file="ca.pem")


def test_nothing_that_was_kept_is_asked_for(httpserver: HTTPServer, tmp_path: Path) -> None:
    assert sent(httpserver, tmp_path)["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("variable", ["UMLAUT", "TWO_LINES"])
def test_a_token_that_no_header_can_hold_is_named_and_not_told(
    httpserver: HTTPServer, tmp_path: Path, variable: str
) -> None:
    complaint = f"^The token in {variable} holds characters that no HTTP header may: correct it"
    with pytest.raises(ConfigurationError, match=complaint) as raised:
        sent(httpserver, tmp_path, token_env=variable)
    assert "cret" not in str(raised.value)


def test_a_token_file_of_two_lines_is_named_and_not_told(httpserver: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a\nsecret\n")
    with pytest.raises(SourceUnavailable, match=r"token holds more than one line: correct it\.$"):
        sent(httpserver, tmp_path, token_file="token")
