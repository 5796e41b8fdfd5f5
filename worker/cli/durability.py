"""What the desk needs of its Redis, held against what it is set to: the guarantee rests on it.

It only reads and says; nobody is kept from starting. Called by `firstline status` and `firstline worker`.
"""

from collections.abc import Mapping
from typing import Final

from redis import Redis
from redis.exceptions import ResponseError

from worker.cli.words import one_line

__all__ = ["complaints_about"]

_NEEDED: Final[Mapping[str, tuple[str, str]]] = {
    "appendonly": ("yes", "a restart of Redis loses what was accepted"),
    "appendfsync": ("always", "a power cut loses what was accepted last"),
    "maxmemory-policy": ("noeviction", "a full Redis throws away what was accepted"),
}


def complaints_about(redis: Redis) -> tuple[str, ...]:
    """Return a line for each thing that is not as it should be, or that Redis lets nobody look at; empty is good.

    The client must decode its replies. Redis errors other than refusals pass through.
    """
    try:
        found = {name: redis.config_get(name).get(name) for name in _NEEDED}
        role = redis.info("replication").get("role")
    except ResponseError as error:
        return (f"can't be checked ({one_line(error)}): see to {', '.join(map(_wanted, _NEEDED))} yourself",)
    complaints = [_complaint(name, value) for name, value in found.items() if value != _NEEDED[name][0]]
    if role != "master":
        complaints.append(f"its role is {one_line(role)}, not master: what is written here fails, or is lost")
    return tuple(complaints)


def _complaint(name: str, value: str | None) -> str:
    if value is None:
        return f"{name} can't be checked: see to {_wanted(name)} yourself"
    return f"{name} is {one_line(value)}, not {_NEEDED[name][0]}: {_NEEDED[name][1]}"


def _wanted(name: str) -> str:
    return f"{name} {_NEEDED[name][0]}"
