"""What holds for each sink: it hands over, what a repeat does, it shows actions, and it tells no secret."""

import json
import logging
import re
import socket
import traceback

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.escalation.builders import result
from tests.escalation.sinks.cutting import server_that_says
from tests.escalation.sinks.stand_ins import EVERY, MADE, SECRET, Systems, handled
from worker.contract.handling import Action
from worker.errors import NotDelivered

REPEATS = {
    "pagerduty": 1,
    "slack_webhook": 2,
    "slack_bot": 1,
    "teams": 2,
    "mattermost": 2,
    "webhook": 1,
    "jira": 1,
    "servicenow": 1,
    "apprise": 2,
}
"""What a person finds when a result was delivered twice."""

SYSTEMS_LOGGERS = {"werkzeug", "pytest_httpserver.httpserver"}


def address_of(httpserver: HTTPServer) -> str:
    return httpserver.url_for("").rstrip("/")


def answers(httpserver: HTTPServer, status: int, **headers: str) -> None:
    def answer(_: Request) -> Response:
        return Response(f'{{"error": "{SECRET}"}}', status, headers=headers, content_type="application/json")

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)


@pytest.mark.parametrize("name", EVERY)
def test_a_result_is_handed_over_in_the_form_that_the_system_documents(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    EVERY[name](address_of(httpserver), client).deliver(result())
    assert systems.pages == 1


@pytest.mark.parametrize("name", EVERY)
def test_the_same_result_again_does_what_the_sink_says(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = EVERY[name](address_of(httpserver), client)
    sink.deliver(result(1))
    sink.deliver(result(1))
    assert systems.pages == REPEATS[name]
    sink.deliver(result(2))
    assert systems.pages == REPEATS[name] + 1


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("action", Action)
def test_an_action_is_shown_or_changes_nothing(
    name: str, action: Action, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = EVERY[name](address_of(httpserver), client)
    sink.deliver(result())
    before = len(systems.posted)
    sink.follow(result(), handled(action, "it was the pool"))
    is_shown = len(systems.posted) > before
    if name == "pagerduty":
        assert is_shown == (action in {Action.ACKNOWLEDGE, Action.RESOLVE, Action.REOPEN})
    elif name == "webhook":
        assert is_shown
    else:
        assert is_shown == (action not in {Action.RIGHT, Action.WRONG})


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        *((status, True) for status in (400, 401)),
        *((status, False) for status in (307, 403, 404, 408, 429, 503)),
    ],
)
def test_a_no_is_one_sentence_that_names_sink_and_remedy(
    name: str, status: int, is_final: bool, httpserver: HTTPServer, client: httpx2.Client
) -> None:
    answers(httpserver, status, Location="http://127.0.0.1:9/elsewhere")
    with pytest.raises(NotDelivered, match=rf"{status}.*\.$") as raised:
        MADE[name](address_of(httpserver), client).deliver(result())
    assert raised.value.is_final == is_final
    assert raised.value.final_at_try == (3 if status in {307, 403, 404} else None)
    assert re.match(r"(PagerDuty|Slack|Microsoft Teams|Mattermost|The webhook|Jira|ServiceNow) ", str(raised.value))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", MADE)
def test_too_much_is_told_with_the_sinks_own_patience(name: str, httpserver: HTTPServer, client: httpx2.Client) -> None:
    answers(httpserver, 429, **{"Retry-After": "30"})
    with pytest.raises(NotDelivered) as raised:
        MADE[name](address_of(httpserver), client).deliver(result())
    assert raised.value.retry_after_seconds == 30


@pytest.mark.parametrize("name", ["slack_bot", "jira", "servicenow"])
@pytest.mark.parametrize(
    "body", ["", "<html>It works!</html>", "[]", "null", '{"result": 1, "issues": 1}', "x" * 70_000]
)
def test_an_answer_that_is_none_of_the_systems_is_no_yes(
    name: str, body: str, httpserver: HTTPServer, client: httpx2.Client
) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_data(body)
    with pytest.raises(NotDelivered, match="no answer of its API: check its address"):
        MADE[name](address_of(httpserver), client).deliver(result())


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("status", [301, 401, 429, 500])
def test_no_failure_tells_the_secret(
    name: str,
    status: int,
    httpserver: HTTPServer,
    client: httpx2.Client,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    answers(httpserver, status, Location="http://127.0.0.1:9/elsewhere")
    sink = EVERY[name](address_of(httpserver), client)
    with pytest.raises(NotDelivered) as raised:
        sink.deliver(result())
    printed = capsys.readouterr()
    told = [str(raised.value), repr(raised.value), repr(sink), *_lines(caplog), printed.out, printed.err]
    assert not [line for line in told if SECRET in line]
    assert SECRET not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("name", EVERY)
def test_no_success_tells_the_secret(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    EVERY[name](address_of(httpserver), client).deliver(result())
    assert not [line for line in _lines(caplog) if SECRET in line]


def test_control_an_address_in_the_clients_hands_is_in_its_log(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.post(f"{address_of(httpserver)}/hooks/{SECRET}", json={"text": "x"})
    assert [line for line in _lines(caplog) if SECRET in line]


@pytest.mark.parametrize("name", MADE)
def test_huge_results_stay_within_the_systems_limits(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    huge = result(summary="\N{GRINNING FACE}<&*`" * 20_000, service="s" * 5_000)
    sink = MADE[name](address_of(httpserver), client)
    sink.deliver(huge)
    assert systems.pages == 1
    assert name == "webhook" or len(json.dumps(systems.posted[-1][1])) < 40_000  # a program is given all of it
    sink.follow(huge, handled(Action.RESOLVE, "\N{GRINNING FACE}<&*`[" * 300))


def _lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, but by the systems themselves."""
    return [logging.Formatter().format(record) for record in caplog.records if record.name not in SYSTEMS_LOGGERS]


@pytest.mark.parametrize("name", EVERY)
def test_a_system_that_is_not_there_is_one_sentence_without_the_secret(name: str, client: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotDelivered, match=r"check its address.*\.$") as raised:
        EVERY[name](f"http://127.0.0.1:{port}", client).deliver(result())
    assert not raised.value.is_final
    assert SECRET not in "".join(traceback.format_exception(raised.value)) + repr(raised.value)


@pytest.mark.parametrize("name", MADE)
def test_a_cut_connection_is_one_sentence_without_the_secret(name: str, client: httpx2.Client) -> None:
    with server_that_says(b"HTTP/1.1 2") as (url, _), pytest.raises(NotDelivered, match=r"nobody knows.*\.$") as raised:
        MADE[name](url.rstrip("/"), client).deliver(result())
    assert not raised.value.is_final
    assert SECRET not in "".join(traceback.format_exception(raised.value)) + repr(raised.value)
