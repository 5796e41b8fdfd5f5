"""The trends file: what is watched before it fails, which limit it must not cross, and what is then told to whom.

[trends.disk-fills]                     # the name is part of each incident's identity
kind = "linear"                         # will it cross the limit? `above` and `below`: has it held past the limit?
query = "100 * …"                       # PromQL, one series for each server (or disk, or container)
limit = 90
worse = "above"                         # which side of the limit is bad
window_seconds = 3600                   # judged over so long,
within_seconds = 14400                  # and told when it is crossed within so long
text = "The disk of $server is $value % full; $limit % in $time_left."

It is TOML, reviewed like code, and checked whole before anything is asked of Prometheus. `firstline watch` reads it.
"""

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

from producers.settings import ProducerConfigurationError
from worker.contract import Severity

__all__ = ["SAMPLES_MINIMUM", "HeldTrend", "LinearTrend", "Trend", "Worse", "read_trends"]

SAMPLES_MINIMUM: Final = 20
"""A line through fewer points is a guess: `window_seconds` must hold so many steps."""

REACH_LIMIT: Final = 6
"""`within_seconds` may be so many times the window. The farther a line is drawn, the more often day and night are taken
for a trend: 0 in 100 looks at twice the window, 2 at four times, 10 at six (`tests/producers/test_trends.py`)."""

LABEL_PREFIX: Final = "label_"
"""`$label_mountpoint` in a text stands for the label `mountpoint` of the series."""

_PLACEHOLDERS: Final = frozenset({"server", "trend", "value", "limit", "time_left"})
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DAY_SECONDS: Final = 86_400


class Worse(StrEnum):
    """Which side of the limit is bad."""

    ABOVE = "above"
    BELOW = "below"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4096)]
    limit: float
    severity: Severity = Severity.WARNING
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2048)]
    server_label: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=64)] | None = None
    step_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    again_after_seconds: Annotated[int, Field(ge=60, le=7 * _DAY_SECONDS)] = 6 * 3600

    @model_validator(mode="after")
    def _text_is_a_template(self) -> Self:
        template = Template(self.text)
        if not template.is_valid():
            raise ValueError("`text` has a $ that begins no placeholder: write $$ for a dollar sign")
        names = set(template.get_identifiers())
        strangers = sorted(name for name in names - _PLACEHOLDERS if not name.startswith(LABEL_PREFIX))
        if strangers:
            known = ", ".join(f"${name}" for name in sorted(_PLACEHOLDERS))
            raise ValueError(f"`text` has ${strangers[0]}, which stands for nothing: use {known} or ${LABEL_PREFIX}…")
        missing = sorted(self.told() - names)
        if missing:
            raise ValueError(f"`text` does not tell ${missing[0]}: without it nobody can judge what is told")
        return self

    def told(self) -> frozenset[str]:
        """Return the placeholders that a text must have."""
        return frozenset({"server", "value", "limit"})


class LinearTrend(_Table):
    """It is told when the line through the window crosses the limit within `within_seconds`; `trends` says how."""

    kind: Literal["linear"]
    worse: Worse
    window_seconds: Annotated[int, Field(ge=SAMPLES_MINIMUM, le=7 * _DAY_SECONDS)] = 3600
    within_seconds: Annotated[int, Field(ge=1, le=30 * _DAY_SECONDS)] = 4 * 3600

    @model_validator(mode="after")
    def _a_line_can_tell(self) -> Self:
        if self.within_seconds > REACH_LIMIT * self.window_seconds:
            raise ValueError(
                f"`within_seconds` is more than {REACH_LIMIT} times `window_seconds`: take a longer window"
            )
        if self.step * SAMPLES_MINIMUM > self.window_seconds:
            raise ValueError(f"`window_seconds` holds fewer than {SAMPLES_MINIMUM} steps: shorten `step_seconds`")
        return self

    @property
    def step(self) -> int:
        """Seconds between two points of the line; a sixtieth of the window unless the file says otherwise."""
        return self.step_seconds or max(1, self.window_seconds // 60)

    def told(self) -> frozenset[str]:
        """Return the placeholders that a text must have."""
        return frozenset({"server", "value", "limit", "time_left"})


class HeldTrend(_Table):
    """It is told when the value has been past the limit, without a break, for `for_seconds`."""

    kind: Literal["above", "below"]
    for_seconds: Annotated[int, Field(ge=1, le=7 * _DAY_SECONDS)] = 300

    @model_validator(mode="after")
    def _can_be_held(self) -> Self:
        if self.step > self.for_seconds:
            raise ValueError("`step_seconds` is longer than `for_seconds`: shorten it")
        return self

    @property
    def worse(self) -> Worse:
        """The side of the limit that is bad."""
        return Worse(self.kind)

    @property
    def step(self) -> int:
        """Seconds between two looks at the value; a twentieth of `for_seconds` unless the file says otherwise."""
        return self.step_seconds or max(1, self.for_seconds // 20)


Trend = Annotated[LinearTrend | HeldTrend, Field(discriminator="kind")]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    trends: Annotated[dict[str, Trend], Field(min_length=1, max_length=200)]


def read_trends(path: Path) -> tuple[LinearTrend | HeldTrend, ...]:
    """Read and check the file.

    Raises `ProducerConfigurationError` that names the file and lists every mistake by its key, with the remedy.
    """
    document = _read_toml(path)
    tables = document.get("trends")
    names = list(tables) if isinstance(tables, dict) else []
    mistakes = [
        f"trends.{name}: a name has lower-case letters, digits, - and _ only, at most 64: rename it"
        for name in names
        if not _NAME.fullmatch(name)
    ]
    if isinstance(tables, dict):
        document["trends"] = {
            name: {**table, "name": name} if isinstance(table, dict) else table for name, table in tables.items()
        }
    try:
        read = _File.model_validate(document)
    except ValidationError as error:
        mistakes += [_mistake(details) for details in error.errors(include_url=False, include_input=False)]
    if mistakes:
        raise ProducerConfigurationError(f"The trends file {path} is wrong:\n" + "\n".join(f"  {m}" for m in mistakes))
    return tuple(read.trends.values())


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ProducerConfigurationError(
            f"The trends file {path} can't be read ({error.strerror}): copy deploy/trends.example.toml there, "
            "or correct --trends"
        ) from error
    except ValueError as error:
        raise ProducerConfigurationError(f"The trends file {path} is not TOML: {error}") from error


def _mistake(details: ErrorDetails) -> str:
    location = [str(part) for part in details["loc"]]
    # pydantic puts the kind after the table's name; the file has no such key.
    if len(location) > 2 and location[2] in {"linear", "above", "below"}:  # noqa: PLR2004 - trends.<name>.<kind>
        del location[2]
    remedy = {
        "missing": "is missing: add it",
        "extra_forbidden": "unknown key: correct its spelling, or remove it",
        "union_tag_invalid": '`kind` must be "linear", "above" or "below"',
        "union_tag_not_found": '`kind` is missing: "linear", "above" or "below"',
    }.get(details["type"], details["msg"].removeprefix("Value error, "))
    return f"{'.'.join(location)}: {remedy}"
