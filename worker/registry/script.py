"""Lua scripts of the registry and of the escalation desk, loaded from their packages.

Each is one move, of an incident's state or of a delivery's: all of it or none.
"""

from importlib.resources import files

from redis import Redis
from redis.commands.core import Script

__all__ = ["load_script"]


def load_script(redis: Redis, *file_names: str, room: str = __package__) -> Script:
    """Return one script of a room, bound to `redis`; sent on first use, and again to a server that forgot it.

    Of several files the earlier ones hold functions that the last one calls.
    """
    folder = files(room)
    return redis.register_script("\n".join(folder.joinpath(name).read_text("utf-8") for name in file_names))
