"""The card as the HTML of a mail: one small document, with inline styles and nothing that a client would fetch.

Pure. No colour is set for text or background, so that it reads in light and dark alike; `as_text` is its plain-text
alternative. Called by sinks that send mail.
"""

from typing import Final

from worker.contract.incident import Severity
from worker.escalation.card_parts import Card, Section, sections_of
from worker.escalation.escaping import for_html

__all__ = ["as_html"]

_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
</head>
<body style="margin:0;padding:16px;font:16px/1.45 system-ui,-apple-system,'Segoe UI',sans-serif">
<div style="max-width:42em;padding-left:16px;border-left:6px solid {colour}">
<h1 style="margin:0;font-size:18px">{title}</h1>
<p style="margin:4px 0 0">{subline}</p>
{sections}
</div>
</body>
</html>
"""
_HEADING: Final = '<h2 style="margin:18px 0 4px;font-size:15px">{heading}</h2>'
_LISTS: Final = {"numbered": ("<ol", "</ol>"), "list": ("<ul", "</ul>")}
_COLOURS: Final = {Severity.CRITICAL: "#d1242f", Severity.WARNING: "#bf8700", Severity.INFO: "#4c8bf5"}
"""Only of a bar at the side; the headline says the same in words."""


def as_html(card: Card) -> str:
    """Return the card as a whole HTML document."""
    return _PAGE.format(
        title=for_html(card.headline),
        subline=for_html(card.subline),
        colour=_COLOURS[card.severity],
        sections="\n".join(_section(section) for section in sections_of(card)),
    )


def _section(section: Section) -> str:
    heading = _HEADING.format(heading=for_html(section.heading))
    if section.form == "code":
        commands = [f"<p><code>{for_html(entry)}</code></p>" for entry in section.entries]
        return "\n".join([heading, *commands])
    if section.form == "text":
        entries = [f'<p style="margin:0">{for_html(entry)}</p>' for entry in section.entries]
        return "\n".join([heading, *entries])
    opening, closing = _LISTS[section.form]
    entries = [f'<li style="margin:2px 0">{for_html(entry)}</li>' for entry in section.entries]
    return "\n".join([heading, f'{opening} style="margin:0;padding-left:22px">', *entries, closing])
