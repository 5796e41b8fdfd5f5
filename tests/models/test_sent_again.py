"""What `show --sent` prints is what an endpoint recorded, byte for byte, whether or not it gave a usable answer.

What can't be proved is not printed.
"""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.endpoint import (
    MANNERS,
    Answer,
    Delivery,
    Manner,
    Request,
    StubEndpoint,
    address_that_refuses,
    answer,
    error,
    scripted,
)
from tests.fakes import SERVER_ID
from tests.triage.test_loop import Desk
from worker.contract.transcript import Step, Transcript
from worker.errors import ModelUnavailable
from worker.models import OpenAIModel
from worker.models.sent_again import requests_of

pytestmark = pytest.mark.integration

NOW_AT_ONCE = {"retry-after": "0"}


def refuses_temperature(request: Request) -> Answer:
    if "temperature" in request.body:
        return error(400, "temperature is not supported")
    return MANNERS["sane"](request)


def run(desk: Desk, endpoint: StubEndpoint, *, retries: int = 0, try_timeout_seconds: float = 5) -> None:
    model = OpenAIModel(
        "m",
        api_key=None,
        base_url=endpoint.url,
        retries=retries,
        try_timeout_seconds=try_timeout_seconds,
        concurrency=1,
    )
    with closing(model):
        desk.model = model  # type: ignore[assignment]
        desk.run()


def gives_up_after_one_answer(failure: Answer) -> Manner:
    health = answer(None, ("get_server_health", {"server_id": SERVER_ID}))
    return scripted(health, failure)


def read_again(steps: Sequence[Step]) -> list[Step]:
    return [Step.model_validate_json(step.model_dump_json()) for step in steps]


def test_the_bodies_of_two_claims_come_out_as_the_endpoint_recorded_them_with_an_option_refused() -> None:
    first, second = Desk([]), Desk([])
    with StubEndpoint(refuses_temperature) as endpoint:
        run(first, endpoint)
        kept = [request.content for request in endpoint.requests][:3]
        second.journal.steps.extend(read_again(first.journal.steps[:2]))
        endpoint.requests.clear()
        run(second, endpoint)
        came = [request.content for request in endpoint.requests]
    again = list(requests_of(read_again(second.journal.steps)))
    assert [request.body for request in again] == [*kept, *came]
    refused = [request.failure for request in again if b"temperature" in (request.body or b"")]
    assert refused == ["answered 400", "answered 400"]
    assert len(again) > len(refused) + 2


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        pytest.param(error(503, "busy with 10.0.0.7", headers=NOW_AT_ONCE), "answered 503", id="503"),
        pytest.param(error(401, "no such key"), "answered 401", id="401"),
        pytest.param(answer("x", delay_seconds=60), "did not answer within 0.5 s", id="silence"),
        pytest.param(answer("x", delivery=Delivery.NONE), "broke the connection (ServerDisconnectedError)", id="cut"),
        pytest.param(answer("x", delivery=Delivery.HALF), "broke the connection (ContentLengthError)", id="half"),
        pytest.param(Answer(body="<html>"), "gave an answer that cannot be read (JSONDecodeError)", id="web page"),
    ],
)
def test_what_brought_no_answer_is_told_of_with_the_bytes_that_came(failure: Answer, told: str) -> None:
    desk = Desk([])
    with StubEndpoint(gives_up_after_one_answer(failure)) as endpoint:
        run(desk, endpoint, retries=1, try_timeout_seconds=0.5)
        came = [request.content for request in endpoint.requests]
    again = list(requests_of(read_again(desk.journal.steps)))
    assert [request.body for request in again] == came
    assert [request.failure for request in again] == [None] + [told] * (len(came) - 1)
    assert len(came) > 1


def test_a_model_that_never_answered_is_told_of_too_and_its_frame_is_its_own() -> None:
    desk = Desk([])
    with StubEndpoint(MANNERS["fails"]) as endpoint:
        run(desk, endpoint)
        came = [request.content for request in endpoint.requests]
    steps = read_again(desk.journal.steps)
    assert {step.model for step in steps} == {"rules"}
    assert [request.body for request in requests_of(steps)] == came != []


def test_where_no_connection_was_made_nothing_is_said_to_have_gone_out() -> None:
    desk = Desk([])
    model = OpenAIModel(
        "m", api_key=None, base_url=address_that_refuses(), retries=0, try_timeout_seconds=5, concurrency=1
    )
    with closing(model):
        desk.model = model  # type: ignore[assignment]
        desk.run()
    assert list(requests_of(desk.journal.steps)) == []


def test_a_request_that_was_broken_off_by_the_end_of_its_worker_is_told_of() -> None:
    with StubEndpoint(scripted(answer("x", delay_seconds=60))) as endpoint:
        model = OpenAIModel("m", api_key=None, base_url=endpoint.url, retries=0, try_timeout_seconds=50, concurrency=1)
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(model.reply, Transcript(system="s", opening="o"), [], timeout_seconds=50)
            while not endpoint.requests:
                threading.Event().wait(0.01)
            model.close()
            failure = asking.exception(10)
    assert isinstance(failure, ModelUnavailable)
    (unanswered,) = failure.unanswered
    assert unanswered.sent.body_bytes == len(endpoint.requests[0].content)


def test_what_does_not_have_the_recorded_hash_is_not_shown() -> None:
    desk = Desk([])
    with StubEndpoint(MANNERS["sane"]) as endpoint:
        run(desk, endpoint)
    steps = read_again(desk.journal.steps)
    assert steps[0].frame is not None
    other = steps[0].frame.model_copy(update={"opening": "Another alert."})
    changed = [steps[0].model_copy(update={"frame": other}), *steps[1:]]
    assert all(request.body is None for request in requests_of(changed))
    bare = [step.model_copy(update={"frame": None}) for step in steps]
    assert all(request.body is None for request in requests_of(bare))
    assert all(request.body and json.loads(request.body) for request in requests_of(steps))
