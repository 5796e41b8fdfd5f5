"""Whether anything can be taken in now, asked of the door at most once a second, however often others ask.

A door that does not answer in time is not ready. Called by `desk.py` for `/readyz`, which needs no credentials.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from producers.door import Door

__all__ = ["Readiness"]

log = structlog.get_logger()

KEPT_SECONDS: Final = 1
PATIENCE_SECONDS: Final = 2


class Readiness:
    """The door's last word on itself; for one event loop."""

    def __init__(self, door: Door, monotonic: Callable[[], float]) -> None:
        self._door = door
        self._monotonic = monotonic
        self._look: asyncio.Future[str | None] | None = None
        self._looked_at = 0.0
        self._logged: str | None = None

    async def reason(self) -> str | None:
        """Return why nothing can be taken in, or None; a new reason is logged.

        All who ask at once wait for one look.
        """
        reason = await self._reason()
        if reason not in {None, self._logged}:
            log.warning("intake.unready", reason=reason)
        self._logged = reason
        return reason

    async def _reason(self) -> str | None:
        now = self._monotonic()
        if self._look is None or (self._look.done() and now - self._looked_at > KEPT_SECONDS):
            self._look = asyncio.get_running_loop().run_in_executor(None, self._door.unready)
            self._looked_at = now
        try:
            return await asyncio.wait_for(asyncio.shield(self._look), PATIENCE_SECONDS)
        except TimeoutError:
            return f"intake did not answer within {PATIENCE_SECONDS} s: look at Redis"
