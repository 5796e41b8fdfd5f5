"""What single log lines are signs of: a failing dependency, a fault of the service itself, any other error, a crash.

Pure and in linear time: words are looked for first, and google-re2 does the rest. Log text is matched, never obeyed.
`log_reading.py` asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import re2

__all__ = ["LineKind", "SignOfLine", "place_of_sign", "signs_of"]

_ROW_LINES: Final = 400
_HARMLESS_PARTS: Final = 8
_HARMLESS_CHARACTERS: Final = 600


class LineKind(StrEnum):
    """What a line is a sign of; a line counts once, under the first kind that it shows."""

    DEPENDENCY_FAILURE = "dependency failure"
    LOCAL_FAULT = "local fault"
    OTHER_ERROR = "other error"


class SignOfLine(NamedTuple):
    """What one line shows; `is_crash` says that a process ended, or was started anew, against its will."""

    kind: LineKind
    is_crash: bool


@dataclass(frozen=True, slots=True)
class _Sign:
    """A line is of `kind` when it holds `words`, in lower case, and then matches `pattern`, where there is one.

    The words are looked for first: that is thirty times as fast as a pattern, and most lines hold none. Without words
    the pattern is looked for in many lines at once.
    """

    kind: LineKind
    words: str
    pattern: Any  # google-re2 has no types
    is_crash: bool

    def may_stand_in(self, row: str) -> bool:
        return self.words in row and (bool(self.words) or self.pattern.search(row) is not None)

    def stands_in(self, line: str) -> bool:
        return self.words in line and (self.pattern is None or self.pattern.search(line) is not None)


def _signs(kind: LineKind, *words_and_patterns: str | tuple[str, str], is_crash: bool = False) -> tuple[_Sign, ...]:
    return tuple(
        _Sign(kind, sign, None, is_crash)
        if isinstance(sign, str)
        else _Sign(kind, sign[0], re2.compile(sign[1]), is_crash)
        for sign in words_and_patterns
    )


_OTHERS: Final = r"\b(?:backend|upstream|database|broker|dependency)\b.{0,60}"
_PATH: Final = r"[\w\-./%~+]"
_HARMLESS: Final = re2.compile(
    r"\b[\w.]*(?:err|errors?|exceptions?|failed|failures?|fatal|panic|critical)"
    r'(?:"?=|":\s?)(?:"?(?:nil|<nil>|null|none|false|0)"?|"")(?:[\s,;)}\]]|$)'
    r"|\b(?:errors|failures|exceptions|failed): ?0(?:[\s,;)}\]]|$)"
    r"|(?:^|[\s(])(?:0|no|zero) (?:errors|failures|exceptions)\b|\bno (?:error|failure|exception)\b"
    r"|(?:^|[,;(|] ?|\b(?:info|debug|and)\]? )0 failed(?:[,;.)|]|$)|\bkilled 0\b"
    r"|\b(?:leak|deadlock|oom|panic|hung[ -]task) ?-?(?:detection|detector|watchdog|checker)\b"
    rf'|https?://[\w.\-]+(?::\d+)?/{_PATH}*|(?:^|[\s"\'(=\[])/{_PATH}*'
)
"""What holds a word of an error and says that there is none, or only names something; matched on lower case."""

_SIGNALS: Final = "(?:signal|sig(?:kill|segv|abrt|bus|ill|fpe|quit|xcpu))"
_SIGNS: Final = (
    *_signs(
        LineKind.DEPENDENCY_FAILURE,
        *("connection refused", "econnrefused", "no route to host", "ehostunreach", "network is unreachable"),
        *("name or service not known", "could not resolve", "name resolution", "getaddrinfo failed"),
        *("failed to connect", "could not connect", "cannot connect", "can't connect", "unable to connect"),
        *("bad gateway", "no healthy upstream", "upstream timed out", "upstream connect error"),
        "upstream prematurely closed",
        ("timed out", r"\bconnect(?:ion|ing)?\b(?: to .{1,80})? timed out|timed out connecting"),
        ("unavailable", _OTHERS + "unavailable"),
        ("reachable", _OTHERS + "(?:unreachable|not reachable)"),
        ("is down", _OTHERS + r"is down(?:[^\w-]|$)"),
        ("etimedout", r"connect etimedout"),
    ),
    *_signs(
        LineKind.LOCAL_FAULT,
        *("out of memory", "outofmemory", "oom-kill", "segmentation fault", "segfault", "core dumped"),
        *("stack overflow", "unhandled exception", "heap limit", "failed with result", "scheduled restart job"),
        *("back-off restarting", "crashloopbackoff", "panicked at"),
        ("oom", r"\boom\b"),
        ("panic", r"\bpanic\b"),
        ("fatal", r"\bfatal\b"),
        ("killed", r"\bkilled\b"),
        ("crashed", r"\bcrashed\b"),
        ("exited", r"\bexited\b.{0,60}\b(?:code|status)\b[^0-9a-z]{0,3}[1-9]"),
        ("exited", r"\bexited unexpectedly"),
        ("exit ", r"\bexit (?:code|status)\b[^0-9a-z]{0,3}[1-9]"),
        ("terminated by", r"\bterminated by " + _SIGNALS),
        is_crash=True,
    ),
    *_signs(
        LineKind.LOCAL_FAULT,
        *("cannot allocate memory", "memoryerror", "gc overhead", "heap space", "heap exhausted"),
        *("deadlock", "not responding", "too many open files"),
        ("hung", r"\bhung\b"),
        ("stuck", r"\bstuck\b"),
        ("leak", r"\bleak"),
        ("exhausted", r"\b(?:thread|worker|connection|pool|memory).{0,30}exhausted"),
    ),
    *_signs(
        LineKind.OTHER_ERROR,
        *("exception", "traceback", "[e]", "no space left on device", "enospc", "disk quota exceeded", "corrupt"),
        *("permission denied", "access denied", "eacces", "read-only file system", "erofs", "input/output error"),
        *("connection reset", "econnreset", "broken pipe", "epipe", "etimedout", "emfile"),
        ("err", r"\berr(?:or|ored)?\b|\werrors?\b|\berr(?:or)?_?(?:code|msg|message|no)\b"),
        ("errors", r'\berrors"?\s*[=:]\s*"?[1-9]'),
        ("failures", r'\bfailures"?\s*[=:]\s*"?[1-9]'),
        ('" 5', r'" 5\d\d\b'),
        ("status", r'\bstatus(?:_?code)?"?\s*[=:]\s*"?5\d\d\b'),
        ('"level"', r'"level"\s?:\s?[56]0\b'),
        ("", r"(?m)(?:^|\s)[ef](?:\d{4}){1,2} \d\d:\d\d:\d\d|^<[0-3]>"),
        ("critical", r"\bcritical\b"),
        ("severe", r"\bsevere\b"),
        ("emerg", r"\bemerg(?:ency)?\b"),
        ("fail", r"\bfail(?:ed|ure)\b"),
    ),
)


def signs_of(lines: Sequence[str]) -> list[SignOfLine | None]:
    """Return what each line shows, None where it shows nothing: 10,000 lines without a sign in 80 milliseconds.

    Lines are taken a few hundred at a time: most rows hold few of the words, and no long log is copied as a whole.
    """
    found: list[SignOfLine | None] = []
    for start in range(0, len(lines), _ROW_LINES):
        lowered = [line.lower() for line in lines[start : start + _ROW_LINES]]
        row = "\n".join(lowered)
        present = [sign for sign in _SIGNS if sign.may_stand_in(row)]
        found += [_sign_of(line, present) for line in lowered]
    return found


def place_of_sign(line: str) -> int | None:
    """Return where in a line the sign stands that says its kind, None where it has none."""
    lowered = line.lower()
    plain = _without_harmless(lowered)
    sign = next((sign for sign in _SIGNS if sign.stands_in(plain)), None)
    if sign is None:
        return None
    found = sign.pattern.search(lowered) if sign.pattern else None
    return found.start() if found else lowered.find(sign.words)


def _sign_of(line: str, signs: Sequence[_Sign]) -> SignOfLine | None:
    if not any(sign.stands_in(line) for sign in signs):
        return None
    plain = _without_harmless(line)
    shown = [sign for sign in signs if sign.stands_in(plain)]
    return SignOfLine(shown[0].kind, any(sign.is_crash for sign in shown)) if shown else None


def _without_harmless(line: str) -> str:
    head, rest = line[:_HARMLESS_CHARACTERS], line[_HARMLESS_CHARACTERS:]
    return str(_HARMLESS.sub(" ", head, count=_HARMLESS_PARTS)) + rest
