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
        server_id = concluded.server_id if concluded is not None else None
        return (
            (self.person is None or line.person == self.person)
            and (not self.is_unclaimed or line.state is HandlingState.OPEN)
            and (self.server is None or (server_id is not None and fnmatchcase(server_id, self.server)))
            and (self.severity is None or (concluded is not None and concluded.severity is self.severity))
        )


EVERYTHING: Final = Choice()
