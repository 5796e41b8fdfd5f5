"""The audit at the command line: what a person orders or is shown is written down before it is done or shown.

When Redis does not confirm the entry, nothing is shown and nothing is done. Commands that reveal, and those that make
the desk less careful, call it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from worker.cli.failures import Unconfirmed, sentence_of
from worker.cli.person import person
from worker.contract.queue import RESTART_JOURNAL
from worker.errors import FirstlineError
from worker.registry.audit import AuditAction, AuditEntry, AuditLog
from worker.registry.recording import id_of_move

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

    A worker writes it when this process dies in between: both by the place of its line in the guard's journal.
    Raises `Unconfirmed` when it could not be written; a failure of what was done comes first.
    """
    newest = _newest_move(connection)
    try:
        yield
    except FirstlineError:
        with suppress(Unconfirmed):
            write_audit(connection, action=action, why=why, entry_id=_own_move(connection, newest, why))
        raise
    unwritten = "It is done, and a worker will write it into the audit; to write it now, say it again."
    own = _own_move(connection, newest, why)
    write_audit(connection, action=action, why=why, entry_id=own, unwritten=unwritten)


def _newest_move(connection: Redis) -> str:
    with suppress(RedisError):
        newest: Any = connection.xrevrange(RESTART_JOURNAL, count=1)
        return str(newest[0][0]) if newest else "0-0"
    return "0-0"


def _own_move(connection: Redis, newest: str, why: str) -> str | None:
    """Return the id of the entry for the line that was just written to the journal, None where none was."""
    with suppress(RedisError):
        since: Any = connection.xrange(RESTART_JOURNAL, min=f"({newest}")
        told = f"{person()}: {why}"
        return next((id_of_move(stream_id) for stream_id, fields in since if fields.get("detail") == told), None)
    return None
