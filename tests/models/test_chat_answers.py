import json
from typing import Any

import pytest

from worker.contract.transcript import ModelReply, ToolCall, Usage
from worker.models.chat_answers import ARGUMENTS_BYTES, TEXT_BYTES, TOOL_CALLS, UnusableAnswer, read_answer

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 400}]}
NOTE_BYTES = 40


def completion(message: object, **further: object) -> dict[str, object]:
    return {"choices": [{"message": message}], "usage": {"prompt_tokens": 7, "completion_tokens": 3}, **further}


def read(answer: object, *, calls_before: int = 0) -> ModelReply:
    return read_answer(answer, request=REQUEST, calls_before=calls_before)


def called(*entries: Any) -> ModelReply:
    return read(completion({"content": None, "tool_calls": list(entries)}))


def function(name: object = "f", arguments: object = "{}") -> dict[str, object]:
    return {"name": name, "arguments": arguments}


def test_text_calls_and_usage_are_read() -> None:
    entry = {"id": "a", "type": "function", "function": function("get_server_health", '{"server_id": "x"}')}
    assert read(completion({"content": "Look.", "tool_calls": [entry]})) == ModelReply(
        text="Look.",
        tool_calls=(ToolCall(call_id="a", name="get_server_health", arguments='{"server_id": "x"}'),),
        usage=Usage(input_tokens=7, output_tokens=3),
    )


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "<html>It works!</html>",
        [],
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": "text"},
        {"choices": [{"message": None}]},
        {"choices": [{"text": "legacy"}]},
        completion({"content": 7}),
        completion({"content": None, "tool_calls": {"id": "a"}}),
        completion({"content": None, "tool_calls": [None]}),
        completion({"content": None, "tool_calls": [{"function": None}]}),
        completion({"content": None, "tool_calls": [{"function": function(name=None)}]}),
        completion({"content": None, "tool_calls": [{"function": function(arguments=7)}]}),
    ],
)
def test_garbage_with_status_200_is_an_unusable_answer(answer: object) -> None:
    with pytest.raises(UnusableAnswer):
        read(answer)


def test_a_missing_or_repeated_call_id_is_made_up_anew_in_the_transcript() -> None:
    entries = [{"function": function()}, {"id": "a", "function": function()}, {"id": "a", "function": function()}]
    reply = read(completion({"content": None, "tool_calls": entries}), calls_before=4)
    assert [call.call_id for call in reply.tool_calls] == ["call_5", "a", "call_7"]


def test_a_made_up_call_id_avoids_the_ones_that_are_taken() -> None:
    reply = called({"id": "call_2", "function": function()}, {"function": function()})
    assert [call.call_id for call in reply.tool_calls] == ["call_2", "call_3"]


def test_arguments_as_an_object_or_missing_become_text() -> None:
    reply = called({"function": function(arguments={"lines": 5})}, {"function": {"name": "f"}})
    assert [call.arguments for call in reply.tool_calls] == ['{"lines": 5}', "{}"]


def test_broken_arguments_are_kept_as_they_were_said() -> None:
    assert (
        called({"function": function(arguments='{"server_id": "pay')}).tool_calls[0].arguments == '{"server_id": "pay'
    )


def test_tools_of_another_type_are_left_out() -> None:
    assert called({"type": "custom", "custom": {"name": "f"}}, {"function": function()}).tool_calls[0].name == "f"


def test_a_reply_is_bounded_in_text_calls_and_arguments() -> None:
    many = [{"function": function(arguments="y" * 10**6)}] * 100
    reply = read(completion({"content": "x" * 10**6, "tool_calls": many}))
    assert len(reply.text) <= TEXT_BYTES + NOTE_BYTES
    assert len(reply.tool_calls) == TOOL_CALLS
    assert max(len(call.arguments) for call in reply.tool_calls) <= ARGUMENTS_BYTES + NOTE_BYTES


def test_what_no_store_and_no_terminal_takes_is_written_out() -> None:
    answer = json.loads('{"choices": [{"message": {"content": "a\\ud800b\\u001b[2J"}}]}')
    assert read(answer).text == "a\\ud800b\\x1b[2J"


@pytest.mark.parametrize("usage", [None, "many", {}, {"prompt_tokens": -1, "completion_tokens": True}])
def test_tokens_that_were_not_counted_are_estimated(usage: object) -> None:
    reply = read(completion({"content": "x" * 80}, usage=usage))
    assert reply.usage == Usage(input_tokens=len(json.dumps(REQUEST)) // 4, output_tokens=20)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": [{"type": "text", "text": "All "}, {"type": "text", "text": "well."}]}, "All well."),
        ({"content": None, "refusal": "I can't help with that."}, "I can't help with that."),
    ],
)
def test_text_parts_and_a_refusals_words_are_the_text(message: dict[str, object], text: str) -> None:
    assert read_answer(completion(message), request=REQUEST, calls_before=0).text == text
