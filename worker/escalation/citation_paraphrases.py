"""Other words for what evidence states: a model's sentence is put into the plain words that evidence itself has.

Pure. English only. A word is replaced or borne out only where the evidence, or a figure beside it, makes it true; in
doubt it stays as it is, and the sentence is a hypothesis. The desk's own sentences are never changed. Called by the
citations.
"""
# ruff: noqa: RUF001 - other marks are what this is about

import re
from decimal import Decimal
from typing import Final

from worker.contract.observations import CPU_PRESSURE_PERCENT, MEMORY_PRESSURE_PERCENT
from worker.escalation.citation_numbers import numbers_in

__all__ = ["borne_out_by", "plainly"]

_NEWEST: Final = r"(?:last|latest|newest|most recent|recent)"
_ALL_LINES: Final = r"\b((?:of|in|within|among|across) (?:the |these )?)"
_UNREAD: Final = "CPU could not be read, memory could not be read"
_PLAIN: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (r"(?<=\w)['’]s\b", ""),
        (r"(?<=\d) ?(?:seconds?|secs?)\b", " s"),
        (r"^\W*(?:after|following|despite) the restart, (.+?)([\s.!?]{0,4})$", r"\1 after the restart\2"),
        (r"\bhalf an hour (?:ago|earlier)\b", "half an hour before"),
        (r",? \bas (?:the|its) logs? (?:shows?|says?|reports?)\b", ""),
        (r"\baccording to (?:the|its) logs?\b,?", ""),
        (r", at (\d[\d.,]* ?%),| \(at (\d[\d.,]* ?%)\)", r" at \1\2"),
        (r" \((\d[\d.,]* ?%)\)", r" at \1"),
        (r"(?<![\d.])(\d[\d.]*), up from (\d[\d.]*) half an hour before\b", r"rose from \2 to \1"),
        (r"(?<![\d.])(\d[\d.]*), down from (\d[\d.]*) half an hour before\b", r"fell from \2 to \1"),
        (r",? \be\.g\.,?|,? \bfor (?:example|instance),?", ""),
        (r"\bup and running\b", "running"),
        (r"\b(?:exit code|exited with (?:code|status))\b", "exit status"),
        (r"\b((?:CPU|memory)[^,;:.\d]{0,20}): (?=\d[\d.,]* ?%)", r"\1 at "),
        (r"(?<=%), which is (?=(?:very |critically )?(?:high|normal)\b)", " "),
        (r"\bone of the\b", "the"),
        (r"\bbe (?:measured|determined)\b", "be read"),
        (r"\bout of (?=\d)", "of "),
        (r"\blog entr(?:y|ies)\b", "log lines"),
        (rf"{_ALL_LINES}{_NEWEST} (?=\d)", r"\1"),
        (rf"{_ALL_LINES}(\d[\d.,]*) {_NEWEST} (?=(?:log )?lines?\b)", r"\1\2 "),
        (r"(?<=lines) (?:scanned|read|checked|examined|fetched)\b", ""),
        (r"\b(?:utili[sz]ation|consumption)\b", "usage"),
        (r"\b(CPU|memory) usage\b", r"\1"),
        (r"\bCPU and (?:its )?memory could not be read\b", _UNREAD),
        (r"\bneither CPU nor memory could be read\b", _UNREAD),
    )
)

_CLAUSE: Final = re.compile(r"([,;:](?=\s|$)|\b(?:and|but|while|whereas)\b)")
_PRESSURE: Final = {"cpu": CPU_PRESSURE_PERCENT, "memory": MEMORY_PRESSURE_PERCENT}
_MEASURED: Final = re.compile(r"\b(?:cpu|memory)\b", re.IGNORECASE)
_HIGH: Final = re.compile(
    r"\b(?:(?:very|critically|extremely) )?(?:high|elevated)\b|\bunder (?:heavy |high )?(?:load|pressure)\b"
    r"|(?<=memory )pressure\b|(?<=cpu )pressure\b",
    re.IGNORECASE,
)
_NOT_HIGH: Final = re.compile(r"\b(?:normal|moderate|(?:well )?within (?:its )?limits|not high)\b", re.IGNORECASE)

_REASON: Final = re.compile(
    r"(\brestart\b[^;.]{0,30}?\brefused\b[^;.]{0,60}?) (?:because|due to|since|as)\b", re.IGNORECASE
)
_DENIED: Final = (
    r"(?:refused|declined|denied|rejected|blocked|not (?:allowed|permitted)|(?:did not|refused to) (?:allow|permit))"
)
_GUARD: Final = r"(?:the )?(?:Firstline )?(?:guard(?:rails?)?|policy|Firstline)"
_TURNED_DOWN: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), plain)
    for pattern, plain in (
        (rf"\b{_GUARD} {_DENIED} (?:the|a) restart\b", "the restart was refused"),
        (rf"(\brestart(?: attempt)? (?:was |is |has been )?(?:requested but )?){_DENIED}\b", r"\1refused"),
        (rf"(\brestart(?: attempt)? (?:was |is |has been )?refused) by {_GUARD}(?![\w-])", r"\1"),
    )
)
"""Only a restart is refused by the guard; what else is refused, is so by others."""

_REFUSAL: Final = re.compile(r"restart_service was refused \(")

_STATED: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), stated, plain)
    for pattern, stated, plain in (
        (r"(\bfor \d[\d.,]* s) without a break\b", "without a break", r"\1"),
        (r"(?<! s) without a break\b", "without a break", ""),
        (r"\bis clean\b", ", 0 with errors", "shows no errors"),
        (r",? which (?:this server|it) (?:needs|depends on)\b,?", "which this server needs", ""),
        (
            r"\ba restart (?:does|will|would) not cure a failing dependency\b",
            "a dependency fails, and a restart does not cure that",
            "a dependency fails",
        ),
    )
)
"""Turns of phrase, what the evidence states where they are true, and what is left of them to be checked."""

_SEVERAL: Final = re.compile(
    r"\b(?:repeated|several|multiple) (?=(?:dependency failures|local faults|errors)\b)", re.IGNORECASE
)
_SEVERAL_LINES: Final = re.compile(r"\b(?:[2-9]|\d{2,}) with (?:dependency|local|other) ")

_TREND: Final = re.compile(
    r"\b(?:(rose|climbed|grew|increased|went up)|(?:fell|dropped|decreased|went down)) from (\d[\d.]*) to (\d[\d.]*)"
    r"(?: (?:within|in|over) (?:the (?:last|past) )?half an hour)?",
    re.IGNORECASE,
)
_BORNE_OUT: Final = tuple(
    (re.compile(pattern), frozenset(words))
    for pattern, words in (
        (r"restart_service was refused", ("restart", "attempt")),
        (r"\brestarted\b|\btried to restart\b", ("restart", "attempt")),
        (r"\blog lines?\b", ("scanned", "examined", "fetched")),
        (r"\bafter the restart\b", ("later", "afterwards")),
        (r"(?<!not )\brestored\b", ("brought", "back")),
        (r"\bwithout a break\b", ("stayed", "remained", "continuously")),
        (r"\bwhich this server needs\b", ("depends",)),
        (r"\bcould not connect\b", ("attempt", "attempts", "connection", "connections")),
        (r"\bexit_status\b", ("process", "exited")),
        (r"[\w-]db\b", ("database",)),
    )
)
"""Words that say no more than what the evidence beside them states."""


def plainly(text: str, evidence: str) -> str:
    """Return a sentence in plain words, as far as its `evidence`, in small letters, and its own figures allow."""
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    if _REFUSAL.search(evidence):
        for pattern, plain in _TURNED_DOWN:
            text = pattern.sub(plain, text)
        text = _REASON.sub(r"\1,", text)
    for pattern, stated, plain in _STATED:
        if stated in evidence:
            text = pattern.sub(plain, text)
    if _SEVERAL_LINES.search(evidence):
        text = _SEVERAL.sub("", text)
    text = _TREND.sub(lambda found: _as_evidence_has_it(found, evidence), text)
    return "".join(_without_level(clause) for clause in _CLAUSE.split(text))


def borne_out_by(evidence: str) -> frozenset[str]:
    """Return the words that the evidence bears out beside its own."""
    return frozenset().union(*(words for pattern, words in _BORNE_OUT if pattern.search(evidence)))


def _as_evidence_has_it(found: re.Match[str], evidence: str) -> str:
    """Return a trend in the words of a measure, where that has both figures, and in this order."""
    has_risen, before, now = found[1] is not None, found[2], found[3].rstrip(".")
    is_seen = re.search(rf"(?<![\d.]){re.escape(now)} [^,(]*\({re.escape(before)} half an hour before\)", evidence)
    if is_seen is None or (Decimal(now) > Decimal(before)) is not has_risen:
        return found[0]
    return f"{now} ({before} half an hour before)"


def _without_level(clause: str) -> str:
    """Return a clause without the word that its CPU or memory is high, or is not, where its figure makes that true."""
    shares = [number for number in numbers_in(clause) if number.unit == "%" and number.subject in _PRESSURE]
    if not shares or len({name.casefold() for name in _MEASURED.findall(clause)}) > 1:
        return clause
    are_high = [number.readings[0] >= _PRESSURE[number.subject or ""] for number in shares]
    if all(are_high):
        return _HIGH.sub("", clause)
    return clause if any(are_high) else _NOT_HIGH.sub("", clause)
