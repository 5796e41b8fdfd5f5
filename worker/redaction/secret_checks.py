"""Checks of what a pattern found: words are no passwords, names of things no keys, counts no tokens. Pure."""

import re
from typing import Final

from worker.redaction.placeholders import is_placeholder
from worker.redaction.words import ORDINARY_WORDS

__all__ = [
    "always",
    "is_dense",
    "is_dense_key",
    "is_key_file",
    "is_listed_secret",
    "is_made_up",
    "is_mixed",
    "is_mixed_secret",
    "is_random",
    "is_secret_value",
]

_HARMLESS_NAME_BEFORE: Final = re.compile(
    r"(?:(?i:publickeytoken|count|length|[_.\-](?:len|size|name|type|kind|age|days|hours|seconds|ms|expir\w*|expiry|ttl|policy|history|stdin|prompt|"
    r"limit|max|min|url|uri|path|file|ids?|status|state|version|prefix|attempts?|used|usage|enabled|required|provider|"
    r"store|manager))|(?<=[a-z])(?:Size|Name|Type|Ids?|Age|Days|Ttl|Policy|Limit|Max|Min|Url|Uri|Path|File|Status|State|"
    r"Version|Prefix|Attempts|Usage|Enabled|Provider|Store|Manager|Expir\w*))"
    r"[\"'`\\]{0,2}\s{0,3}(?:=>|:=|[:=]|>|%3D|%3A|\s)\s{0,4}[\"'`\\“]{0,2}$"
)
_KEY_BEFORE: Final = re.compile(
    r"(?i)(?:tokens?|keys?|cookies?|credentials?)[\"'`\\]{0,2}\s{0,3}(?:=>|:=|[:=])\s{0,4}[\"'`\\“]{0,2}$"
)
_SETTING_BEFORE: Final = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]*:?=[\"']?$")
"""Where a variable is set: what stands behind is a value, a word too."""

_WORD: Final = re.compile(r"[A-Z]{1,16}|[A-Z]?[a-z]{1,16}(?:[A-Z][a-z]{2,16}){0,4}")
_NAME_OF_A_THING: Final = re.compile(r"[a-z]+(?:[-_./][a-z0-9]+)+|\d[\d\-:.TZ+]+|0x[0-9a-f]{1,20}")
"""A pod, a path, a time, a number of a session or a place in memory."""

_KEY_OF_A_THING: Final = re.compile(
    r"(?i)(?:cache|partition|row|sort|primary|foreign|idempotency|dedup\w*|object|map|hash|shard|lookup|message|record|"
    r"s3|redis|group|aggregation|order|public)[_.\- ]?key[\"'\\]{0,3}\s{0,4}[:=]\s{0,4}[\"'\\]{0,3}$"
)
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BASE64_LINE: Final = re.compile(r"[A-Za-z0-9+/]{16}|^[\s>|\"']*[A-Za-z0-9+/=]+\s*$")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]{1,30}(?:_[A-Z0-9]{2,30})+")
"""The name of a variable, which a sentence about settings goes on with."""

_SECRET_ID_BEFORE: Final = re.compile(r"(?i)(?:session|secret)[_.\-]?id[\"'`\\]{0,2}\s{0,3}[:=]\s{0,4}[\"'`\\]{0,2}$")
_WORKING_DIRECTORY: Final = re.compile(r"\b(?:OLD)?PWD=[\"']?/")
_COUNT_BEFORE: Final = re.compile(
    r"(?i)\bpass(?:ed|es)?\s?[:=]\s?$|tokens[\"'`\\]{0,2}\s{0,3}[:=]\s{0,4}[\"'`\\]{0,2}$|(?-i:[A-Z]\w*\.[a-z]\w*):$"
)
"""Where a number says how many tests passed, how many pieces a text has, or in which line of a method."""


_BEHIND_A_NAME: Final = re.compile(r"[\"']\s*:")
"""What follows the name of a field in JSON."""

_SETTING: Final = re.compile(r"[a-z_]+=[\w.]*")
_HALF_A_PLACEHOLDER: Final = re.compile(r"<?\[[A-Z][A-Z_]+(?:_\d+)?(?:\]>?(?:\s.*)?)?$")
_MASKED: Final = re.compile(
    r"(?i)[*x•.]{3,}"
    r"|<?\(?\[?(?:redacted|masked|hidden|filtered|removed|secret|omitted|none|null|nil|true|false|withheld)\]?\)?>?"
    r"|0x[0-9a-f]{1,20}|(?-i:(?:[a-z][a-z0-9_]*\.){2,}[A-Z][A-Za-z]*(?:@[0-9a-f]+)?)"
    r"|%[sdr]|\{\}|\$\{?(?-i:[A-Z_][A-Z0-9_]*|[a-z_]+)\}?|<[\w ]+>"
)


def always(value: str, before: str, after: str) -> bool:
    """Believe the pattern."""
    return not is_placeholder(value)


def is_mixed(value: str, before: str, after: str) -> bool:
    """Whether a token has digits or capitals inside, as words have not."""
    if _SETTING.fullmatch(value):
        return False
    return any(character.isdigit() for character in value) or not (value.islower() or value.istitle())


def is_secret_value(value: str, before: str, after: str) -> bool:
    """Whether what stands behind a secret's name can be one: no word of a sentence, no mask, no placeholder."""
    stripped = value.strip("\\\"'`,;.")
    if not any(map(str.isalnum, stripped)) or is_placeholder(stripped) or _HALF_A_PLACEHOLDER.match(stripped):
        return False
    return not (_says_something_else(value, before, after) or _is_a_word(stripped, before))


def is_listed_secret(value: str, before: str, after: str) -> bool:
    """Whether what stands behind a secret's name and a comma can be one: no name of the next field in an object."""
    return _BEHIND_A_NAME.match(after) is None and is_secret_value(value, before, after)


def _says_something_else(value: str, before: str, after: str) -> bool:
    """Whether the name is one of a count, a path or the like, or the value one of a variable or a directory."""
    is_harmless = _HARMLESS_NAME_BEFORE.search(before) and not _SECRET_ID_BEFORE.search(before)
    is_a_number = value.isdigit() and _COUNT_BEFORE.search(before)
    is_in_braces = before.endswith("{") and not any(map(str.isdigit, value))
    is_a_prefix = len(value) == 1 and after[:1] in {"'", '"'}
    is_a_variable = _VARIABLE.fullmatch(value.rstrip(":=")) or _WORKING_DIRECTORY.search(before + value)
    return bool(is_harmless or is_a_number or is_in_braces or is_a_prefix or is_a_variable)


def _is_a_word(stripped: str, before: str) -> bool:
    if stripped.casefold() in ORDINARY_WORDS or _MASKED.fullmatch(stripped):
        return True
    is_a_word = _WORD.fullmatch(stripped) and _KEY_BEFORE.search(before)
    return bool(is_a_word) and _SETTING_BEFORE.search(before) is None


def is_mixed_secret(value: str, before: str, after: str) -> bool:
    """Whether what stands in a sentence behind a secret's name is one: more than letters, and no number alone."""
    return is_random(value, before, after) and len(value) >= 6


def is_made_up(value: str, before: str, after: str) -> bool:
    """Whether a word right behind a secret's name has letters and several digits, and is no name of a thing."""
    return len(value) >= 8 and sum(map(str.isdigit, value)) >= 2 and is_random(value, before, after)


def is_dense(value: str, before: str, after: str) -> bool:
    """Whether a long word behind a secret's name is made of letters and digits as by chance, and no name of a thing."""
    digits = sum(map(str.isdigit, value))
    is_by_chance = digits >= 3 or (digits and len(value) >= 20 and not value.islower() and not value.isupper())
    return bool(is_by_chance) and digits < len(value) and is_random(value, before, after)


def is_dense_key(value: str, before: str, after: str) -> bool:
    """Whether what stands behind a name that ends in "key" is one, and does not say where something is found."""
    return is_dense(value, before, after) and not (_KEY_OF_A_THING.search(before) or _UUID.fullmatch(value))


def is_key_file(value: str, before: str, after: str) -> bool:
    """Whether what stands between the ends of a key file is one, and not all that was logged between two of them."""
    lines = value.split("\n")[1:-1]
    return value.count("BEGIN ") == 1 and sum(map(bool, map(_BASE64_LINE.search, lines))) >= len(lines) * 0.6


def is_random(value: str, before: str, after: str) -> bool:
    """Whether a value has letters, and something else between or behind them, as made-up secrets have."""
    has_letters = any(character.isalpha() for character in value)
    if _NAME_OF_A_THING.fullmatch(value) or _SETTING.fullmatch(value):
        return False
    return has_letters and not _WORD.fullmatch(value) and len(value) >= 4 and is_secret_value(value, before, after)
