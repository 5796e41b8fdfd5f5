"""Lua scripts of the registry, loaded from the package. Each is one move of an incident's state, all of it or none."""

from importlib.resources import files

from redis import Redis
from redis.commands.core import Script

__all__ = ["load_script"]


def load_script(redis: Redis, file_name: str) -> Script:
    """Return one script of this room, bound to `redis`; sent on first use, and again to a server that forgot it."""
    return redis.register_script(files(__package__).joinpath(file_name).read_text("utf-8"))
