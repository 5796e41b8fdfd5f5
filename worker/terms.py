"""What the owners of a server have said about it in the inventory, beside the way to it: pure values.

The restart policy judges by them, and the card tells them. Nothing here is read from an alert, a log or a model.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

__all__ = ["EVERY_DAY", "MaintenanceWindow", "OwnLimits", "RestartPolicy", "Terms"]

EVERY_DAY: Final = frozenset(range(7))
_ONE_DAY: Final = timedelta(days=1)


class RestartPolicy(StrEnum):
    """How far the desk may go with a server; what nobody has classified is `NEVER`.

    `AUTO`: restart under guard. `APPROVE`: propose a restart to an engineer. `OBSERVE`: say whether the evidence would
    have justified one. `NEVER`: no restart is considered.
    """

    AUTO = "auto"
    APPROVE = "approve"
    OBSERVE = "observe"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """A time of the week in which others work on a server: from `begins` to `ends` in `zone`, on `days` (0 is Monday).

    By the clock on the wall there: when that is moved, an hour is left out or comes twice. A window that ends at or
    before its beginning lasts into the next day, and belongs to the day on which it begins.
    """

    begins: time
    ends: time
    zone: tzinfo
    days: frozenset[int] = EVERY_DAY

    def holds_at(self, moment: datetime) -> bool:
        """Say whether an aware `moment` lies in the window; its end does not."""
        wall_time = moment.astimezone(self.zone).replace(tzinfo=None)
        for day in (wall_time.date() - _ONE_DAY, wall_time.date()):
            last_day = day if self.ends > self.begins else day + _ONE_DAY
            is_within = datetime.combine(day, self.begins) <= wall_time < datetime.combine(last_day, self.ends)
            if day.weekday() in self.days and is_within:
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLimits:
    """How often this one server may be restarted; where None, as the policy file has it for every server.

    No second restart within `cooldown_seconds` of the first's outcome, and at most `restarts` in `window_seconds`.
    """

    cooldown_seconds: float | None = None
    restarts: int | None = None
    window_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A server's owner and tier, as words of the inventory, and under which terms it may be restarted.

    `approvers` are the people whose word a restart under `approve` needs; where there are none, nobody's is enough.
    """

    restart_policy: RestartPolicy = RestartPolicy.NEVER
    owner: str | None = None
    tier: str | None = None
    approvers: frozenset[str] = frozenset()
    maintenance: tuple[MaintenanceWindow, ...] = ()
    limits: OwnLimits = OwnLimits()

    def is_in_maintenance(self, moment: datetime) -> bool:
        """Say whether others work on the server at this moment."""
        return any(window.holds_at(moment) for window in self.maintenance)
