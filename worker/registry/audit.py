"""The audit: what was decided, done and shown, by whom and why, on one stream to which entries are only ever added.

Each entry has a sequence number, the hash of the entry before, and its own: SHA-256 over all its other fields as
canonical JSON. Redis' Lua has no SHA-256, so the writer makes the hash for the end of the chain that it knows, and one
script writes the entry if that still is the end; if not, nothing is written and the writer makes it anew. An entry is
written once however often it is sent: its own id is remembered. Nothing stands here unmasked or unbounded.

Entries of an older version have no hash. The first chained one covers them: it tells how many there are, and a hash.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.client import NEVER_DECODE
from redis.exceptions import ResponseError

from worker.contract.queue import AUDIT_IDS, AUDIT_STREAM
from worker.errors import FirstlineError
from worker.registry.audit_entry import NOTHING_BEFORE, AuditAction, AuditEntry, Place, hash_of
from worker.registry.audit_unchained import Unchained
from worker.registry.script import load_script

__all__ = ["NOTHING_BEFORE", "AuditAction", "AuditEntry", "AuditLog", "ChainedWrite", "Noted", "Place", "hash_of"]

_TRIES: Final = 500
"""Each try that fails is another writer's success, so only hundreds at once come near it."""

_LONGEST_PAUSE_SECONDS: Final = 0.02
_TOO_MANY: Final = "The audit could not be written: too many write there at once. Try again."
_PAGE: Final = 1_000
_HEAD: Final = "head"


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted beside the log, unread: its end, None where that is missing, and the place of each entry's id."""

    end: str | None
    places: dict[str, str]


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
        self._cover_what_is_older()
        end = self._end
        for tries in range(self._tries):
            answer, own = self._send(entry, end, keys=keys, args=args)
            reply: list[Any] = answer
            if reply[0] != "moved":
                self._end = own
                return reply
            end = _end_of(str(reply[1]))
            self._let_others(tries)
        raise FirstlineError(_TOO_MANY)

    def all(self, entries: Iterable[AuditEntry]) -> None:
        """Write several in one go, each made for the place behind the one before; what was not written goes again."""
        left = list(entries)
        if left:
            self._cover_what_is_older()
        end = self._end
        for tries in range(self._tries):
            if not left:
                return
            with self._redis.pipeline(transaction=False) as pipeline:
                for entry in left:
                    _, end = self._send(entry, end, client=pipeline)
                replies = pipeline.execute()
            left = [entry for entry, reply in zip(left, replies, strict=True) if reply[0] == "moved"]
            self._end = end = _end_of(str(replies[-1][1]))
            self._let_others(tries)
        raise FirstlineError(_TOO_MANY)

    def _cover_what_is_older(self) -> None:
        """Let the chain begin with an entry that covers what stands there without a hash."""
        if self._end != NOTHING_BEFORE or _noted_end(self._redis) is not None:
            return
        older = Unchained()
        for stream_id, fields in _entries(self._redis):
            if "hash" in fields:
                return
            older.add(stream_id, fields)
        if older.count:
            self._append_first(older.entry())

    def _append_first(self, entry: AuditEntry) -> None:
        """Write it unless somebody was first: then their first entry covers the same, or the chain stood there."""
        fields = entry.fields(NOTHING_BEFORE)
        own = Place(1, fields["hash"])
        parts = [part for each in fields.items() for part in each]
        load_script(self._redis, "audit.lua", "audit_append.lua")(
            keys=[AUDIT_STREAM, AUDIT_IDS], args=[str(NOTHING_BEFORE), str(own), entry.entry_id, *parts]
        )

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
        return _end_of(str(self._append(entry)[1]))

    def append_all(self, entries: Iterable[AuditEntry]) -> None:
        """Write several at the cost of one; return when Redis has confirmed all.

        When it raises, some may stand there: they are recognised when all are sent again.
        """
        self._append.all(entries)

    def noted(self) -> Noted:
        """Return what is noted beside the log. Read it before the entries: then none of them is missing there."""
        places = {_text(name): _text(place) for name, place in _raw_hash(self._redis)}
        return Noted(end=places.pop(_HEAD, None), places=places)

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
        """Yield every entry's stream id and fields, oldest first, a thousand at a time; no byte stops it."""
        return _entries(self._redis)


def _entries(redis: Redis) -> Iterator[tuple[str, dict[str, str]]]:
    after = "-"
    while True:
        page = _raw(redis, "XRANGE", AUDIT_STREAM, after, "+", "COUNT", _PAGE)
        for stream_id, fields in page:
            yield _text(stream_id), {_text(name): _text(value) for name, value in (fields or {}).items()}
        if len(page) < _PAGE:
            return
        after = f"({_text(page[-1][0])}"


def _raw(redis: Redis, *command: object) -> Any:  # noqa: ANN401 - what Redis answers, as bytes
    return redis.execute_command(*command, **{NEVER_DECODE: True})  # type: ignore[no-untyped-call]


def _raw_hash(redis: Redis) -> Iterator[tuple[bytes, bytes]]:
    cursor: Any = 0
    while True:
        cursor, page = _raw(redis, "HSCAN", AUDIT_IDS, cursor, "COUNT", _PAGE)
        yield from page.items()
        if int(cursor) == 0:
            return


def _noted_end(redis: Redis) -> Place | None:
    noted = _raw(redis, "HGET", AUDIT_IDS, _HEAD)
    try:
        return None if noted is None else Place.read(_text(noted))
    except ValueError:
        return None


def _end_of(text: str) -> Place:
    return NOTHING_BEFORE if text == str(NOTHING_BEFORE) else Place.read(text)


def _text(stored: bytes | str) -> str:
    """Bytes that are no text are kept apart by what stands for them, so that two never look the same."""
    return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogateescape")
