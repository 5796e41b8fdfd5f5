"""Checks of what a pattern found: versions are no addresses, times no phones, long numbers no cards. Pure."""

import ipaddress
import re
from typing import Final

from worker.redaction.placeholders import is_placeholder
from worker.redaction.words import SYSTEM_ACCOUNTS

__all__ = ["is_card", "is_dashed_ipv4", "is_iban", "is_ipv4", "is_ipv6", "is_mac", "is_mail", "is_phone", "is_user"]

_VERSION_WORDS: Final = tuple("v ver vers version versions build chrome firefox safari edg".split())  # noqa: SIM905
_VERSION_SEPARATORS: Final = "/=:_.- \t\n"
_VERSION_BEFORE: Final = re.compile(rf"(?i)\b(?:{'|'.join(_VERSION_WORDS)})[\s:=/_.\-]{{0,2}}$")
_BEFORE_A_SLASH: Final = frozenset(" \t\n\r@=([\"'>,/") | {""}
_NAME_AND_SLASH: Final = re.compile(r"(?:[A-Z]_[A-Z]+|\w\.[A-Za-z]+)/$")
"""A host's name or nothing stands before the slash, and no program's."""


_GLUE: Final = frozenset("-_~")
_GOES_ON: Final = re.compile(r"\.\d+(?![\d:,]| >)|[^\W_]|_(?!\d{2,5}\b)|-[A-Za-z]")
"""What makes four numbers a part of something longer; a port behind a dot, as tcpdump writes it, does not."""

_GOES_ON_AS_A_NUMBER: Final = re.compile(r"\d|\.\d{1,2}(?!\d)|\.\d+\.")
_ABOVE_99: Final = re.compile(r"\b[12]\d\d\b")

_IS_NO_ADDRESS: Final = re.compile(
    r"127\..*|0\.0\.0\.0|255\.255\.255\.255|(?:.*\.)?(?:0\d|25[6-9]|2[6-9]\d|[3-9]\d\d).*"
)
"""What is a loopback, nothing or everybody, and what has a byte that is none."""

_NUMBER_GOES_ON: Final = re.compile(r"[\-.:][A-Za-z0-9]")
_DOMAIN_BEHIND: Final = re.compile(r"[\w\-]*\.[A-Za-z]")
_NAME_AND_COLON: Final = re.compile(r"[G-Zg-z][\w\-]*:$")
_PORT: Final = re.compile(r":\d")
_ISSUERS: Final = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|"
    r"35\d{14}|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12}"
)
_CARD_BEFORE: Final = re.compile(r"(?i)(?:card|pan|visa|amex|maestro|master)\w*\W{1,4}(?:\w+\W{1,3}){0,2}$")
_PRIVATE: Final = re.compile(r"10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.")
_UPGRADE_BEFORE: Final = re.compile(r"(?i)\b(?:up|down)grad\w*\b[^,;]{0,40}\b(?:from|to|version|->)\s*$")
_UNITS: Final = frozenset("service timer socket mount target scope slice device path".split())  # noqa: SIM905


def is_ipv4(value: str, before: str, after: str) -> bool:
    """Whether four numbers are an address that tells something: no version, no part of a longer number, no loopback.

    Glued to a name they are one only where no version looks like that: private, or with numbers above 99.
    """
    last = before[-1:]
    if _IS_NO_ADDRESS.fullmatch(value) or last.isalnum():
        return False
    if last == "." and not before.endswith(".."):
        return False
    is_glued = last in _GLUE or _GOES_ON.match(after) is not None
    if last == "/" and before[-2:-1] not in _BEFORE_A_SLASH and not _NAME_AND_SLASH.search(before[-24:]):
        is_glued = not _PORT.match(after)
    if is_glued:
        return not _GOES_ON_AS_A_NUMBER.match(after) and _looks_like_an_address(value)
    return not _stands_for_a_version(before)


def _looks_like_an_address(value: str) -> bool:
    return bool(_PRIVATE.match(value)) or (_ABOVE_99.search(value) is not None and ".0.0" not in value)


def _stands_for_a_version(before: str) -> bool:
    is_likely = before[-12:].rstrip(_VERSION_SEPARATORS).casefold().endswith(_VERSION_WORDS)
    return bool((is_likely and _VERSION_BEFORE.search(before)) or ("grad" in before and _UPGRADE_BEFORE.search(before)))


def is_dashed_ipv4(value: str, before: str, after: str) -> bool:
    """Whether four numbers with hyphens are an address within a host's name, and no date or version."""
    stands_in_a_name = before[-2:-1].isalnum() or _DOMAIN_BEHIND.match(after) is not None
    return stands_in_a_name and not _IS_NO_ADDRESS.fullmatch(value.replace("-", "."))


def is_ipv6(value: str, before: str, after: str) -> bool:
    """Whether hexadecimal groups are an address: no time, no MAC, no scope of a name."""
    bare = value.partition("%")[0]
    if before[-1:].isalnum() or before[-1:] == "." or after[:1].isalnum() or re.match(r":\S", after):
        return False
    if before[-1:] == ":" and not _NAME_AND_COLON.search(before):
        return False
    return (("::" in bare and len(bare) > 3) or bare.count(":") == 7) and _tells_something(bare)


def _tells_something(value: str) -> bool:
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def is_mac(value: str, before: str, after: str) -> bool:
    """Whether groups of one or two figures are a MAC address: some of them are letters, as in times they are not."""
    return any(character in "abcdefABCDEF" for character in value)


def is_mail(value: str, before: str, after: str) -> bool:
    """Whether a name and a host are a mail address, and no unit of systemd."""
    return value.rpartition(".")[2].casefold() not in _UNITS and not is_placeholder(value)


def is_iban(value: str, before: str, after: str) -> bool:
    """Whether the check digits are right. Source: ISO 13616, modulus 97."""
    compact = "".join(filter(str.isalnum, value)).upper()
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def is_card(value: str, before: str, after: str) -> bool:
    """Whether digits are a card's: a known beginning, its length, and Luhn's check. Source: ISO/IEC 7812.

    Digits without groups are as often numbers of other things: they need one of the great issuers, or a card's name.
    """
    if after[:1].isalnum() or before[-1:] == "_" or (before[-1:].isalnum() and before[-2:-1] != "\\"):
        return False
    digits = [int(character) for character in value if character.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in {2, 3, 4, 5, 6}:
        return False
    if value.isdigit() and not (_ISSUERS.fullmatch(value) or _CARD_BEFORE.search(before)):
        return False
    doubled = [2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def is_phone(value: str, before: str, after: str) -> bool:
    """Whether digits in groups are a phone's number: seven to fifteen of them, and no date."""
    digits = sum(character.isdigit() for character in value)
    if after[:1].isalnum() or _NUMBER_GOES_ON.match(after):
        return False
    return 7 <= digits <= 15 and not re.match(r"\d{2,4}-\d{2}-\d{2}\b", value)


def is_user(value: str, before: str, after: str) -> bool:
    """Whether a word where a user's name stands is one that names a person."""
    return value.casefold() not in SYSTEM_ACCOUNTS and not is_placeholder(value)
