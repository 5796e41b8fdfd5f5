"""The audit: what was decided, done and shown, by whom and why, on one stream to which entries are only ever added.

Each entry has a sequence number, the hash of the entry before, and its own: SHA-256 over all its other fields as
canonical JSON. Redis' Lua has no SHA-256, so the writer makes the hash for the end of the chain that it knows, and one
script writes the entry if that still is the end; if not, nothing is written and the writer makes it anew. An entry is
written once however often it is sent: its own id is remembered. Nothing stands here unmasked or unbounded.
"""

import getpass
import hashlib
import json
import random
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self
from uuid import uuid4

from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.queue import AUDIT_IDS, AUDIT_STREAM
from worker.contract.text import cut_to_bytes, visible
from worker.errors import FirstlineError
from worker.redaction import SECRETS_MASKER
from worker.registry.script import load_script

__all__ = ["NOTHING_BEFORE", "AuditAction", "AuditEntry", "AuditLog", "ChainedWrite", "Place", "hash_of"]

_WHY_BYTES: Final = 2_000
_WORD_BYTES: Final = 300
_TRIES: Final = 500
"""Each try that fails is another writer's success, so only hundreds at once come near it."""

_LONGEST_PAUSE_SECONDS: Final = 0.02
_TOO_MANY: Final = "The audit could not be written: too many write there at once. Try again."
_PAGE: Final = 1_000


class AuditAction(StrEnum):
    """What an entry tells of. The words of people on restarts and approvals are written before they take effect."""

    REVEAL = "reveal"
    HALT = "halt"
    RESUME = "resume"
    RESOLVE = "resolve"
    APPROVE = "approve"
    REJECT = "reject"
    HANDLING = "handling"
    CONFIGURATION = "configuration"
    DECISION = "decision"
    REFUSAL = "refusal"
    RESTART = "restart"
    UNREADABLE_RESULT = "unreadable_result"
    DEAD_LETTER_REPLAYED = "dead_letter_replayed"
    DEAD_LETTER_DROPPED = "dead_letter_dropped"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the chain, as ``sequence:hash``: who keeps one elsewhere can tell later whether the log was cut."""

    sequence: int
    hash: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``sequence:hash``. Raises `ValueError`."""
        sequence, _, digest = text.strip().partition(":")
        if len(digest) != len(_ZEROS) or not set(digest) <= set("0123456789abcdef"):
            raise ValueError("an anchor is SEQUENCE:HASH, the hash with 64 digits from 0 to f")
        return cls(int(sequence), digest)

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


_ZEROS: Final = "0" * 64
NOTHING_BEFORE: Final = Place(0, _ZEROS)


def _whoever_runs_this() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing to write down. Two with one `entry_id` are the same entry, and written once."""

    action: str
    why: str = ""
    incident_id: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    entry_id: str = field(default_factory=lambda: f"word:{uuid4().hex}")
    person: str = field(default_factory=_whoever_runs_this)
    host: str = field(default_factory=socket.gethostname)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def fields(self, before: Place) -> dict[str, str]:
        """Return what the stream gets when the entry follows `before`: masked, bounded, with its hash."""
        details = {name: _fit(value, _WORD_BYTES) for name, value in self.details.items()}
        fields = {
            "sequence": str(before.sequence + 1),
            "previous": before.hash,
            "entry_id": self.entry_id,
            "at": self.at.isoformat(),
            "person": _fit(self.person, _WORD_BYTES),
            "host": _fit(self.host, _WORD_BYTES),
            "action": self.action,
            "incident_id": _fit(self.incident_id, _WORD_BYTES),
            "why": _fit(self.why, _WHY_BYTES),
            "details": json.dumps(details, sort_keys=True),
        }
        return fields | {"hash": hash_of(fields)}

    def is_told_by(self, stored: Mapping[str, str]) -> bool:
        """Say whether a stored entry tells the same deed of the same person, and was not changed since."""
        own = self.fields(NOTHING_BEFORE)
        same = all(stored.get(name) == own[name] for name in ("action", "person", "incident_id", "why"))
        return same and stored.get("hash") == hash_of(stored)


def _fit(text: str, limit_bytes: int) -> str:
    return cut_to_bytes(SECRETS_MASKER.checked(visible(text)), limit_bytes)


def hash_of(fields: Mapping[str, str]) -> str:
    """Return the SHA-256 of all fields but `hash`, as JSON with sorted names, no blanks, and ASCII only."""
    told = {name: value for name, value in fields.items() if name != "hash"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class ChainedWrite:
    """Calls a script that writes to the audit, again and again until the chain's end stands still. For many threads.

    The script's first keys are the audit and its ids; its first arguments the end that is expected, the entry's own
    place and its id; its last ones the entry's fields. Where the end is another it writes nothing and answers
    ``{ 'moved', the end }``.
    """

    def __init__(
        self, redis: Redis, *file_names: str, pause: Callable[[float], None] = time.sleep, tries: int = _TRIES
    ) -> None:
        self._redis = redis
        self._script = load_script(redis, "audit.lua", *file_names)
        self._pause = pause
        self._tries = tries
        self._end = NOTHING_BEFORE

    def __call__(self, entry: AuditEntry, *, keys: tuple[str, ...] = (), args: tuple[str | int, ...] = ()) -> list[Any]:
        """Return what the script answers. Raises `RedisError`, and `FirstlineError` when the end never stood still."""
        end = self._end
        for tries in range(self._tries):
            answer, own = self._send(entry, end, keys=keys, args=args)
            reply: list[Any] = answer
            if reply[0] != "moved":
                self._end = own
                return reply
            end = Place.read(str(reply[1]))
            self._let_others(tries)
        raise FirstlineError(_TOO_MANY)

    def all(self, entries: Iterable[AuditEntry]) -> None:
        """Write several in one go, each made for the place behind the one before; what was not written goes again."""
        left, end = list(entries), self._end
        for tries in range(self._tries):
            if not left:
                return
            with self._redis.pipeline(transaction=False) as pipeline:
                for entry in left:
                    _, end = self._send(entry, end, client=pipeline)
                replies = pipeline.execute()
            left = [entry for entry, reply in zip(left, replies, strict=True) if reply[0] == "moved"]
            self._end = end = Place.read(str(replies[-1][1]))
            self._let_others(tries)
        raise FirstlineError(_TOO_MANY)

    def _send(
        self,
        entry: AuditEntry,
        end: Place,
        *,
        keys: tuple[str, ...] = (),
        args: tuple[str | int, ...] = (),
        client: Redis | None = None,
    ) -> tuple[Any, Place]:
        fields = entry.fields(end)
        own = Place(end.sequence + 1, fields["hash"])
        parts = [part for each in fields.items() for part in each]
        told = [str(end), str(own), entry.entry_id, *args, *parts]
        return self._script(keys=[AUDIT_STREAM, AUDIT_IDS, *keys], args=told, client=client), own

    def _let_others(self, tries: int) -> None:
        if tries:
            self._pause(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311 - writers must not march in step


class AuditLog:
    """Writes and reads the audit. Redis errors pass through; what raised may be written all the same."""

    def __init__(self, redis: Redis, *, pause: Callable[[float], None] = time.sleep, tries: int = _TRIES) -> None:
        self._redis = redis
        self._append = ChainedWrite(redis, "audit_append.lua", pause=pause, tries=tries)

    def append(self, entry: AuditEntry) -> Place:
        """Write an entry, once; return its place when Redis has confirmed it. An entry sent again keeps its place."""
        return Place.read(str(self._append(entry)[1]))

    def append_all(self, entries: Iterable[AuditEntry]) -> None:
        """Write several at the cost of one; return when Redis has confirmed all.

        When it raises, some may stand there: they are recognised when all are sent again.
        """
        self._append.all(entries)

    def noted_end(self) -> Place:
        """Return where the chain ends by the note that is kept beside it."""
        noted = self._redis.hget(AUDIT_IDS, "head")
        return NOTHING_BEFORE if noted is None else Place.read(str(noted))

    def has(self, stream_id: str, expected: AuditEntry) -> bool:
        """Say whether the entry of this stream id tells what `expected` does; a malformed id has none."""
        try:
            found: Any = self._redis.xrange(AUDIT_STREAM, min=stream_id, max=stream_id, count=1)
        except ResponseError:
            return False
        return any(expected.is_told_by(fields) for _, fields in found)

    def count(self) -> int:
        """Count the entries."""
        return int(self._redis.xlen(AUDIT_STREAM))

    def entries(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield every entry's stream id and fields, oldest first, a thousand at a time."""
        after = "-"
        while True:
            page: Any = self._redis.xrange(AUDIT_STREAM, min=after, count=_PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = f"({page[-1][0]}"
