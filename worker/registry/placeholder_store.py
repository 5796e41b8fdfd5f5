"""Keeps what an incident's placeholders stand for, sealed, beside the incident.

Nothing is kept in the clear, and a claim that is over overwrites nothing. The triage saves through a claim; who may
reveal reads.
"""

import base64
import json
from collections.abc import Mapping
from typing import Final, cast

import structlog
from pydantic import TypeAdapter
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.queue import incident_key, placeholders_key
from worker.redaction.placeholders import Placeholders
from worker.redaction.sealing import CannotOpenError, Sealer
from worker.registry.audit import AuditAction, AuditEntry, AuditLog
from worker.registry.script import load_script

__all__ = ["PlaceholderStore", "most_kept"]

_LEAST_ENTRY_BYTES: Final = len(json.dumps({"[UUID_1]": "x"}))
_VALUES: Final = TypeAdapter(dict[str, str])

_AFTER_NUMBER: Final = "."
"""Before it stands, in the clear, the highest number that was given: it must be known to who has no key."""

_NUMBER_BYTES: Final = 12

log = structlog.get_logger()


class PlaceholderStore:
    """Placeholders by incident, on one Redis. Safe from many threads. Errors of Redis pass through."""

    def __init__(self, redis: Redis, sealer: Sealer) -> None:
        self._redis = redis
        self._sealer = sealer
        self._keep = load_script(redis, "keep_placeholders.lua")
        self._audit = AuditLog(redis)

    def note_reveal(self, incident_id: str, *, sink: str, digest: str) -> None:
        """Tell the audit, once, that a sink is shown the result with this hash. Return when it is written."""
        entry = AuditEntry(
            action=AuditAction.REVEAL,
            why="a trusted sink",
            incident_id=incident_id,
            details={"sink": sink, "result_sha256": digest},
            entry_id=f"reveal:{sink}:{digest}",
        )
        self._audit.append(entry)

    def find(self, incident_id: str) -> Placeholders | None:
        """Return what was kept, None where nothing was.

        Raises `CannotOpenError` where none of the keys opens it, and where something else was written in its place.
        """
        try:
            kept = cast("str | None", self._redis.get(placeholders_key(incident_id)))
            if kept is None:
                return None
            sealed = kept.rpartition(_AFTER_NUMBER)[2]
            content = self._sealer.opened(base64.b64decode(sealed, validate=True), incident_id=incident_id)
            return Placeholders(_VALUES.validate_json(content))
        except ResponseError as error:
            if not _is_of_another_type(error):
                raise
        except ValueError:  # no text, no base64, no map: its words would quote what stands there
            pass
        raise CannotOpenError(f"what is kept for incident {incident_id} is damaged")

    def values_of(self, incident_id: str) -> Mapping[str, str]:
        """Return the values by placeholder; empty where none are kept, or nobody can open them."""
        try:
            found = self.find(incident_id)
        except CannotOpenError as error:
            log.warning("placeholders.not_opened", remedy="see FIRSTLINE_REDACTION_KEYS", error=str(error))
            return {}
        return found.values if found else {}

    def save(self, incident_id: str, placeholders: Placeholders, *, claim: str) -> bool:
        """Keep the placeholders for the claim that holds the incident; False, having written nothing, for another."""
        content = json.dumps(dict(placeholders.values)).encode()
        sealed = base64.b64encode(self._sealer.sealed(content, incident_id=incident_id)).decode()
        kept = f"{placeholders.highest_number}{_AFTER_NUMBER}{sealed}"
        reply = self._keep(keys=[incident_key(incident_id), placeholders_key(incident_id)], args=[claim, kept])
        return bool(reply[0] == "kept")


def most_kept(redis: Redis, incident_id: str) -> int:
    """Return a number that is at least as high as that of any placeholder kept, read without a key."""
    key = placeholders_key(incident_id)
    try:
        number, dot, _ = str(redis.getrange(key, 0, _NUMBER_BYTES)).partition(_AFTER_NUMBER)
        return int(number) if dot else redis.strlen(key) // _LEAST_ENTRY_BYTES
    except ValueError:
        return 0  # nothing that stands there was ever sealed
    except ResponseError as error:
        if not _is_of_another_type(error):
            raise
        return 0  # nothing that stands there was ever sealed


def _is_of_another_type(error: ResponseError) -> bool:
    return str(error).startswith("WRONGTYPE")
