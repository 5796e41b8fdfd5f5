"""Sealing: what is kept opens with the right key for the right incident, and in no other way."""

import base64
import os
from collections.abc import Sequence

import pytest

from worker.redaction.sealing import CannotOpenError, Sealer, keys_read

OLD, NEW = b"o" * 32, b"n" * 32
CONTENT = b'{"[IP_ADDRESS_1]": "10.2.3.4"}'


def _sealer(keys: Sequence[bytes]) -> Sealer:
    return Sealer(keys, random_bytes=os.urandom)


def test_what_was_sealed_opens_again_and_cannot_be_read_meanwhile() -> None:
    sealed = _sealer([NEW]).sealed(CONTENT, incident_id="one")
    assert b"10.2.3.4" not in sealed
    assert _sealer([NEW]).opened(sealed, incident_id="one") == CONTENT


def test_an_older_key_still_opens_after_a_newer_one_was_put_before_it() -> None:
    sealed = _sealer([OLD]).sealed(CONTENT, incident_id="one")
    assert _sealer([NEW, OLD]).opened(sealed, incident_id="one") == CONTENT


def test_the_newest_key_seals() -> None:
    sealed = _sealer([NEW, OLD]).sealed(CONTENT, incident_id="one")
    assert _sealer([NEW]).opened(sealed, incident_id="one") == CONTENT


def test_nothing_opens_with_another_key_for_another_incident_or_when_changed() -> None:
    sealed = _sealer([NEW]).sealed(CONTENT, incident_id="one")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for keys, content, incident_id in (([OLD], sealed, "one"), ([NEW], sealed, "two"), ([NEW], changed, "one")):
        with pytest.raises(CannotOpenError):
            _sealer(keys).opened(content, incident_id=incident_id)


@pytest.mark.parametrize("rubbish", [b"", b"short", b"twelve bytes", b"twelve bytes and a few more"])
def test_what_was_never_sealed_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(CannotOpenError):
        _sealer([NEW]).opened(rubbish, incident_id="one")


def test_keys_are_read_in_either_alphabet_of_base64_with_spaces_around_them() -> None:
    key = b"\xfb\xff" * 16
    text = f" {base64.b64encode(key).decode()} , {base64.urlsafe_b64encode(key).decode()},"
    assert keys_read(text) == (key, key)


@pytest.mark.parametrize("wrong", ["no base64!", base64.b64encode(b"too short").decode()])
def test_a_wrong_key_is_refused_with_its_place_and_the_remedy_and_is_not_quoted(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"key 2 .*openssl rand -base64 32") as refused:
        keys_read(f"{base64.b64encode(NEW).decode()},{wrong}")
    assert wrong not in str(refused.value)
