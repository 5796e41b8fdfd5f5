"""The card on a terminal, and the plain-text alternative of a mail: lines of a given width, without colour.

Pure. Headings stand at the margin and nothing from outside ever does, so no text can imitate the card's structure.
Called by the console notifier, by sinks, and by whoever counts a card's words.
"""

import textwrap
from functools import lru_cache
from typing import Final

from worker.escalation.card_parts import Card, sections_of
from worker.escalation.escaping import for_terminal

__all__ = ["as_text"]

NARROWEST: Final = 40


def as_text(card: Card, width: int) -> str:
    """Return the card as lines of at most `width` characters (never under 40), ended by a newline."""
    width = max(width, NARROWEST)
    lines = [
        *_wrapped(card.headline, width, first="■ ", further="  "),
        *_wrapped(card.subline, width, first="  ", further="  "),
    ]
    for section in sections_of(card):
        lines += ["", *_wrapped(section.heading, width, first="", further="  ")]
        for mark, entry in section.marked_entries:
            lines += _wrapped(entry, width, first=f"  {mark}", further=" " * (2 + len(mark)))
    return "\n".join(lines) + "\n"


# A card is rendered about twenty times until it has its length, and most of its lines are the same each time.
@lru_cache(maxsize=512)
def _wrapped(text: str, width: int, *, first: str, further: str) -> tuple[str, ...]:
    """Wrap, but never between a figure and its per cent sign."""
    bound = for_terminal(text).replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.wrap(bound, width, initial_indent=first, subsequent_indent=further, break_on_hyphens=False)
    return tuple(line.replace("\N{NO-BREAK SPACE}", " ") for line in lines)
