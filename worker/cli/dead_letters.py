"""`firstline dead-letters`: see what nobody could work on, send it again, or put it away; each with a word of why."""

import json
import re
import sys
from datetime import UTC, datetime

from producers.intake import Answer, take_in
from producers.intake import connect as connect_producer
from worker.bootstrap import connect
from worker.cli.restarts import person
from worker.contract.incident import Incident, identity
from worker.contract.text import visible
from worker.errors import FirstlineError
from worker.registry.dead_letters import DeadLetters
from worker.registry.letter import DeadLetter
from worker.settings import Settings

__all__ = ["drop", "list_letters", "replay", "show_letter"]

_LISTED = 100
_ENTRY_ID = re.compile(r"[0-9]{1,15}-[0-9]{1,15}", re.ASCII)
_SHOWN_BYTES = 4_000


def list_letters(settings: Settings, *, as_json: bool) -> None:
    """Print the newest letters, a line each."""
    letters = DeadLetters(connect(settings)).newest(_LISTED)
    for letter in letters:
        sys.stdout.write(_as_json(letter) if as_json else _as_line(letter))
    if not letters and not as_json:
        sys.stdout.write("There are no dead letters.\n")


def show_letter(settings: Settings, entry_id: str, *, as_json: bool) -> None:
    """Print one letter with the head of its content. Raises `FirstlineError` when there is none of this id."""
    letter = _found(DeadLetters(connect(settings)), entry_id)
    if as_json:
        sys.stdout.write(_as_json(letter))
        return
    content = visible(letter.content[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    sys.stdout.write(
        f"{_as_line(letter)}  detail     {letter.detail}\n  sha256     {letter.content_sha256}\n"
        f"  content    {letter.content_bytes} bytes, of which the head:\n{content}\n"
    )


def drop(settings: Settings, entry_id: str, *, why: str) -> None:
    """Put a letter away; who did it and why is kept."""
    letters = DeadLetters(connect(settings))
    letters.remove(_found(letters, entry_id).entry_id, action="dropped", person=person(), why=why)
    sys.stdout.write("Dropped; who and why is written down.\n")


def replay(settings: Settings, entry_id: str, *, as_new: bool) -> None:
    """Send the incident of a letter through intake again, and put the letter away when it was taken in.

    A closed incident is a duplicate to intake; `as_new` makes it a new occurrence. Raises `FirstlineError` when the
    letter holds no incident, or intake did not accept it.
    """
    letters = DeadLetters(connect(settings))
    letter = _found(letters, entry_id)
    incident = _incident_of(letter)
    if as_new:
        incident_id = identity(incident.fingerprint, f"replay {letter.entry_id}")
        incident = incident.model_copy(update={"incident_id": incident_id, "received_at": datetime.now(UTC)})
    (verdict,) = take_in(connect_producer(str(settings.redis_url)), [incident])
    if verdict.answer is Answer.FULL:
        raise FirstlineError("Intake is full: too many incidents are open. Try again later; nothing was changed.")
    if verdict.answer is Answer.DUPLICATE and not as_new:
        raise FirstlineError("Intake knows this incident, and it is closed: use --as-new; nothing was changed.")
    letters.remove(letter.entry_id, action="replayed", person=person(), why=verdict.incident_id)
    sys.stdout.write(f"{verdict.answer}  {verdict.incident_id}\n")


def _found(letters: DeadLetters, entry_id: str) -> DeadLetter:
    letter = letters.find(entry_id) if _ENTRY_ID.fullmatch(entry_id) else None
    if letter is None:
        raise FirstlineError(f"There is no dead letter {visible(entry_id)!r}: see `firstline dead-letters list`.")
    return letter


def _incident_of(letter: DeadLetter) -> Incident:
    """Read the incident of a letter: as it was taken in, or within the registry's entry that held it."""
    try:
        stored = json.loads(letter.content)
        return Incident.model_validate_json(stored["incident"] if "schema_version" not in stored else letter.content)
    except (ValueError, KeyError, TypeError) as error:
        raise FirstlineError(
            "This letter holds no incident, so it can't be sent again: mend it at its source, then drop it."
        ) from error


def _as_line(letter: DeadLetter) -> str:
    return f"{letter.entry_id}  {letter.found_at:%Y-%m-%d %H:%M:%S}Z  {letter.reason}  {letter.found_in}\n"


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
