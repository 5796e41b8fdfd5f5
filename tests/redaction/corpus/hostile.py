"""Texts that make a careless pattern take time that grows with their square: almost a match, again and again."""

from collections.abc import Mapping
from typing import Final

__all__ = ["HOSTILE"]

HOSTILE: Final[Mapping[str, str]] = {
    "one letter": "a",
    "one digit": "1",
    "digits and blanks": "4 ",
    "dots": ".",
    "almost an address": "1.1.1.",
    "almost a network": "10.0.0.0/",
    "colons": ":",
    "almost an IPv6 address": "fe80:",
    "almost a MAC address": "aa:bb-",
    "at signs": "a@",
    "almost a mail address": "a.b-c+d@e.",
    "almost a JWT": "eyJhbGciOiJI.",
    "almost a key file": "-----BEGIN RSA PRIVATE KEY-----\n",
    "hyphens": "-",
    "names without values": "password=",
    "names and quotation marks": 'password="',
    "names on lines of their own": "password:\n",
    "names in a row": "db_password_secret_token_",
    "quotation marks": '"',
    "backslashes": "\\",
    "escaped quotation marks": '\\\\\\"token\\\\\\":',
    "percent signs": "%25",
    "base64 without an end": "cGFzc3dvcmQ9",
    "addresses with passwords": "http://a:",
    "headers": "Authorization: Bearer ",
    "cookies": "Cookie: a=b; ",
    "blanks": " ",
    "line ends": "\n",
    "users": "user user for user ",
    "capitals and digits": "AKIA",
    "pluses": "+1 (",
    "brackets": "[[[((({{{<<<",
    "wide letters": "\u0131\u0345\u00df",
}
