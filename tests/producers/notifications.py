"""Captured notifications, and how to spoil them: shared by the tests of the sources that look like Alertmanager's."""

import copy
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from worker.contract import Incident, Resolution
from worker.contract.incident import TEXT_LIMIT_BYTES

__all__ = ["NOW", "arrival_of", "assert_bounded", "fixture_of", "incidents_in", "json_values", "spoilt"]

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
"""After everything that was captured, and after what will be captured next."""

REASON_LIMIT_CHARACTERS: Final = 300
_FIXTURES: Final = Path(__file__).with_name("fixtures")


def fixture_of(source: str, name: str) -> Any:
    return json.loads((_FIXTURES / source / f"{name}.json").read_text(encoding="utf-8"))


def arrival_of(source: str, *, unique: str = "u1", received_at: datetime = NOW) -> Arrival:
    return Arrival(received_at=received_at, unique=unique, source=source)


def incidents_in(outcomes: Sequence[Outcome]) -> list[Incident]:
    assert all(isinstance(outcome, Incident) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Incident)]


def assert_bounded(outcome: Outcome) -> None:
    """Fail unless an outcome is of bounded size, and can be written and read again."""
    match outcome:
        case Incident() | Resolution():
            assert len(outcome.text.encode()) <= TEXT_LIMIT_BYTES
            assert len(outcome.model_dump_json()) < 10 * TEXT_LIMIT_BYTES
            assert type(outcome).model_validate_json(outcome.model_dump_json()) == outcome
        case Rejection() | Ignored():
            assert 0 < len(outcome.reason) <= REASON_LIMIT_CHARACTERS


json_values: Final = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20) | st.just("0001-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _deep() -> object:
    value: object = "bottom"
    for _ in range(5_000):
        value = [value]
    return value


_NASTY: Final[tuple[object, ...]] = (
    None,
    "",
    "x" * 50_000,
    "\ud800",
    "\x1b[2J\u202e",
    "9999-12-31T23:59:59-12:00",
    10**60,
    True,
    {},
    [],
)


@st.composite
def spoilt(draw: st.DrawFn, value: Any, *, changes: int = 3) -> Any:
    """A JSON value of which some parts were left out, added, or replaced by something else."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, changes))):
        container, key = draw(st.sampled_from(list(_places(value))))
        kind = draw(st.sampled_from(["leave out", "add", "nasty", "deep", "any"]))
        if kind == "leave out" and isinstance(container, dict):
            container.pop(key, None)
        elif kind == "add" and isinstance(container, dict):
            container[draw(st.text(max_size=8))] = draw(json_values)
        elif kind == "deep":
            container[key] = _deep()
        else:
            container[key] = draw(st.sampled_from(_NASTY) if kind == "nasty" else json_values)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a value, however deep, as its container and its key there."""
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            yield container, key
            if isinstance(container[key], dict | list) and container[key]:
                waiting.append(container[key])
    if isinstance(value, dict):
        yield value, "spare"
