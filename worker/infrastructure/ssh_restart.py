"""The restart of one unit over ssh, through the command that stands on its server (`deploy/target/firstline-restart`).

It sends one request and judges its exit code; it never sends twice. Made by `Adapters`, called by the guarded restart.
"""

import re
from typing import Final

from worker.contract.text import visible
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.ssh import SSH_FAILED, SshHost, remedy_for
from worker.ports import Clock, RestartOrder

__all__ = ["SshRestart"]

_REFUSED: Final = range(10, 20)
"""The restart command's exit codes that mean that nothing was restarted; deploy/target/README.md has them all."""

_CHECK_SECONDS: Final = 15.0
"""The command waits for the service manager up to 10 s."""

_STATE_LENGTH, _UNIT_LENGTH = 40, 200

_NO_SESSION: Final = re.compile(
    r"ssh: connect to host \S+ port \d+: .+|ssh: Could not resolve hostname .+|\S+@\S+: Permission denied \(.*\)\."
)
_WRONG_HOST_KEY: Final = "Host key verification failed."
_BANNER: Final = "@@@@"
"""How ssh begins what it says of a host key that has changed."""


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
        answer = self._ssh.order("status", timeout_seconds=_CHECK_SECONDS)
        if answer.code == SSH_FAILED:
            raise SourceUnavailable(f"{self._ssh.name} failed: {remedy_for(answer.stderr)}.")
        if answer.code != 0:
            said = _said(answer.stderr)
            raise SourceUnavailable(f"The restart command of {self._server_id} ended with {answer.code}: {said}.")
        told = dict(line.partition("=")[::2] for line in answer.stdout.decode("ascii", "replace").splitlines())
        restarted = visible(told.get("Unit", ""))[:_UNIT_LENGTH]
        if self._unit is not None and restarted and restarted != self._unit:
            raise SourceUnavailable(
                f"The restart command of {self._server_id} restarts {restarted}, and the inventory has {self._unit}: "
                "correct one of them."
            )
        if told.get("LoadState", "loaded") != "loaded":
            raise SourceUnavailable(f"The restart command of {self._server_id} has a unit that is not there.")
        return f"the restart command has its unit as {visible(told.get('ActiveState', 'unknown'))[:_STATE_LENGTH]}"

    def restart(self, order: RestartOrder) -> None:
        """Send the order once, and return when the command says that the unit has restarted.

        Raises `OrderRefused` for the command's refusals and where no session began; any other end, an exit code that
        nobody knows too, is `SourceUnavailable`, for it may have happened.
        """
        if self._clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        request = f"restart {order.incident_id} {order.fence} {order.not_after.timestamp():.6f}"
        answer = self._ssh.order(request, timeout_seconds=self._restart_seconds)
        if answer.code == 0:
            return
        if answer.code in _REFUSED:
            raise OrderRefused(f"The restart command of {self._server_id} refused: {_said(answer.stderr)}.")
        if answer.code == SSH_FAILED and _is_before_a_session(answer.said):
            raise OrderRefused(f"{self._ssh.name} failed before the order was sent: {remedy_for(answer.stderr)}.")
        if answer.code is None:
            raise SourceUnavailable(f"{self._ssh.name} did not answer the order to restart {self._server_id} in time.")
        raise SourceUnavailable(
            f"The order to restart {self._server_id} ended with exit code {answer.code}: {_said(answer.stderr)}."
        )


def _is_before_a_session(said: tuple[str, ...]) -> bool:
    """Say whether ssh, and nobody else, said that no session began; so no order can have arrived.

    The remote command's words stand on the same stderr, and may hold the like: `failed: … Permission denied`.
    """
    if said and said[-1] == _WRONG_HOST_KEY:
        return len(said) == 1 or said[0].startswith(_BANNER) or said[0].startswith("No ")
    return bool(said) and all(_NO_SESSION.fullmatch(line) for line in said)


def _said(stderr: str) -> str:
    return stderr.rstrip(".") or "it said nothing"
