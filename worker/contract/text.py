"""Text from outside, made safe to keep and to show: one line of defence for producers, tools and cards.

It never interprets text. Whatever a terminal, a log viewer or a mail client would act on becomes visible instead.
"""

import re
import unicodedata
from typing import Final

__all__ = ["cut_to_bytes", "visible"]

_KEPT_CONTROLS: Final = frozenset("\n\t")
_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks, as Unicode has it, of which nobody sees anything: fillers, joiners and variation selectors."""

_STRAY_SELECTOR: Final = re.compile("(?<=[\x00-\x7f\ufe0e\ufe0f])[\ufe0e\ufe0f]|^[\ufe0e\ufe0f]")
"""Behind a symbol one says that it is a picture; anywhere else, and in rows, it can only hide something."""


def visible(text: str) -> str:
    r"""Return `text` with every control, format, surrogate and blank character written out, as in ``\x1b``.

    Line feeds and tabs stay; carriage returns before a line feed go. ANSI sequences, bidirectional overrides and
    zero-width characters so lose their effect and stay readable.
    """
    if text.isprintable() and (text.isascii() or not (_BLANK.search(text) or _STRAY_SELECTOR.search(text))):
        return text
    text = _STRAY_SELECTOR.sub(lambda found: _written_out(found[0]), text)
    return text.replace("\r\n", "\n").translate(_TABLE)


def cut_to_bytes(text: str, limit_bytes: int) -> str:
    """Return `text` unchanged when its UTF-8 form fits, else its head with a note of how many bytes were cut."""
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= limit_bytes:
        return text
    head = encoded[:limit_bytes].decode("utf-8", "ignore")
    return f"{head} [… {len(encoded) - limit_bytes} bytes cut]"


class _Table(dict[int, str]):
    """What becomes of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = character if _is_harmless(character) else _written_out(character)
        return self[code]


_TABLE: Final = _Table()


def _is_harmless(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return True
    return unicodedata.category(character) not in _INVISIBLE_CATEGORIES and not _BLANK.match(character)


def _written_out(character: str) -> str:
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode()
