"""The card as CommonMark, for tickets: nothing from outside becomes markup, a link or a mention.

Pure. Called by sinks that make tickets or speak to chats which know Markdown.
"""

from worker.escalation.card_parts import Card, Section, sections_of
from worker.escalation.escaping import code, for_markdown

__all__ = ["as_markdown"]


def as_markdown(card: Card) -> str:
    """Return the card as a Markdown document that begins with its headline as a heading."""
    blocks = [f"## {for_markdown(card.headline)}", for_markdown(card.subline)]
    blocks += [_block(section) for section in sections_of(card)]
    return "\n\n".join(blocks) + "\n"


def _block(section: Section) -> str:
    heading = f"### {for_markdown(section.heading)}"
    if section.form == "code":
        return "\n\n".join([heading, *(code(entry) for entry in section.entries)])
    entries = [
        f"{'- ' if section.form == 'list' else mark}{for_markdown(entry)}" for mark, entry in section.marked_entries
    ]
    return "\n".join([heading, "", *entries])
