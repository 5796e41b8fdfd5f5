"""Who sent a request: the name of the credential that it proves to know, or a 401 that tells nobody anything.

A bearer token, the same token as the password of HTTP Basic (any user name), or a signature over the body. A wrong
token, none at all, and either at a source that does not exist read the same. Pure; called by `gate.py`.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from producers.webhook.credentials import Lock, Secret
from producers.webhook.refusals import HttpError
from producers.webhook.signatures import HEADERS, Signer, signer_of

__all__ = ["is_signed", "sender_by_signature", "sender_by_token", "unauthorized"]

_CHALLENGE: Final = 'Bearer realm="firstline", Basic realm="firstline", charset="UTF-8"'
_NO_ENTRY: Final = (
    "no valid credentials: send `Authorization: Bearer <token>`, the token as the password of HTTP Basic, "
    "or the signature that the intake file names for this source"
)


def unauthorized() -> HttpError:
    """Return the one answer to whoever proves nothing."""
    return HttpError(HTTPStatus.UNAUTHORIZED, _NO_ENTRY, "header Authorization", {"WWW-Authenticate": _CHALLENGE})


def sender_by_token(lock: Lock, headers: Mapping[str, str]) -> str | None:
    """Return the name of the token that the request carries, or None; the body is not needed."""
    return _owner(lock.tokens, _token(headers.get("Authorization", "")))


def is_signed(lock: Lock, headers: Mapping[str, str]) -> bool:
    """Say whether it is worth reading the body to look at a signature."""
    return lock.signature is not None and HEADERS[lock.signature] in headers


def sender_by_signature(lock: Lock, headers: Mapping[str, str], body: bytes, *, now_seconds: float) -> Signer | None:
    """Return who signed the body, or None."""
    if lock.signature is None:
        return None
    return signer_of(lock.signature, lock.signing_secrets, headers, body, now_seconds=now_seconds)


def _owner(tokens: Sequence[Secret], given: bytes) -> str | None:
    """Compare with every token, found or not: the time taken does not say which one it was."""
    digest = hashlib.sha256(given).digest()
    owner = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            owner = token.name
    return owner


def _token(authorization: str) -> bytes:
    scheme, _, rest = authorization.strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip().encode("utf-8", "surrogateescape")
        case "basic":
            return _password(rest.strip())
        case _:
            return b""


def _password(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
