"""The audit at the command line: what a person orders or is shown is written down before it is done or shown.

When Redis does not confirm the entry, nothing is shown and nothing is done. Commands that reveal, and those that make
the desk less careful, call it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from worker.cli.failures import Unconfirmed, sentence_of
from worker.cli.person import person
from worker.errors import FirstlineError
from worker.registry.audit import AuditAction, AuditEntry, AuditLog

__all__ = ["REVEAL", "audited", "write_audit", "written_whatever_comes"]

REVEAL: Final = AuditAction.REVEAL
_NOT_REVEALED: Final = "Nothing is revealed, for who was shown it could not be written down."
_NOT_DONE: Final = "Nothing was done, for who ordered it could not be written down."


def write_audit(
    connection: Redis,
    *,
    action: AuditAction,
    why: str,
    incident_id: str = "",
    details: Mapping[str, str] | None = None,
    entry_id: str | None = None,
    unwritten: str = _NOT_REVEALED,
) -> None:
    """Write one entry, once under one `entry_id`; return when Redis has confirmed it.

    Raises `Unconfirmed`, which says `unwritten`, when it is not known to be written: then show and do nothing.
    """
    entry = AuditEntry(
        action=action,
        why=why,
        incident_id=incident_id,
        details=details or {},
        entry_id=entry_id or f"word:{uuid4().hex}",
        person=person(),
    )
    try:
        AuditLog(connection).append(entry)
    except RedisError as error:
        raise Unconfirmed(f"{sentence_of(error)} {unwritten}") from error
    except (FirstlineError, ValueError) as error:
        raise Unconfirmed(f"{error} {unwritten}") from error


@contextmanager
def audited(
    connection: Redis,
    *,
    action: AuditAction,
    why: str,
    incident_id: str = "",
    details: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Around what a person orders: the order is written before it is done, and its refusal after it.

    Raises `Unconfirmed` before anything is done when the order could not be written.
    """
    write = partial(write_audit, connection, incident_id=incident_id, details=details)
    write(action=action, why=why, unwritten=_NOT_DONE)
    try:
        yield
    except Unconfirmed:
        raise
    except FirstlineError as refusal:
        unwritten = f"{refusal} That it was refused could not be written into the audit, where the order stands."
        write(action=AuditAction.REFUSAL, why=f"{action}: {refusal}", unwritten=unwritten)
        raise


@contextmanager
def written_whatever_comes(connection: Redis, *, action: AuditAction, why: str) -> Iterator[None]:
    """Around what must never wait for the audit: it is done first, and written then, also when its answer was lost.

    Raises `Unconfirmed` when it could not be written; a failure of what was done comes first.
    """
    try:
        yield
    except FirstlineError:
        with suppress(Unconfirmed):
            write_audit(connection, action=action, why=why)
        raise
    write_audit(connection, action=action, why=why, unwritten="It is done, but not in the audit: say it again.")
