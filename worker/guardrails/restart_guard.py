"""The restart guard: one incident, at most one restart; one server, one at a time; the fleet, never in a storm.

`request` decides in ONE script on Redis' own clock, so that no check can be overtaken by another worker:

    kill switch         key `firstline:restarts:halted` exists      no restart anywhere, until a person resumes
    incident            an intent exists, whatever its state        never a second restart for this incident
    claim               the registry's epoch and lease are ours     whoever lost the incident restarts nothing
    restart lock        an open intent on the server, held by an    no other restart of the server; when lease and claim
                        owner under a fencing token, for a lease    are over without an outcome, none until a person
                                                                    resolves it
    cooldown            seconds since the server's last outcome     wait for its end
    server's budget     grants in a sliding window of seconds       wait until the oldest leaves the window
    fleet's budget      the same, over all servers                  wait likewise
    fleet concurrency   intents without a known outcome             wait for outcomes; unknown ones count until resolved

Then it writes the intent, before anything is done: INTENT → SENT → RESTORED, NOT_RESTORED, UNKNOWN, or NOT_DONE where
certainly nothing happened; or, never sent, WITHDRAWN; or, by a person, RESOLVED. Every write after the grant compares
the fence. A lock with an expiry and no memory is not enough: a holder that stalls past its lease restarts a server that
another has just restarted.

What Redis can't close is a stall between `mark_sent` and the restart itself: the target must refuse an order after
`not_after`, or with a fence that it has seen. Intents and journal are never deleted or trimmed here.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from worker.contract.queue import incident_key
from worker.contract.result import Refusal, RestartOutcome
from worker.contract.text import cut_to_bytes
from worker.errors import GuardrailUnavailable
from worker.guardrails.restart_attempt import (
    Grant,
    RestartAttempt,
    RestartLimits,
    RestartPlan,
    RestartState,
    attempt_of_fields,
    time_of,
)
from worker.guardrails.restart_refusals import refusal_of_reply
from worker.guardrails.script import GuardScript

__all__ = ["Grant", "RestartAttempt", "RestartGuard", "RestartLimits", "RestartState"]

_PREFIX: Final = "firstline:restarts:"
_HALTED: Final = f"{_PREFIX}halted"
_OPEN: Final = f"{_PREFIX}open"
_FENCE: Final = f"{_PREFIX}fence"
_FLEET_LOG: Final = f"{_PREFIX}fleet-log"
_JOURNAL: Final = f"{_PREFIX}journal"
_IN_A_ROW: Final = f"{_PREFIX}failed-in-a-row"

_STATE_OF: Final = {
    RestartOutcome.RESTORED: RestartState.RESTORED,
    RestartOutcome.NOT_RESTORED: RestartState.NOT_RESTORED,
    RestartOutcome.NOT_DONE: RestartState.NOT_DONE,
    RestartOutcome.UNKNOWN: RestartState.UNKNOWN,
}
"""What a worker may record; a person's word is not among it."""

_MARGIN_MILLISECONDS: Final = 2_000
"""A lease with no more than this left is not used: the order still has to travel to its server."""

_TEXT_LIMIT_BYTES: Final = 2_000
"""Evidence and details past this are cut: the journal is kept for ever, and a log line can be long."""


_AS_ANY_OTHER: Final = RestartPlan()


class RestartGuard:
    """Every question about restarts that Redis answers, for one worker; safe to use from many threads.

    When Redis is unavailable this raises `GuardrailUnavailable` from every method, and nothing may be restarted.
    Whether the last write arrived is then not known: an intent that did stays open and keeps its server closed.
    """

    def __init__(self, redis: Redis, limits: RestartLimits, *, worker: str) -> None:
        self._redis = redis
        self._limits = limits
        self._worker = worker
        self._request = GuardScript(redis, "restart_request.lua")
        self._send = GuardScript(redis, "restart_send.lua")
        self._close = GuardScript(redis, "restart_close.lua")

    def request(
        self, incident_id: str, server_id: str, *, claim: str, evidence: str, plan: RestartPlan = _AS_ANY_OTHER
    ) -> Grant | Refusal:
        """Ask for the incident's one restart; the checks and their order stand at the top of this module.

        `claim` is the one under which it is asked, as the registry has it: "epoch@time of intake". The
        plan's limits go before the policy file's; its cooldown is kept with the intent, for whoever writes the outcome.

        A grant has written the intent and taken the restart lock. Of two that ask at once for one server or one
        incident, one is refused. `evidence` goes into the journal, cut to 2,000 bytes.
        """
        limits, target = self._limits.of_server(plan.own_limits), plan.target or server_id
        reply = self._request(
            keys=[
                _HALTED, _intent_key(incident_id), _lock_key(target), _server_log_key(target),
                _FLEET_LOG, _OPEN, _FENCE, _JOURNAL, incident_key(incident_id),
            ],
            args=[
                incident_id, server_id, self._worker, uuid4().hex,
                _milliseconds(limits.lease_seconds),
                limits.server_restarts, _milliseconds(limits.server_window_seconds),
                limits.fleet_restarts, _milliseconds(limits.fleet_window_seconds),
                limits.fleet_concurrency, cut_to_bytes(evidence, _TEXT_LIMIT_BYTES), claim,
                _intent_key(""), incident_key(""), _milliseconds(limits.cooldown_seconds),
                target,
            ],
        )  # fmt: skip
        if reply[0] == "refused":
            return refusal_of_reply(reply, incident_id=incident_id, server_id=server_id, limits=limits)
        _, fence, lease_until = reply
        return Grant(
            incident_id=incident_id,
            server_id=server_id,
            fence=int(fence),
            not_after=time_of(int(lease_until) - _MARGIN_MILLISECONDS),
            lease_seconds=limits.lease_seconds - _MARGIN_MILLISECONDS / 1000,
            plan=plan,
        )

    def mark_sent(self, grant: Grant) -> Refusal | None:
        """Ask for leave to restart now: None is yes, once. Anything else means that the server must not be touched.

        Refused when the kill switch was set since (``halted``), when another fence is in force (``stale_fence``), when
        leave was given before or the intent is closed (``not_pending``), when the incident is another claim's by now
        (``stale_claim``), and when no more than 2 s of the lease are left (``expired``). The intent stays open then,
        and keeps its server closed, until it is withdrawn or resolved. With the leave the lease begins anew, for as
        long as a restart and its verification may take.
        """
        reply = self._send(
            keys=[
                _HALTED, _intent_key(grant.incident_id), _JOURNAL, incident_key(grant.incident_id),
                _lock_key(grant.target),
            ],
            args=[
                grant.incident_id, grant.server_id, self._worker, grant.fence, _MARGIN_MILLISECONDS,
                _milliseconds(grant.plan.restart_seconds),
            ],
        )  # fmt: skip
        return None if reply[0] == "sent" else self._refusal(reply, grant.incident_id, grant.server_id)

    def withdraw(self, attempt: Grant | RestartAttempt, why: str) -> Refusal | None:
        """Close an intent that was never sent. The server is free at once, without cooldown; the budgets stay spent.

        After it `mark_sent` refuses, so a holder that only stalled can't restart any more. The incident has had its
        attempt nevertheless. None is yes; ``wrong_state`` when it was sent or closed.
        """
        return self._close_as(RestartState.WITHDRAWN, attempt, why)

    def record(self, attempt: Grant | RestartAttempt, outcome: RestartOutcome, detail: str) -> Refusal | None:
        """Write the outcome of a restart that was sent. A known one frees the server and starts its cooldown.

        The kill switch trips by itself when `trip_after` restarts in a row are not known to have helped. NOT_DONE frees
        the server without a cooldown and counts for nothing, but the incident has had its attempt. UNKNOWN keeps the
        server closed until a person resolves it. None is yes, and the same outcome again is yes too; any other is
        refused as ``wrong_state``: what is written stays. Raises `KeyError` for what only recovery tells.
        """
        return self._close_as(_STATE_OF[outcome], attempt, detail)

    def resolve(self, attempt: RestartAttempt, *, person: str, why: str) -> Refusal | None:
        """Free a server whose restart has no known outcome, on a person's word; the cooldown starts.

        Refused while the claim that asked for it lives (``server_in_hand``), while its own lease does
        (``server_locked``), and when its outcome is known (``wrong_state``).
        """
        return self._close_as(RestartState.RESOLVED, attempt, f"{person}: {why}")

    def attempt_of(self, incident_id: str) -> RestartAttempt | None:
        """Read how far the incident's restart came, or None when none was ever granted. Recovery asks this first."""
        return self._stored(incident_id)

    def open_attempts(self) -> tuple[RestartAttempt, ...]:
        """Read every attempt without a known outcome, oldest first: at most `fleet_concurrency` of them."""
        return self._open()[0]

    def unreadable_attempts(self) -> tuple[str, ...]:
        """Return the incidents whose open attempt can't be read; each keeps its server closed, and its place taken."""
        return self._open()[1]

    def halted(self) -> str | None:
        """Return why all restarts are halted, or None when they are not."""
        with _translated():
            why = self._redis.get(_HALTED)
        return None if why is None else str(why)

    def halt(self, why: str) -> None:
        """Set the kill switch, for every worker, at once: what is not yet sent will not be."""
        with _translated(), self._redis.pipeline() as pipeline:
            pipeline.set(_HALTED, why)
            pipeline.xadd(_JOURNAL, {"state": "HALTED", "worker": self._worker, "detail": why})
            pipeline.execute()

    def resume(self, why: str) -> None:
        """Take the kill switch off again."""
        with _translated(), self._redis.pipeline() as pipeline:
            pipeline.delete(_HALTED, _IN_A_ROW)
            pipeline.xadd(_JOURNAL, {"state": "RESUMED", "worker": self._worker, "detail": why})
            pipeline.execute()

    def _close_as(self, state: RestartState, attempt: Grant | RestartAttempt, detail: str) -> Refusal | None:
        reply = self._close(
            keys=[
                _intent_key(attempt.incident_id), _lock_key(attempt.target), _OPEN, _JOURNAL, _HALTED, _IN_A_ROW,
                incident_key(attempt.incident_id),
            ],
            args=[
                attempt.incident_id, attempt.server_id, self._worker, attempt.fence, state,
                _milliseconds(self._limits.cooldown_seconds), cut_to_bytes(detail, _TEXT_LIMIT_BYTES),
                self._limits.trip_after,
            ],
        )  # fmt: skip
        return None if reply[0] == "closed" else self._refusal(reply, attempt.incident_id, attempt.server_id)

    def _refusal(self, reply: list[str], incident_id: str, server_id: str) -> Refusal:
        return refusal_of_reply(reply, incident_id=incident_id, server_id=server_id, limits=self._limits)

    def _open(self) -> tuple[tuple[RestartAttempt, ...], tuple[str, ...]]:
        with _translated():
            incident_ids = [str(incident_id) for incident_id in self._redis.zrange(_OPEN, 0, -1)]
        attempts: list[RestartAttempt] = []
        unreadable: list[str] = []
        for incident_id in incident_ids:
            attempt = None
            with suppress(_Unreadable):
                attempt = self._stored(incident_id)
            if attempt is None:
                unreadable.append(incident_id)
            else:
                attempts.append(attempt)
        return tuple(attempts), tuple(unreadable)

    def _stored(self, incident_id: str) -> RestartAttempt | None:
        with _translated(), self._redis.pipeline() as pipeline:
            pipeline.time()
            pipeline.hgetall(_intent_key(incident_id))
            (seconds, microseconds), fields = pipeline.execute()
            now_ms = seconds * 1000 + microseconds // 1000
            return attempt_of_fields(incident_id, fields, now_ms=now_ms) if fields else None


class _Unreadable(GuardrailUnavailable):
    """What Redis stores of a restart is none."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, OverflowError) as error:
        raise _Unreadable(f"A stored restart can't be read: {error!r}") from error
    except ResponseError as error:
        raise _Unreadable(f"Redis refused a question or an order about restarts: {error}") from error
    except RedisError as error:
        raise GuardrailUnavailable(f"Redis gave no answer about restarts: {error}") from error


def _intent_key(incident_id: str) -> str:
    return f"{_PREFIX}incident:{incident_id}"


def _lock_key(target: str) -> str:
    return f"{_PREFIX}server:{target}"


def _server_log_key(target: str) -> str:
    return f"{_PREFIX}server-log:{target}"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
