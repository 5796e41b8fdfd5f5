"""Which secrets open which source, read once at start-up: what is too short, missing or too much keeps it closed.

Secrets live in variables, the intake file names these; nothing here logs or prints a value. Called by the entry point.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from producers.intake_file import SOURCES, Signature, SourceRules
from producers.settings import ProducerConfigurationError

__all__ = ["Credentials", "Lock", "Secret", "read_credentials"]

SECRET_LIMIT_CHARACTERS: Final = 16
"""A shorter secret can be guessed at the rate that this door answers at."""

TOKENS_VARIABLE: Final = "FIRSTLINE_INTAKE_TOKENS"


@dataclass(frozen=True, slots=True)
class Secret:
    """A token or a signing secret; `name` says in logs who uses it, and never what it is."""

    name: str
    value: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What is compared instead of the value, so that the time taken tells nothing of its length."""
        return hashlib.sha256(self.value).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What opens one source: any one of the tokens, or a signature with any one of the signing secrets."""

    tokens: tuple[Secret, ...] = ()
    signature: Signature | None = None
    signing_secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The lock of each source; `None` in place of locks lets everybody in, and stands for `--insecure` only."""

    locks: Mapping[str, Lock] | None

    @property
    def is_insecure(self) -> bool:
        """Whether nobody is asked for credentials."""
        return self.locks is None

    def lock_of(self, source: str) -> Lock:
        """Return the lock of a source; one that has none stays closed."""
        return (self.locks or {}).get(source, Lock())

    def lock_of_any(self) -> Lock:
        """Return the lock that each token opens, whichever source it is for: it lets nobody in, but tells friends."""
        return Lock(tokens=tuple(token for lock in (self.locks or {}).values() for token in lock.tokens))


def read_credentials(tokens: str, rules: Mapping[str, SourceRules], environment: Mapping[str, str]) -> Credentials:
    """Return the locks; `tokens` are separated by commas and open every source.

    Raises `ProducerConfigurationError` that lists every mistake by its variable or key, and when there is no credential
    at all.
    """
    mistakes: list[str] = []
    common = _common_tokens(tokens, mistakes)
    locks = {
        source: _lock(source, rules.get(source, SourceRules()), common, environment, mistakes) for source in SOURCES
    }
    if not mistakes and not any(lock.tokens or lock.signing_secrets for lock in locks.values()):
        mistakes.append(
            f"{TOKENS_VARIABLE}: nobody could be let in: set it to a token (openssl rand -hex 32), name one in the "
            "intake file, or give --insecure to let everybody on this machine in"
        )
    if mistakes:
        raise ProducerConfigurationError(
            "Intake does not start without sound credentials:\n" + "\n".join(f"  {each}" for each in mistakes)
        )
    return Credentials(locks)


def _common_tokens(tokens: str, mistakes: list[str]) -> tuple[Secret, ...]:
    values = [token.strip() for token in tokens.split(",") if token.strip()]
    mistakes.extend(
        f"{TOKENS_VARIABLE}: token {number} {fault}"
        for number, value in enumerate(values, start=1)
        for fault in _faults(value)
    )
    return tuple(Secret(f"{TOKENS_VARIABLE}.{number}", value.encode()) for number, value in enumerate(values, start=1))


def _lock(
    source: str,
    rules: SourceRules,
    common: Sequence[Secret],
    environment: Mapping[str, str],
    mistakes: list[str],
) -> Lock:
    own = _named(f"sources.{source}.token_env", rules.token_env, environment, mistakes)
    secrets = _named(f"sources.{source}.secret_env", rules.secret_env, environment, mistakes)
    return Lock(tokens=(*own, *common), signature=rules.signature, signing_secrets=tuple(secrets))


def _named(key: str, variables: Sequence[str], environment: Mapping[str, str], mistakes: list[str]) -> list[Secret]:
    found = []
    for variable in variables:
        value = environment.get(variable, "").strip()
        if not value:
            mistakes.append(f"{key} names the variable {variable}, which is not set: set it, or name it no longer")
            continue
        mistakes.extend(f"{key}: the value of {variable} {fault}" for fault in _faults(value))
        found.append(Secret(variable, value.encode()))
    return found


def _faults(value: str) -> Iterator[str]:
    if len(value) < SECRET_LIMIT_CHARACTERS:
        yield f"is shorter than {SECRET_LIMIT_CHARACTERS} characters: take a longer one (openssl rand -hex 32)"
    if not value.isascii() or not value.isprintable() or " " in value:
        yield "holds what no HTTP header carries unchanged: take letters and digits (openssl rand -hex 32)"
