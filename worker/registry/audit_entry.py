"""One entry of the audit: its fields, masked and bounded, its hash, its place in the chain. `audit.py` writes it."""

import hashlib
import json
import os
import pwd
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

from worker.contract.text import cut_to_bytes, visible
from worker.redaction import SECRETS_MASKER, STATELESS_MASKER, Masker

__all__ = ["NOTHING_BEFORE", "AuditAction", "AuditEntry", "Place", "account", "hash_of"]

_WHY_BYTES: Final = 2_000
_WORD_BYTES: Final = 300


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
    MIGRATION = "migration"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the chain, as ``sequence:hash``: who keeps one elsewhere can tell later whether the log was cut."""

    sequence: int
    hash: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read ``sequence:hash``. Raises `ValueError`."""
        found = _PLACE.fullmatch(text.strip())
        if found is None:
            raise ValueError("an anchor is SEQUENCE:HASH, a number from 1 on and a hash with 64 digits from 0 to f")
        return cls(int(found["sequence"]), found["digest"])

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


_PLACE: Final = re.compile(r"(?P<sequence>[1-9][0-9]{0,14}):(?P<digest>[0-9a-f]{64})")
_ZEROS: Final = "0" * 64
NOTHING_BEFORE: Final = Place(0, _ZEROS)
_EVERY_ACCOUNT_AS_IT_IS: Final = ["0", "0", "4294967295"]


def account(uid_map: Path = Path("/proc/self/uid_map")) -> str:
    """Return the account that runs this, by the kernel's word: a variable of the environment names nobody.

    In a user namespace of its own a process gives itself any number, so there it has none of the accounts' names.
    """
    number = os.getuid()
    with suppress(OSError):  # only Linux has such namespaces
        if uid_map.read_text(encoding="ascii").split() != _EVERY_ACCOUNT_AS_IT_IS:
            return f"uid-{number}-in-a-namespace"
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid-{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing to write down. Two with one `entry_id` are the same entry, and written once."""

    action: str
    why: str = ""
    incident_id: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    entry_id: str = field(default_factory=lambda: f"word:{uuid4().hex}")
    person: str = field(default_factory=account)
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
            "why": _fit(self.why, _WHY_BYTES, STATELESS_MASKER),
            "details": json.dumps(details, sort_keys=True),
        }
        return fields | {"hash": hash_of(fields)}

    def is_told_by(self, stored: Mapping[str, str]) -> bool:
        """Say whether a stored entry tells the same deed of the same person, and was not changed since."""
        own = self.fields(NOTHING_BEFORE)
        same = all(stored.get(name) == own[name] for name in ("action", "person", "incident_id", "details"))
        # The rules that masked the words may have been others; what is stored of them elsewhere was masked then, too.
        return same and stored.get("why") in {own["why"], self.why} and stored.get("hash") == hash_of(stored)


def _fit(text: str, limit_bytes: int, masker: Masker = SECRETS_MASKER) -> str:
    return cut_to_bytes(masker.checked(visible(text)), limit_bytes)


def hash_of(fields: Mapping[str, str]) -> str:
    """Return the SHA-256 of all fields but `hash`, as JSON with sorted names, no blanks, and ASCII only."""
    told = {name: value for name, value in fields.items() if name != "hash"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
