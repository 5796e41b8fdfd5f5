"""`firstline dead-letters`: see what nobody could work on, send it again, or put it away; each with a word of why.

Letters are masked. What is sent again is the registry's own entry while that is there: it has the real addresses.
"""

import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime

from redis import Redis
from redis.exceptions import ResponseError

from producers.intake import Answer, take_in
from producers.intake import connect as connect_producer
from worker.bootstrap import connect
from worker.cli.audit import write_audit
from worker.cli.failures import confirmed
from worker.cli.person import person
from worker.cli.words import folded, one_line
from worker.contract.incident import Incident, identity
from worker.contract.queue import incident_key
from worker.errors import ContractError, FirstlineError
from worker.redaction import STATELESS_MASKER
from worker.registry.audit import AuditAction
from worker.registry.dead_letters import AUDIT, DeadLetters
from worker.registry.letter import DeadLetter
from worker.registry.letter_content import masked_content
from worker.registry.view import IncidentState, RegistryView
from worker.settings import Settings

__all__ = ["drop", "list_letters", "replay", "show_letter"]

_LISTED = 100
_ENTRY_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,20})", re.ASCII)
_LARGEST_PART = 2**64 - 1
_SHOWN_BYTES = 4_000
_AUDITED = {"dropped": AuditAction.DEAD_LETTER_DROPPED, "replayed": AuditAction.DEAD_LETTER_REPLAYED}
_STILL_THERE = "The letter is kept; replaying it again is safe."


def list_letters(settings: Settings, *, as_json: bool) -> None:
    """Print the newest letters, a line each."""
    letters = [_masked(letter) for letter in DeadLetters(connect(settings)).newest(_LISTED)]
    for letter in letters:
        sys.stdout.write(_as_json(letter) if as_json else _as_line(letter))
    if not letters and not as_json:
        sys.stdout.write("There are no dead letters.\n")


def show_letter(settings: Settings, entry_id: str, *, as_json: bool) -> None:
    """Print one letter with the head of its content. Raises `FirstlineError` when there is none of this id."""
    letter = _masked(_found(DeadLetters(connect(settings)), entry_id))
    if as_json:
        sys.stdout.write(_as_json(letter))
        return
    content = folded(letter.content[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    sys.stdout.write(
        f"{_as_line(letter)}  detail     {one_line(letter.detail)}\n  sha256     {one_line(letter.content_sha256)}\n"
        f"  content    {letter.content_bytes} bytes, of which the head:\n             {content}\n"
    )


def drop(settings: Settings, entry_id: str, *, why: str) -> None:
    """Put a letter away; who did it and why is kept."""
    connection = connect(settings)
    letter = _found(DeadLetters(connection), entry_id)
    _put_away(connection, letter, action="dropped", why=why)
    sys.stdout.write("Dropped; who and why is written down.\n")


def replay(settings: Settings, entry_id: str, *, as_new: bool) -> None:
    """Send the incident of a letter through intake again, and put the letter away when it was taken in.

    Of an incident that the registry has no longer, the letter's masked words are sent: it may not find its server. A
    known incident is a duplicate to intake; `as_new` makes it a new occurrence, the same one however often it is
    asked for. Raises `FirstlineError` when the letter holds no incident, or intake did not accept it.
    """
    connection = connect(settings)
    letters = DeadLetters(connection)
    letter = _found(letters, entry_id)
    incident = _stored_incident(connection, letter) or _incident_of(letter)
    incident = incident.model_copy(update={"group": ""})  # else it is attached to the one that was given up
    if as_new:
        incident_id = identity(incident.fingerprint, f"replay {letter.entry_id}")
        incident = incident.model_copy(update={"incident_id": incident_id, "received_at": datetime.now(UTC)})
    with confirmed("it was taken in", look=f"firstline show {incident.incident_id}", meanwhile=_STILL_THERE):
        (verdict,) = take_in(connect_producer(str(settings.redis_url)), [incident])
    if verdict.answer is Answer.FULL:
        raise FirstlineError("Intake is full: too many incidents are open. Try again later. Nothing was changed.")
    if verdict.answer is Answer.DUPLICATE and not as_new:
        raise FirstlineError(f"{_why_known(RegistryView(connection), incident.incident_id)} Nothing was changed.")
    _put_away(connection, letter, action="replayed", why=verdict.incident_id)
    sys.stdout.write(f"{verdict.answer}  {verdict.incident_id}\n")


def _why_known(registry: RegistryView, incident_id: str) -> str:
    try:
        entry = registry.find(incident_id)
    except (ContractError, ResponseError):
        return f"Intake knows {incident_id}, and its entry can't be read: --as-new makes it a new incident."
    if entry is None or entry.state is IncidentState.CLOSED:
        return f"Intake knows {incident_id}, and it is closed: --as-new makes it a new incident."
    return f"{incident_id} is still open ({entry.state}): it comes to its result by itself, see `firstline show`."


def _put_away(connection: Redis, letter: DeadLetter, *, action: str, why: str) -> None:
    write_audit(
        connection,
        action=_AUDITED[action],
        why=why,
        incident_id=letter.incident_id,
        details={"letter": letter.entry_id, "reason": letter.reason},
        entry_id=f"dead-letter:{letter.entry_id}:{action}:{person()}",
        unwritten="The letter was not put away, for who does it could not be written down.",
    )
    letters = DeadLetters(connection)
    with confirmed("the letter was put away", look=f"firstline dead-letters show {letter.entry_id}"):
        is_ours = letters.remove(letter.entry_id, action=action, person=person(), why=why)
    if not is_ours:
        raise FirstlineError(
            f"The letter was put away already: by somebody else, or by this command, whose answer got lost. The stream "
            f"{AUDIT} says by whom."
        )


def _found(letters: DeadLetters, entry_id: str) -> DeadLetter:
    letter = letters.find(entry_id) if _is_entry_id(entry_id) else None
    if letter is None:
        raise FirstlineError(f"There is no dead letter {one_line(entry_id)!r}: see `firstline dead-letters list`.")
    return letter


def _is_entry_id(text: str) -> bool:
    parts = _ENTRY_ID.fullmatch(text)
    return parts is not None and all(int(part) <= _LARGEST_PART for part in parts.groups())


def _masked(letter: DeadLetter) -> DeadLetter:
    """Return a letter as it may be shown, whoever wrote it."""
    masked = STATELESS_MASKER.checked
    return replace(
        letter,
        reason=masked(letter.reason),
        detail=masked(letter.detail),
        found_in=masked(letter.found_in),
        incident_id=masked(letter.incident_id),
        content=masked_content(letter.content, limit_bytes=len(letter.content)),
        content_sha256=masked(letter.content_sha256),
    )


def _stored_incident(connection: Redis, letter: DeadLetter) -> Incident | None:
    """Read the incident as it was taken in; None where the registry has it no longer, or holds something else."""
    try:
        incident = Incident.model_validate_json(str(connection.hget(incident_key(letter.incident_id), "incident")))
    except (ValueError, ResponseError):
        return None
    return incident if incident.incident_id == letter.incident_id else None


def _incident_of(letter: DeadLetter) -> Incident:
    """Read the incident of a letter: as it was taken in, or within the registry's entry that held it."""
    try:
        stored = json.loads(letter.content)
        return Incident.model_validate_json(stored["incident"] if "schema_version" not in stored else letter.content)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FirstlineError(
            "This letter holds no incident, so it can't be sent again: mend it at its source, then drop it."
        ) from error


def _as_line(letter: DeadLetter) -> str:
    reason, found_in = one_line(letter.reason), one_line(letter.found_in)
    return f"{letter.entry_id}  {letter.found_at:%Y-%m-%d %H:%M:%S}Z  {reason}  {found_in}\n"


def _as_json(letter: DeadLetter) -> str:
    return (
        json.dumps(
            {
                "entry_id": letter.entry_id,
                "found_at": letter.found_at.isoformat(),
                "reason": letter.reason,
                "detail": letter.detail,
                "found_in": letter.found_in,
                "incident_id": letter.incident_id,
                "content": letter.content.decode("utf-8", "backslashreplace"),
                "content_bytes": letter.content_bytes,
                "content_sha256": letter.content_sha256,
            }
        )
        + "\n"
    )
