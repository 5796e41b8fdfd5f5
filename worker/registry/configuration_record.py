"""Tells the audit which configuration a worker uses: each file by its path and SHA-256, at the start and when reloaded.

A worker must start while Redis is away, so what is to be told waits in memory until Redis has confirmed it. A worker
that ends before that did nothing either: it had no Redis.
"""

import hashlib
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path

from redis import Redis

from worker.registry.audit import AuditAction, AuditEntry, AuditLog

__all__ = ["ConfigurationRecord"]


class ConfigurationRecord:
    """Files are named by their setting. `note` is safe from any thread; `write` is for one."""

    def __init__(self, redis: Redis, *, worker: str, files: Mapping[str, Path | None]) -> None:
        self._audit = AuditLog(redis)
        self._worker = worker
        self._files = files
        self._waiting = deque[AuditEntry]()

    def note(self, occasion: str, *, names: Collection[str] | None = None) -> None:
        """Take down what the files hold now, or those of these `names`; right after they were read."""
        told = {name: _told_of(path) for name, path in self._files.items() if names is None or name in names}
        self._waiting.append(
            AuditEntry(action=AuditAction.CONFIGURATION, why=occasion, person=f"worker {self._worker}", details=told)
        )

    def write(self) -> None:
        """Write what was noted. Redis errors pass through; then it waits for the next call."""
        while self._waiting:
            self._audit.append(self._waiting[0])
            self._waiting.popleft()


def _told_of(path: Path | None) -> str:
    if path is None:
        return "not set"
    try:
        return f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()} of {path}"
    except OSError as error:
        return f"{path} can't be read ({type(error).__name__})"
