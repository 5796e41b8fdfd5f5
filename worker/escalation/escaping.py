r"""Text from outside, escaped for where it goes: one function a medium, so that no sink makes up its own.

Pure. Each makes its text visible first; none cuts it. A terminal's escape sequences, Slack's mentions and links, HTML's
elements, a mail header's further lines, Markdown's markup and a spreadsheet's formulas lose their effect, and stay
readable.
Sources: https://docs.slack.dev/messaging/formatting-message-text (the three letters to escape),
https://owasp.org/www-community/attacks/CSV_Injection (what starts a formula).
"""

import html
import re
from typing import Final

from worker.contract.text import visible

__all__ = ["code", "for_csv", "for_html", "for_mail", "for_mail_header", "for_markdown", "for_slack", "for_terminal"]

_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20|%]")
_SLACK_MARKS: Final = re.compile(r"([*~`@#]|(?<!\w)_|_(?!\w))")
_LINK: Final = re.compile(r"(?<=\w)(?=://)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_MARKDOWN_MARKS: Final = re.compile(r"([\\`*_\[\]{}<>#|~$&])")
_MARKDOWN_START: Final = re.compile(r"^([-+=:]|\d+(?=[.)]))")
_MARKDOWN_LINK: Final = re.compile(r"(?<=\w)(?=://)|(?<=\bwww)(?=\.)|(?<=[@#<])", re.IGNORECASE)
_ENCODED_WORD: Final = re.compile(r"=\?")
_NEVER_JOINED: Final = "\N{WORD JOINER}"
"""Nobody sees it, and no chat, ticket system or mail program takes a mark or address that has it inside."""


def for_terminal(text: str) -> str:
    """Return text of which a terminal acts on nothing but line feeds and tabs."""
    return visible(text)


def for_slack(text: str) -> str:
    """Return text for Slack's mrkdwn in which nothing is a mention, a link or a format."""
    escaped = html.escape(visible(text), quote=False)
    return _LINK.sub(_NEVER_JOINED, _SLACK_MARKS.sub(rf"\1{_NEVER_JOINED}", escaped))


def code(text: str) -> str:
    """Return one of the desk's own commands as code, in Slack's mrkdwn and in Markdown: as it is, to be copied."""
    return f"`{visible(text).replace('`', chr(39))}`"


def for_html(text: str) -> str:
    """Return text for an HTML element's content or a quoted attribute, in which no mail program finds a link."""
    return html.escape(for_mail(text))


def for_markdown(text: str) -> str:
    """Return text for one line of Markdown, CommonMark's or GitHub's, in which nothing is markup, link or mention."""
    line = " ".join(visible(text).split())
    escaped = _MARKDOWN_MARKS.sub(r"\\\1", _MARKDOWN_LINK.sub(_NEVER_JOINED, line))
    return _MARKDOWN_START.sub(_escaped_start, escaped)


def for_mail(text: str) -> str:
    """Return text for a mail's plain part: visible, and with no address that a mail program would make a link."""
    return _LINK.sub(_NEVER_JOINED, visible(text))


def for_mail_header(text: str) -> str:
    """Return text for one line of a mail's header; what sends the mail encodes what is not ASCII.

    Nothing in it is an encoded word: Python would decode that, and write what comes out as it is.
    """
    return _ENCODED_WORD.sub(f"={_NEVER_JOINED}?", " ".join(visible(text).split()))


def for_csv(text: str) -> str:
    """Return text for a field of a CSV file that a spreadsheet may open; quoting is the writer's part."""
    shown = visible(text)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def _escaped_start(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdecimal() else f"\\{found[0]}"
