"""What an engineer did, shown where the page went: noted for the sinks here, sent by whoever runs `escalations`.

It needs no routes file and no secret. Called after an action was recorded; called again, it notes nothing twice.
"""

from redis import Redis

from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.escalation.deliveries import Deliveries
from worker.registry.handling_view import HandlingView
from worker.registry.view import RegistryView

__all__ = ["follow_in_sinks"]


def follow_in_sinks(redis: Redis, incident_id: str, action: Action, handled: Handled | None = None) -> list[str]:
    """Note an action for each sink that has the incident's page, and return the names of those sinks.

    `handled` is the action as it was written down; without it the newest such action is meant, whoever's it is. Raises
    `RedisError`, and `ContractError` when what is stored can't be read.
    """
    view = HandlingView(redis)
    handling = view.find(incident_id)
    if handling is None or (result := view.letter(incident_id) or _result_of(redis, incident_id)) is None:
        return []
    if handled is None:
        handled = next((each for each in reversed(handling.history) if each.action is action), None)
    return Deliveries(redis).follow(result, handled) if handled is not None else []


def _result_of(redis: Redis, incident_id: str) -> TriageResult | None:
    entry = RegistryView(redis).find(incident_id)
    return entry.result if entry is not None else None
