"""Lua scripts of the registry, loaded from the package. Each is one move of an incident's state, all of it or none."""

from importlib.resources import files

from redis import Redis
from redis.commands.core import Script

__all__ = ["load_script"]


def load_script(redis: Redis, *file_names: str) -> Script:
    """Return one script of this room, bound to `redis`; sent on first use, and again to a server that forgot it.

    Of several files the earlier ones hold functions that the last one calls.
    """
    room = files(__package__)
    return redis.register_script("\n".join(room.joinpath(name).read_text("utf-8") for name in file_names))
