"""What an engineer did, shown where the page went: noted for the sinks here, sent by whoever runs `escalations`.

It needs no routes file and no secret. Called after an action was recorded; called again, it notes nothing twice.
"""

from redis import Redis

from worker.contract.handling import Action
from worker.escalation.deliveries import Deliveries
from worker.registry.handling_view import HandlingView
from worker.registry.view import RegistryView

__all__ = ["follow_in_sinks"]


def follow_in_sinks(redis: Redis, incident_id: str, action: Action) -> list[str]:
    """Note the newest such action for each sink that has the incident's page, and return the names of those sinks.

    Raises `RedisError`, and `ContractError` when what is stored can't be read.
    """
    handling, entry = HandlingView(redis).find(incident_id), RegistryView(redis).find(incident_id)
    if handling is None or entry is None or entry.result is None:
        return []
    handled = next((each for each in reversed(handling.history) if each.action is action), None)
    return Deliveries(redis).follow(entry.result, handled) if handled is not None else []
