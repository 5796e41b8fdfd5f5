"""Passwords as people and generators make them, each kind with the signs that its surroundings allow."""

import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.redaction.blind.words import words
from tests.redaction.corpus.values import digits, letters

__all__ = ["password"]

_SIGNS: Final[Mapping[str, str]] = {
    "": "!@#%^*-_+=.?~/:",
    "tight": "!#%^*-_+=.~",
    "xml": "!@#%*-_+.?~",
    "wide": "!@#$%^&*()-_+=.,?~/:;<>[]{}|",
}
_PHRASE_SHARE: Final = 0.05
_PLAIN: Final = string.ascii_letters + string.digits


def _word(chance: Random) -> str:
    return chance.choice(words("word"))


def _of_people(chance: Random, signs: str) -> str:
    """Return a password as people choose it."""
    word, year, sign = (
        _word(chance),
        str(chance.choice((chance.randint(1970, 2026), 123))),
        chance.choice(signs),
    )
    return chance.choice((
        word + year + sign,
        word.lower() + year + "x",
        word + sign + year,
        word.replace("a", "@" if "@" in signs else "4").replace("o", "0") + year,
        sign + word + year,
        f"{word.lower()}-{_word(chance).lower()}-{year}",
    ))  # fmt: skip


def _of_machines(chance: Random, signs: str) -> str:
    """Return a password as generators make it, without a dash at its start: that would be an option."""
    alphabet = chance.choice((_PLAIN, _PLAIN + signs, "0123456789abcdef"))
    size = chance.choice((8, 10, 12, 12, 16, 16, 20, 24, 32, 48, 64))
    while (made := letters(chance, size, alphabet))[0] in "-=":
        pass
    return made


def _simple(chance: Random) -> str:
    """Return a password of letters and digits, or with one of the signs that need no quotes anywhere."""
    word = _word(chance)
    return chance.choice((
        f"{word}{chance.randint(2015, 2026)}!",
        f"{word.lower()}{chance.randint(10, 9999)}",
        letters(chance, chance.randint(10, 24)),
        f"{word}_{chance.randint(1, 99)}_{letters(chance, 4)}",
        "".join(chance.choices(string.ascii_lowercase, k=chance.randint(7, 10))),
    ))  # fmt: skip


def _symbol(chance: Random) -> str:
    word, signs = _word(chance), chance.choices("@:/#%&!$*^~?+=", k=3)
    return chance.choice((
        f"{word}{signs[0]}{chance.randint(100, 9999)}",
        f"{letters(chance, 4)}{signs[0]}{letters(chance, 4)}{signs[1]}{letters(chance, 4)}",
        f"P{signs[0]}ss{signs[1]}w0rd{signs[2]}{chance.randint(1, 99)}",
        f"{word}{chance.randint(10, 99)}{signs[0]}{letters(chance, 3)}",
        _simple(chance),
    ))  # fmt: skip


def _words(chance: Random) -> str:
    return f"{' '.join(chance.choices(words('word'), k=3)).lower()} {chance.randint(10, 99)}"


def _sentence(chance: Random) -> str:
    """Return a password that needs quotes: it has blanks, commas or brackets."""
    return chance.choice((
        f"{_words(chance)} {_word(chance).lower()}",
        f"{letters(chance, 5)},{letters(chance, 4)};{letters(chance, 3)}",
        f"{_word(chance)}({chance.randint(10, 99)})]{letters(chance, 4)}",
        f"{letters(chance, 4)}{{{letters(chance, 4)}}}",
        _symbol(chance),
        _symbol(chance),
    ))  # fmt: skip


def _escapes(chance: Random) -> str:
    signs = chance.choice("\"\\&<'"), chance.choice('"\\&>')
    return f"{letters(chance, 4)}{signs[0]}{letters(chance, 4)}{signs[1]}{letters(chance, 5)}"


_PASSWORDS: Final[Mapping[str, Callable[[Random], str]]] = {
    "simple": _simple,
    "symbol": _symbol,
    "sentence": _sentence,
    "words": _words,
    "escapes": _escapes,
    "at": lambda chance: f"{chance.choice(words('word'))}@{digits(chance, 2)}{letters(chance, 4)}",
    "slash": lambda chance: f"{letters(chance, 6)}/{letters(chance, 6)}#{letters(chance, 2)}",
    "hash": lambda chance: f"{chance.choice(words('word'))}#{digits(chance, 3)}%{letters(chance, 3)}",
    "yaml": lambda chance: f"{letters(chance, 6)}{chance.choice('@$#:')}{letters(chance, 6)}",
    "markup": lambda chance: f"{letters(chance, 4)}&{letters(chance, 4)}<{letters(chance, 5)}>",
}


def password(chance: Random, variant: str) -> str:
    """Return a password of a kind; without one, with the signs that an unquoted value may have."""
    if variant in _PASSWORDS:
        return _PASSWORDS[variant](chance)
    if variant == "wide" and chance.random() < _PHRASE_SHARE:
        return _words(chance)
    return chance.choice((_of_people, _of_machines, _of_machines))(chance, _SIGNS[variant])
