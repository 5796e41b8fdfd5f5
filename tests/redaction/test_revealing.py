"""Placeholders shown again: what has a value is shown, at any depth; a secret has none."""

import pytest
from pydantic import BaseModel, ValidationError

from producers.settings import ProducerConfigurationError, load_producer_settings
from worker.contract.transcript import ModelReply, ToolCall
from worker.errors import ConfigurationError
from worker.redaction import Placeholders, revealed_model, revealed_value
from worker.redaction.sinks import Sink, TrustedSinks
from worker.settings import load_settings

_KNOWN = Placeholders({"[IP_ADDRESS_1]": "10.1.2.3"})


def test_every_string_at_any_depth_is_shown_again() -> None:
    call = ToolCall(call_id="1", name="escalate", arguments='{"summary": "[IP_ADDRESS_1]"}')
    shown = revealed_model(ModelReply(text="[IP_ADDRESS_1] [IP_ADDRESS_2] [PASSWORD]", tool_calls=(call,)), _KNOWN)
    assert shown.text == "10.1.2.3 [IP_ADDRESS_2] [PASSWORD]"
    assert shown.tool_calls[0].arguments == '{"summary": "10.1.2.3"}'
    assert revealed_value({"[IP_ADDRESS_1]": [1, None, "[IP_ADDRESS_1]"]}, _KNOWN) == {
        "10.1.2.3": [1, None, "10.1.2.3"]
    }


class _Settings(BaseModel):
    sinks: TrustedSinks = frozenset()


def test_sinks_are_named_with_commas_and_none_is_trusted_by_itself() -> None:
    assert _Settings().sinks == _Settings(sinks=" ").sinks == frozenset()
    assert _Settings(sinks="console, json").sinks == {Sink.CONSOLE, Sink.JSON}
    with pytest.raises(ValidationError):
        _Settings(sinks="consoel")


def test_a_sink_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_TRUSTED_SINKS", "pagerduty")
    assert load_settings().trusted_sinks == load_producer_settings().trusted_sinks == {Sink.PAGERDUTY}
    monkeypatch.setenv("FIRSTLINE_TRUSTED_SINKS", "slack")
    with pytest.raises(ConfigurationError, match=r"FIRSTLINE_TRUSTED_SINKS: .*'console', 'json' or 'pagerduty'"):
        load_settings()
    with pytest.raises(ProducerConfigurationError, match="FIRSTLINE_TRUSTED_SINKS"):
        load_producer_settings()
