"""What fills the holes of the testers' templates: canaries by name and variant, and names of secrets beside them."""

import base64
import json
import re
import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Final
from uuid import UUID

from tests.redaction.blind.passwords import password
from tests.redaction.blind.personal import PEOPLE
from tests.redaction.blind.words import words
from tests.redaction.corpus.keys import jwt, pem
from tests.redaction.corpus.values import letters, user_name

__all__ = ["CANARIES", "NAMES"]

_ALPHABETS: Final[Mapping[str, str]] = {
    "letters": string.ascii_letters + string.digits,
    "lowercase": string.ascii_lowercase + string.digits,
    "uppercase": string.ascii_uppercase + string.digits,
    "digits": string.digits,
    "hexadecimal": "0123456789abcdef",
    "base32": string.ascii_uppercase + "234567",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
}
_UNSIGNED: Final = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")


def _drawn(name: str) -> Callable[[Random, str], str]:
    """Return the maker of characters of an alphabet; the variant is how many."""
    return lambda chance, size: "".join(chance.choices(_ALPHABETS[name], k=int(size)))


def _token(chance: Random, variant: str) -> str:
    match variant:
        case "hex":
            return letters(chance, chance.choice((32, 40, 64)), _ALPHABETS["hexadecimal"])
        case "base64":
            return base64.b64encode(chance.randbytes(chance.choice((16, 24, 32, 33, 48)))).decode()
        case "uuid":
            return str(UUID(int=chance.getrandbits(128), version=4))
        case _:
            alphabet = _ALPHABETS[chance.choice(("letters", "base64url", "hexadecimal", "lowercase"))]
            return "t" + letters(chance, chance.choice((15, 19, 23, 31, 39, 42, 63)), alphabet)


def _jwt(chance: Random, variant: str) -> str:
    made = jwt(chance).text
    head, claims, _ = made.split(".")
    match variant:
        case "cut":
            return f"{head}.{claims[:-3]}"
        case "unsigned":
            return f"{_UNSIGNED}.{claims}."
        case "encrypted":
            parts = (letters(chance, size, _ALPHABETS["base64url"]) for size in (100, 16, 60, 22))
            return ".".join((head, *parts))
        case _:
            return made


def _key_file(chance: Random, variant: str) -> str:
    return pem(chance).text + "\n"


def _key(chance: Random, variant: str) -> str:
    """Return the lines of a key without the first and the last, which the template has."""
    return "\n".join(pem(chance).text.split("\n")[1:-1])


def _login(chance: Random, variant: str) -> str:
    """Return a user and a password, before they are encoded together."""
    user, secret = user_name(chance), password(chance, "symbol")
    match variant:
        case "json":
            return json.dumps({"username": user, "password": secret})
        case "docker":
            return json.dumps({"auths": {"registry.example.com": {"username": "ci", "password": secret}}})
        case "nul":
            return f"\0{user}\0{secret}"
        case _:
            return f"{user}:{secret}"


def _environment(chance: Random, variant: str) -> str:
    """Return lines of configuration with a secret, before they are encoded."""
    secret = password(chance, "symbol")
    if variant == "lines":
        return f"APP_ENV=prod\nDB_USER=app\nDB_PASSWORD={secret}\nAPI_KEY={letters(chance, 32)}\n"
    return chance.choice(
        (f"export DB_PASSWORD={secret}\n", f"password: {secret}\nuser: app\n", f"API_TOKEN={secret}\n")
    )


CANARIES: Final[Mapping[str, Callable[[Random, str], str]]] = {
    **PEOPLE,
    **{name: _drawn(name) for name in _ALPHABETS},
    "password": password,
    "token": _token,
    "github": lambda chance, _: "ghp_" + letters(chance, 36),
    "jwt": _jwt,
    "key": _key,
    "key_file": _key_file,
    "login": _login,
    "environment": _environment,
    "database_url": lambda chance, _: f"postgresql://app:{letters(chance, 32)}@db:5432/orders",
}


def _written(chance: Random, name: str) -> str:
    """Return a name in one of the writings of programs: as it is, in capitals, with dashes, in camel case."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_").split("_")
    titles = "".join(part.title() for part in parts[1:])
    return chance.choice((name, "_".join(parts), "_".join(parts).upper(), "-".join(parts), parts[0] + titles))


def _environment_name(name: str) -> str:
    return re.sub(r"[^A-Z]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper())


NAMES: Final[Mapping[str, Callable[[Random], str]]] = {
    "password_name": lambda chance: _written(chance, chance.choice(words("password_name"))),
    "password_env": lambda chance: _environment_name(chance.choice(words("password_name"))),
    "password_option": lambda chance: chance.choice(words("password_option")),
    "secret_name": lambda chance: _written(chance, chance.choice(words("secret_name"))),
    "secret_env": lambda chance: _environment_name(chance.choice(words("secret_name"))),
    "secret_parameter": lambda chance: chance.choice(words("secret_parameter")),
    "secret_words": lambda chance: chance.choice(("secret", "API key", "access token", "signing key", "refresh token")),
    "equals": lambda chance: chance.choice(("=", " = ", ": ", ":", " : ", " => ", ":=", " -> ")),
}
