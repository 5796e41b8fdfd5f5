"""What a log says: the findings that guards and rules judge by, and the excerpt that a model is shown.

The findings come from the whole scanned window, whatever number of lines the model asked for, so that asking for one
line hides nothing from the restart policy. Log text is data: it is matched and quoted, never obeyed.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from worker.contract.observations import LogTail
from worker.contract.result import LogFindings
from worker.contract.text import cut_to_bytes, visible

__all__ = ["SCANNED_LINES", "excerpt_of", "findings_in"]

SCANNED_LINES: Final = 400
"""How far back a log is scanned at every read, in lines."""

_EXCERPT_BYTES: Final = 12_000
_LINE_BYTES: Final = 600
_QUOTATIONS: Final = 5
_QUOTATION_BYTES: Final = 300

_DEPENDENCY_FAILURE: Final = re.compile(
    r"connection refused|econnrefused|ehostunreach|no route to host|network is unreachable"
    r"|name or service not known|could not resolve|name resolution|no healthy upstream"
    r"|connect(?:ion)? (?:to .{1,80} )?timed out|failed to connect|(?:could not|cannot|can't|unable to) connect"
    r"|upstream (?:connect error|timed out|prematurely closed|unavailable)|bad gateway"
    r"|(?:backend|upstream|database|broker|dependency).{0,60}(?:unavailable|unreachable|is down|not reachable)",
    re.IGNORECASE,
)
_LOCAL_FAULT: Final = re.compile(
    r"out ?of ?memory|\boom\b|cannot allocate memory|memoryerror|gc overhead|heap (?:space|exhausted|limit)"
    r"|deadlock|\bhung\b|\bstuck\b|not responding|(?:thread|worker|connection)s?(?: pool)?.{0,30}(?:exhausted|all busy)"
    r"|pool exhausted|too many open files|segmentation fault|segfault|core dumped|stack overflow|\bpanic\b|\bfatal\b"
    r"|unhandled exception|\bleak",
    re.IGNORECASE,
)
_ERROR: Final = re.compile(
    r"\b(?:error|err|critical|severe|emerg|alert|exception|traceback|failed|failure)\b", re.IGNORECASE
)


def findings_in(tail: LogTail) -> LogFindings:
    """Sort the scanned lines into findings. A line counts once, under the first kind that it shows."""
    kinds: dict[str, list[str]] = {"dependency": [], "local": [], "error": []}
    for line in tail.lines:
        if (kind := _kind_of(line)) is not None:
            kinds[kind].append(cut_to_bytes(visible(line).strip(), _QUOTATION_BYTES))
    return LogFindings(
        scanned_lines=len(tail.lines),
        error_lines=sum(map(len, kinds.values())),
        dependency_failures=_newest(kinds["dependency"]),
        local_faults=_newest(kinds["local"]),
        other_errors=_newest(kinds["error"]),
    )


def excerpt_of(tail: LogTail, *, lines: int) -> str:
    """Return what the model sees, as JSON: the newest `lines` lines, older error lines that fit, and what was cut.

    Bounded to about 12 kB; when that is too little, lines without an error go first, the oldest before the newest.
    """
    numbered = [(number, cut_to_bytes(visible(line), _LINE_BYTES)) for number, line in enumerate(tail.lines)]
    newest_from = max(0, len(numbered) - lines)
    wanted = [entry for entry in numbered if entry[0] >= newest_from or _kind_of(entry[1]) is not None]
    kept = _within_budget(wanted)
    return json.dumps(
        {
            "server_id": tail.server_id,
            "source": tail.source,
            "observed_at": tail.observed_at.isoformat(),
            "lines_scanned": len(tail.lines),
            "lines_shown": len(kept),
            "left_out": _left_out(tail, shown=len(kept)),
            "log_lines_oldest_first": [text for _, text in kept],
        },
        ensure_ascii=False,
    )


def _kind_of(line: str) -> str | None:
    if _DEPENDENCY_FAILURE.search(line):
        return "dependency"
    if _LOCAL_FAULT.search(line):
        return "local"
    return "error" if _ERROR.search(line) else None


def _newest(quotations: Sequence[str]) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(reversed(quotations)))
    return tuple(reversed(distinct[:_QUOTATIONS]))


def _within_budget(entries: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    by_worth = sorted(entries, key=lambda entry: (_kind_of(entry[1]) is not None, entry[0]), reverse=True)
    kept, left_bytes = [], _EXCERPT_BYTES
    for number, text in by_worth:
        left_bytes -= len(text.encode()) + 4
        if left_bytes < 0:
            break
        kept.append((number, text))
    return sorted(kept)


def _left_out(tail: LogTail, *, shown: int) -> str:
    omitted = len(tail.lines) - shown
    older = "the log goes further back than what was scanned" if tail.older_lines_exist else "the log starts here"
    return f"{omitted} of the scanned lines are not shown; {older}"
