"""Seals what placeholders stand for, so that it is kept nowhere in the clear.

Several keys may be in force: the first seals, all of them open. So a key is replaced by putting a new one before it.
It must never log or keep what it seals. The registry's store of placeholders calls it.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["CannotOpenError", "Sealer", "keys_read"]

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
"""What AES-GCM is made for; drawn anew for each sealing."""

_REMEDY: Final = "make one with: openssl rand -base64 32"


class CannotOpenError(Exception):
    """None of the keys opens it: the key is lost, the text is another incident's, or it was changed."""


class Sealer:
    """Seals with AES-256-GCM. It holds keys alone, so many threads may use it at once."""

    def __init__(self, keys: Sequence[bytes], *, random_bytes: Callable[[int], bytes]) -> None:
        """Take keys of 32 bytes, newest first, at least one; and what gives so many random bytes: `os.urandom`."""
        self._random_bytes = random_bytes
        self._ciphers = [AESGCM(key) for key in keys]

    def sealed(self, content: bytes, *, incident_id: str) -> bytes:
        """Return `content` sealed with the newest key, for one incident alone."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, content, incident_id.encode())

    def opened(self, sealed: bytes, *, incident_id: str) -> bytes:
        """Return what was sealed for this incident. Raises `CannotOpenError` where no key fits."""
        nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, encrypted, incident_id.encode())
            except (InvalidTag, ValueError):  # the latter where it is too short to be ours
                continue
        raise CannotOpenError(f"no key opens the placeholders of incident {incident_id}")


def keys_read(text: str) -> tuple[bytes, ...]:
    """Return keys written in base64 with commas between them, newest first.

    Raises `ValueError`, which tells a key's place and the remedy, never the key.
    """
    written = [part for piece in text.split(",") if (part := piece.strip())]
    return tuple(_key(part, number=number) for number, part in enumerate(written, start=1))


def _key(written: str, *, number: int) -> bytes:
    try:
        key = base64.b64decode(written, altchars=b"-_" if {"-", "_"} & set(written) else None, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"key {number} is no base64; {_REMEDY}") from None  # the cause would quote the key
    if len(key) != _KEY_BYTES:
        raise ValueError(f"key {number} has {len(key)} bytes and must have {_KEY_BYTES}; {_REMEDY}")
    return key
