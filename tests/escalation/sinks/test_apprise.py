"""Apprise: loaded only when it is used, and honest about what it does not tell."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.builders import result
from tests.escalation.sinks.stand_ins import SECRET, Systems, apprise_sink, handled
from worker.contract.handling import Action
from worker.errors import ConfigurationError, NotDelivered

ADDRESS = f"/apprise/{SECRET}"


@pytest.fixture
def without_apprise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "apprise", None)
        yield


def at(httpserver: HTTPServer) -> str:
    return f"json://127.0.0.1:{httpserver.port}{ADDRESS}"


def test_a_card_and_an_action_are_sent_as_text(httpserver: HTTPServer, systems: Systems) -> None:
    sink = apprise_sink(at(httpserver))
    sink.deliver(result())
    sink.follow(result(), handled(Action.ACKNOWLEDGE))
    card, action = systems.plain
    assert result().incident.incident_id in card["message"]
    assert card["type"] == "failure"
    assert "Acknowledged by ann" in action["message"]


@pytest.mark.parametrize("status", [400, 500])
def test_a_no_says_that_there_is_no_reason(status: int, httpserver: HTTPServer) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_data("", status)
    with pytest.raises(
        NotDelivered, match=r"Apprise \(JSON\) did not take the message in 10 s, .* no reason: check its address"
    ):
        apprise_sink(at(httpserver)).deliver(result())


def test_a_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request(ADDRESS).respond_with_data("", 307, {"Location": httpserver.url_for("/there")})
    with pytest.raises(NotDelivered):
        apprise_sink(at(httpserver)).deliver(result())
    assert [request.path for request, _ in httpserver.log] == [ADDRESS]


@pytest.mark.parametrize("url", ["", "nothing", f"unknown://{SECRET}", "file:///etc/passwd"])
def test_an_address_that_apprise_does_not_know_is_refused_and_not_shown(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigurationError, match="is none that Apprise knows: correct it") as raised:
        apprise_sink(url)
    assert SECRET not in str(raised.value)
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("without_apprise")
def test_a_missing_extra_is_told_with_the_command() -> None:
    with pytest.raises(ConfigurationError, match=re.escape("install it with `pip install 'firstline[notify]'`")):
        apprise_sink("json://127.0.0.1/")


def test_apprise_is_not_loaded_before_a_sink_is_made() -> None:
    code = "import sys, worker.escalation.sinks.apprise_sink; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
