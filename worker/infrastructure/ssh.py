"""One host behind sshd, by the system's own ssh client: fixed commands that read, and orders for the restart command.

The client is started from an argument vector, with the host's key pinned and nothing of this machine's or this user's
configuration. sshd hands a command to the login shell as one string, so each argument is quoted for it here. Reads
share a connection and are repeated once; an order has a connection of its own, and is sent once. Called by the ssh
adapters.
"""

import atexit
import math
import re
import shlex
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from worker.errors import ConfigurationError, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.ssh_client import SSH_FAILED, SshAnswer, lines_of, run_client, unstarted
from worker.infrastructure.ssh_words import remedy_for

__all__ = ["READ_LIMIT_BYTES", "SSH_FAILED", "SshAnswer", "SshHost"]

READ_LIMIT_BYTES: Final = 2 * 1_048_576

_READ_TRIES: Final = 2
_KEPT_SECONDS: Final = 60
_ORDER_ANSWER_BYTES: Final = 4_096
_LOG_BYTES: Final = 65_536

_ENDED_THERE: Final = 'if timeout 1 true 2>/dev/null; then exec timeout -s KILL "$@"; fi; shift; exec "$@"'
"""Ends a read on its host too, where there is a `timeout` that takes the seconds first; without it runs it as it is."""

_UNSPEAKABLE: Final = re.compile(r'["\\\x00-\x1f\x7f]|\$\{')
"""What ssh reads as its own within a quoted path, by its version in one way or another."""


class SshHost:
    """One user's way to one host. Any number of threads may call."""

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        user: str,
        identity_file: Path,
        known_hosts_file: Path,
        breaker: CircuitBreaker,
        timeout_seconds: float,
    ) -> None:
        if host.startswith("-") or user.startswith("-"):
            raise ValueError("a host or user that ssh would take for an option")
        self.name = name
        self._destination = f"{user}@{host}"
        self._breaker = breaker
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._control_folder: tempfile.TemporaryDirectory[str] | None = None
        options = {
            "BatchMode": "yes",
            "CanonicalizeHostname": "no",
            "ClearAllForwardings": "yes",
            "ConnectTimeout": str(max(1, round(timeout_seconds))),
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": _quoted(identity_file),
            "PermitLocalCommand": "no",
            "ProxyCommand": "none",
            "ServerAliveCountMax": "2",
            "ServerAliveInterval": "5",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            "UserKnownHostsFile": _quoted(known_hosts_file),
            "VerifyHostKeyDNS": "no",
        }
        given = [f"-o{key}={value}" for key, value in options.items()]
        self._client = ["ssh", "-F", "none", "-T", "-p", str(port), *given]

    def read(
        self,
        command: Sequence[str],
        *,
        timeout_seconds: float | None = None,
        limit_bytes: int = READ_LIMIT_BYTES,
    ) -> SshAnswer:
        """Run a command that only reads, and return its answer, whatever its exit code.

        Raises `SourceUnavailable` when ssh itself fails, twice, or when the time is over. Soon after that the command
        is ended on its host, too, so that nothing piles up there.
        """
        self._breaker.check()
        seconds = timeout_seconds or self._timeout_seconds
        bounded = ["sh", "-c", _ENDED_THERE, "firstline", str(math.ceil(seconds) + 1), *command]
        options = ["-oLogLevel=ERROR", *self._shared_connection()]
        vector = [*self._client, *options, "--", self._destination, shlex.join(bounded)]
        give_up = time.monotonic() + seconds
        for _ in range(_READ_TRIES):
            seconds_left = max(give_up - time.monotonic(), 0.1)
            answer = run_client(vector, timeout_seconds=seconds_left, limit_bytes=limit_bytes)
            if answer.code != SSH_FAILED:
                break
        if answer.code is None and not answer.is_cut:
            self._fail(f"{self.name} did not answer in {seconds:g} s.")
        if answer.code == SSH_FAILED:
            self._fail(f"{self.name} failed: {remedy_for(answer.stderr)}.")
        self._breaker.succeeded()
        return answer

    def order(self, request: str, *, timeout_seconds: float) -> SshAnswer:
        """Send one request to the forced command behind this key, once, and return how it ended, and the end it said.

        The code is `SSH_FAILED` when ssh failed, before the order arrived or after; None when the time is over. ssh's
        own words are in `log` alone: they go to a file here, where no remote command's words can come.
        """
        try:
            folder = tempfile.TemporaryDirectory(prefix="fl-ssh-", ignore_cleanup_errors=True)
        except OSError as error:
            return unstarted(f"there is no place for its log ({error.strerror or error})")
        with folder:
            log = Path(folder.name) / "log"
            options = ["-E", str(log), "-oLogLevel=VERBOSE", "-oControlMaster=no", "-oControlPath=none"]
            vector = [*self._client, *options, "--", self._destination, request]
            answer = run_client(
                vector, timeout_seconds=timeout_seconds, limit_bytes=_ORDER_ANSWER_BYTES, is_left_to_end=True
            )
            return replace(answer, log=(*_words_in(log), *answer.log))

    def _fail(self, sentence: str) -> None:
        failure = SourceUnavailable(sentence)
        self._breaker.failed(failure)
        raise failure

    def _shared_connection(self) -> list[str]:
        """Return the options by which one connection serves many reads; its socket stands in a folder of our own."""
        with self._lock:
            if self._control_folder is None:
                self._control_folder = tempfile.TemporaryDirectory(prefix="fl-ssh-")
                atexit.register(self._close, self._control_folder)
            path = Path(self._control_folder.name) / "c"
        return ["-oControlMaster=auto", f"-oControlPath={_quoted(path)}", f"-oControlPersist={_KEPT_SECONDS}"]

    def _close(self, folder: "tempfile.TemporaryDirectory[str]") -> None:
        path = Path(folder.name) / "c"
        if path.exists():
            run_client(
                [*self._client, f"-oControlPath={_quoted(path)}", "-O", "exit", "--", self._destination],
                timeout_seconds=2,
                limit_bytes=0,
            )
        folder.cleanup()


def _quoted(path: Path) -> str:
    """Return a path as an option's value, in which ssh splits at blanks and expands what begins with `%`."""
    text = str(path.absolute())
    if _UNSPEAKABLE.search(text):
        raise ConfigurationError(
            f"ssh can't be told the path {text!r}: choose one without \", \\, ${{ and control characters."
        )
    return '"' + text.replace("%", "%%") + '"'


def _words_in(log: Path) -> tuple[str, ...]:
    """Return the lines of ssh's own log; none where it can't be read, or is longer than it can be."""
    try:
        with log.open("rb") as file:
            content = file.read(_LOG_BYTES + 1)
    except OSError:
        return ()
    return lines_of(content) if len(content) <= _LOG_BYTES else ()
