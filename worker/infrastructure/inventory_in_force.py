"""The inventory that is in force: it can be replaced while triages run; one that runs keeps the server it was given.

Called by the worker's triages from many threads, and by whoever reloads the file.
"""

from worker.contract.incident import Incident
from worker.infrastructure.inventory import Inventory
from worker.ports import Server

__all__ = ["InventoryInForce"]


class InventoryInForce:
    """A directory whose inventory can be replaced as a whole, at any moment."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def use(self, inventory: Inventory) -> None:
        """Answer by another inventory from now on."""
        self._inventory = inventory

    def close(self) -> None:
        """Close the connections of the one in force; those of an earlier one end with the triages that use them."""
        self._inventory.close()

    def server_of(self, incident: Incident) -> Server | str:
        """Return the incident's one server, or the reason why there is none, as a sentence."""
        return self._inventory.server_of(incident)
