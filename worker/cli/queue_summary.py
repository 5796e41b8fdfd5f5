"""What was concluded, for one line of a list: what is wrong stands first, and nothing that every line says.

Pure. It gives no fact that the summary does not have: it leaves out signs of evidence and signatures, and puts what the
log shows, or what was seen, before how it ended. Called where incidents are listed; `firstline show` has every word.
"""

import re
from typing import Final

__all__ = ["cut_to_words", "in_short"]

_CITED: Final = re.compile(r" ?\[E\d+(?:, ?E\d+)*\]", re.ASCII)
_SIGNED: Final = re.compile(r"\s*\(Concluded by rules, not by a language model\.\)")
_CUT: Final = re.compile(r"(?:\s*\([^()]*)?\s*\[… \d+ bytes cut\]$", re.ASCII)
_FILE: Final = re.compile(r"^The inventory \([^)]*\)")
_NOT_DONE: Final = re.compile(
    r"The restart (?:of \S+ )?was not carried out: (?P<why>.*?)(?: What was seen: (?P<seen>.*))?", re.DOTALL
)
_FOUND: Final = re.compile(r"(?:(?i:the log shows) (?:a failing dependency, )?|, and )“(?P<line>[^”]+)”")
_LOG_HEAD: Final = re.compile(
    r"(?:\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s+)?"
    r"(?:\[?(?:ERROR|FATAL|CRITICAL|WARN(?:ING)?|INFO)\]?:?\s+)?",
    re.ASCII,
)
"""When a line was written, and how urgent its program called it: a list has its own columns for both."""


def in_short(summary: str) -> str:
    """Return a summary with what is wrong in front. The secrets in it must be masked already."""
    text = _CUT.sub("…", _SIGNED.sub("", _CITED.sub("", summary)))
    text = _FILE.sub("The inventory", text)
    undone = _NOT_DONE.fullmatch(text)
    if undone is not None:
        seen = f"{undone['seen']} " if undone["seen"] else ""
        text = f"{seen}Not restarted: {undone['why']}"
    found = _FOUND.search(text)
    if found is None or text.startswith("The restart"):
        return text
    line = _LOG_HEAD.sub("", found["line"], count=1) or found["line"]
    around = f"{text[: found.start('line') - 1]}…{text[found.end('line') + 1 :]}"
    return f"{line} · {around.replace(', and …,', ',')}"


def cut_to_words(text: str, characters: int) -> str:
    """Return a text of so many characters at most, cut behind a word, with “…” where there is more."""
    if len(text) <= characters:
        return text
    head, _, rest = text[:characters].rpartition(" ")
    return f"{(head or rest[:-1]).rstrip(' ,;:·')}…"
