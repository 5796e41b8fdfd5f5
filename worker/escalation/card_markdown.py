"""The card as CommonMark, for tickets: nothing from outside becomes markup, a link or a mention.

Pure. Called by sinks that make tickets or speak to chats which know Markdown.
"""

from functools import lru_cache

from worker.escalation.card_parts import Card, Section, sections_of
from worker.escalation.escaping import code, for_markdown

__all__ = ["as_markdown"]


def as_markdown(card: Card) -> str:
    """Return the card as a Markdown document that begins with its headline as a heading."""
    blocks = [f"## {_line(card.headline)}", _line(card.subline)]
    blocks += [_block(section) for section in sections_of(card)]
    return "\n\n".join(blocks) + "\n"


def _block(section: Section) -> str:
    heading = f"### {_line(section.heading)}"
    if section.form == "code":
        return "\n\n".join([heading, *(code(entry) for entry in section.entries)])
    entries = [f"{'- ' if section.form == 'list' else mark}{_line(entry)}" for mark, entry in section.marked_entries]
    return "\n".join([heading, "", *entries])


# A card is rendered about twenty times until it has its length, and most of its lines are the same each time.
@lru_cache(maxsize=512)
def _line(text: str) -> str:
    return for_markdown(text)
