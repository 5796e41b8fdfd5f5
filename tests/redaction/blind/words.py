"""Reads the words of which the testers' values and names are made."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["words"]


@cache
def _all() -> Mapping[str, list[str]]:
    lines = Path(__file__).with_name("words.txt").read_text("utf-8").splitlines()
    named = (line.split(": ", 1) for line in lines if not line.startswith("## "))
    return {name: listed.split() for name, listed in named}


def words(name: str) -> list[str]:
    """Return the words of a name. Raises KeyError for one that is not in the file."""
    return _all()[name]
