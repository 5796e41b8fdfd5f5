"""The body of a chat-completions answer as a `ModelReply`: pure, tolerant of sloppy servers, and bounded.

An endpoint may answer 200 with anything: a web page, `choices: null`, half of what was meant. What can be understood
without guessing is taken; the rest is `UnusableAnswer`, which `OpenAIModel` counts as a failed try. What the text and
the calls mean is not judged here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard

from worker.contract.text import cut_to_bytes, visible
from worker.contract.transcript import ModelReply, ToolCall, Usage
from worker.models.chat_messages import ChatRequest

__all__ = ["ARGUMENTS_BYTES", "TEXT_BYTES", "TOOL_CALLS", "UnusableAnswer", "read_answer"]

TEXT_BYTES: Final = 32 * 1024
ARGUMENTS_BYTES: Final = 16 * 1024
TOOL_CALLS: Final = 16
"""Calls past this are dropped unseen, for no step needs them."""

_NAME_BYTES: Final = 256
_CALL_ID_CHARACTERS: Final = 128
_MOST_TOKENS: Final = 10_000_000
"""More than any model takes: such a count is nonsense, and is estimated instead."""

_CHARACTERS_PER_TOKEN: Final = 4
"""English text in common tokenizers; used only where a server counts nothing."""


class UnusableAnswer(ValueError):  # noqa: N818 - the state, not an accident
    """The endpoint answered, and it is no chat completion; the text completes the sentence "the answer …"."""


def read_answer(answer: object, *, request: ChatRequest, calls_before: int) -> ModelReply:
    """Return what the endpoint said, or raise `UnusableAnswer`.

    `answer` is its decoded JSON, or its text where it sent no JSON. `calls_before` counts the transcript's tool calls,
    so that a made-up call id is new in it; `request` is what was sent, for the estimate where no tokens were counted.
    Text is cut to `TEXT_BYTES`, arguments to `ARGUMENTS_BYTES` each, and control characters are written out.
    """
    message = _message(answer)
    content = _text_of(message)
    calls = _tool_calls(message.get("tool_calls"), calls_before=calls_before)
    text = _bounded(content, TEXT_BYTES)
    said_characters = len(text) + sum(len(call.name) + len(call.arguments) for call in calls)
    return ModelReply(
        text=text,
        tool_calls=calls,
        usage=_usage(answer, request=request, said_characters=said_characters),
    )


def _text_of(message: Mapping[str, object]) -> str:
    """Return the text of a message: a string, a list of text parts, or the words of a model that declines."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        content = "".join(part for part in parts if isinstance(part, str))
    if not isinstance(content, str | None):
        raise UnusableAnswer("has a content that is no text")
    refusal = message.get("refusal")
    return content or (refusal if isinstance(refusal, str) else "")


def _message(answer: object) -> Mapping[str, object]:
    if not isinstance(answer, Mapping):
        raise UnusableAnswer("is no JSON object")
    choices = answer.get("choices")
    if not isinstance(choices, Sequence) or not choices or not isinstance(choices[0], Mapping):
        raise UnusableAnswer("holds no choices")
    message = choices[0].get("message")
    if not isinstance(message, Mapping):
        raise UnusableAnswer("holds no message")
    return message


def _tool_calls(entries: object, *, calls_before: int) -> tuple[ToolCall, ...]:
    if entries is None:
        return ()
    if not isinstance(entries, list):
        raise UnusableAnswer("has tool calls that are no list")
    calls: dict[str, ToolCall] = {}
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise UnusableAnswer("has a tool call that is no object")
        if entry.get("type", "function") != "function" or len(calls) == TOOL_CALLS:
            continue
        call_id = _call_id(entry.get("id"), taken=calls, number=calls_before + len(calls) + 1)
        calls[call_id] = _tool_call(entry.get("function"), call_id=call_id)
    return tuple(calls.values())


def _call_id(given: object, *, taken: Mapping[str, ToolCall], number: int) -> str:
    if isinstance(given, str) and 0 < len(given) <= _CALL_ID_CHARACTERS and given.isprintable() and given not in taken:
        return given
    while f"call_{number}" in taken:
        number += 1
    return f"call_{number}"


def _tool_call(function: object, *, call_id: str) -> ToolCall:
    if not isinstance(function, Mapping) or not isinstance(name := function.get("name"), str):
        raise UnusableAnswer("has a tool call without a name")
    arguments = function.get("arguments")
    if arguments is None:
        arguments = "{}"
    if isinstance(arguments, Mapping):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if not isinstance(arguments, str):
        raise UnusableAnswer("has a tool call whose arguments are neither text nor an object")
    return ToolCall(
        call_id=call_id,
        name=_bounded(name, _NAME_BYTES),
        arguments=_bounded(arguments, ARGUMENTS_BYTES),
    )


def _usage(answer: object, *, request: ChatRequest, said_characters: int) -> Usage:
    counted = answer.get("usage") if isinstance(answer, Mapping) else None
    counts = counted if isinstance(counted, Mapping) else {}
    sent, said = counts.get("prompt_tokens"), counts.get("completion_tokens")
    return Usage(
        input_tokens=sent if _is_count(sent) else len(json.dumps(request)) // _CHARACTERS_PER_TOKEN,
        output_tokens=said if _is_count(said) else said_characters // _CHARACTERS_PER_TOKEN,
    )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS


def _bounded(text: str, limit_bytes: int) -> str:
    """Cut, write out what is invisible (lone surrogates too, which no store takes), and cut what has grown by it."""
    return cut_to_bytes(visible(cut_to_bytes(text, limit_bytes)), limit_bytes)
