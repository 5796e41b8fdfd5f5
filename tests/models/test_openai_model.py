"""The adapter on a real wire: every bad manner of an endpoint, on loopback, with bounds in seconds."""

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.endpoint import (
    MANNERS,
    Answer,
    Delivery,
    Manner,
    StubEndpoint,
    address_that_refuses,
    answer,
    error,
    scripted,
)
from tests.models.transcripts import SERVER, SPECS, fresh
from worker.contract.transcript import ModelReply, Step, Transcript
from worker.errors import ConfigurationError, ModelUnavailable
from worker.models import OpenAIModel

pytestmark = pytest.mark.integration

KEY = "sk-made-up-1234567890"
SLACK_SECONDS = 2.0
FINE = answer("All is well.")
NOW_AT_ONCE = {"retry-after": "0"}


@contextmanager
def model_at(
    url: str, *, retries: int = 2, try_timeout_seconds: float = 5, concurrency: int = 8
) -> Iterator[OpenAIModel]:
    model = OpenAIModel(
        "gpt-4o",
        api_key=KEY,
        base_url=url,
        retries=retries,
        try_timeout_seconds=try_timeout_seconds,
        concurrency=concurrency,
    )
    try:
        yield model
    finally:
        model.close()


def ask(model: OpenAIModel, *, timeout_seconds: float = 10, transcript: Transcript | None = None) -> ModelReply:
    started = time.monotonic()
    try:
        return model.reply(transcript or fresh(), SPECS, timeout_seconds=timeout_seconds)
    finally:
        assert time.monotonic() - started < timeout_seconds + SLACK_SECONDS


def refusal(
    manner: Manner, *, timeout_seconds: float = 10, retries: int = 2, try_timeout_seconds: float = 5
) -> tuple[str, int]:
    """Return the words of the ModelUnavailable that a manner leads to, and how many requests came."""
    with (
        StubEndpoint(manner) as endpoint,
        model_at(endpoint.url, retries=retries, try_timeout_seconds=try_timeout_seconds) as model,
        pytest.raises(ModelUnavailable) as caught,
    ):
        ask(model, timeout_seconds=timeout_seconds)
    assert KEY not in str(caught.value)
    assert endpoint.url.split("/")[2] in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value), len(endpoint.requests)


def test_a_sane_endpoint_is_asked_with_key_model_and_tools_and_asks_for_health() -> None:
    with StubEndpoint(MANNERS["sane"]) as endpoint, model_at(endpoint.url) as model:
        (call,) = ask(model).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("get_server_health", {"server_id": SERVER})
    (request,) = endpoint.requests
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "gpt-4o"
    assert [tool["function"]["name"] for tool in request.body["tools"]] == [spec.name for spec in SPECS]


def test_a_server_without_keys_gets_a_placeholder() -> None:
    with StubEndpoint(scripted(FINE)) as endpoint:
        model = OpenAIModel(
            "qwen", api_key=None, base_url=endpoint.url, retries=0, try_timeout_seconds=5, concurrency=1
        )
        assert ask(model).text == "All is well."
        model.close()
    assert endpoint.requests[0].headers["Authorization"] == "Bearer unused"


def test_neither_key_nor_address_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY or OPENAI_BASE_URL"):
        OpenAIModel("gpt-4o", api_key=None, base_url=None, retries=0, try_timeout_seconds=5, concurrency=1)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(error(status, "Not now.", headers=NOW_AT_ONCE), id=str(status))
        for status in (408, 409, 429, 500, 502, 503, 529)
    ]
    + [
        pytest.param(answer("x", delivery=Delivery.NONE), id="hangs up"),
        pytest.param(answer("x", delivery=Delivery.HALF), id="half a body"),
        pytest.param(Answer(body="<html>", content_type="text/html"), id="a web page"),
        pytest.param(Answer(body='{"choices": [{"mess'), id="broken JSON"),
        pytest.param(Answer(body='{"choices": null}'), id="choices null"),
        pytest.param(Answer(body="[" * 100_000), id="nested without end"),
        pytest.param(Answer(body="\xff\x00"), id="bytes"),
        pytest.param(Answer(body=""), id="nothing"),
    ],
)
def test_a_passing_failure_is_tried_again(failure: Answer) -> None:
    with StubEndpoint(scripted(failure, FINE)) as endpoint, model_at(endpoint.url) as model:
        assert ask(model).text == "All is well."
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY}"), "refused the API key (401): check OPENAI_API_KEY."),
        (error(403, f"no access for {KEY}"), "(403: “no access for [key]”): check what OPENAI_API_KEY may use."),
        (error(404, "no such model"), "(404: “no such model”): check MODEL_NAME and OPENAI_BASE_URL."),
        (error(400, f"bad\n{KEY}\x1b[2J"), "answered 400: “bad [key]\\x1b[2J”."),
        (error(429, "quota", code="insufficient_quota"), "no quota left for this key: check the account's billing."),
        (Answer(status=307, headers={"location": "http://127.0.0.1:9/"}), "no transcript follows a redirection"),
    ],
)
def test_a_lasting_failure_is_not_tried_again(failure: Answer, words: str) -> None:
    text, requests = refusal(scripted(failure))
    assert words in text
    assert requests == 1


def test_tries_are_counted_and_the_last_failure_is_named() -> None:
    text, requests = refusal(MANNERS["fails"], retries=1)
    assert text.endswith("answered 500: “The server had an error.” in the last of 2 tries.")
    assert requests == 2


def test_half_bodies_for_ever_end_in_a_sentence() -> None:
    text, requests = refusal(MANNERS["sends_half_bodies"], retries=1)
    assert "broke the connection" in text
    assert requests == 2


def test_a_pause_that_does_not_fit_raises_at_once() -> None:
    started = time.monotonic()
    text, requests = refusal(MANNERS["limits_the_rate"], timeout_seconds=10)
    assert re.search(r"asks for a pause of 60 s, with (10|9\.\d+) s left\.$", text)
    assert requests == 1
    assert time.monotonic() - started < SLACK_SECONDS


def test_a_pause_that_does_not_fit_is_seen_in_a_date_too() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    text, requests = refusal(scripted(error(503, "busy", headers={"retry-after": later})))
    assert "asks for a pause of 3" in text
    assert requests == 1


def test_a_pause_that_fits_is_kept() -> None:
    limited = error(429, "slow down", headers={"retry-after": "1"})
    started = time.monotonic()
    with StubEndpoint(scripted(limited, FINE)) as endpoint, model_at(endpoint.url) as model:
        assert ask(model).text == "All is well."
    assert time.monotonic() - started >= 1


def test_a_refused_connection_names_the_setting_to_check() -> None:
    url = address_that_refuses()
    with model_at(url, retries=1) as model, pytest.raises(ModelUnavailable) as caught:
        ask(model)
    assert str(caught.value) == (
        f"The model endpoint {url.split('/')[2]} refused the connection in the last of 2 tries: "
        "check OPENAI_BASE_URL, and that the endpoint runs."
    )


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(answer("x", delay_seconds=60), id="silence"),
        pytest.param(answer("x" * 2_000, delivery=Delivery.DRIP), id="a slow drip"),
    ],
)
def test_a_slow_endpoint_is_cut_by_the_bound_of_a_try_and_tried_again(slow: Answer) -> None:
    started = time.monotonic()
    with StubEndpoint(scripted(slow, FINE)) as endpoint, model_at(endpoint.url, try_timeout_seconds=0.5) as model:
        assert ask(model).text == "All is well."
    assert time.monotonic() - started < 0.5 + SLACK_SECONDS
    assert len(endpoint.requests) == 2


def test_the_time_left_bounds_a_try_that_may_take_longer() -> None:
    text, requests = refusal(
        scripted(answer("x", delay_seconds=60)), timeout_seconds=1, try_timeout_seconds=30, retries=5
    )
    (seconds,) = re.findall(r"did not answer within ([0-9.]+) s", text)
    assert 0.9 < float(seconds) <= 1
    assert requests == 1


@pytest.mark.parametrize(
    ("complaint", "left_out"),
    [
        ("Unsupported value: 'temperature' does not support 0 with this model.", "temperature"),
        ("tools[0].function.strict: extra fields not permitted", "strict"),
    ],
)
def test_an_option_that_is_refused_is_left_out_from_then_on(complaint: str, left_out: str) -> None:
    with StubEndpoint(scripted(error(400, complaint), FINE)) as endpoint, model_at(endpoint.url, retries=0) as model:
        ask(model)
        ask(model)
    has_option = [f"'{left_out}'" in str(request.body) for request in endpoint.requests]
    assert has_option == [True, False, False]


def test_an_option_that_is_not_at_fault_ends_the_try_after_one_more() -> None:
    text, requests = refusal(scripted(error(400, "the disk's temperature is too high")))
    assert "answered 400" in text
    assert requests == 2


def test_a_broken_call_is_taken_as_said_and_can_be_sent_back() -> None:
    with StubEndpoint(MANNERS["breaks_arguments"]) as endpoint, model_at(endpoint.url) as model:
        reply = ask(model)
        ask(model, transcript=fresh().with_step(Step(number=1, model="gpt-4o", reply=reply)))
    assert [call.arguments for call in reply.tool_calls] == ['{"server_id": "paym', "[]", '{"command": "reboot"}', "{}"]
    sent_back = endpoint.requests[1].body["messages"][2]["tool_calls"]
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in sent_back)
    assert len([message for message in endpoint.requests[1].body["messages"] if message["role"] == "tool"]) == 4


@pytest.mark.parametrize("manner", ["restarts_at_once", "names_other_servers", "never_ends", "claims_a_restart"])
def test_what_a_hostile_model_says_is_handed_on_for_the_guards_to_judge(manner: str) -> None:
    with StubEndpoint(MANNERS[manner]) as endpoint, model_at(endpoint.url) as model:
        reply = ask(model)
    assert reply.text or reply.tool_calls


def test_many_threads_share_one_loop_thread_and_its_connections() -> None:
    callers, rounds = 40, 3
    before = threading.active_count()
    with StubEndpoint(scripted(FINE), delay_seconds=0.2) as endpoint, model_at(endpoint.url, concurrency=20) as model:
        ask(model)
        with ThreadPoolExecutor(callers) as pool:
            replies = list(pool.map(lambda _: ask(model), range(callers * rounds)))
            loop_threads = [thread for thread in threading.enumerate() if thread.name.startswith("model ")]
    assert {reply.text for reply in replies} == {"All is well."}
    assert len(loop_threads) == 1
    assert endpoint.peak_in_flight == 20
    assert endpoint.connections <= 21
    assert threading.active_count() == before


def test_nothing_runs_before_the_first_question_and_nothing_after_closing() -> None:
    before = set(threading.enumerate())
    with StubEndpoint(scripted(FINE)) as endpoint:
        serving = set(threading.enumerate())
        with model_at(endpoint.url) as model:
            assert set(threading.enumerate()) == serving
            ask(model)
            assert len(threading.enumerate()) > len(serving)
        model.close()
    assert set(threading.enumerate()) == before


def test_a_closed_model_refuses_and_what_was_in_flight_fails_at_once() -> None:
    with (
        StubEndpoint(scripted(FINE), delay_seconds=60) as endpoint,
        model_at(endpoint.url, try_timeout_seconds=60) as model,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting = pool.submit(ask, model, timeout_seconds=60)
        while not endpoint.requests:
            time.sleep(0.01)
        model.close()
        with pytest.raises(ModelUnavailable, match="closed during the request"):
            waiting.result(SLACK_SECONDS)
        with pytest.raises(ModelUnavailable, match="this worker is stopping"):
            ask(model)
