"""The fleet as Firstline reaches it: which server is where, and one adapter a system.

`Inventory` is the way in; adapters do not know each other and are made by it alone, each for one server. Nothing
optional is imported here: an adapter's library is loaded when the inventory names its system.
"""

from worker.infrastructure.inventory import Inventory

__all__ = ["Inventory"]
