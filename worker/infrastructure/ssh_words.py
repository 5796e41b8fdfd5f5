"""What the ssh client's own words mean: the remedy for each failure, and whether a session can have begun.

Pure. The words must be the client's alone, of its log or of a connection that failed: never a remote command's, which
may hold the like. Called by the ssh adapters.
"""

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["NOT_STARTED", "is_before_a_session", "own_words", "remedy_for"]

NOT_STARTED: Final = "ssh could not be started"
"""How we say that there was no client at all."""

_NOT_PINNED: Final = "its host key is none of those that are pinned for it: compare it, and correct known_hosts_file"
_REMEDIES: Final = (
    (f"{NOT_STARTED}: No such file", "the ssh client is missing on this machine: install openssh-client"),
    ("Host key verification failed", _NOT_PINNED),
    ("REMOTE HOST IDENTIFICATION", _NOT_PINNED),
    ("UNPROTECTED PRIVATE KEY", "its identity_file may be read by others, so ssh does not use it: chmod 600"),
    ("Permission denied", "the key is refused: correct user or identity_file, or its authorized_keys"),
    ("Connection refused", "nothing listens there: start sshd, or correct host and port"),
    ("Could not resolve", "the name can't be resolved: correct host"),
    ("timed out", "it did not answer in time"),
    ("No route to host", "there is no route to it"),
    (
        "kex_exchange_identification",
        "it broke the connection off at once: its sshd has too many, or shuts this one out",
    ),
)
_AUTHENTICATED: Final = "Authenticated to "
"""The client logs it, at the level VERBOSE, before it asks for a session."""

_FIGURES: Final = (_AUTHENTICATED, "Transferred: ", "Bytes per second: ")
_NO_SESSION: Final = re.compile(
    rf"{NOT_STARTED}: .+"
    r"|ssh: connect to host \S+ port \d+: .+"
    r"|ssh: Could not resolve hostname .+"
    r"|\S+@\S+: Permission denied \(.*\)\."
    r"|Host key verification failed\."
    r"|kex_exchange_identification: .+"
    r"|Connection timed out during banner exchange"
    r"|(?:Connection (?:to|closed by|reset by)|Disconnected from) .+ port \d+.*"
    r"|ssh_dispatch_run_fatal: .+"
    r"|Unable to negotiate with .+"
)


def remedy_for(words: str) -> str:
    """Return what ssh's words mean and what to do; its own words where we know none."""
    return next((remedy for sign, remedy in _REMEDIES if sign in words), words or "it said nothing")


def is_before_a_session(log: Sequence[str]) -> bool:
    """Say whether the client's log, at the level VERBOSE, ends before a session: so no order can have arrived.

    A log that says nothing, or ends in words that are not known, leaves it open.
    """
    if not log or any(line.startswith(_AUTHENTICATED) for line in log):
        return False
    return _NO_SESSION.fullmatch(log[-1]) is not None


def own_words(log: Sequence[str]) -> str:
    """Return what the client says of a failure, without the figures that it logs at each end."""
    return " ".join(line for line in log if not line.startswith(_FIGURES))
