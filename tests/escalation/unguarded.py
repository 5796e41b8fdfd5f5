"""A Redis for controls: it runs the scripts of the deliveries with one piece of them taken out."""

from fakeredis import FakeRedis
from redis.commands.core import Script

__all__ = ["Unguarded"]


class Unguarded(FakeRedis):
    """Changes each script that has the piece; `scripts_weakened` says how many those were."""

    def __init__(self, piece: str, instead: str) -> None:
        super().__init__(decode_responses=True)
        self._piece, self._instead = piece, instead
        self.scripts_weakened = 0

    def register_script(self, script: str) -> Script:  # type: ignore[override] # as the deliveries call it
        self.scripts_weakened += self._piece in script
        return super().register_script(script.replace(self._piece, self._instead))
