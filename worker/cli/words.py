"""Text from outside, made fit for a terminal: no control character survives, and no line can pass for one of ours.

Every command prints through these what Redis, an alert, a file or a person gave it. JSON output needs none of it: there
all but ASCII is escaped.
"""

from typing import Final

from worker.contract.text import visible

__all__ = ["WORD_LIMIT", "folded", "one_line"]

WORD_LIMIT: Final = 500
"""Characters of a reason that a person gives: it stands in a line of `status`, and on each card that it explains."""


def one_line(text: object) -> str:
    """Return a text on one line, every run of white space as one space, controls and bad bytes written out."""
    return " ".join(visible(str(text)).split())


def folded(text: str) -> str:
    """Return a text of several lines, the further ones so far to the right that they pass for no line of the page."""
    return visible(text).replace("\n", "\n             ")
