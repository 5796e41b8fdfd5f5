"""A transcript as the body of a chat-completions request: pure, and the exact bytes that leave the machine.

`OpenAIModel` sends what is rendered here: the same transcript, tools and options give the same bytes. Nothing is
redacted, shortened or added here: that was decided before. Only what an endpoint would answer with an error is put into
the form that it takes, with its meaning kept: a tool name of forbidden characters, arguments that are no JSON object
(vLLM parses them again), a call that nobody carried out.
Source: https://platform.openai.com/docs/api-reference/chat/create
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from worker.contract.transcript import News, Step, ToolCall, Transcript
from worker.ports import ToolSpec
from worker.triage.fence import fenced

__all__ = ["OPTIONS", "ChatRequest", "body_of", "chat_request", "without"]

ChatRequest = Mapping[str, object]

OPTIONS: Final = ("temperature", "strict")
"""What some models and servers refuse, and what we can do without."""

_FORBIDDEN_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_NAME_CHARACTERS: Final = 64
_NOT_RUN: Final = '{"not_run": "the desk did not carry out this call"}'


def chat_request(model_name: str, transcript: Transcript, specs: Sequence[ToolSpec]) -> ChatRequest:
    """Return the request body that asks `model_name` for the next step.

    It sets no `max_tokens`: reasoning models refuse it, and the reply is bounded where it is read.
    """
    request: dict[str, object] = {
        "model": model_name,
        "temperature": 0,
        "messages": list(_messages(transcript)),
    }
    if specs:
        request |= {"tools": [_tool(spec) for spec in specs], "tool_choice": "auto"}
    return request


def without(request: ChatRequest, options: Collection[str]) -> ChatRequest:
    """Return the request without the given `OPTIONS`; the one at hand stays as it was."""
    kept = dict(request)
    if "temperature" in options:
        kept.pop("temperature", None)
    tools = kept.get("tools")
    if "strict" in options and isinstance(tools, list):
        kept["tools"] = [
            tool | {"function": {key: value for key, value in tool["function"].items() if key != "strict"}}
            for tool in tools
        ]
    return kept


def body_of(request: ChatRequest) -> bytes:
    """Return the request as it goes over the wire: compact JSON in UTF-8, keys in the order of the request.

    A lone surrogate, which UTF-8 has no bytes for, is written as JSON's escape of it.
    """
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def _messages(transcript: Transcript) -> Iterator[Mapping[str, object]]:
    yield {"role": "system", "content": transcript.system}
    yield {"role": "user", "content": transcript.opening}
    for step in transcript.steps:
        if step.news is not None:
            yield _news(step.news, transcript)
        yield _said(step)
        contents = {
            seen.call_id: fenced(seen.content, fence=transcript.fence, source=seen.tool) for seen in step.observations
        }
        for call in step.reply.tool_calls:
            yield {"role": "tool", "tool_call_id": call.call_id, "content": contents.get(call.call_id, _NOT_RUN)}
        if step.notice is not None:
            yield {"role": "user", "content": step.notice}
    if transcript.news is not None:
        yield _news(transcript.news, transcript)


def _news(news: News, transcript: Transcript) -> Mapping[str, object]:
    return {"role": "user", "content": fenced(news.content, fence=transcript.fence, source="later_alerts")}


def _said(step: Step) -> Mapping[str, object]:
    if not step.reply.tool_calls:
        return {"role": "assistant", "content": step.reply.text or "(no answer)"}
    return {
        "role": "assistant",
        "content": step.reply.text or None,
        "tool_calls": [_called(call) for call in step.reply.tool_calls],
    }


def _called(call: ToolCall) -> Mapping[str, object]:
    name = _FORBIDDEN_IN_NAMES.sub("_", call.name)[:_NAME_CHARACTERS] or "_"
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": name, "arguments": _object_text(call.arguments)},
    }


def _object_text(arguments: str) -> str:
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return arguments
    return json.dumps({"not_a_json_object": arguments}, ensure_ascii=False)


def _tool(spec: ToolSpec) -> Mapping[str, object]:
    return {
        "type": "function",
        "function": {
            "name": spec.name,
            "description": spec.description,
            "strict": True,
            "parameters": spec.parameters,
        },
    }
