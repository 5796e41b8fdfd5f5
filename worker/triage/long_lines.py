"""Long log lines cut to what matters: their beginning, what is around their message or their sign, and their end.

Pure. Both what is shown and what is quoted are cut here and around the same place, so that whatever is quoted is shown.
`shown_lines.py`, `line_groups.py` and `log_reading.py` ask.
"""

from itertools import pairwise
from typing import Final

import re2

from worker.contract.text import visible
from worker.triage.log_signs import place_of_sign

__all__ = ["shortened"]

_MESSAGE: Final = re2.compile(
    r'(?i)"(?:msg|message|error|err|exception|stack|stack_?trace)"\s?:\s?(?:"[^"]|\{)'
    r'|\b(?:msg|message|error|err)=(?:"[^"]|[^\s"])'
)
_MARKS_BYTES: Final = 56
_LEVEL_CHARACTERS: Final = 60
_HEAD, _BEFORE, _AFTER, _TAIL = 0.25, 0.15, 0.4, 0.2
"""Which shares of the room the parts have; the place that matters stands between the two in the middle."""


def shortened(line: str, limit_bytes: int, *, has_sign: bool = True) -> str:
    """Return a line, visible, and cut to `limit_bytes` where it is longer; spaces around a long line go.

    Where `has_sign` is false, nobody looks for one: that is a third of the time.
    """
    text = visible(line)
    if len(text) > limit_bytes:
        text = text.strip()
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= limit_bytes:
        return text
    room, end = limit_bytes - _MARKS_BYTES, len(encoded)
    place = len(text[: _place_that_matters(text, has_sign=has_sign)].encode("utf-8", "backslashreplace"))
    parts = (
        range(int(room * _HEAD)),
        range(max(0, place - int(room * _BEFORE)), min(end, place + int(room * _AFTER))),
        range(end - int(room * _TAIL), end),
    )
    return _joined(encoded, _without_overlaps(parts))


def _place_that_matters(text: str, *, has_sign: bool) -> int:
    """Return where the sign of a line stands; where that is in its beginning, such as a level, where its message is."""
    sign = place_of_sign(text) or 0 if has_sign else 0
    message = _MESSAGE.search(text) if sign < _LEVEL_CHARACTERS else None
    return int(message.start()) if message else sign


def _without_overlaps(parts: tuple[range, ...]) -> list[range]:
    kept = [parts[0]]
    for part in parts[1:]:
        if part.start <= kept[-1].stop:
            kept[-1] = range(kept[-1].start, max(part.stop, kept[-1].stop))
        else:
            kept.append(part)
    return kept


def _joined(encoded: bytes, parts: list[range]) -> str:
    texts = [encoded[part.start : part.stop].decode("utf-8", "ignore") for part in parts]
    cuts = [f" [… {other.start - one.stop} bytes cut …] " for one, other in pairwise(parts)]
    return "".join(text + cut for text, cut in zip(texts, [*cuts, ""], strict=True))
