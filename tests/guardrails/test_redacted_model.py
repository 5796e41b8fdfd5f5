"""A model's words behind the second gate: what JSON spells out in another form is read as it will be read."""

import json
from collections.abc import Sequence
from typing import Final

import pytest

from worker.contract.transcript import ModelReply, ToolCall, Transcript
from worker.guardrails.redacted import RedactedModel
from worker.ports import ToolSpec
from worker.redaction import Masker, PatternDetector, Placeholders, RedactionRules

_ADDRESS, _SECRET = "198.51.100.77", "hunter2zeta"
_SPELLED_OUT: Final = r"198\u002e51.100.77 p\u0061ssword=hunter2zeta"


class Calling:
    """A model that calls one tool."""

    name, is_llm = "calling", True

    def __init__(self, arguments: str) -> None:
        self._arguments = arguments

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        return ModelReply(tool_calls=(ToolCall(call_id="1", name="escalate", arguments=self._arguments),))


def passed(arguments: str) -> str:
    masker = Masker(PatternDetector(RedactionRules()), Placeholders())
    model = RedactedModel(Calling(arguments), masker)
    reply = model.reply(Transcript(system="", opening=""), (), timeout_seconds=1)
    return reply.tool_calls[0].arguments


def read(arguments: str) -> str:
    """Return arguments as whoever decodes them reads them, every one of them, also in what is no JSON."""
    return arguments.replace("\\/", "/").encode("ascii", "backslashreplace").decode("unicode_escape")


_ARGUMENTS: Final = [
    pytest.param(f'{{"summary":"{_SPELLED_OUT}"}}', id="a value"),
    pytest.param(f'{{"summary":{{"more":["{_SPELLED_OUT}"]}}}}', id="a value in a value"),
    pytest.param(f'{{"{_SPELLED_OUT}":"summary"}}', id="a name"),
    pytest.param(f'{{"summary":"{_SPELLED_OUT}","summary":"all is well"}}', id="a name that stands twice"),
    pytest.param(f'{{"summary":"{_SPELLED_OUT}', id="cut off"),
    pytest.param("[" * 900 + f'"{_SPELLED_OUT}"' + "]" * 900, id="deep"),
    pytest.param("[" * 90000 + f'"{_SPELLED_OUT}"' + "]" * 90000, id="too deep"),
    pytest.param(r'{"summary":"\ud83d 198\u002e51.100.77 \u202ep\u0061ssword=hunter2zeta"}', id="half a character"),
    pytest.param(r'{"summary":"198.51.100.77 postgres:\/\/app:hunter2zeta@db\/x"}', id="slashes"),
]


@pytest.mark.parametrize("arguments", _ARGUMENTS)
def test_what_arguments_spell_out_in_another_form_does_not_pass(arguments: str) -> None:
    told = passed(arguments)
    assert _SECRET not in read(told)
    assert _ADDRESS not in read(told)
    assert told.isprintable()


@pytest.mark.parametrize("arguments", _ARGUMENTS)
def test_the_gate_for_text_alone_lets_it_pass(arguments: str) -> None:
    """The control: why arguments are read as JSON."""
    told = Masker(PatternDetector(RedactionRules()), Placeholders()).checked(arguments)
    assert _SECRET in read(told) or _ADDRESS in read(told)


def test_arguments_stay_the_object_that_they_were() -> None:
    told = passed(r'{"summary": "caf\u00e9 at 10.1.2.3\nsaid \"no\"", "lines": 20}')
    assert json.loads(told) == {"summary": 'café at [IP_ADDRESS_1]\nsaid "no"', "lines": 20}
    assert "café" in told


@pytest.mark.parametrize(
    "arguments",
    [
        r'{ "summary":"caf\u00e9 \ud83d\ude00 is\/was well" ,"lines":1e1}',
        '{"lines": 20}',
        "{}",
        "",
        "no JSON",
        r'{"summary":"half \ud83d"}',
    ],
)
def test_arguments_in_which_nothing_must_not_leave_stay_as_they_are_to_the_byte(arguments: str) -> None:
    assert passed(arguments) == arguments
