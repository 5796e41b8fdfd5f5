"""Personal values in the writings that the testers gave them; those of the corpus where no writing is asked for."""

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from tests.redaction.corpus.values import PERSONAL, digits, host_name, hosts_address, mail, user_name

__all__ = ["PEOPLE"]

_PHONES: Final[Mapping[str, Sequence[str]]] = {
    "plus": ("+4915#########", "+447#########", "+336########", "+1415#######"),
    "zeros": ("0049 151 #######", "0049 30 #######", "0049 89 #######"),
    "zeros_bare": ("0049151########", "004479########", "003361########"),
    "brackets": ("(###) ###-####",),
    "dashes": ("###-###-####",),
    "slash": ("0151/#######", "0170/#######", "030/#######", "089/#######"),
    "bare": ("4915#########", "447#########", "1415########"),
    "dots": ("+1.###.###.####",),
}


def _mac(chance: Random, variant: str) -> str:
    octets = [f"{chance.randrange(256):02x}" for _ in range(6)]
    match variant:
        case "":
            return PERSONAL["mac"](chance).text
        case "dots":
            return ".".join(a + b for a, b in zip(octets[::2], octets[1::2], strict=True))
        case "bare":
            return chance.choice("abcdef") + "".join(octets)[1:]
        case _:
            return {"colons": ":", "dashes": "-", "underscores": "_"}[variant].join(octets)


def _mail(chance: Random, variant: str) -> str:
    if variant == "foreign":
        name = chance.choice(("jörg.müller", "zoë", "rené.lévesque")) + digits(chance, 2)
        return f"{name}@{chance.choice(('bücher.de', 'acme-corp.com'))}"
    return mail(chance)


def _phone(chance: Random, variant: str) -> str:
    if not variant:
        return PERSONAL["phone"](chance).text
    return re.sub("#", lambda _: str(chance.randint(2, 9)), chance.choice(_PHONES[variant]))


def _grouped(text: str, variant: str) -> str:
    return {"spaces": " ", "dashes": "-"}[variant].join(text[start : start + 4] for start in range(0, len(text), 4))


def _iban(chance: Random, variant: str) -> str:
    made = PERSONAL["iban"](chance).text
    plain = made.replace(" ", "")
    return {"": made, "plain": plain}.get(variant) or _grouped(plain, variant)


def _card(chance: Random, variant: str) -> str:
    if not variant:
        return PERSONAL["card"](chance).text
    size = {"plain": (15, 16), "amex": (15,)}.get(variant, (16,))
    while len(plain := re.sub(r"\D", "", PERSONAL["card"](chance).text)) not in size:
        pass
    if variant == "amex":
        return f"{plain[:4]} {plain[4:10]} {plain[10:]}"
    return plain if variant in ("plain", "sixteen") else _grouped(plain, variant)


def _of_corpus(name: str) -> Callable[[Random, str], str]:
    return lambda chance, _: PERSONAL[name](chance).text


PEOPLE: Final[Mapping[str, Callable[[Random, str], str]]] = {
    "ip": lambda chance, _: hosts_address(chance),
    "ip6": _of_corpus("ipv6"),
    "network": _of_corpus("ipv4 network"),
    "network6": _of_corpus("ipv6 network"),
    "mac": _mac,
    "host": lambda chance, _: host_name(chance),
    "mail": _mail,
    "user": lambda chance, _: user_name(chance),
    "phone": _phone,
    "iban": _iban,
    "card": _card,
    "national": _of_corpus("national id"),
}
