"""Tells the audit which configuration a program uses: files by path and SHA-256, settings by value, secrets by neither.

One entry at the start, and one when files are read again. It tells every file, and of the settings those that are not
what the program told before, from what to what; of a long list what was added and what was taken away. The file's own
path and hash are compared in the same way.

A worker must start while Redis is away, so what is to be told waits in memory until Redis has confirmed it. A worker
that ends before that did nothing either: it had no Redis.
"""

import hashlib
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from redis import Redis

from worker.contract.queue import configuration_key
from worker.contract.text import cut_to_bytes, visible
from worker.redaction import SECRETS_MASKER
from worker.registry.audit import AuditAction, AuditEntry, ChainedWrite
from worker.registry.settings_told import EMPTY, NOT_SET, SEPARATOR

__all__ = ["ConfigurationRecord"]

_SIDE_BYTES: Final = 120
"""Of each side of a change: both fit into a value of an audit entry."""
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noted:
    """What held at one moment; `entry` is to tell of it. What a whole note does not name is not set any more."""

    entry: AuditEntry
    told: Mapping[str, str]
    is_whole: bool


class ConfigurationRecord:
    """Files are named by their setting. `note` is safe from any thread; `write` is for one.

    Programs of one name are compared with each other: where their settings differ, each start tells so.
    """

    def __init__(
        self, redis: Redis, *, program: str, worker: str, files: Mapping[str, Path | None], settings: Mapping[str, str]
    ) -> None:
        self._redis = redis
        self._append = ChainedWrite(redis, "configuration.lua")
        self._key = configuration_key(program)
        self._worker = worker
        self._files = files
        self._settings = settings
        self._waiting = deque[_Noted]()

    def note(self, occasion: str, *, names: Collection[str] | None = None) -> None:
        """Take down what holds now: all, or those files of these `names`; right after they were read."""
        files = {name: _told_of(path) for name, path in self._files.items() if names is None or name in names}
        told = files if names is not None else {**self._settings, **files}
        entry = AuditEntry(
            action=AuditAction.CONFIGURATION, why=occasion, person=f"worker {self._worker}", details=files
        )
        masked = {name: SECRETS_MASKER.checked(visible(value)) for name, value in told.items()}
        self._waiting.append(_Noted(entry=entry, told=masked, is_whole=names is None))

    def write(self) -> None:
        """Write what was noted. Redis errors pass through; then it waits for the next call."""
        while self._waiting:
            self._write(self._waiting[0])
            self._waiting.popleft()

    def _write(self, noted: _Noted) -> None:
        before: Any = self._redis.hgetall(self._key)
        told = {**(dict.fromkeys(before, NOT_SET) if noted.is_whole else {}), **noted.told}
        new = {name: value for name, value in told.items() if name not in before}
        changed = {
            name: _change(before[name], value) for name, value in told.items() if before.get(name, value) != value
        }
        why = f"{noted.entry.why}; changed: {', '.join(sorted(changed))}" if changed else noted.entry.why
        entry = replace(noted.entry, why=why, details={**noted.entry.details, **new, **changed})
        parts = [part for each in told.items() for part in each]
        self._append(entry, keys=(self._key,), args=(len(told), *parts))


def _change(before: str, now: str) -> str:
    """Say what changed; a list that does not fit is told by its items."""
    if not (_fits(before) and _fits(now)):
        old, new = _items_of(before), _items_of(now)
        sides = {
            "added": [each for each in new if each not in old],
            "taken away": [each for each in old if each not in new],
        }
        told = "; ".join(f"{word}: {_side(SEPARATOR.join(items))}" for word, items in sides.items() if items)
        if told and max(len(old), len(new)) > 1:
            return told
    return f"from {_side(before)} to {_side(now)}"


def _items_of(value: str) -> list[str]:
    return [] if value in {NOT_SET, EMPTY} else value.split(SEPARATOR)


def _side(value: str) -> str:
    """Two values that begin alike must not look alike: what is cut shows a hash of the whole."""
    if _fits(value):
        return value
    mark = f" (sha256 {hashlib.sha256(value.encode()).hexdigest()[:_DIGITS]})"
    return f"{cut_to_bytes(value, _SIDE_BYTES - len(mark))}{mark}"


def _fits(value: str) -> bool:
    return len(value.encode()) <= _SIDE_BYTES


def _told_of(path: Path | None) -> str:
    if path is None:
        return NOT_SET
    try:
        return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()} of {path}"
    except OSError as error:
        return f"{path} can't be read ({type(error).__name__})"
