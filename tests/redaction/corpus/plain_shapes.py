"""Shapes for values that are known by their own form: they stand in a sentence, a list, a URL, a command."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Final
from urllib.parse import quote

from tests.redaction.corpus.planted import Fragment, Value
from tests.redaction.corpus.values import letters

__all__ = ["LINK_SHAPES", "PLAIN_SHAPES", "Shape"]

Shape = Callable[[Random, Value], Fragment]

_PLAIN_NAMES: Final = ("value", "peer", "arg0", "remote", "id", "src", "data", "old", "target", "input")


def _in(shape: str, *templates: str) -> Shape:
    """Return the shape that puts the value where `@` stands in one of the templates."""
    return lambda chance, value: Fragment.of(value, shape, chance.choice(templates).replace("@", value.text))


def _pair(chance: Random, value: Value) -> Fragment:
    mark = chance.choice(("=", ": ", " = ", ":", "=>", " -> ", "\t"))
    return Fragment.of(value, "plain pair", f"{chance.choice(_PLAIN_NAMES)}{mark}{value.text}")


def _object(chance: Random, value: Value) -> Fragment:
    made = {chance.choice(_PLAIN_NAMES): value.text, "attempt": chance.randint(1, 9)}
    separators = chance.choice(((",", ":"), (", ", ": "), (" , ", " : ")))
    return Fragment.of(value, "json", json.dumps(made, separators=separators))


def _nested(chance: Random, value: Value) -> Fragment:
    inner = json.dumps({chance.choice(_PLAIN_NAMES): value.text})
    return Fragment.of(value, "json in json", json.dumps({"body": inner, "n": 1}))


def _query(chance: Random, value: Value) -> Fragment:
    written = quote(value.text, safe="")
    text = f"https://api.vendor.example/v1/lookup?q={written}&page={chance.randint(1, 9)}"
    return Fragment.of(replace(value, keeps=()), "url query", text, quote(value.secret or value.text, safe=""))


def _several(chance: Random, value: Value) -> Fragment:
    text = f"[{letters(chance, 6)}, {value.text}, {letters(chance, 6)}]"
    return Fragment.of(value, "list", text)


def _traceback(chance: Random, value: Value) -> Fragment:
    text = (
        f'  File "/srv/app/orders/{chance.choice(_PLAIN_NAMES)}.py", line {chance.randint(3, 900)}, in load\n'
        f"    raise LookupError({value.text!r})\nLookupError: {value.text}"
    )
    return Fragment.of(value, "traceback", text)


PLAIN_SHAPES: Final[Mapping[str, Shape]] = {
    "sentence": _in("sentence", "no answer for @ after retry", "handing @ over", "using @ from cache", "got @, skipped"),
    "line end": _in("line end", "could not resolve @", "giving up on @", "rejected: @."),
    "parentheses": _in("parentheses", "lookup (@) failed", "entry <@> ignored", "record {@} dropped", "key [@] unknown"),
    "quoted": _in("quoted", "invalid value '@'", 'unknown entry "@"', "unexpected `@`", "rejected “@”", "rejected «@»", 'bad \\"@\\"'),
    "plain pair": _pair,
    "json": _object,
    "json in json": _nested,
    "url query": _query,
    "list": _several,
    "command": _in("command", "$ ./import.sh @ --dry-run", "+ run-check -t @", "exec: /usr/bin/lookup @ 2>&1"),
    "traceback": _traceback,
    "slash and pipe": _in("slash and pipe", "a|@|b", "x;@;y", "col1,@,col3", "from/@ to"),
}  # fmt: skip

LINK_SHAPES: Final[Mapping[str, Shape]] = {
    "sentence": _in("sentence", "connecting to @ timed out", "using @ as upstream", "cannot open @: refused"),
    "line end": _in("line end", "trying @", "giving up on @"),
    "quoted": _in("quoted", "dial '@' failed", 'open "@": EOF', "endpoint `@` unreachable", 'bad \\"@\\"'),
    "angle brackets": _in("angle brackets", "see <@>", "link: (@)", "[@]"),
    "plain pair": _in("plain pair", "url=@", "UPSTREAM_URL=@", "dsn: @", "endpoint -> @", "ConnectionStrings__Main=@"),
    "json": _object,
    "json in json": _nested,
    "command": _in("command", "curl -sS '@'", 'wget -q "@"', "git clone @ /srv/app", "exec: migrate -database '@' up"),
    "traceback": _traceback,
}  # fmt: skip
