"""Which of the incidents that wait a person wants on the list: pure, asked for each line."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from worker.contract.handling import HandlingState
from worker.contract.incident import Severity
from worker.registry.handling_view import Waiting

__all__ = ["EVERYTHING", "Choice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a line must be; None and False ask for nothing. `person` is who must have it, `server` a shell pattern."""

    person: str | None = None
    is_unclaimed: bool = False
    server: str | None = None
    severity: Severity | None = None

    def fits(self, line: Waiting) -> bool:
        """Say whether a line is wanted. One that can't be read has no server and no severity."""
        concluded = line.concluded
        return (
            (self.person is None or line.person == self.person)
            and (not self.is_unclaimed or line.state is HandlingState.OPEN)
            and (self.server is None or (concluded is not None and self._is_server(concluded.server_id)))
            and (self.severity is None or (concluded is not None and concluded.severity is self.severity))
        )

    def _is_server(self, server_id: str | None) -> bool:
        """A name stands for itself, whatever marks of a pattern are in it."""
        return (
            self.server is not None
            and server_id is not None
            and (server_id == self.server or fnmatchcase(server_id, self.server))
        )


EVERYTHING: Final = Choice()
