"""What a letter keeps: text masked, JSON masked value by value, and of what is no text nothing."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

import pytest

from tests.fakes import an_incident
from worker.contract import Incident
from worker.redaction import WITHHELD, Finding, Kind, stateless_masker
from worker.registry.letter_content import masked_content

_SAID: Final = "password=hunter2 from 10.1.2.3"
_MASKED: Final = "password=[PASSWORD] from [IP_ADDRESS]"


def kept(content: bytes, limit_bytes: int = 10_000) -> bytes:
    return masked_content(content, limit_bytes=limit_bytes)


@pytest.mark.parametrize("content", [b"", b"42", b"{]", b'{"a":  1}', b"null", b'["inc-1", {"a": 1.5, "b": null}]'])
def test_what_holds_nothing_stays_as_it_is_to_the_byte(content: bytes) -> None:
    assert kept(content) == content


def test_text_is_masked() -> None:
    assert kept(_SAID.encode()) == _MASKED.encode()


@pytest.mark.parametrize("content", [b"\xff\x00 hunter2", "hunter2".encode("utf-16")])
def test_what_is_no_text_is_withheld(content: bytes) -> None:
    assert kept(content) == WITHHELD.encode()


def test_a_head_that_ends_within_a_character_is_text_all_the_same() -> None:
    assert kept("xé".encode(), limit_bytes=2) == b"x"


def wrapped(value: Any) -> bytes:
    """Return a value as a broker's message has it: JSON, in base64, in JSON; and as a registry's entry has it."""
    inside = json.dumps([value])
    body = base64.b64encode(inside.encode()).decode()
    return json.dumps({"body": body, "incident": inside, "said": value}).encode()


def test_json_is_masked_value_by_value_however_deep() -> None:
    told = json.loads(kept(wrapped({"text": _SAID, "db_password": "x", "epoch": 3})))
    expected = {"text": _MASKED, "db_password": "[PASSWORD]", "epoch": 3}
    assert told["said"] == expected
    assert json.loads(told["incident"]) == [expected]
    assert json.loads(base64.b64decode(told["body"])) == [expected]


def test_an_incident_can_still_be_read_when_it_is_masked() -> None:
    incident = an_incident().model_copy(update={"text": _SAID, "labels": {"db_password": 'a"b'}})
    told = Incident.model_validate_json(kept(incident.model_dump_json().encode()))
    assert told == incident.model_copy(update={"text": _MASKED, "labels": {"db_password": "[PASSWORD]"}})


def test_json_as_deep_as_the_stack_is_text() -> None:
    assert kept(b"[" * 100_000 + _SAID.encode(), limit_bytes=200_000).endswith(_MASKED.encode())


class Broken:
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


@pytest.mark.parametrize("content", [_SAID.encode(), wrapped(_SAID)])
def test_what_can_not_be_masked_is_withheld(content: bytes) -> None:
    told = masked_content(content, limit_bytes=10_000, masker=stateless_masker(Broken()))
    assert WITHHELD.encode() in told
    assert b"hunter2" not in told
