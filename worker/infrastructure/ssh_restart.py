"""The restart of one unit over ssh, through the command that stands on its server (`deploy/target/firstline-restart`).

It sends one request and judges its exit code, and its own words with it, for another command in its place may end with
the same code; it never sends twice. Made by `Adapters`, called by the guarded restart.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.contract.text import cut_to_bytes, visible
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.ssh import SSH_FAILED, SshAnswer, SshHost
from worker.infrastructure.ssh_words import is_before_a_session, own_words, remedy_for
from worker.ports import Clock, RestartOrder

__all__ = ["SshRestart"]

_REFUSED: Final = {
    10: "not_a_request",
    11: "incident_seen",
    12: "fence_stale",
    13: "too_late",
    14: "busy",
    15: "state_unusable",
    16: "too_far_ahead",
}
"""The restart command's exit codes that mean that nothing was restarted, and what it says first then."""

_RESTARTED: Final = re.compile(r"restarted \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_MARKS: Final = ("ActiveState", "Now")
"""What only the restart command tells of a unit."""

_CHECK_SECONDS: Final = 15.0
"""The command waits for the service manager up to 10 s."""

_CLOCKS_APART: Final = timedelta(seconds=5)
_STATE_LENGTH, _UNIT_LENGTH = 40, 200
_NEWEST_WORDS: Final = 2
_SAID_BYTES: Final = 300
_INSTEAD: Final = "correct command= in its authorized_keys"


class SshRestart:
    """The service manager of one server behind sshd.

    How far the fence reaches: to the server itself. Incident, fence and time travel with the order, and the command
    there refuses, under its own lock and by its own clock, what comes too late, twice, or with an older fence.
    """

    def __init__(
        self, server_id: str, *, ssh: SshHost, restart_seconds: float, clock: Clock, unit: str | None = None
    ) -> None:
        self._server_id = server_id
        self._unit = unit
        self._ssh = ssh
        self._restart_seconds = restart_seconds
        self._clock = clock

    @property
    def restart_seconds(self) -> float:
        """How long the command on the server is waited for."""
        return self._restart_seconds

    def check(self) -> str:
        """Ask the restart command for its unit's state, with the key and the user of a restart."""
        asked_at = self._clock.now()
        told = self._told(self._ssh.order("status", timeout_seconds=_CHECK_SECONDS))
        self._compare_clocks(told["Now"], asked_at=asked_at)
        restarted = visible(told.get("Unit", ""))[:_UNIT_LENGTH]
        if self._unit is not None and restarted and restarted != self._unit:
            raise SourceUnavailable(
                f"The restart command of {self._server_id} restarts {restarted}, and the inventory has {self._unit}: "
                "correct one of them."
            )
        if told.get("LoadState", "loaded") != "loaded":
            raise SourceUnavailable(f"The restart command of {self._server_id} has a unit that is not there.")
        return f"the restart command has its unit as {visible(told['ActiveState'])[:_STATE_LENGTH]}"

    def restart(self, order: RestartOrder) -> None:
        """Send the order once, and return when the command says that the unit has restarted.

        Raises `OrderRefused` for the command's refusals and where no session began; any other end, an exit code that
        nobody knows or that another command may have given too, is `SourceUnavailable`, for it may have happened.
        """
        if self._clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        request = f"restart {order.incident_id} {order.fence} {order.not_after.timestamp():.6f}"
        answer = self._ssh.order(request, timeout_seconds=self._restart_seconds)
        if answer.code == 0:
            self._require_its_own_words(answer)
            return
        refusal = _REFUSED.get(answer.code or 0)
        if refusal is not None and any(line.startswith(f"{refusal}: ") for line in answer.said):
            raise OrderRefused(f"The restart command of {self._server_id} refused: {_said(answer)}.")
        if answer.code == SSH_FAILED and is_before_a_session(answer.log):
            remedy = remedy_for(own_words(answer.log))
            raise OrderRefused(f"{self._ssh.name} failed before the order was sent: {remedy.rstrip('.')}.")
        if answer.code is None:
            raise SourceUnavailable(f"{self._ssh.name} did not answer the order to restart {self._server_id} in time.")
        raise SourceUnavailable(
            f"The order to restart {self._server_id} ended with exit code {answer.code}: {_said(answer)}."
        )

    def _require_its_own_words(self, answer: SshAnswer) -> None:
        lines = answer.stdout.decode("ascii", "replace").splitlines()
        if not any(_RESTARTED.fullmatch(line) for line in lines):
            raise SourceUnavailable(
                f"What answered the order to restart {self._server_id} is not the restart command, and did who knows "
                f"what: {_INSTEAD}."
            )

    def _told(self, answer: SshAnswer) -> Mapping[str, str]:
        """Return what the command tells of its unit. Raises `SourceUnavailable` for all that isn't it."""
        if answer.code is None:
            raise SourceUnavailable(f"{self._ssh.name} did not answer in {_CHECK_SECONDS:g} s.")
        if answer.code == SSH_FAILED:
            remedy = remedy_for(own_words(answer.log) or answer.stderr)
            raise SourceUnavailable(f"{self._ssh.name} failed: {remedy.rstrip('.')}.")
        if answer.code != 0:
            raise SourceUnavailable(
                f"The restart command of {self._server_id} ended with {answer.code}: {_said(answer)}."
            )
        told = dict(line.partition("=")[::2] for line in answer.stdout.decode("ascii", "replace").splitlines())
        missing = [name for name in _MARKS if not told.get(name)]
        if missing:
            raise SourceUnavailable(
                f"What answers for {self._server_id} tells no {' and no '.join(missing)}, so it is not the restart "
                f"command: {_INSTEAD}."
            )
        return told

    def _compare_clocks(self, told: str, *, asked_at: datetime) -> None:
        """Raise `SourceUnavailable` where the server's clock was apart from ours all the time of the question."""
        answered_at = self._clock.now()
        try:
            there = datetime.strptime(told, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise SourceUnavailable(f"The restart command of {self._server_id} tells a time that can't be.") from error
        if not asked_at - _CLOCKS_APART <= there <= answered_at + _CLOCKS_APART:
            raise SourceUnavailable(
                f"The clock of {self._server_id} says {_second_of(there)}, and the worker's {_second_of(answered_at)}: "
                "set both by NTP, for the time until which an order is good is compared with that clock."
            )


def _said(answer: SshAnswer) -> str:
    """Return the newest words: before the command, a server may say what it says to everybody."""
    words = cut_to_bytes(" ".join(answer.said[-_NEWEST_WORDS:]), _SAID_BYTES) or own_words(answer.log)
    return words.rstrip(".") or "it said nothing"


def _second_of(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
