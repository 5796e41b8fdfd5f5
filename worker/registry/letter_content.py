"""What a dead letter keeps of content that nobody could read: masked where it is text, withheld where it is none.

It may hold anything: half a message, another program's secrets, an incident that was given up. JSON is masked value by
value, so that what could be sent again still can. Pure; whoever sets something aside calls it.
"""

import base64
import binascii
import codecs
import json
from typing import Final

from worker.redaction import STATELESS_MASKER, WITHHELD, Masker

__all__ = ["masked_content"]

_DIGITS_THAT_MAY_NAME: Final = 9
"""A number of fewer digits is nobody's phone, card or account."""

_BASE64_FROM_CHARACTERS: Final = 16


def masked_content(content: bytes, *, limit_bytes: int, masker: Masker = STATELESS_MASKER) -> bytes:
    """Return the head of a content, masked; the same bytes where nothing had to be."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content[:limit_bytes], len(content) <= limit_bytes)
    except UnicodeDecodeError:
        return WITHHELD.encode()
    return _masked_text(text, masker).encode()[:limit_bytes]


def _masked_text(text: str, masker: Masker) -> str:
    """Return text masked; in JSON, and JSON within JSON, the values alone."""
    try:
        value = json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
        if value is None:
            return _masked_base64(text, masker) or masker.checked(text)
        masked = masker.checked_value(_masked_inside(value, masker))
    except (ValueError, RecursionError):
        return masker.checked(text)
    return text if masked == value else json.dumps(masked)


def _masked_base64(text: str, masker: Masker) -> str | None:
    """Return JSON in base64 masked, as brokers' messages have it; None for anything else."""
    if len(text) < _BASE64_FROM_CHARACTERS or not text.startswith(("W", "e")):  # how a bracket and a brace begin
        return None
    try:
        inside = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    masked = _masked_text(inside, masker)
    return text if masked == inside else base64.b64encode(masked.encode()).decode()


def _masked_inside(value: object, masker: Masker) -> object:
    """Return JSON with what it holds in texts and in long numbers masked."""
    match value:
        case str():
            return _masked_text(value, masker)
        case bool():
            return value
        case int() | float() if len(str(value)) > _DIGITS_THAT_MAY_NAME:
            masked = masker.checked(str(value))
            return value if masked == str(value) else masked
        case list():
            return [_masked_inside(item, masker) for item in value]
        case dict():
            return {name: _masked_inside(item, masker) for name, item in value.items()}
        case _:
            return value
