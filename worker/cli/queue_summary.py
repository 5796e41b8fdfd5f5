"""What was concluded, for one line of a list: what is wrong stands first, and nothing that every line says.

Pure. It gives no fact that the summary does not have: it leaves out signs of evidence and signatures, and puts what the
log shows before all else. Called where incidents are listed; `firstline show` has every word.
"""

import re
from typing import Final

from worker.escalation.card_frames import unframed

__all__ = ["cut_to_words", "in_short"]

_CITED: Final = re.compile(r" ?\[E\d+(?:, ?E\d+)*\]", re.ASCII)
_SIGNED: Final = re.compile(r"\s*\(Concluded by rules, not by a language model\.\)")
_CUT: Final = re.compile(r"(?:\s*\([^()]*)?\s*\[… \d+ bytes cut\]$", re.ASCII)
_FILE: Final = re.compile(r"^The inventory \([^)]*\)")
_FRAMED: Final = re.compile(
    r"(?P<how>.*?The rules finished, without the right to restart|Alerts kept coming after each look)"
    r"(?:; the last one said)?: (?P<word>.*)",
    re.DOTALL,
)
"""What the desk says around a conclusion: in a storm without a model every line would begin so."""

_NOT_DONE: Final = re.compile(r"The restart (?:of \S+ )?was not carried out: ")
_FOUND: Final = re.compile(
    r"(?:(?P<lead>, and the log shows )|(?i:the log shows) (?:a failing dependency, )?)"
    r"(?P<quoted>“(?P<line>[^”]+)”)(?!, but not of late)"
)
_LOG_HEAD: Final = re.compile(
    r"(?:(?:\d{4}-\d\d-\d\d[T ]|[A-Z][a-z]{2} +\d+ )?\d\d:\d\d[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?\s+)?"
    r"(?:\[?(?:ERROR|FATAL|CRITICAL|WARN(?:ING)?|INFO)\]?:?\s+)?",
    re.ASCII,
)
"""When a line was written, and how urgent its program called it: a list has its own columns for both."""


def in_short(summary: str) -> str:
    """Return a summary with what is wrong in front. The secrets in it must be masked already."""
    text = _CUT.sub("…", _SIGNED.sub("", _CITED.sub("", summary)))
    framed = _FRAMED.fullmatch(text)
    return f"{_in_front(framed['word'])} · {framed['how']}." if framed is not None else _in_front(text)


def _in_front(text: str) -> str:
    text = _FILE.sub("The inventory", unframed(text))
    text = _NOT_DONE.sub("Not restarted: ", text)
    found = _FOUND.search(text)
    if found is None:
        return text
    line = _LOG_HEAD.sub("", found["line"], count=1) or found["line"]
    around = text.replace(found[0], "", 1) if found["lead"] else text.replace(found["quoted"], "…", 1)
    return f"{line} · {around}"


def cut_to_words(text: str, characters: int) -> str:
    """Return a text of so many characters at most, cut behind a word, with “…” where there is more."""
    if len(text) <= characters:
        return text
    head, _, rest = text[:characters].rpartition(" ")
    return f"{(head or rest[:-1]).rstrip(' ,;:·')}…"
