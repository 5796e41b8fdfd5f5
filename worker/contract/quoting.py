"""Text of others within the desk's own sentences: one line, visible, bounded, and unable to close its quotation marks.

The triage quotes models and logs with it, the card everything that comes from outside.
"""

from typing import Final

from worker.contract.text import cut_to_bytes, visible

__all__ = ["one_line", "quoted"]

QUOTATION_LIMIT_BYTES: Final = 200

_PLAIN_MARKS: Final = str.maketrans(dict.fromkeys("“”„‟❝❞〝〞〟\uff02″", '"'))
"""The marks themselves, and those that look like them to a person."""


def one_line(text: str, limit_bytes: int) -> str:
    """Return `text` with every run of white space folded to one space, cut to `limit_bytes` with a note of the rest."""
    return cut_to_bytes(" ".join(visible(text).split()), limit_bytes)


def quoted(text: str, limit_bytes: int = QUOTATION_LIMIT_BYTES) -> str:
    """Return `text` as one line between “ and ”, which do not occur inside."""
    return f"“{one_line(text.translate(_PLAIN_MARKS), limit_bytes)}”"
