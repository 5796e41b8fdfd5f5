"""What `show --sent` prints is what an endpoint recorded, byte for byte, whether or not it gave a usable answer.

What can't be proved is not printed.
"""

import json
from collections.abc import Sequence
from contextlib import closing

import pytest

from tests.endpoint import MANNERS, Answer, Request, StubEndpoint, error
from tests.triage.test_loop import Desk
from worker.contract.transcript import Step
from worker.models import OpenAIModel
from worker.models.sent_again import requests_of

pytestmark = pytest.mark.integration


def refuses_temperature(request: Request) -> Answer:
    if "temperature" in request.body:
        return error(400, "temperature is not supported")
    return MANNERS["sane"](request)


def run(desk: Desk, endpoint: StubEndpoint) -> None:
    model = OpenAIModel("m", api_key=None, base_url=endpoint.url, retries=0, try_timeout_seconds=5, concurrency=1)
    with closing(model):
        desk.model = model  # type: ignore[assignment]
        desk.run()


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
