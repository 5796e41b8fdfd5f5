"""Values that are personal: addresses, names, numbers with their check digits. Made up, and of the right form."""

import ipaddress
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Final

from tests.redaction.corpus.planted import Value
from worker.redaction import Kind, RedactionRules

__all__ = [
    "CLEAN_RULES",
    "DOMAINS",
    "KEPT",
    "PERSONAL",
    "RULES",
    "digits",
    "host_name",
    "hosts_address",
    "letters",
    "mail",
    "user_name",
]

DOMAINS: Final = ("corp.acme.example", "shop.example.net", "acme.internal")
KEPT: Final = ("payment-server-01", "search-07", "edge-7.corp.acme.example", "checkout-service", "ledger-db-2")
USERS: Final = ("Karoline Brandt", "dvandermeer", "Oyelaran")
RULES: Final = RedactionRules(
    domains=frozenset(DOMAINS),
    kept=frozenset(KEPT),
    users=frozenset(USERS),
    denied=frozenset({"Projekt Nordlicht", "bluebird-takeover"}),
    national_ids={"ssn": r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", "nino": r"\b[A-CEGHJ-PR-TW-Z]{2} ?[0-9]{6} ?[A-D]\b"},
    masks_uuids=True,
)

CLEAN_RULES: Final = replace(RULES, masks_uuids=False)
_FIRST: Final = [
    "anneke",
    "bilal",
    "chidi",
    "dorota",
    "eirik",
    "fatima",
    "gustavo",
    "hyun",
    "ingrid",
    "joaquim",
    "keiko",
    "lamar",
    "nadia",
    "oskar",
    "priya",
]
_LAST: Final = [
    "okafor",
    "lindqvist",
    "haddad",
    "moreau",
    "petrov",
    "nakamura",
    "sorensen",
    "castillo",
    "weiss",
    "dhillon",
    "ferreira",
    "kowalski",
]
_HOSTS: Final = ["db", "cache", "mail", "vpn", "build", "node", "kafka", "jump", "ldap", "nfs"]
_IBAN_LENGTHS: Final = {"DE": 18, "AT": 16, "CH": 17, "ES": 20, "BE": 12, "PL": 24}
_PHONES: Final = (
    "+49 30 ########", "+4915#########", "+1-###-555-01##", "+1 (###) 555-01##", "+44 20 7946 0###", "+33 6 12 ## ## ##",
    "+31 (0)20 ### ####", "+91 98### #####", "0049 89 ########", "+1.415.555.01##", "+81-3-####-####", "(415) 555-01##",
)  # fmt: skip


def digits(chance: Random, number: int) -> str:
    return "".join(chance.choices(string.digits, k=number))


def letters(chance: Random, number: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Return `number` characters, with a letter and a digit among them as in any real key."""
    while True:
        made = "".join(chance.choices(alphabet, k=number))
        if number < 4 or (any(c.isdigit() for c in made) and any(c.isalpha() for c in made)):
            return made


def hosts_address(chance: Random) -> str:
    first = chance.choice((10, 172, 192, 203, 34, 52, 81, 91, 185, 198))
    return f"{first}.{chance.randint(16, 250)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}"


def _ipv6(chance: Random) -> str:
    match chance.randrange(5):
        case 0:
            return ipaddress.IPv6Address((0xFE80 << 112) | chance.getrandbits(64)).compressed
        case 1:
            return ipaddress.IPv6Address((0x2001_0DB8 << 96) | chance.getrandbits(90)).exploded
        case 2:
            return ipaddress.IPv6Address((0xFD00 << 112) | chance.getrandbits(16)).compressed
        case 3:
            return f"2a02:{chance.randint(1, 9999):x}::{chance.randint(0x10, 0xFFFF):X}"
        case _:
            return ipaddress.IPv6Address(
                (0x2A01 << 112) | (chance.getrandbits(32) << 80) | chance.getrandbits(48)
            ).compressed


def _with_port(chance: Random, kind: Kind, family: str, address: str, made: str) -> Value:
    port = str(chance.randint(1024, 65535))
    return Value(family, kind, made.format(address, port), secret=address, keeps=(port,))


def _mac(chance: Random) -> str:
    octets = [f"{chance.randrange(256):02x}" for _ in range(6)]
    made = chance.choice(
        (":".join(octets), "-".join(octets), ".".join(a + b for a, b in zip(octets[::2], octets[1::2], strict=True)))
    )
    return made.upper() if chance.random() < 0.4 else made


def user_name(chance: Random) -> str:
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    return chance.choice(
        (
            f"{first}.{last}",
            first[0] + last,
            f"{first}_{last[:3]}{digits(chance, 2)}",
            first + last[0],
            f"svc-{last}",
            last + digits(chance, 1),
        )
    )


def host_name(chance: Random) -> str:
    return f"{chance.choice(_HOSTS)}{chance.choice(('-', ''))}{chance.randint(1, 99)}.{chance.choice(('', 'fra1.', 'eu-west.'))}{chance.choice(DOMAINS)}"


def mail(chance: Random) -> str:
    domain = chance.choice(("gmail.com", "example.org", "mail.acme-shop.co.uk", "posteo.de", "sub.kunde-ag.eu"))
    return user_name(chance) + chance.choice(("", "", "+tickets", f"+{digits(chance, 3)}")) + "@" + domain


def _phone(chance: Random) -> str:
    return "".join(str(chance.randint(2, 9)) if c == "#" else c for c in chance.choice(_PHONES))


def _iban(chance: Random) -> str:
    country = chance.choice(sorted(_IBAN_LENGTHS))
    account = digits(chance, _IBAN_LENGTHS[country])
    number = int("".join(str(int(c, 36)) for c in account + country + "00"))
    made = f"{country}{98 - number % 97:02}{account}"
    return " ".join(made[i : i + 4] for i in range(0, len(made), 4)) if chance.random() < 0.4 else made


def _card(chance: Random) -> str:
    prefix, length = chance.choice((("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16), ("55", 16)))
    body = prefix + digits(chance, length - len(prefix) - 1)
    doubled = (sum(divmod(int(c) * 2, 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(body)))
    made = body + str(-sum(doubled) % 10)
    mark = chance.choice(("", "", " ", "-"))
    groups = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
    starts = [sum(groups[:i]) for i in range(len(groups))]
    return mark.join(made[start : start + size] for start, size in zip(starts, groups, strict=True))


def _uuid(chance: Random) -> str:
    made = f"{chance.getrandbits(128):032x}"
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-a{made[17:20]}-{made[20:]}"


def _national(chance: Random) -> str:
    number = f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{digits(chance, 4)}"
    return number if chance.random() < 0.5 else f"{chance.choice(('AB', 'CE', 'JK'))} {digits(chance, 6)} C"


PERSONAL: Final[Mapping[str, Callable[[Random], Value]]] = {
    "ipv4": lambda c: Value("ipv4", Kind.IP_ADDRESS, hosts_address(c)),
    "ipv4 with port": lambda c: _with_port(c, Kind.IP_ADDRESS, "ipv4 with port", hosts_address(c), "{}:{}"),
    "ipv4 network": lambda c: Value("ipv4 network", Kind.IP_ADDRESS, f"{(a := hosts_address(c))}/{c.randint(8, 32)}", a),
    "ipv6": lambda c: Value("ipv6", Kind.IP_ADDRESS, _ipv6(c)),
    "ipv6 with port": lambda c: _with_port(c, Kind.IP_ADDRESS, "ipv6 with port", _ipv6(c), "[{}]:{}"),
    "ipv6 network": lambda c: Value("ipv6 network", Kind.IP_ADDRESS, f"{(a := _ipv6(c))}/{c.choice((48, 56, 64, 128))}", a),
    "ipv6 of an interface": lambda c: Value("ipv6 of an interface", Kind.IP_ADDRESS, f"{(a := _ipv6(c))}%eth0", a),
    "ipv4 in ipv6": lambda c: Value("ipv4 in ipv6", Kind.IP_ADDRESS, f"::ffff:{(a := hosts_address(c))}", a),
    "mac": lambda c: Value("mac", Kind.MAC_ADDRESS, _mac(c)),
    "host": lambda c: Value("host", Kind.HOST, host_name(c)),
    "host with port": lambda c: _with_port(c, Kind.HOST, "host with port", host_name(c), "{}:{}"),
    "host in capitals": lambda c: Value("host in capitals", Kind.HOST, host_name(c).upper()),
    "e-mail": lambda c: Value("e-mail", Kind.EMAIL_ADDRESS, mail(c)),
    "phone": lambda c: Value("phone", Kind.PHONE_NUMBER, _phone(c)),
    "iban": lambda c: Value("iban", Kind.IBAN, _iban(c)),
    "card": lambda c: Value("card", Kind.CARD_NUMBER, _card(c)),
    "national id": lambda c: Value("national id", Kind.NATIONAL_ID, _national(c)),
    "uuid": lambda c: Value("uuid", Kind.UUID, _uuid(c)),
    "configured user": lambda c: Value("configured user", Kind.USER, c.choice(USERS)),
    "denied word": lambda c: Value("denied word", Kind.DENIED, c.choice(sorted(RULES.denied))),
}  # fmt: skip
