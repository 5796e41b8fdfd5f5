"""Whatever bytes come, each source's reader gives an outcome an alert, or says what is wrong; it never fails."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from producers.sources.alert import Arrival, Ignored, Rejection
from producers.sources.field_map import FieldMap
from producers.sources.parsers import PARSERS
from producers.webhook.limits import Limits
from producers.webhook.reading import Sent, check_media_type, outcomes_of, source_of
from producers.webhook.refusals import HttpError
from worker.contract import Incident, Resolution

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SOURCES = ["plain", *PARSERS]
NAMES = st.sampled_from(
    ["alerts", "labels", "event", "data", "status", "startsAt", "error_msg", "specversion", "id", "source", "type", "x"]
)
SCALARS = st.sampled_from(
    ["null", "true", "0", "-1", "1e999", "NaN", "-Infinity", "9" * 70, '"firing"', '"\\ud800"', '"1.0"', '"\\u0000"']
)
MEDIA_TYPES = ["application/json", "application/cloudevents-batch+json", "text/plain", "application/x-ndjson", ""]


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda values: f"[{','.join(values)}]")
        | st.lists(st.tuples(NAMES, inner), max_size=5).map(_object)
    ),
    max_leaves=20,
)


def read(source: str, body: bytes, media_type: str, headers: Mapping[str, str]) -> list[object]:
    found = CIMultiDict(headers)
    check_media_type(source, media_type, found)
    sent = Sent(source=source, media_type=media_type, headers=found, body=body)
    arrival = Arrival(received_at=NOW, unique="u", source=source, fields=FieldMap(group_by=("team",)))
    return list(outcomes_of(sent, PARSERS, arrival, Limits(alerts=50)))


@given(
    source=st.sampled_from(SOURCES),
    body=st.binary(max_size=200) | DOCUMENTS.map(str.encode),
    media_type=st.sampled_from(MEDIA_TYPES),
    headers=st.sampled_from([{}, {"CE-SpecVersion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "t"}]),
)
def test_any_body_is_understood_rejected_or_refused(
    source: str, body: bytes, media_type: str, headers: Mapping[str, str]
) -> None:
    refused = None
    try:
        outcomes = read(source, body, media_type, headers)
    except HttpError as error:
        refused, outcomes = error, []
    assert all(isinstance(outcome, Incident | Resolution | Rejection | Ignored) for outcome in outcomes)
    assert refused is None or (refused.status in {400, 413, 415} and refused.error and refused.where)


def test_one_flawed_alert_in_an_array_is_rejected_alone() -> None:
    body = b'[{"error_msg": "a"}, {"error_msg": NaN}, {"error_msg": "b", "error_msg": "c"}, {"error_msg": "d"}]'
    outcomes = read("plain", body, "application/json", {})
    assert [type(outcome) for outcome in outcomes] == [Incident, Rejection, Rejection, Incident]


@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/plain", ""])
def test_the_configured_labels_make_the_group_in_every_plain_form(media_type: str) -> None:
    body = b'{"error_msg": "a", "server_id": "web-1", "labels": {"team": "shop"}}'
    (incident,) = read("plain", body, media_type, {})
    assert isinstance(incident, Incident)
    assert incident.group == "team=shop"


@pytest.mark.parametrize(
    ("path_source", "media_type", "headers", "source"),
    [
        ("", "application/json", {}, "plain"),
        ("", "application/cloudevents+json", {}, "cloudevents"),
        ("", "application/json", {"Ce-Specversion": "1.0"}, "cloudevents"),
        ("zabbix", "application/json", {"Ce-Specversion": "1.0"}, "zabbix"),
        ("", "application/cloudevents+avro", {}, "plain"),
    ],
)
def test_the_path_names_the_source_and_without_it_the_headers_do(
    path_source: str, media_type: str, headers: Mapping[str, str], source: str
) -> None:
    assert source_of(path_source, media_type, CIMultiDict(headers)) == source
