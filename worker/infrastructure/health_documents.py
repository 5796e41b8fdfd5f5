"""What the answer of a health endpoint says in words: its status, its sick components, how long it has been running.

It takes a body for what it may be, hostile: nothing in it raises, and nothing is guessed from a word that is not known.
Neither outputs nor details of components are passed on, for they hold connection strings. Called by `HttpHealth`.
Sources: https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06 (`checks`),
https://docs.spring.io/spring-boot/reference/actuator/endpoints.html#actuator.endpoints.health (`components`);
https://github.com/microprofile/microprofile-health (`checks` as a list); NestJS' Terminus has `details`, ASP.NET Core's
reports `entries` or one bare word.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from worker.contract.text import visible
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, Answer

__all__ = ["Told", "Uptime", "told_by"]

_WELL: Final = frozenset(
    {"pass", "passing", "ok", "okay", "up", "healthy", "alive", "live", "ready", "available", "running", "serving"}
    | {"success", "green"}
)
_SICK: Final = frozenset(
    {"fail", "failed", "failing", "failure", "error", "critical", "fatal", "down", "dead", "stopped", "starting"}
    | {"out_of_service", "unavailable", "unhealthy", "not_healthy", "not_ok", "not_ready", "not_serving"}
    | {"warn", "warning", "degraded", "yellow", "amber", "red"}
)
_GROUPS: Final = ("checks", "components", "entries", "details")
_DEPTH: Final = 4
"""How far components may lie in each other; Spring's composites have two levels."""

_NAMES_LIMIT: Final = 20
_NAME_LIMIT_BYTES: Final = 120
_BARE_WORD_LIMIT_BYTES: Final = 64
_LONGEST_SECONDS: Final = 1e9
_TIME: Final = TypeAdapter(AwareDatetime)


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long the service had been running at `measured_at` by its own clock, which is None when it does not say."""

    seconds: float
    measured_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was said; `word` is the service's own for its status, and None where it has said none that is known."""

    word: str | None = None
    is_sick: bool = False
    sick_components: str | None = None
    uptime: Uptime | None = None
    unread: tuple[str, ...] = ()


def told_by(answer: Answer) -> Told:
    """Return what the body says. Never raises.

    A service is as sick as its sickest word, be it a component's: one that calls itself well and its database down is
    not taken for well.
    """
    if answer.is_cut:
        return Told(unread=(f"the service's own words: the answer has more than {ANSWER_LIMIT_BYTES} bytes",))
    document = _document(answer.body)
    if not isinstance(document, dict):
        word = document if isinstance(document, str) and _plain(document) in _WELL | _SICK else None
        unread = () if word else ("the service's own words: the answer is no health document",)
        return Told(word=word and word.strip(), is_sick=word is not None and _is_sick(word), unread=unread)
    word, why_unread = _word_of(document.get("status"))
    sick = tuple(dict.fromkeys(_sick_components(document)))
    return Told(
        word=word,
        is_sick=bool(sick) or (word is not None and _is_sick(word)),
        sick_components=_listed(sick) if sick else None,
        uptime=_uptime(document),
        unread=() if why_unread is None else (why_unread,),
    )


def _document(body: bytes) -> object:
    """Return the decoded JSON, or a short text that is none as it is."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace") if len(body) <= _BARE_WORD_LIMIT_BYTES else None


def _word_of(status: object) -> tuple[str | None, str | None]:
    if isinstance(status, str) and _plain(status) in _WELL | _SICK:
        return status.strip(), None
    if isinstance(status, str):
        return None, f"the service's own status: {_name(status)} is no status that is known here"
    return None, "the service's own status: its document says none"


def _plain(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def _is_sick(status: object) -> bool:
    return isinstance(status, str) and _plain(status) in _SICK


def _sick_components(holder: Mapping[str, object], prefix: str = "", depth: int = 1) -> Iterator[str]:
    """Yield each sick component with its word; one that lies in another comes as ``outer/inner``."""
    for name, component in _members(holder):
        path, status = f"{prefix}{_name(name)}", component.get("status")
        if isinstance(status, str) and _is_sick(status):
            yield f"{path}: {status.strip()}"
        if depth < _DEPTH:
            yield from _sick_components(component, f"{path}/", depth + 1)


def _members(holder: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for group in (holder.get(name) for name in _GROUPS):
        if isinstance(group, dict):
            named = [(name, each) for name, value in group.items() for each in _each(value)]
        else:
            named = [(each.get("name"), each) for each in _each(group) if isinstance(each, dict)]
        yield from ((name, each) for name, each in named if isinstance(name, str) and isinstance(each, dict))


def _each(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _name(text: str) -> str:
    """Return a name on one line; one that is too long is not cut, for half a secret is not recognised as one."""
    size = len(text.encode("utf-8", "replace"))
    return visible(" ".join(text.split())) if size <= _NAME_LIMIT_BYTES else f"(a name of {size} bytes)"


def _listed(names: tuple[str, ...]) -> str:
    rest = len(names) - _NAMES_LIMIT
    return "; ".join([*names[:_NAMES_LIMIT], *([f"and {rest} more"] if rest > 0 else [])])


def _uptime(document: Mapping[str, object]) -> Uptime | None:
    """Return the one uptime of health+json in seconds; that of several nodes is the uptime of none."""
    checks = document.get("checks")
    found = _each(checks.get("uptime")) if isinstance(checks, dict) else []
    if len(found) != 1 or not isinstance(found[0], dict) or found[0].get("observedUnit") != "s":
        return None
    seconds, time = found[0].get("observedValue"), found[0].get("time")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _LONGEST_SECONDS:
        return None
    try:
        return Uptime(float(seconds), None if time is None else _TIME.validate_python(time))
    except ValidationError:
        return None
