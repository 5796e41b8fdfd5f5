"""What is taken out of text, by kind, and where it stands."""

from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["Finding", "Kind"]


class Kind(StrEnum):
    """A kind of datum; its value is its name in placeholders.

    What a diagnosis needs to tell apart gets a numbered placeholder that can be taken back (`[IP_ADDRESS_1]`). A secret
    gets one without a number (`[PASSWORD]`), and is kept nowhere.
    """

    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    HOST = "HOST"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    USER = "USER"
    PERSON = "PERSON"
    PHONE_NUMBER = "PHONE_NUMBER"
    UUID = "UUID"
    DENIED = "DENIED"
    """On the configured list of what never leaves."""

    IBAN = "IBAN"
    CARD_NUMBER = "CARD_NUMBER"
    NATIONAL_ID = "NATIONAL_ID"
    PASSWORD = "PASSWORD"  # noqa: S105 - a name
    API_KEY = "API_KEY"
    JWT = "JWT"
    PRIVATE_KEY = "PRIVATE_KEY"
    AUTHORIZATION = "AUTHORIZATION"
    COOKIE = "COOKIE"
    SECRET = "SECRET"  # noqa: S105 - a name
    """Something that looks like a secret, beside a name that says so."""

    @property
    def is_reversible(self) -> bool:
        """Whether its placeholder can be taken back, by whoever has the key."""
        return self in _REVERSIBLE


_REVERSIBLE: Final = frozenset(
    {
        *(Kind.IP_ADDRESS, Kind.MAC_ADDRESS, Kind.HOST, Kind.EMAIL_ADDRESS, Kind.USER, Kind.PERSON),
        *(Kind.PHONE_NUMBER, Kind.UUID, Kind.DENIED),
    }
)


class Finding(NamedTuple):
    """`text[start:end]` is of `kind`: the value alone, no quotation marks, no name before it, no port behind it."""

    start: int
    end: int
    kind: Kind
