"""Puts settings into words for the audit: each one's name and value, and of a secret only whether it is set.

Pure, and made from the model's own fields: a new setting is told without a line here. Never in it are a secret, and of
an address the user, the password, the path and the query: a path is told by a hash, so that a change of it shows.
Of a variable that a file names for a secret, a fingerprint of the value is told for the same reason.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import AnyUrl, BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import Url

__all__ = ["EMPTY", "NOT_SET", "SEPARATOR", "told_settings", "told_variable"]

NOT_SET: Final = "not set"
EMPTY: Final = "none"
"""What a list without items is told as."""
SEPARATOR: Final = ", "

_OF_ONE_PROCESS: Final = frozenset({"worker_name"})
"""It differs at each start by default, and each entry names it as the person."""

_WEB: Final = ("http://", "https://")
_DIGITS: Final = 12
_ROUNDS: Final = 100_000
"""Of the fingerprint's hash: the audit is exported, and a password that is short must be slow to guess from it."""


def told_settings(settings: BaseModel | Mapping[str, BaseModel], *, within: str = "") -> dict[str, str]:
    """Return every setting's value by its name; the names begin with `within`, where one is given."""
    told = dict(_told(within, settings))
    return {name: value for name, value in told.items() if name not in _OF_ONE_PROCESS}


def told_variable(variable: str, value: str | None, *, is_address: bool) -> str:
    """Return the variable's name with its value's fingerprint: another value has another one, the same the same."""
    if not value:
        return f"{variable}, {NOT_SET}"
    made = hashlib.pbkdf2_hmac("sha256", value.encode("utf-8", "surrogateescape"), variable.encode(), _ROUNDS)
    target = _target(value) if is_address else ""
    return SEPARATOR.join(filter(None, (variable, target, f"fingerprint {made.hex()[:_DIGITS]}")))


def _target(value: str) -> str:
    """Return a secret address' scheme, and its host on the web alone: elsewhere a token may stand in its place."""
    scheme, mark, _ = value.partition("://")
    if not value.startswith(_WEB):
        return f"{scheme}://" if mark and scheme.isalnum() else ""
    try:
        return _host(Url(value))
    except ValidationError:
        return ""


def _told(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        value = {field: getattr(value, field) for field in type(value).model_fields}
    elif isinstance(value, tuple) and any(isinstance(each, BaseModel) for each in value):
        value = dict(enumerate(value, 1))
    if not isinstance(value, Mapping):
        yield name, _word(value)
        return
    for part, each in value.items():
        yield from _told(f"{name}.{part}" if name else str(part), each)


def _word(value: object) -> str:
    match value:
        case None:
            return NOT_SET
        case SecretStr() | SecretBytes():
            return "set"
        case Url() | AnyUrl():
            return _address(value)
        case frozenset():
            return _word(tuple(sorted(map(str, value))))
        case tuple():
            return SEPARATOR.join(map(str, value)) or EMPTY
        case _:
            return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, str) and value.startswith(_WEB):
        return _address(Url(value))
    # A default is written 600, and read from a file 600.0.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _address(url: Url | AnyUrl) -> str:
    path = hashlib.sha256((url.path or "/").encode()).hexdigest()[:_DIGITS]
    account = ", account set" if url.username or url.password else ""
    return f"{_host(url)}, path by sha256 {path}{account}"


def _host(url: Url | AnyUrl) -> str:
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{url.host}{port}"
