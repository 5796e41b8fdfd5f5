"""The forms of single values in an inventory; each complains in words that a person can act on.

Used by the inventory's tables and systems.
"""

import re
from datetime import time
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

__all__ = [
    "ContainerName",
    "Host",
    "KubernetesName",
    "LogPath",
    "ProgramName",
    "Seconds",
    "Unit",
    "Url",
    "WallTime",
    "in_form",
]


def in_form(pattern: str, complaint: str) -> AfterValidator:
    """Return a check of a whole text's form, whose complaint a person can act on."""
    form = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if form.fullmatch(text) is None:
            raise ValueError(complaint)
        return text

    return AfterValidator(check)


Host = Annotated[str, in_form(r"[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}", "is no host: write its name or address")]
Unit = Annotated[
    str,
    in_form(
        r"(?=.{1,200}$)(?:[A-Za-z0-9]|\\x[0-9a-f]{2})(?:[A-Za-z0-9:_.@-]|\\x[0-9a-f]{2})*\.service",
        "is no unit of systemd: write its whole name, such as payments.service",
    ),
]
KubernetesName = Annotated[str, in_form(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "is no name of Kubernetes")]
ContainerName = Annotated[str, in_form(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}", "is no name of a container")]
ProgramName = Annotated[
    str, in_form(r"[^\s:*]{1,120}(:[^\s:*]{1,120})?", "is no name of one program, NAME or GROUP:NAME")
]
_NO_ADDRESS: Final = "is no address: write http(s)://HOST[:PORT]/PATH, without credentials"


def _is_whole(url: str) -> str:
    try:
        is_whole = urlsplit(url).port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError(_NO_ADDRESS)
    return url


Url = Annotated[
    str,
    in_form(r"(?=.{1,1000}$)https?://[A-Za-z0-9\[][A-Za-z0-9.:\]-]*(/[!-~]*)?", _NO_ADDRESS),
    AfterValidator(_is_whole),
]
LogPath = Annotated[str, in_form(r"/[^\x00-\x1f]{1,999}", "is no absolute path")]
Seconds = Annotated[float, Field(strict=True, le=604_800)]


def _wall_time(value: object) -> object:
    if isinstance(value, str) and _WALL_TIME.fullmatch(value):
        return time.fromisoformat(value)
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError("is no time of day: write 02:30:00")
    return value


_WALL_TIME: Final = re.compile(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?")
WallTime = Annotated[time, BeforeValidator(_wall_time)]
