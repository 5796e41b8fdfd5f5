"""Every source in the table: whatever JSON is sent, each alert has one bounded outcome, and nothing raises."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.parsers import PARSERS
from producers.sources.strict_json import read_value
from worker.contract import Incident, Resolution
from worker.contract.incident import TEXT_LIMIT_BYTES
from worker.contract.text import visible

FIXTURES: Final = Path(__file__).parent / "fixtures"
NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DOCUMENTS: Final = {
    f"{source}/{path.stem}": json.loads(path.read_text(encoding="utf-8"))
    for source in ("pagerduty", "datadog", "zabbix", "cloudevents")
    for path in sorted((FIXTURES / source).glob("*.json"))
}
SPOILT: Final[tuple[object, ...]] = (
    None,
    True,
    -1,
    1e300,
    10**60,
    "",
    " ",
    "\ud800",
    "\x1b[2J\u202e",
    "x" * 40_000,
    [],
    {},
    [[]],
    [None],
)
REASON_LIMIT_CHARACTERS: Final = 400
LABELS_LIMIT: Final = 33
LABEL_LIMIT_BYTES: Final = 300


def outcomes_of(source: str, document: object) -> list[Outcome]:
    return list(PARSERS[source](document, Arrival(received_at=NOW, unique="u1", source=source)))


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_in(each)


def places_in(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    for key, each in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from places_in(each, (*place, key))


def alerts_in(source: str, document: Any) -> int:
    """Return how many alerts a document holds, as its format has it."""
    listed = document.get("messages") if source == "pagerduty" and isinstance(document, dict) else document
    if source != "datadog" and isinstance(listed, list) and listed:
        return len(listed)
    return 1


def assert_bounded(outcome: Outcome) -> None:
    if isinstance(outcome, Rejection | Ignored):
        assert 0 < len(outcome.reason) <= REASON_LIMIT_CHARACTERS
        assert "\n" not in visible(outcome.reason) == outcome.reason
        return
    assert isinstance(outcome, Incident | Resolution)
    assert 0 < len(outcome.text.encode()) <= TEXT_LIMIT_BYTES
    if isinstance(outcome, Incident):
        assert len(outcome.labels) <= LABELS_LIMIT
        assert all(len(text.encode()) <= LABEL_LIMIT_BYTES for pair in outcome.labels.items() for text in pair)
    assert type(outcome).model_validate_json(outcome.model_dump_json()) == outcome


NAMES: Final = sorted({name for document in DOCUMENTS.values() for name in keys_in(document)})
TEXTS: Final = st.one_of(
    st.text(st.characters()),
    st.sampled_from(
        [
            "1.0",
            "1",
            "0",
            "resolved",
            "{EVENT.ID}",
            "$ID",
            "0001-01-01T00:00:00+14:00",
            '{"a":1,"a":2}',
            "[" * 200,
            "e" * 40_000,
            "\ud800",
        ]
    ),
)
SCALARS: Final = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
VALUES: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | TEXTS, inner, max_size=8),
    max_leaves=24,
)


@pytest.mark.parametrize("source", PARSERS)
@settings(max_examples=80, deadline=None)
@given(document=VALUES)
def test_whatever_json_is_sent_nothing_raises_and_every_outcome_is_bounded(source: str, document: object) -> None:
    outcomes = outcomes_of(source, document)
    assert outcomes
    for outcome in outcomes:
        assert_bounded(outcome)


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {"cloudevents/alertmanager-inside"}))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_whatever_is_missing_mistyped_or_added_each_alert_has_one_outcome(name: str, data: st.DataObject) -> None:
    source, document = name.split("/", maxsplit=1)[0], copy.deepcopy(DOCUMENTS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        *path, last = data.draw(st.sampled_from([place for place in places_in(document) if place]))
        parent = document
        for key in path:
            parent = parent[key]
        if data.draw(st.booleans()):
            parent[last] = data.draw(VALUES.filter(lambda value: not (isinstance(value, dict) and "alerts" in value)))
        elif isinstance(parent, dict):
            del parent[last]
            parent[data.draw(TEXTS)] = data.draw(SCALARS)
        if not any(places_in(document)):
            break
    outcomes = outcomes_of(source, document)
    assert len(outcomes) == alerts_in(source, document)
    for outcome in outcomes:
        assert_bounded(outcome)


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {"cloudevents/alertmanager-inside"}))
def test_each_single_value_may_be_anything_and_each_alert_still_has_one_outcome(name: str) -> None:
    source = name.split("/", maxsplit=1)[0]
    for *path, last in filter(None, places_in(DOCUMENTS[name])):
        for value in SPOILT:
            document = copy.deepcopy(DOCUMENTS[name])
            parent = document
            for key in path:
                parent = parent[key]
            parent[last] = value
            outcomes = outcomes_of(source, document)
            assert len(outcomes) == alerts_in(source, document)
            for outcome in outcomes:
                assert_bounded(outcome)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_unknown_fields_change_nothing(name: str) -> None:
    source, document = name.split("/", maxsplit=1)[0], copy.deepcopy(DOCUMENTS[name])
    for each in document if isinstance(document, list) else [document]:
        each["zz_new"] = {"deep": [1, {"deeper": None}]}
    assert outcomes_of(source, document) == outcomes_of(source, DOCUMENTS[name])


@pytest.mark.parametrize("source", PARSERS)
def test_a_source_is_named_as_its_module_and_rejects_what_is_not_its_payload(source: str) -> None:
    assert PARSERS[source].__module__ == f"producers.sources.{source}"
    (outcome,) = outcomes_of(source, {"hello": "world"})
    assert isinstance(outcome, Rejection)
    assert "expected" in outcome.reason


@pytest.mark.parametrize(("flaw", "reason"), [('{"a": 1, "a": 2}', "one key twice"), ('{"a": NaN}', "NaN is not")])
@pytest.mark.parametrize(
    ("source", "document"),
    [
        ("alertmanager", '{"alerts": [%s, {"labels": {"alertname": "Slow"}}]}'),
        ("grafana", '{"alerts": [%s, {"labels": {"alertname": "Slow"}}]}'),
        ("pagerduty", '{"messages": [%s, {"event": "incident.trigger", "incident": {"id": "P1", "title": "Slow"}}]}'),
        ("zabbix", '[%s, {"event_name": "Slow"}]'),
        ("cloudevents", '[%s, {"id": "1", "source": "/s", "specversion": "1.0", "type": "t", "data": "slow"}]'),
    ],
)
def test_one_alert_that_is_flawed_json_is_rejected_for_that_and_stops_no_other(
    source: str, document: str, flaw: str, reason: str
) -> None:
    rejected, taken = outcomes_of(source, read_value(document % flaw))
    assert isinstance(rejected, Rejection)
    assert reason in rejected.reason
    assert isinstance(taken, Incident)


def test_two_alerts_of_one_document_without_identity_are_two_occurrences() -> None:
    document = [{"name": "Ping failed", "host": "web-01"}] * 2
    first, second = outcomes_of("zabbix", document)
    assert isinstance(first, Incident)
    assert isinstance(second, Incident)
    assert first.incident_id != second.incident_id
