"""A log source as a subject, and what a stand-in's log holds: lines that a test has written, with their times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.conformance.subjects import CLOCK, MISSING, SERVER_ID
from worker.ports import Clock, LogSource

__all__ = ["LogSubject", "WrittenLog"]


@dataclass(frozen=True, kw_only=True)
class LogSubject:
    """One adapter with a log that a test writes, and in trouble. None stands for a trouble that it can't have."""

    source: LogSource
    write: Callable[[Sequence[bytes]], None]
    """Make these lines all that the log holds; they are a second apart, and the newest is of now."""
    missing: LogSource
    """Its target does not exist."""
    unreachable: LogSource | None
    """Nothing is where its system should be."""
    silent: LogSource | None
    """Its system takes the question and never answers; for a file, it is a pipe that nobody writes to."""
    server_id: str = SERVER_ID
    clock: Clock = CLOCK
    named: str = MISSING
    """What the sentence about a missing target names: the server, or the system that was asked about it."""
    system: str = MISSING
    """What the sentences about a system in trouble name."""
    knows_times: bool = False


@dataclass
class WrittenLog:
    """Lines with their times in seconds since the epoch, oldest first."""

    clock: Clock
    entries: list[tuple[int, bytes]] = field(default_factory=list)

    def write(self, lines: Sequence[bytes]) -> None:
        newest_at = int(self.clock.now().timestamp())
        self.entries = [(newest_at - age, line) for age, line in enumerate(reversed(lines))][::-1]

    def newest(self, count: int, *, since: float | None = None, until: float | None = None) -> list[tuple[int, bytes]]:
        """Return the newest `count` of the times asked for, oldest first."""
        found = [
            (at, line) for at, line in self.entries if (since is None or at >= since) and (until is None or at < until)
        ]
        return found[max(0, len(found) - count) :]
