"""What a log says: the findings that guards and rules judge by, and the excerpt that a model is shown.

The findings come from the whole scanned window, whatever number of lines the model asked for, so that asking for one
line hides nothing from the restart policy. Log text is data: it is matched and quoted, never obeyed.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from worker.contract.observations import LogTail
from worker.contract.result import LogFindings
from worker.contract.text import cut_to_bytes, visible

__all__ = ["SCANNED_LINES", "LogReading"]

SCANNED_LINES: Final = 400
"""How far back a log is scanned at every read, in lines."""

_EXCERPT_BYTES: Final = 12_000
_LINE_BYTES: Final = 600
_QUOTATIONS: Final = 5
_QUOTATION_BYTES: Final = 300


class _Kind(StrEnum):
    """What a line is a sign of; a line counts once, under the first kind that it shows."""

    DEPENDENCY_FAILURE = "dependency failure"
    LOCAL_FAULT = "local fault"
    OTHER_ERROR = "other error"


@dataclass(frozen=True, slots=True)
class _Sign:
    """A line is of `kind` when it holds `words`, in lower case, and then matches `pattern`, where there is one.

    The words are looked for first: that is thirty times as fast as a pattern, and most lines hold none.
    """

    kind: _Kind
    words: str
    pattern: re.Pattern[str] | None = None


def _signs(kind: _Kind, *words_and_patterns: str | tuple[str, str]) -> tuple[_Sign, ...]:
    return tuple(
        _Sign(kind, sign) if isinstance(sign, str) else _Sign(kind, sign[0], re.compile(sign[1]))
        for sign in words_and_patterns
    )


_OTHERS: Final = r"\b(?:backend|upstream|database|broker|dependency)\b.{0,60}"
_SIGNS: Final = (
    *_signs(
        _Kind.DEPENDENCY_FAILURE,
        *("connection refused", "econnrefused", "no route to host", "ehostunreach", "network is unreachable"),
        *("name or service not known", "could not resolve", "name resolution", "getaddrinfo failed"),
        *("failed to connect", "could not connect", "cannot connect", "can't connect", "unable to connect"),
        *("bad gateway", "no healthy upstream", "upstream timed out", "upstream connect error"),
        "upstream prematurely closed",
        ("timed out", r"\bconnect(?:ion|ing)?\b(?: to .{1,80})? timed out|timed out connecting"),
        ("unavailable", _OTHERS + "unavailable"),
        ("reachable", _OTHERS + "(?:unreachable|not reachable)"),
        ("is down", _OTHERS + "is down"),
    ),
    *_signs(
        _Kind.LOCAL_FAULT,
        *("out of memory", "outofmemory", "cannot allocate memory", "memoryerror", "gc overhead"),
        *("heap space", "heap exhausted", "heap limit", "deadlock", "not responding", "too many open files"),
        *("segmentation fault", "segfault", "core dumped", "stack overflow", "unhandled exception"),
        ("oom", r"\boom\b"),
        ("hung", r"\bhung\b"),
        ("stuck", r"\bstuck\b"),
        ("leak", r"\bleak"),
        ("panic", r"\bpanic\b"),
        ("fatal", r"\bfatal\b"),
        ("exhausted", r"\b(?:thread|worker|connection|pool|memory).{0,30}exhausted"),
    ),
    *_signs(
        _Kind.OTHER_ERROR,
        *("exception", "traceback"),
        ("err", r"\berr(?:or)?\b"),
        ("critical", r"\bcritical\b"),
        ("severe", r"\bsevere\b"),
        ("emerg", r"\bemerg(?:ency)?\b"),
        ("fail", r"\bfail(?:ed|ure)\b"),
    ),
)


@dataclass(frozen=True, slots=True)
class LogReading:
    """A tail whose lines are sorted; `kinds` has one entry a line, None for a line that shows nothing."""

    tail: LogTail
    kinds: Sequence[_Kind | None]

    @classmethod
    def of(cls, tail: LogTail) -> Self:
        """Sort the lines of a tail: 400 lines without a sign in about a millisecond."""
        lowered = [line.lower() for line in tail.lines]
        whole = "\n".join(lowered)
        present = [sign for sign in _SIGNS if sign.words in whole]
        return cls(tail, [_kind_of(line, present) for line in lowered])

    def findings(self) -> LogFindings:
        """Return the newest few lines of each kind, as quotations."""
        return LogFindings(
            scanned_lines=len(self.kinds),
            error_lines=sum(kind is not None for kind in self.kinds),
            dependency_failures=self._newest(_Kind.DEPENDENCY_FAILURE),
            local_faults=self._newest(_Kind.LOCAL_FAULT),
            other_errors=self._newest(_Kind.OTHER_ERROR),
        )

    def excerpt(self, *, lines: int) -> str:
        """Return what the model sees, as JSON: the newest `lines` lines, older error lines that fit, and what was cut.

        Bounded to about 12 kB; when that is too little, lines without an error go first, the oldest before the newest.
        """
        tail, kept = self.tail, self._kept(newest_lines=lines)
        older = "the log goes further back" if tail.older_lines_exist else "the log starts there"
        return json.dumps(
            {
                "server_id": tail.server_id,
                "source": tail.source,
                "observed_at": tail.observed_at.isoformat(),
                "lines_scanned": len(tail.lines),
                "lines_shown": len(kept),
                "left_out": f"{len(tail.lines) - len(kept)} of the scanned lines are not shown; {older}",
                "log_lines_oldest_first": kept,
            },
            ensure_ascii=False,
        )

    def _newest(self, kind: _Kind) -> tuple[str, ...]:
        quotations: dict[str, None] = {}
        for line, found in zip(reversed(self.tail.lines), reversed(self.kinds), strict=True):
            if found is kind:
                quotations.setdefault(cut_to_bytes(visible(line).strip(), _QUOTATION_BYTES))
            if len(quotations) == _QUOTATIONS:
                break
        return tuple(reversed(quotations))

    def _kept(self, *, newest_lines: int) -> list[str]:
        """Return the lines worth showing, oldest first: errors before others, the newest before the older."""
        count = len(self.kinds)
        wanted = [number for number in range(count) if self.kinds[number] or number >= count - newest_lines]
        by_worth = sorted(wanted, key=lambda number: (self.kinds[number] is not None, number), reverse=True)
        kept: dict[int, str] = {}
        left_bytes = _EXCERPT_BYTES
        for number in by_worth:
            line = cut_to_bytes(visible(self.tail.lines[number]), _LINE_BYTES)
            left_bytes -= len(line.encode()) + 4  # quotation marks, comma and space
            if left_bytes < 0:
                break
            kept[number] = line
        return [kept[number] for number in sorted(kept)]


def _kind_of(line: str, signs: Sequence[_Sign]) -> _Kind | None:
    for sign in signs:
        if sign.words in line and (sign.pattern is None or sign.pattern.search(line)):
            return sign.kind
    return None
