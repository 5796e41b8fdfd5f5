"""Reading a broker message: one id comes out, or a sentence."""

import base64
import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.contract.queue import MESSAGE_LIMIT_BYTES, QUEUES, read_message, render_message

INCIDENT_ID: Final = "inc-0123456789abcdef0123"
HINT: Final = json.loads(render_message(INCIDENT_ID, QUEUES[0]))


def changed(**changes: object) -> bytes:
    return json.dumps(HINT | changes).encode()


def with_body(body: object) -> bytes:
    return changed(body=json.dumps(body))


def in_base64(body: bytes) -> bytes:
    return encoded(base64.b64encode(body).decode())


def encoded(body: str) -> bytes:
    return changed(body=body, properties=HINT["properties"] | {"body_encoding": "base64"})


def test_what_is_rendered_is_read() -> None:
    assert read_message(render_message(INCIDENT_ID, QUEUES[0]).encode()) == INCIDENT_ID


def test_what_celerys_own_hand_has_put_there_in_base64_is_read() -> None:
    assert read_message(in_base64(HINT["body"].encode())) == INCIDENT_ID


def test_what_kombu_has_put_back_is_read() -> None:
    headers = HINT["headers"] | {"redelivered": True}
    properties = HINT["properties"] | {"delivery_info": {"exchange": "", "routing_key": "x", "redelivered": True}}
    assert read_message(changed(headers=headers, properties=properties)) == INCIDENT_ID


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "JSON"),
        (b"this is not JSON", "JSON"),
        (changed()[:300], "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (b"[" * 5_000, "JSON"),
        (b"42", "object"),
        (b"[]", "object"),
        (changed(properties=None), "properties"),
        (changed(properties={}), "body_encoding"),
        (changed(headers={}), "headers.task"),
        (changed(headers={"task": "celery.backend_cleanup"}), "headers.task"),
        (changed(body=7), "body"),
        (changed(body="%%%"), "body"),
        (encoded("%%%"), "base64"),
        (in_base64(b"%%%"), "body"),
        (in_base64(b"[" * 5_000), "body"),
        (changed(properties={"body_encoding": "rot13"}), "body_encoding"),
        (changed(**{"content-type": "application/x-python-serialize"}), "content-type"),
        (changed(**{"content-type": "application/x-yaml"}), "content-type"),
        (changed(**{"content-encoding": "binary"}), "content-encoding"),
        (with_body(42), "body"),
        (with_body([[INCIDENT_ID], {}]), "body"),
        (with_body([[], {}, {}]), "body"),
        (with_body([[INCIDENT_ID, INCIDENT_ID], {}, {}]), "body"),
        (with_body([[INCIDENT_ID], {"more": 1}, {}]), "body"),
        (with_body([[7], {}, {}]), "body"),
        (with_body([["inc-1"], {}, {}]), "body"),
        (with_body([[f"{INCIDENT_ID}\n"], {}, {}]), "body"),
        (changed(body="[" * 5_000), "body"),
        (changed(more="x" * MESSAGE_LIMIT_BYTES), "at most"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        read_message(content)
    assert "\n" not in str(refusal.value)
    assert INCIDENT_ID not in str(refusal.value), "what a stranger wrote is not quoted"


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | json_values.map(with_body)
    | st.binary().map(in_base64)
)
def test_whatever_comes_nothing_but_a_value_error_is_raised(content: bytes) -> None:
    with pytest.raises(ValueError, match="the "):
        read_message(content)
