"""Words of status, of error and its usual causes, and of deeds in a text, and whether they are said or denied.

Pure. English only. Called by the claims of a citation, on the sentence and on its evidence alike.
"""
# ruff: noqa: RUF001 - other marks are what this is about

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["DENIALS", "Field", "Word", "is_inferred", "words_in"]

DENIALS: Final = frozenset(
    {"no", "not", "never", "without", "none", "neither", "nor", "zero", "lacks", "could", "can", "free"}
)
"""Words that turn others round: they stand for themselves nowhere."""


class Field(StrEnum):
    """What a word speaks of, and so which tool would have shown it."""

    STATUS = "status"
    LOG_KIND = "log_kind"
    ERROR = "error"
    DEED = "deed"


@dataclass(frozen=True, slots=True)
class Word:
    """One word, whatever its form: what it is called, what it speaks of, how it is written, and if it is denied.

    `as_written` begins with what denies it, and `itself` is without that.
    """

    name: str
    field: Field
    as_written: str
    itself: str
    is_denied: bool

    @property
    def is_denied_next_to_it(self) -> bool:
        """Whether nothing but a short denial stands before it, with no other word between."""
        return self.as_written.removesuffix(self.itself).strip() in _SHORT_DENIALS


_SHORT_DENIALS: Final = DENIALS | {"n't", "n’t", "free of", "0"}
_CANNOT: Final = r"(?:could(?:n['’]t| not)|can(?:['’]t|not| not)|unable to|failed to|failing to|fails to)"
_PATTERNS: Final = (
    (
        "dependency",
        Field.LOG_KIND,
        r"(?:failing |failed )?dependenc(?:y|ies)(?:[ _](?:failures?|fails|failed|failing|sick))?",
    ),
    ("local fault", Field.LOG_KIND, r"local faults?"),
    ("unreachable", Field.ERROR, rf"unreachable|not reachable|no route|{_CANNOT} (?:connect|reach|be reached)"),
    ("timeout", Field.ERROR, r"time[sd]?[ -]?outs?|timing out|deadline exceeded"),
    ("out of memory", Field.ERROR, r"oom(?:[ -]?killed)?|out of memory"),
    ("refused", Field.ERROR, r"refus(?:ed|es|ing|als?|e)"),
    ("failed", Field.ERROR, r"fail(?:s|ed|ing|ures?)?"),
    ("error", Field.ERROR, r"errors?|exceptions?"),
    ("fault", Field.ERROR, r"faults?|faulty"),
    ("exhausted", Field.ERROR, r"exhaust(?:ed|ion|s|ing)?"),
    ("crash", Field.ERROR, r"crash(?:ed|es|ing)?|segfault(?:ed)?|core dumped"),
    ("killed", Field.ERROR, r"killed"),
    ("denied", Field.ERROR, r"denied|forbidden|unauthori[sz]ed"),
    ("full", Field.ERROR, r"full|no space left"),
    ("leak", Field.ERROR, r"leak(?:s|ed|ing|age)?"),
    ("deadlock", Field.ERROR, r"deadlock(?:s|ed)?"),
    ("panic", Field.ERROR, r"panic(?:s|ked)?"),
    ("fatal", Field.ERROR, r"fatal"),
    ("unavailable", Field.ERROR, r"unavailable"),
    ("expired", Field.ERROR, r"expired"),
    ("corrupt", Field.ERROR, r"corrupt(?:ed|ion)?"),
    ("overloaded", Field.ERROR, r"overload(?:ed)?|saturated"),
    ("deployment", Field.ERROR, r"deploy(?:s|ed|ments?|ing)?|releases?|rollbacks?|rolled back"),
    ("attack", Field.ERROR, r"attack(?:s|ed|ers?)?|ddos|breach(?:ed)?|hacked"),
    ("configuration", Field.ERROR, r"(?:mis)?configur(?:ed|ations?)"),
    ("hardware", Field.ERROR, r"hardware"),
    ("network", Field.ERROR, r"networks?|dns|firewalls?"),
    ("certificate", Field.ERROR, r"certificates?"),
    ("disk", Field.ERROR, r"disks?"),
    ("bug", Field.ERROR, r"bugs?"),
    ("running", Field.STATUS, r"running|runs"),
    ("stopped", Field.STATUS, r"stopped"),
    ("degraded", Field.STATUS, r"degraded"),
    ("sick", Field.STATUS, r"sick"),
    ("down", Field.STATUS, r"(?:is|are|was|were|went|be|been) down"),
    (
        "healthy",
        Field.STATUS,
        r"healthy|health (?:(?:is|was|looks|read|stayed|remained|has been) )?good|good health|proven good",
    ),
    ("CPU unread", Field.STATUS, r"cpu could not be read"),
    ("memory unread", Field.STATUS, r"memory could not be read"),
    ("restarted", Field.DEED, r"re-?started"),
    ("succeeded", Field.DEED, r"succeed(?:s|ed)?|success(?:ful(?:ly)?)?|worked"),
    ("helped", Field.DEED, r"helped|(?<=did )help|(?<=did not )help|(?<=didn['’]t )help"),
    ("cured", Field.DEED, r"cure[sd]?"),
    ("asked for", Field.DEED, r"requested|attempted|tried"),
    ("connected", Field.DEED, r"(?:re)?connected"),
    ("deleted", Field.DEED, r"deleted|wiped|dropped|removed|lost"),
    ("performed", Field.DEED, r"performed|carried out|executed|applied"),
    ("shut down", Field.DEED, r"shut down|blocked|blocks"),
    ("recovered", Field.DEED, r"recover(?:ed|y)|restore[sd]?|well again|back to normal"),
)
_WORDS: Final = tuple((name, field, re.compile(rf"\b(?:{pattern})\b")) for name, field, pattern in _PATTERNS)

_REACH: Final = 60
_DENIED_BEFORE: Final = re.compile(
    r"(?:\b(?:no|not|never|without|none|neither|nor|zero|lacks?|free of)\b|n['’]t\b|(?<![\d.,])0)"
    r"(?: (?!and\b|but\b|yet\b|however\b)[\w-]+){0,3} ?$"
)
_DENIED_BEHIND: Final = re.compile(
    r"(?: ?[:=(])? ?(?:0(?![\d.,]*\d)|none\b|zero\b)"
    r"| (?:(?:is|are|was|were|could|can|has|have|be|been) ){1,2}(?:not|never|nowhere)\b"
    r"| (?:is|are|was|were) absent\b"
)
_INFERENCE: Final = re.compile(
    r"\b(?:because|caus(?:e|es|ed|ing)|due to|owing to|leads? to|led to|results? (?:in|from)|probably|perhaps|maybe"
    r"|might|may be|presumably|seems?|(?<!failures )(?<!errors )(?<!faults )appears?|apparently|most likely"
    r"|suspect(?:s|ed)?|suggests?|(?<!log )(?<!logs )(?<!lines )indicates?|implies)\b"
)


def words_in(text: str) -> Iterator[Word]:
    """Yield the words of a text, each once a place; the longer of two that begin alike comes first and stands alone."""
    rest = " ".join(text.casefold().split())
    for name, field, pattern in _WORDS:
        for found in pattern.finditer(rest):
            before = rest[max(0, found.start() - _REACH) : found.start()]
            denied = _DENIED_BEFORE.search(before)
            is_denied = denied is not None or _DENIED_BEHIND.match(rest, found.end()) is not None
            yield Word(name, field, f"{denied[0] if denied else ''}{found[0]}", found[0], is_denied)
        rest = pattern.sub(lambda found: "-" * len(found[0]), rest)


def is_inferred(text: str) -> bool:
    """Say whether the text draws a conclusion, or guesses."""
    return _INFERENCE.search(text.casefold()) is not None
