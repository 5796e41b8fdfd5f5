"""Shapes in which the value itself is not to be read any more, but whoever decodes the line has it."""

import base64
import json
from collections.abc import Mapping
from random import Random
from typing import Final
from urllib.parse import quote, quote_plus

from tests.redaction.corpus.pair_shapes import name_for
from tests.redaction.corpus.plain_shapes import Shape
from tests.redaction.corpus.planted import Fragment, Value

__all__ = ["CODED_SHAPES"]


def _percent(chance: Random, value: Value) -> Fragment:
    text = quote(value.text, safe="")
    made = f"/login?user=app&{name_for(chance, value, 'snake', 'camel', 'kebab')}={text}&next=%2Fhome"
    return Fragment.of(value, "percent-encoded value", made, text)


def _percent_pair(chance: Random, value: Value) -> Fragment:
    text = quote_plus(value.text)
    pair = quote_plus(f"{name_for(chance, value, 'snake', 'camel')}={value.text}")
    return Fragment.of(value, "percent-encoded pair", f"/redirect?to=%2Fcb%3F{pair}%26x%3D1", text)


def _percent_object(chance: Random, value: Value) -> Fragment:
    text = quote(json.dumps({name_for(chance, value): value.text}), safe="")
    return Fragment.of(value, "percent-encoded json", f"state={text}", quote(value.text, safe=""))


def _blob(plain: str) -> str:
    return base64.b64encode(plain.encode()).decode()


def _blob_pair(chance: Random, value: Value) -> Fragment:
    blob = _blob(f"{name_for(chance, value, 'snake', 'capitals', 'camel')}={value.text}")
    return Fragment.of(
        value,
        "base64 of a pair",
        chance.choice(("payload={}", "data: {}", "body {} received", '"raw":"{}"')).format(blob),
        blob,
    )


def _blob_object(chance: Random, value: Value) -> Fragment:
    blob = _blob(json.dumps({"user": "app", name_for(chance, value): value.text}))
    return Fragment.of(
        value, "base64 of json", chance.choice(("payload={}", "state={}", "message: {}")).format(blob), blob
    )


def _blob_header(chance: Random, value: Value) -> Fragment:
    blob = _blob(f"Authorization: Bearer {value.text}")
    return Fragment.of(
        value, "base64 of a header", chance.choice(("headers={}", "x-forwarded-raw: {}", "[{}]")).format(blob), blob
    )


def _named_blob(chance: Random, value: Value) -> Fragment:
    """Write it as a Kubernetes Secret does: the name says it, the value is base64."""
    blob = _blob(value.text)
    name = name_for(chance, value, "snake", "kebab", "camel")
    made = chance.choice((f"data:\n  {name}: {blob}", f'"data":{{"{name}":"{blob}"}}', f"{name}={blob}"))
    return Fragment.of(value, "base64 under a name", made, blob)


def _blob_basic(chance: Random, value: Value) -> Fragment:
    blob = _blob(f"app:{value.text}")
    made = chance.choice((f"Basic {blob}", f'"auth": "{blob}"', f"_auth={blob}", f"Proxy-Authorization: Basic {blob}"))
    return Fragment.of(value, "base64 of user and password", made, blob)


def _unicode(chance: Random, value: Value) -> Fragment:
    """Write what JSON libraries escape for browsers."""
    text = value.text.replace("&", "\\u0026").replace("=", "\\u003d").replace("+", "\\u002b").replace("/", "\\/")
    return Fragment.of(value, "escaped for browsers", f'{{"{name_for(chance, value)}":"{text}"}}', text)


CODED_SHAPES: Final[Mapping[str, Shape]] = {
    "percent-encoded value": _percent,
    "percent-encoded pair": _percent_pair,
    "percent-encoded json": _percent_object,
    "base64 of a pair": _blob_pair,
    "base64 of json": _blob_object,
    "base64 of a header": _blob_header,
    "base64 under a name": _named_blob,
    "base64 of user and password": _blob_basic,
    "escaped for browsers": _unicode,
}
