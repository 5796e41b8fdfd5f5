"""How incidents stand with engineers: what waits for them, who has it, what they did, and what they say of the desk.

    OPEN ── claim ──► CLAIMED ── acknowledge ──► ACKNOWLEDGED      whoever has it, and nobody else, moves it on;
     ▲ ◄── release ──────┴─────────────┴── resolve ──► RESOLVED    anybody may release it
     └──────────────────── reopen ────────────────────────┘        a resolved one expires after the retention

Each action is one Lua script on Redis' clock that writes the audit too: it is in the audit once, or it was not done.
Who wanted what another has is in the audit, too, as a refusal.
What waits is an index: no list of it needs a scan. Nothing here reaches a server or changes a result.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from redis import Redis

from worker.contract.handling import Action, Handled, HandlingState
from worker.contract.queue import FEEDBACK, HANDLED_STREAM, WAITING_INCIDENTS, handling_history_key, handling_key
from worker.contract.result import Refusal, TriageResult
from worker.contract.text import visible
from worker.errors import ContractError
from worker.redaction import STATELESS_MASKER
from worker.registry.audit import AuditAction, AuditEntry, AuditLog, ChainedWrite
from worker.registry.concluded import Concluded
from worker.registry.feedback import Judgement
from worker.registry.handling_openings import HANDLED_KEPT, HISTORY_KEPT, Openings, registry_keys
from worker.registry.handling_view import HandlingView, handled_of
from worker.registry.registry import RETENTION_SECONDS
from worker.registry.view import RegistryView, time_of

__all__ = ["PERSON_CHARACTERS", "WORDS_CHARACTERS", "Acted", "Handlings"]

WORDS_CHARACTERS: Final = 2_000
PERSON_CHARACTERS: Final = 128

_JUDGEMENTS: Final = frozenset({Action.RIGHT, Action.WRONG})
_REFUSALS: Final[Mapping[str, str]] = {
    "held": "{incident} is in the hands of {person} since {since}: ask them, or release it first.",
    "resolved": "{incident} was resolved by {person} at {since}: reopen it first.",
    "not_held": "Nobody has {incident}: there is nothing to release.",
    "not_resolved": "{incident} is not resolved, it is {state}: there is nothing to reopen.",
    "unknown": "{incident} is not known, or it was closed so long ago that it is forgotten.",
    "in_triage": "{incident} has no result yet: it waits for its triage, and for nobody else.",
    "needs_nobody": "{incident} ended as {state}: it waits for nobody. It can be judged right or wrong.",
}
_NO_STATE: Final = "It is written down, but how {incident} stands can't be read: claim or release it, which mends that."


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What became of an action; `is_news` is False when it was so already. Without a state nobody has to handle it.

    `handled` is the action as it was written down; None where it was so already, or the answer was lost on its way.
    """

    state: HandlingState | None
    person: str | None
    is_news: bool
    handled: Handled | None = None


class Handlings(HandlingView):
    """The handling of all incidents; safe to use from many threads. Redis errors pass through every method."""

    def __init__(self, redis: Redis, *, retention_seconds: float = RETENTION_SECONDS) -> None:
        super().__init__(redis)
        self._registry = RegistryView(redis)
        self._retention_milliseconds = round(retention_seconds * 1000)
        self._openings = Openings(redis)
        self._act = ChainedWrite(redis, "handling_shared.lua", "handling.lua")
        self._audit = AuditLog(redis)

    def open(self, result: TriageResult) -> bool:
        """Let an incident wait for engineers; False when it needs nobody, or its handling was opened before."""
        return self.open_all([result]) == 1

    def open_all(self, results: Iterable[TriageResult]) -> int:
        """Open the handling of several at the cost of one, and return how many wait from now on.

        A newer result takes the place of what was concluded, and opens a resolved incident again if it needs somebody.
        Raises what `Openings` raises.
        """
        return self._openings.open_all(results)

    def opened_by(self, result: TriageResult) -> Handled | None:
        """Return the newest opening of a handling as the desk's own action, where this very result opened it."""
        return self._openings.opened_by(result)

    def act(
        self, incident_id: str, action: Action, *, person: str, words: str = "", action_id: str | None = None
    ) -> Acted | Refusal:
        """Carry out what a person says, or return the reason why not. Under one `action_id` it is done once.

        Raises `ContractError` when what is stored can't be read, and what `ChainedWrite` raises: it may be done then.
        """
        judged = self._judged(incident_id, action)
        if isinstance(judged, Refusal):
            return judged
        words = STATELESS_MASKER.checked(visible(words))[:WORDS_CHARACTERS]
        who = visible(person)[:PERSON_CHARACTERS]
        entry = AuditEntry(
            action=AuditAction.HANDLING,
            why=words,
            incident_id=incident_id,
            details={"action": action},
            entry_id=action_id or f"handling:{uuid4().hex}",
            person=who,
        )
        told = json.dumps({"person": who, "action": action, "words": words})
        judgement = _judgement_of(judged, action, who, words)
        limits = (self._retention_milliseconds, HISTORY_KEPT, HANDLED_KEPT)
        reply = self._act(entry, keys=_keys(incident_id), args=(incident_id, who, action, told, judgement, *limits))
        if reply[0] == "refused":
            return self._refused(entry, *map(str, reply[1:]))
        return _acted(incident_id, told, reply)

    def _judged(self, incident_id: str, action: Action) -> Concluded | Refusal | None:
        """Return what a judgement is of, and open the handling of a result that nobody has recorded yet.

        Any other action needs no conclusion: one that can't be read keeps nobody from closing its incident.
        """
        if action not in _JUDGEMENTS and self._redis.hexists(handling_key(incident_id), "state"):
            return None
        if (concluded := self.concluded(incident_id)) is not None:
            return concluded
        entry = self._registry.find(incident_id)
        if entry is None:
            return _refusal(incident_id, "unknown")
        if entry.result is None:
            return _refusal(incident_id, "in_triage")
        if not self.open(entry.result) and action not in _JUDGEMENTS:
            return _refusal(incident_id, "needs_nobody", entry.result.disposition)
        return Concluded.of(entry.result)

    def _refused(self, wanted: AuditEntry, reason: str, state: str, person: str, since: str) -> Refusal:
        """Say why not, and write it down where somebody wanted what another has, or had when it was resolved."""
        refusal = _refusal(wanted.incident_id, reason, state, person, since)
        if person not in {"", wanted.person}:
            details = {"asked": wanted.details["action"], "reason": reason}
            entry_id = f"{wanted.entry_id}:refused"
            told = replace(wanted, action=AuditAction.REFUSAL, why=refusal.detail, details=details, entry_id=entry_id)
            self._audit.append(told)
        return refusal


def _acted(incident_id: str, told: str, reply: Sequence[str]) -> Acted:
    return Acted(
        state=_state_of(incident_id, reply[1]),
        person=reply[2] or None,
        is_news=reply[0] == "done",
        handled=handled_of(reply[3], told) if len(reply) > 3 else None,  # noqa: PLR2004 - see the script's answers
    )


def _judgement_of(concluded: Concluded | None, action: Action, person: str, words: str) -> str:
    if concluded is None or action not in _JUDGEMENTS:
        return ""
    is_right = action is Action.RIGHT
    return Judgement(is_right=is_right, person=person, because=words, concluded=concluded).model_dump_json()


def _keys(incident_id: str) -> tuple[str, ...]:
    own = (handling_key(incident_id), handling_history_key(incident_id))
    return (*own, WAITING_INCIDENTS, HANDLED_STREAM, FEEDBACK, *registry_keys(incident_id))


def _refusal(incident_id: str, reason: str, state: str = "", person: str = "", since: str = "0") -> Refusal:
    told = _REFUSALS[reason].format(incident=incident_id, state=state, person=person, since=_time_told(since))
    return Refusal(reason=reason, detail=told)


def _time_told(milliseconds: str) -> str:
    try:
        return f"{time_of(int(milliseconds)):%Y-%m-%d %H:%M:%S}Z"
    except (ValueError, OverflowError, OSError):
        return "a time that can't be read"


def _state_of(incident_id: str, stored: str) -> HandlingState | None:
    try:
        return HandlingState(stored) if stored else None
    except ValueError:
        raise ContractError(_NO_STATE.format(incident=incident_id)) from None
