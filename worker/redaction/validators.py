"""Checks of what a pattern found: versions are no addresses, times no phones, words no passwords. Pure, and quick."""

import ipaddress
import re
from typing import Final

from worker.redaction.placeholders import is_placeholder
from worker.redaction.words import ORDINARY_WORDS, SYSTEM_ACCOUNTS

__all__ = [
    "always",
    "is_card",
    "is_dense",
    "is_iban",
    "is_ipv4",
    "is_ipv6",
    "is_mail",
    "is_mixed",
    "is_mixed_secret",
    "is_phone",
    "is_random",
    "is_secret_value",
    "is_user",
]

_VERSION_WORDS: Final = tuple("v ver vers version versions release build chrome firefox safari edg agent".split())  # noqa: SIM905
_VERSION_SEPARATORS: Final = "/=:_.- \t\n"
_VERSION_BEFORE: Final = re.compile(rf"(?i)\b(?:{'|'.join(_VERSION_WORDS)})[\s:=/_.\-]{{0,2}}$")
_HARMLESS_NAME_BEFORE: Final = re.compile(
    r"(?:(?i:publickeytoken|count|length|[_.\-](?:len|size|name|type|kind|age|days|hours|seconds|ms|expir\w*|expiry|ttl|policy|"
    r"limit|max|min|url|uri|path|file|ids?|status|state|version|prefix|attempts?|used|usage|enabled|required|provider|"
    r"store|manager))|(?<=[a-z])(?:Size|Name|Type|Ids?|Age|Days|Ttl|Policy|Limit|Max|Min|Url|Uri|Path|File|Status|State|"
    r"Version|Prefix|Attempts|Usage|Enabled|Provider|Store|Manager|Expir\w*))"
    r"[\"'`\\]{0,2}\s{0,3}(?:=>|:=|[:=]|>|%3D|%3A|\s)\s{0,4}[\"'`\\“]{0,2}$"
)
_BEHIND_A_SLASH: Final = re.compile(r"(?://|^/|[\s@=(\[\"'>,]/|\w\.[A-Za-z]+/)$")
"""A host's name or nothing stands before the slash, and no program's."""

_GOES_ON: Final = re.compile(r"\.\d|\w|-[A-Za-z]")
_IS_NO_ADDRESS: Final = re.compile(
    r"127\..*|0\.0\.0\.0|255\.255\.255\.255|(?:.*\.)?(?:0\d|25[6-9]|2[6-9]\d|[3-9]\d\d).*"
)
"""What is a loopback, nothing or everybody, and what has a byte that is none."""

_RANGE_BEFORE: Final = re.compile(r"\d\.\d{1,3}-$")
_PORT: Final = re.compile(r":\d")
_PRIVATE: Final = re.compile(r"10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.")
_KEY_BEFORE: Final = re.compile(
    r"(?i)(?:tokens?|keys?|cookies?|credentials?)[\"'`\\]{0,2}\s{0,3}(?:=>|:=|[:=])\s{0,4}[\"'`\\“]{0,2}$"
)
_WORD: Final = re.compile(r"[A-Z]{1,16}|[A-Z]?[a-z]{1,16}(?:[A-Z][a-z]{2,16}){0,4}")
_NAME_OF_A_THING: Final = re.compile(r"[a-z]+(?:[-_./][a-z0-9]+)+|\d[\d\-:.TZ+]+|0x[0-9a-f]+")
"""A pod, a path, a time, a number of a session or a place in memory."""

_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]{1,30}(?:_[A-Z0-9]{2,30})+")
"""The name of a variable, which a sentence about settings goes on with."""

_SESSION_BEFORE: Final = re.compile(r"(?i)session[_.\-]?id[\"'`\\]{0,2}\s{0,3}[:=]\s{0,4}[\"'`\\]{0,2}$")
_RESULT_BEFORE: Final = re.compile(r"(?i)\bpass(?:ed|es)?\s?[:=]\s?$")
_UPGRADE_BEFORE: Final = re.compile(r"(?i)\b(?:up|down)grad\w*\b[^,;]{0,40}$")
_WORKING_DIRECTORY: Final = re.compile(r"\b(?:OLD)?PWD=[\"']?/")
_UNITS: Final = frozenset("service timer socket mount target scope slice device path".split())  # noqa: SIM905
_TOKENS_BEFORE: Final = re.compile(r"(?i)tokens[\"'`\\]{0,2}\s{0,3}[:=]\s{0,4}[\"'`\\]{0,2}$")
"""Where a number is how many pieces a text has."""

_MASKED: Final = re.compile(
    r"(?i)[*x•.]{3,}"
    r"|<?\(?\[?(?:redacted|masked|hidden|filtered|removed|secret|omitted|none|null|nil|true|false|withheld)\]?\)?>?"
    r"|%[sdr]|\{\}|\$\{?\w+\}?|<[\w ]+>"
)


def always(value: str, before: str, after: str) -> bool:
    """Believe the pattern."""
    return not is_placeholder(value) and "[" not in value[:1]


def is_mixed(value: str, before: str, after: str) -> bool:
    """Whether a token has digits or capitals inside, as words have not."""
    return any(character.isdigit() for character in value) or not (value.islower() or value.istitle())


def is_secret_value(value: str, before: str, after: str) -> bool:
    """Whether what stands behind a secret's name can be one: no word of a sentence, no mask, no placeholder."""
    is_harmless = _HARMLESS_NAME_BEFORE.search(before) and not _SESSION_BEFORE.search(before)
    if (
        is_harmless
        or (value.isdigit() and _RESULT_BEFORE.search(before))
        or (value.isdigit() and _TOKENS_BEFORE.search(before))
    ):
        return False
    if _VARIABLE.fullmatch(value.rstrip(":=")):
        return False
    stripped = value.strip("\\\"'`,;.")
    if not any(map(str.isalnum, stripped)) or _WORKING_DIRECTORY.search(before + value):
        return False
    if is_placeholder(stripped) or stripped.startswith(("[", "<[")) or _MASKED.fullmatch(stripped):
        return False
    is_a_word = _WORD.fullmatch(stripped) is not None
    return stripped.casefold() not in ORDINARY_WORDS and not (is_a_word and _KEY_BEFORE.search(before))


def is_mixed_secret(value: str, before: str, after: str) -> bool:
    """Whether what stands in a sentence behind a secret's name is one: more than letters, and no number alone."""
    return is_random(value, before, after) and len(value) >= 6


def is_dense(value: str, before: str, after: str) -> bool:
    """Whether a long word behind a secret's name is made of letters and digits as by chance, and no name of a thing."""
    digits = sum(map(str.isdigit, value))
    return 3 <= digits < len(value) and not _NAME_OF_A_THING.fullmatch(value) and is_random(value, before, after)


def is_random(value: str, before: str, after: str) -> bool:
    """Whether a value has letters, and something else between or behind them, as made-up secrets have."""
    has_letters = any(character.isalpha() for character in value)
    is_a_word = value.isalpha() and (value.islower() or value.isupper() or value.istitle())
    return has_letters and not is_a_word and len(value) >= 4 and is_secret_value(value, before, after)


def is_ipv4(value: str, before: str, after: str) -> bool:
    """Whether four numbers are an address that tells something: no version, no part of a longer number, no loopback."""
    last = before[-1:]
    if last.isalnum() or last in {".", "_"} or _GOES_ON.match(after):
        return False
    if last == "-" and not _RANGE_BEFORE.search(before):
        return False
    if _IS_NO_ADDRESS.fullmatch(value):
        return False
    if last == "/":
        return bool(_BEHIND_A_SLASH.search(before) or _PRIVATE.match(value) or _PORT.match(after))
    return not _stands_for_a_version(before)


def _stands_for_a_version(before: str) -> bool:
    is_likely = before[-12:].rstrip(_VERSION_SEPARATORS).casefold().endswith(_VERSION_WORDS)
    return bool((is_likely and _VERSION_BEFORE.search(before)) or ("grad" in before and _UPGRADE_BEFORE.search(before)))


def is_ipv6(value: str, before: str, after: str) -> bool:
    """Whether hexadecimal groups are an address: no time, no MAC, no scope of a name."""
    bare = value.partition("%")[0]
    if before[-1:].isalnum() or before[-1:] in {":", "."} or after[:1].isalnum() or after[:1] == ":":
        return False
    return (("::" in bare and len(bare) > 3) or bare.count(":") == 7) and _tells_something(bare)


def _tells_something(value: str) -> bool:
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def is_mail(value: str, before: str, after: str) -> bool:
    """Whether a name and a host are a mail address, and no unit of systemd."""
    return value.rpartition(".")[2].casefold() not in _UNITS and not is_placeholder(value)


def is_iban(value: str, before: str, after: str) -> bool:
    """Whether the check digits are right. Source: ISO 13616, modulus 97."""
    compact = value.replace(" ", "").replace("-", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_card(value: str, before: str, after: str) -> bool:
    """Whether digits are a card's: a known first digit, a usual length, and Luhn's check."""
    if after[:1].isalnum() or (before[-1:].isalnum() and before[-2:-1] != "\\"):
        return False
    digits = [int(character) for character in value if character.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in {2, 3, 4, 5, 6}:
        return False
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def is_phone(value: str, before: str, after: str) -> bool:
    """Whether digits in groups are a phone's number: seven to fifteen of them, and no date."""
    digits = sum(character.isdigit() for character in value)
    return 7 <= digits <= 15 and not re.match(r"\d{2,4}-\d{2}-\d{2}\b", value)


def is_user(value: str, before: str, after: str) -> bool:
    """Whether a word where a user's name stands is one that names a person."""
    return value.casefold() not in SYSTEM_ACCOUNTS and not is_placeholder(value)
