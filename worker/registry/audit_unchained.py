"""Entries that are older than the chain: how many there are, and one hash over them. The chain's first entry tells it.

Pure. Whoever writes one more in front, or takes one away, is seen from then on.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from worker.registry.audit_entry import AuditAction, AuditEntry, hash_of

__all__ = ["Unchained"]

_ENTRY_ID: Final = "migration:unchained"


class Unchained:
    """Counts entries without a hash as they are read, oldest first."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = hashlib.sha256()

    def add(self, stream_id: str, fields: Mapping[str, str]) -> None:
        """Take one more in."""
        self.count += 1
        self._digest.update(f"{stream_id} {hash_of(fields)}\n".encode())

    def entry(self) -> AuditEntry:
        """Return the entry that covers them."""
        were = "1 entry is" if self.count == 1 else f"{self.count} entries are"
        return AuditEntry(
            action=AuditAction.MIGRATION, why=f"{were} older than the chain.", details=self._told(), entry_id=_ENTRY_ID
        )

    def are_told_by(self, details: object) -> bool:
        """Say whether the details of a stored entry are those of these entries."""
        return details == self._told()

    def _told(self) -> dict[str, str]:
        return {"unchained": str(self.count), "unchained_sha256": self._digest.hexdigest()}
