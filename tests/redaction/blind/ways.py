"""Ways in which a value is written where it stands: escaped as its surroundings need it, encoded, in other letters."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

__all__ = ["WAYS"]


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _go_json(text: str) -> str:
    """Return JSON as Go writes it: markup escaped as well."""
    return _json(text).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


WAYS: Final[Mapping[str, Callable[[str], str]]] = {
    "url": lambda text: quote(text, safe=""),
    "json": _json,
    "gojson": _go_json,
    "xml": lambda text: escape(text, {'"': "&quot;", "'": "&apos;"}),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "sql": lambda text: text.replace("'", "''"),
    "shell": lambda text: text.replace("'", "'\\''"),
    "plus": lambda text: text.replace(" ", "+"),
    "dashes": lambda text: re.sub("[ .]", "-", text),
    "upper": str.upper,
    "lower": str.lower,
    "title": str.title,
}
