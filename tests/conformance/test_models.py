"""One suite for whoever answers: the rules, and a language model behind an endpoint."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.endpoint import MANNERS, StubEndpoint
from tests.models.transcripts import SERVER, SPECS, fresh, health, logs, observed
from worker.contract.transcript import ModelReply, Transcript
from worker.models import OpenAIModel, RulesModel
from worker.ports import Model


@pytest.fixture(params=["rules", pytest.param("openai", marks=pytest.mark.integration)])
def model(request: pytest.FixtureRequest) -> Iterator[Model]:
    if request.param == "rules":
        yield RulesModel()
        return
    with StubEndpoint(MANNERS["sane"]) as endpoint:
        openai_model = OpenAIModel(
            "gpt-4o", api_key="made-up", base_url=endpoint.url, retries=0, try_timeout_seconds=5, concurrency=8
        )
        yield openai_model
        openai_model.close()


def ask(model: Model, transcript: Transcript) -> ModelReply:
    return model.reply(transcript, SPECS, timeout_seconds=5)


def test_a_model_has_a_name_and_says_whether_it_is_a_language_model(model: Model) -> None:
    assert model.name
    assert model.is_llm is (model.name != "rules")


def test_a_fresh_transcript_is_answered_with_a_call_of_a_known_tool_on_the_one_server(model: Model) -> None:
    (call,) = ask(model, fresh()).tool_calls
    assert call.name in {spec.name for spec in SPECS}
    assert json.loads(call.arguments)["server_id"] == SERVER


def test_the_arguments_of_a_call_are_exactly_what_its_schema_asks_for(model: Model) -> None:
    (call,) = ask(model, observed(("get_server_health", health()))).tool_calls
    (spec,) = (spec for spec in SPECS if spec.name == call.name)
    assert list(json.loads(call.arguments)) == spec.parameters["required"]


def test_a_call_of_a_later_step_has_an_id_of_its_own(model: Model) -> None:
    transcript = observed(("get_server_health", health()))
    (call,) = ask(model, transcript).tool_calls
    assert call.call_id not in {observation.call_id for observation in transcript.observations}


def test_good_health_and_a_clean_log_are_concluded_as_no_action(model: Model) -> None:
    reply = ask(model, observed(("get_server_health", health()), ("fetch_recent_logs", logs())))
    assert reply.tool_calls == ()
    assert json.loads(reply.text)["disposition"] == "no_action"


def test_a_transcript_stays_as_it_was(model: Model) -> None:
    transcript = observed(("get_server_health", health()))
    before = transcript.model_dump_json()
    ask(model, transcript)
    assert transcript.model_dump_json() == before


def test_many_threads_may_ask_at_once(model: Model) -> None:
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: ask(model, fresh()), range(64)))
    assert {reply.tool_calls[0].name for reply in replies} == {"get_server_health"}
