from tests.models.transcripts import NOON, fresh, spec
from worker.contract.transcript import ModelReply, News, Observation, Outcome, Step, ToolCall
from worker.models.chat_messages import chat_request, without


def step(number: int, reply: ModelReply, *contents: tuple[str, str], notice: str | None = None) -> Step:
    return Step(
        number=number,
        model="gpt-4o",
        reply=reply,
        notice=notice,
        observations=tuple(
            Observation(call_id=call_id, tool="any", outcome=Outcome.ANSWERED, content=content, observed_at=NOON)
            for call_id, content in contents
        ),
    )


def call(call_id: str, name: str, arguments: str) -> ToolCall:
    return ToolCall(call_id=call_id, name=name, arguments=arguments)


def test_a_conversation_is_rendered_message_by_message() -> None:
    transcript = (
        fresh()
        .with_step(
            step(
                1,
                ModelReply(
                    text="Let me look.",
                    tool_calls=(
                        call("a", "get_server_health", '{"server_id":"x"}'),
                        call("b", "fetch_recent_logs", "{}"),
                    ),
                ),
                ("b", '{"answered": 2}'),
                ("a", '{"answered": 1}'),
            )
        )
        .with_step(step(2, ModelReply(text="It is fine."), notice="That is no conclusion."))
        .with_step(step(3, ModelReply(tool_calls=(call("c", "restart_service", "{}"),))))
    )
    request = chat_request("gpt-4o", transcript, [])
    assert request == {
        "model": "gpt-4o",
        "temperature": 0,
        "messages": [
            {"role": "system", "content": "You are the desk."},
            {"role": "user", "content": "payment-server-01 is slow."},
            {
                "role": "assistant",
                "content": "Let me look.",
                "tool_calls": [
                    {
                        "id": "a",
                        "type": "function",
                        "function": {"name": "get_server_health", "arguments": '{"server_id":"x"}'},
                    },
                    {"id": "b", "type": "function", "function": {"name": "fetch_recent_logs", "arguments": "{}"}},
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": '{"answered": 1}'},
            {"role": "tool", "tool_call_id": "b", "content": '{"answered": 2}'},
            {"role": "assistant", "content": "It is fine."},
            {"role": "user", "content": "That is no conclusion."},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "restart_service", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "c", "content": '{"not_run": "the desk did not carry out this call"}'},
        ],
    }


def test_tools_are_offered_as_strict_functions() -> None:
    tool = spec("get_server_health", {"server_id": {"type": "string", "enum": ["x"]}})
    request = chat_request("gpt-4o", fresh(), [tool])
    assert request["tool_choice"] == "auto"
    assert request["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "get_server_health",
                "description": "What get_server_health does.",
                "strict": True,
                "parameters": {
                    "type": "object",
                    "properties": {"server_id": {"type": "string", "enum": ["x"]}},
                    "required": ["server_id"],
                    "additionalProperties": False,
                },
            },
        }
    ]
    assert "max_tokens" not in request


def test_what_an_endpoint_would_refuse_is_put_into_a_form_that_it_takes() -> None:
    said = ModelReply(
        tool_calls=(call("a", "restart (now)!", '{"server_id": "pay'), call("b", "", "[1]"), call("c", "x" * 99, ""))
    )
    messages = chat_request("gpt-4o", fresh().with_step(step(1, said)), [])["messages"]
    assert isinstance(messages, list)
    assert [entry["function"] for entry in messages[2]["tool_calls"]] == [
        {"name": "restart__now__", "arguments": '{"not_a_json_object": "{\\"server_id\\": \\"pay"}'},
        {"name": "_", "arguments": '{"not_a_json_object": "[1]"}'},
        {"name": "x" * 64, "arguments": '{"not_a_json_object": ""}'},
    ]


def test_an_empty_answer_is_rendered_with_words() -> None:
    messages = chat_request("gpt-4o", fresh().with_step(step(1, ModelReply())), [])["messages"]
    assert isinstance(messages, list)
    assert messages[2] == {"role": "assistant", "content": "(no answer)"}


def test_leaving_an_option_out_changes_nothing_else() -> None:
    request = chat_request("gpt-4o", fresh(), [spec("a", {}), spec("b", {})])
    bare = without(request, {"temperature", "strict"})
    assert "temperature" not in bare
    assert "strict" not in str(bare)
    assert str(request).count("'strict': True") == 2
    assert request["temperature"] == 0
    assert bare["messages"] == request["messages"]
    assert without(request, ()) == request


def test_news_stand_before_the_answer_that_saw_them_and_at_the_end_while_nobody_has() -> None:
    answered = step(1, ModelReply(text="I see.")).model_copy(update={"news": News(alerts=1, content="one alert")})
    transcript = fresh().with_step(answered).with_news(News(alerts=2, content="another alert"))
    messages = chat_request("gpt-4o", transcript, [])["messages"]
    assert isinstance(messages, list)
    assert [message["content"] for message in messages[2:]] == ["one alert", "I see.", "another alert"]
