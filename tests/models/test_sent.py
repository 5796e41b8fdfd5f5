"""What is recorded of a request is what went over the wire, to the byte; nobody but the adapter serialises it."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.endpoint import Manner, Request, StubEndpoint, answer, error, scripted
from tests.models.transcripts import SPECS, fresh
from worker.contract.transcript import ModelReply, News, Sent, Step, Transcript
from worker.models import OpenAIModel
from worker.models.chat_messages import body_of, chat_request, without

pytestmark = pytest.mark.integration

FINE = answer("All is well.")
PLACEHOLDERS = "login of [EMAIL_1] from [IP_ADDRESS_1], token [SECRET], <withheld>, “ü”"
TRANSPORT_HEADERS = {
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Host",
    "User-Agent",
}


@contextmanager
def model_before(manner: Manner) -> Iterator[tuple[OpenAIModel, StubEndpoint]]:
    with StubEndpoint(manner) as endpoint:
        model = OpenAIModel(
            "gpt-4o", api_key="sk-made-up", base_url=endpoint.url, retries=2, try_timeout_seconds=5, concurrency=2
        )
        try:
            yield model, endpoint
        finally:
            model.close()


def ask(model: OpenAIModel, transcript: Transcript) -> ModelReply:
    return model.reply(transcript, SPECS, timeout_seconds=10)


def recorded(request: Request, *, left_out: tuple[str, ...] = (), fence: str = "") -> Sent:
    digest = hashlib.sha256(request.content).hexdigest()
    return Sent(sha256=digest, body_bytes=len(request.content), left_out=left_out, fence=fence)


def test_the_recorded_hash_and_length_are_those_of_the_bytes_that_came_over_several_steps() -> None:
    transcript = fresh().model_copy(update={"fence": "f00d"})
    with model_before(scripted(FINE)) as (model, endpoint):
        for number in range(1, 4):
            transcript = transcript.with_news(News(alerts=number, content=f"{number}: {PLACEHOLDERS}"))
            reply = ask(model, transcript)
            assert endpoint.requests[-1].content == body_of(chat_request("gpt-4o", transcript, SPECS))
            assert reply.sent == recorded(endpoint.requests[-1], fence="f00d")
            step = Step(number=number, model="gpt-4o", reply=reply, news=transcript.news, notice="Say it as JSON.")
            transcript = transcript.with_step(step)
    assert len(endpoint.requests) == 3


def test_a_retry_sends_the_same_bytes() -> None:
    busy = error(500, "Not now.", headers={"retry-after": "0"})
    with model_before(scripted(busy, FINE)) as (model, endpoint):
        reply = ask(model, fresh())
    first, second = endpoint.requests
    assert first.content == second.content
    assert reply.sent == recorded(second)


def test_where_an_option_is_refused_the_request_that_was_answered_counts() -> None:
    refused = error(400, "temperature is not supported")
    with model_before(scripted(refused, FINE)) as (model, endpoint):
        reply = ask(model, fresh())
    first, second = endpoint.requests
    assert first.content != second.content
    assert reply.sent == recorded(second, left_out=("temperature",))
    assert second.content == body_of(without(chat_request("gpt-4o", fresh(), SPECS), ["temperature"]))


def test_only_headers_of_transport_go_out_with_the_body() -> None:
    with model_before(scripted(FINE)) as (model, endpoint):
        ask(model, fresh())
    headers = {name.title(): value for name, value in endpoint.requests[0].headers.items()}
    assert headers["Content-Type"] == "application/json"
    assert {name for name in headers if not name.startswith("X-Stainless-")} == TRANSPORT_HEADERS


def test_a_placeholder_comes_out_of_the_body_as_it_went_in() -> None:
    body = body_of(chat_request("gpt-4o", fresh().model_copy(update={"opening": PLACEHOLDERS}), SPECS))
    assert PLACEHOLDERS.encode() in body
    assert json.loads(body)["messages"][1]["content"] == PLACEHOLDERS


def test_a_lone_surrogate_breaks_no_request() -> None:
    body = body_of(chat_request("gpt-4o", fresh().model_copy(update={"opening": "a\udc80b"}), SPECS))
    assert json.loads(body)["messages"][1]["content"] == "a\udc80b"
