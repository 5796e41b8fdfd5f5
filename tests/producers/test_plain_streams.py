"""Streams: one bad line never stops the others, nothing is held past its limit, and nothing raises."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import Parsed, Rejection, parse_stream
from producers.sources import plain
from worker.contract import Incident, Resolution

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def parsed(content: bytes) -> list[Parsed]:
    return list(parse_stream(io.BytesIO(content), now=lambda: NOW, unique="u1"))


def texts(content: bytes) -> list[tuple[int, str]]:
    """Return each line number with the incident's text, or "-" for a rejection."""
    return [(number, found.text if isinstance(found, Incident) else "-") for number, found in parsed(content)]


def reasons(content: bytes) -> list[tuple[int, str]]:
    return [(number, found.reason) for number, found in parsed(content) if isinstance(found, Rejection)]


def test_lines_of_json_and_of_free_text_may_be_mixed_and_blank_ones_are_skipped() -> None:
    content = b'\n{"error_msg": "one"}\r\n\n  \ntwo is slow\n{"text": "three"}'
    assert texts(content) == [(2, "one"), (5, "two is slow"), (6, "three")]


def test_a_bad_line_never_stops_the_others() -> None:
    content = b'{"error_msg": "one"}\n{"error_msg": NaN}\n\xff\xfe\n{"oops\n[1, 2\n{"error_msg": "six"}\n'
    assert texts(content) == [(1, "one"), (2, "-"), (3, "-"), (4, "-"), (5, "[1, 2"), (6, "six")]


def test_an_array_gives_one_alert_an_element_with_the_line_it_begins_on() -> None:
    content = b'\n[\n  {"error_msg": "one"},\n  {"error_msg": 1e999},\n  7,\n  {\n   "error_msg": "four"}\n]\n'
    assert texts(content) == [(3, "one"), (4, "-"), (5, "-"), (6, "four")]


def test_an_array_on_one_line_may_be_longer_than_a_line_may_be() -> None:
    alerts = [{"error_msg": f"alert {n}", "pad": "x" * 1000} for n in range(400)]
    found = parsed(json.dumps(alerts).encode())
    assert len(found) == 400
    assert len({outcome.incident_id for _, outcome in found if isinstance(outcome, Incident)}) == 400


def test_pretty_printed_alerts_one_after_the_other_are_read() -> None:
    alerts = [{"error_msg": "one"}, {"error_msg": "two"}]
    content = "\n".join(json.dumps(alert, indent=2) for alert in alerts).encode()
    assert texts(content) == [(1, "one"), (4, "two")]


@pytest.mark.parametrize("rest", [b",", b', {"error_msg" "b"}]', b" {}]", b"", b', {"x": ' + b"[" * 100_000])
def test_after_a_syntax_error_the_rest_of_a_document_is_named_as_unread(rest: bytes) -> None:
    found = parsed(b'[\n{"error_msg": "one"}\n' + rest)
    assert isinstance(found[0].outcome, Incident)
    assert len(found) == 2
    assert found[1].line_number in (2, 3)
    assert isinstance(found[1].outcome, Rejection)
    assert "the rest of the document was not read" in found[1].outcome.reason


def test_an_empty_stream_and_an_empty_array_hold_no_alerts() -> None:
    assert parsed(b"") == parsed(b"\n \n") == parsed(b"[]") == parsed(b"[\n]\n") == []


END = b'{"error_msg": "one", "timestamp": "2026-11-22T02:00:00Z", "status": "resolved"}'


@pytest.mark.parametrize("content", [b"slow\n" + END, b"[\n" + END + b"]"])
def test_a_stream_tells_ends_too(content: bytes) -> None:
    found = parsed(content)[-1]
    assert found.line_number == 2
    assert isinstance(found.outcome, Resolution)


def test_an_alert_that_begins_with_a_bracket_is_free_text() -> None:
    assert texts(b"[FIRING:1] payment-server-01 is slow\n") == [(1, "[FIRING:1] payment-server-01 is slow")]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert texts(b'\xef\xbb\xbf{"error_msg": "one"}\ntwo') == [(1, "one"), (2, "two")]


class MeasuredStream(io.BytesIO):
    """Remembers the largest read that was asked for."""

    largest_read_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "an unbounded read"
        self.largest_read_bytes = max(self.largest_read_bytes, size)
        return super().readline(size)


def test_a_line_past_the_limit_is_rejected_with_its_size_and_never_held_whole() -> None:
    size_bytes = 3 * plain.LINE_LIMIT_BYTES
    stream = MeasuredStream(b"one\n" + b"x" * size_bytes + b"\nthree\n")
    found = list(parse_stream(stream, now=lambda: NOW, unique="u1"))

    assert [number for number, _ in found] == [1, 2, 3]
    assert found[1].outcome == Rejection(f"the line is {size_bytes} bytes long; the limit is {plain.LINE_LIMIT_BYTES}")
    assert isinstance(found[2].outcome, Incident)
    assert stream.largest_read_bytes <= plain.LINE_LIMIT_BYTES + 1


def test_a_line_of_exactly_the_limit_is_read() -> None:
    alert = b'{"error_msg": "a", "pad": "'
    line = alert + b"x" * (plain.LINE_LIMIT_BYTES - len(alert) - 2) + b'"}'
    assert texts(line + b"\n" + line) == [(1, "a"), (2, "a")]


def test_a_document_past_its_limit_is_rejected_as_a_whole() -> None:
    content = b'[{"error_msg": "one"}, ' + b" " * plain.DOCUMENT_LIMIT_BYTES
    assert "send one alert a line" in reasons(content)[0][1]
    assert len(parsed(content)) == 1


def test_a_document_that_is_not_utf8_is_rejected_with_the_byte_offset() -> None:
    assert reasons(b'[{"error_msg": "\xff"}]') == [(1, "this is not UTF-8: the byte at offset 16 cannot be read")]


def test_each_alert_has_the_time_of_its_own_arrival() -> None:
    def ticking() -> Iterator[datetime]:
        time = NOW
        while True:
            yield time
            time += timedelta(hours=1)

    ticks = ticking()
    found = list(parse_stream(io.BytesIO(b"one\ntwo\n"), now=lambda: next(ticks), unique="u1"))
    received = [outcome.received_at for _, outcome in found if isinstance(outcome, Incident)]
    assert received == [NOW, NOW + timedelta(hours=1)]


def test_equal_lines_without_a_time_are_two_incidents() -> None:
    ids = {outcome.incident_id for _, outcome in parsed(b"slow\nslow\n") if isinstance(outcome, Incident)}
    assert len(ids) == 2


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error_msg", "server_id", "timestamp", "severity", "labels", "x"]), inner)
    ),
    max_leaves=10,
)


@given(st.binary(max_size=200) | json_like.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_whatever_raise_and_every_line_number_is_in_the_stream(content: bytes) -> None:
    for line_number, outcome in parsed(content):
        assert 1 <= line_number <= content.count(b"\n") + 1
        if isinstance(outcome, Incident):
            assert outcome == Incident.model_validate_json(outcome.model_dump_json())
