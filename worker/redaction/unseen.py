r"""A text without what nobody sees in it: colours, control characters, joiners, raw or written out as in ``\x1b[33m``.

They part names from values and glue letters to addresses, so what is looked for is looked for in a text without them.
A control character becomes a blank, for it parts words; what has no width is left out, for it parts nothing.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import re2

from worker.redaction.kinds import Finding

__all__ = ["Seen"]

_PARTING: Final = (
    r"(?:\x1b|\\x1b|\\033|\\e|\\u001b)\[[0-9;?]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|"
    r"\\x(?:[01][0-9a-fA-F]|7f)|\\u00[01][0-9a-fA-F]"
)
_WITHOUT_WIDTH: Final = (
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]|"
    r"\\u(?:00ad|061c|180e|200[b-f]|202[a-e]|206[0-9a-f]|feff)"
)
_UNSEEN: Final = re.compile(f"({_PARTING})|{_WITHOUT_WIDTH}")
_ANY_UNSEEN: Final = re2.compile(f"{_PARTING}|{_WITHOUT_WIDTH}".encode())
"""Quicker to say that there is none, as in nearly every text."""


class Seen:
    """What is seen of a text, and the way back to its places."""

    def __init__(self, text: str) -> None:
        """Take what is unseen out. In linear time."""
        self.text, self.content = text, text.encode("utf-8", "surrogatepass")
        self._starts, self._originals = [0], [0]
        is_plain = text.isascii() and text.isprintable() and "\\" not in text
        if not is_plain and _ANY_UNSEEN.search(self.content) is not None:
            self._take_out(text)

    def _take_out(self, text: str) -> None:
        pieces: list[str] = []
        end = 0
        for match in _UNSEEN.finditer(text):
            pieces += [text[end : match.start()], " " if match.group(1) is not None else ""]
            self._originals += [match.start(), match.end()]
            end = match.end()
        self.text = "".join([*pieces, text[end:]])
        self.content = self.text.encode("utf-8", "surrogatepass")
        self._starts += accumulate(map(len, pieces))

    def findings(self, found: Sequence[Finding]) -> Sequence[Finding]:
        """Return findings in what is seen as findings in the text; what is unseen within one goes with it."""
        if len(self._starts) == 1:
            return found
        return [Finding(self._place(each.start), self._place(each.end - 1) + 1, each.kind) for each in found]

    def _place(self, place: int) -> int:
        piece = bisect_right(self._starts, place) - 1
        return self._originals[piece] + place - self._starts[piece]
