"""The generator: lines of 16 formats with canaries planted in them, and lines without any. The same seed, the same lines."""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from tests.redaction.corpus.coded_shapes import CODED_SHAPES
from tests.redaction.corpus.fillers import FILLERS, is_diagnostic, tokens_of
from tests.redaction.corpus.header_shapes import AUTHORIZATIONS, COOKIE_SHAPES, HEADER_SHAPES, KEY_FILE_SHAPES, cookie
from tests.redaction.corpus.keys import KEYS, URLS, opaque, password, pem
from tests.redaction.corpus.pair_shapes import PAIR_SHAPES
from tests.redaction.corpus.plain_shapes import LINK_SHAPES, PLAIN_SHAPES, Shape
from tests.redaction.corpus.planted import Canary, Fragment, Planted, Value
from tests.redaction.corpus.user_shapes import USER_SHAPES
from tests.redaction.corpus.values import PERSONAL, host_name, hosts_address, mail, user_name
from worker.redaction import Kind

__all__ = ["clean_lines", "ordinary_lines", "planted_lines", "system_lines", "together"]

Maker = Callable[[Random], Value]

_HOLE: Final = re.compile(r"\{([a-z0-9_]+)\}")
_CUT_SHARE: Final = 0.03
_SECOND_SHARE: Final = 0.12
_PLAIN: Final = (
    "connection reset by peer",
    "no space left on device",
    "retrying in a moment",
    "queue is full, 12 waiting",
)
_DIRECT: Final[Mapping[str, tuple[Kind, Callable[[Random], str]]]] = {
    "ip": (Kind.IP_ADDRESS, hosts_address),
    "user": (Kind.USER, user_name),
    "mail": (Kind.EMAIL_ADDRESS, mail),
    "host": (Kind.HOST, host_name),
    "mac": (Kind.MAC_ADDRESS, lambda chance: ":".join(f"{chance.randrange(256):02x}" for _ in range(14))),
}


def _password(chance: Random) -> Value:
    return Value("password", Kind.PASSWORD, password(chance))


def _secret(chance: Random) -> Value:
    return Value("secret", Kind.SECRET, opaque(chance))


def _user(chance: Random) -> Value:
    return Value("user", Kind.USER, user_name(chance))


_PASSWORDS_ALONE: Final = ("quoted words", "quotation mark within", "sql")  # no key has blanks or quotation marks

# Makers, shapes and how often they are drawn, as parts of the whole.
_GROUPS: Final[tuple[tuple[Sequence[Maker], Sequence[Shape], int], ...]] = (
    (tuple(PERSONAL.values()), tuple(PLAIN_SHAPES.values()), 30),
    (tuple(KEYS.values()), tuple(PLAIN_SHAPES.values()), 16),
    (tuple(URLS.values()), tuple(LINK_SHAPES.values()), 12),
    ((_password, _password, _secret), tuple(PAIR_SHAPES.values()), 30),
    (tuple(KEYS.values()), tuple(shape for name, shape in PAIR_SHAPES.items() if name not in _PASSWORDS_ALONE), 5),
    ((_password, _secret), tuple(CODED_SHAPES.values()), 8),
    ((_user,), tuple(USER_SHAPES.values()), 14),
    (AUTHORIZATIONS, tuple(HEADER_SHAPES.values()), 8),
    ((cookie,), tuple(COOKIE_SHAPES.values()), 4),
    ((pem,), tuple(KEY_FILE_SHAPES.values()), 3),
)


@cache
def _templates(name: str) -> tuple[tuple[str, str], ...]:
    """Return the templates of a file, each with its format."""
    made, format_name = [], ""
    for line in Path(__file__).with_name(name).read_text("utf-8").splitlines():
        if re.fullmatch(r"\[[a-z]+\]", line):
            format_name = line[1:-1]
        elif line and not line.startswith("# "):
            made.append(
                (format_name, line if format_name == "json" else line.replace("\\n", "\n").replace("\\t", "\t"))
            )
    return tuple(made)


def _with_canaries() -> tuple[tuple[str, str], ...]:
    """Return the templates that have a place for a canary."""
    return tuple(
        each for each in _templates("formats.txt") if re.search(r"\{(slot|ip|user|mail|host|query)\}", each[1])
    )


def _fragment(chance: Random) -> Fragment:
    makers, shapes, _ = chance.choices(_GROUPS, weights=[group[2] for group in _GROUPS])[0]
    return chance.choice(shapes)(chance, chance.choice(makers)(chance))


def _slot(chance: Random) -> Fragment:
    made = _fragment(chance)
    if chance.random() < _SECOND_SHARE:
        made = made.joined(_fragment(chance), chance.choice((" ", ", ", "; ", " and ", " | ")))
    return made


def _query(chance: Random) -> Fragment:
    value = Value("password", Kind.PASSWORD, password(chance).replace("%", "x").replace("#", "y"))
    return CODED_SHAPES["percent-encoded value"](chance, value)


def _escaped(fragment: Fragment, format_name: str, template: str) -> Fragment:
    """Return a fragment as its format writes it: escaped in JSON and XML, and in logfmt's quotation marks."""
    if format_name == "xml":
        change: Callable[[str], str] = lambda text: html.escape(text, quote=False)  # noqa: E731 - one of three changes
    elif format_name == "json" or '"{slot}"' in template:
        change = lambda text: json.dumps(text, ensure_ascii=False)[1:-1]  # noqa: E731 - likewise
    else:
        return fragment
    canaries = tuple(
        replace(canary, forms=tuple(dict.fromkeys((*canary.forms, *map(change, canary.forms)))))
        for canary in fragment.canaries
    )
    return Fragment(change(fragment.text), canaries, fragment.keeps)


def _direct(chance: Random, name: str, format_name: str) -> Fragment:
    kind, make = _DIRECT[name]
    return Fragment.of(
        Value({"ip": "ipv4", "mail": "e-mail"}.get(name, name), kind, make(chance)), f"in {format_name}", "@"
    )


def _planted(chance: Random, format_name: str, template: str) -> Planted:
    canaries: list[Canary] = []
    keeps: list[str] = []
    beside: list[str] = []

    def filled(hole: re.Match[str]) -> str:
        name = hole[1]
        if name in FILLERS:
            return FILLERS[name](chance)
        if name in _DIRECT:
            fragment = _direct(chance, name, format_name)
            fragment = replace(fragment, text=fragment.canaries[0].forms[0])
        elif name in ("slot", "query"):
            fragment = _escaped(_slot(chance) if name == "slot" else _query(chance), format_name, template)
        else:
            return hole[0]
        canaries.extend(fragment.canaries)
        keeps.extend(fragment.keeps)
        beside.append(fragment.text)
        return f"\0{len(beside) - 1}\0"

    frame = _HOLE.sub(filled, template)
    text = re.sub(r"\0([0-9]+)\0", lambda mark: beside[int(mark[1])], frame)
    tokens = tokens_of(re.sub(r"\0[0-9]+\0", "[X]", frame))
    return Planted(
        format_name,
        text,
        tuple(canaries),
        (*(token for token in tokens if token != "X" and is_diagnostic(token)), *keeps),
    )


def planted_lines(seed: int, canaries: int) -> Iterator[Planted]:
    """Yield lines until so many canaries are planted. Some lines are cut within a long key, as writers do."""
    chance, templates = Random(seed), _with_canaries()
    while canaries > 0:
        made = (
            _cut(chance, chance.choice(templates))
            if chance.random() < _CUT_SHARE
            else _planted(chance, *chance.choice(templates))
        )
        canaries -= len(made.canaries)
        yield made


def _cut(chance: Random, template: tuple[str, str]) -> Planted:
    """Return a line that ends within a key."""
    value = chance.choice(tuple(KEYS.values()))(chance)
    text = value.text[: int(len(value.text) * chance.uniform(0.65, 0.95))]
    pieces = tuple(piece for piece in value.pieces if piece in text)
    lead = chance.choice(("got ", "token=", "key ", "Authorization: Bearer ", '"auth":"'))
    head = FILLERS["iso_ms"](chance)
    canary = Fragment.of(replace(value, text=text, pieces=pieces), "cut at the line's end", text).canaries
    return Planted(template[0], f"{head} ERROR {lead}{text}", canary, (*tokens_of(head), "ERROR"))


def ordinary_lines(seed: int, number: int) -> Iterator[Planted]:
    """Yield lines as logs mostly are: addresses and accounts where their format has them, and a plain message."""
    chance, templates = Random(seed), _templates("formats.txt")
    for _ in range(number):
        format_name, template = chance.choice(templates)
        plain = template.replace("{slot}", chance.choice(_PLAIN)).replace("{query}", "page=2")
        yield _planted(chance, format_name, plain)


def system_lines(seed: int, number: int) -> Iterator[Planted]:
    """Yield lines in the shapes of 16 systems that many know: most have no address and nothing to take out."""
    chance, templates = Random(seed), _templates("systems.txt")
    for _ in range(number):
        yield _planted(chance, *chance.choice(templates))


def clean_lines(seed: int, number: int) -> Iterator[Planted]:
    """Yield lines in which nothing is to be masked."""
    chance, templates = Random(seed), _templates("clean.txt")
    for _ in range(number):
        _, template = chance.choice(templates)
        text = _HOLE.sub(lambda hole: FILLERS[hole[1]](chance) if hole[1] in FILLERS else hole[0], template)
        yield Planted("clean", text, tokens=tuple(token for token in tokens_of(text) if is_diagnostic(token)))


def together(lines: Sequence[Planted], number: int) -> Iterator[Planted]:
    """Yield so many lines as one text, as a tool's answer is masked: what is taken away may reach into the next line."""
    for start in range(0, len(lines), number):
        some = lines[start : start + number]
        canaries = tuple(canary for line in some for canary in line.canaries)
        tokens = tuple(token for line in some for token in line.tokens)
        yield Planted("together", "\n".join(line.text for line in some), canaries, tokens)
