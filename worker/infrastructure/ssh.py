"""One host behind sshd, by the system's own ssh client: fixed commands that read, and orders for the restart command.

The client is started from an argument vector, with the host's key pinned and nothing of this machine's or this user's
configuration. sshd hands a command to the login shell as one string, so each argument is quoted for it here. Reads
share a connection and are repeated once; an order has a connection of its own, and is sent once. Called by the ssh
adapters.
"""

import atexit
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from worker.contract.text import cut_to_bytes, visible
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker

__all__ = ["READ_LIMIT_BYTES", "SSH_FAILED", "SshAnswer", "SshHost"]

SSH_FAILED: Final = 255
"""ssh's own exit code; a remote command may end with it too, but none of ours does."""

READ_LIMIT_BYTES: Final = 2 * 1_048_576

_READ_TRIES: Final = 2
_KEPT_SECONDS: Final = 60
_STDERR_BYTES: Final = 4_096
_SAID_BYTES: Final = 300
_LISTENING_SECONDS: Final = 1.0
"""For what is still on its way when ssh has ended."""

_NOT_PINNED: Final = "its host key is none of those that are pinned for it: compare it, and correct known_hosts_file"
_REMEDIES: Final = (
    (
        "Host key verification failed",
        _NOT_PINNED,
    ),
    (
        "REMOTE HOST IDENTIFICATION",
        _NOT_PINNED,
    ),
    ("UNPROTECTED PRIVATE KEY", "its identity_file may be read by others, so ssh does not use it: chmod 600"),
    ("Permission denied", "the key is refused: correct user or identity_file, or its authorized_keys"),
    ("Connection refused", "nothing listens there: start sshd, or correct host and port"),
    ("Could not resolve", "the name can't be resolved: correct host"),
    ("timed out", "it did not answer in time"),
    ("No route to host", "there is no route to it"),
)


@dataclass(frozen=True, slots=True)
class SshAnswer:
    """How a remote command ended; `stdout` is the beginning only when `is_cut`. `code` is None when it was ended here.

    `said` are the visible lines of stderr: ssh's own and the remote command's.
    """

    code: int | None
    stdout: bytes
    said: tuple[str, ...] = ()
    is_cut: bool = False

    @property
    def stderr(self) -> str:
        """All that was said, as one line, cut."""
        return cut_to_bytes(" ".join(self.said), _SAID_BYTES)


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
            "ClearAllForwardings": "yes",
            "ConnectTimeout": str(max(1, round(timeout_seconds))),
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": str(identity_file.absolute()),
            "LogLevel": "ERROR",
            "ServerAliveCountMax": "2",
            "ServerAliveInterval": "5",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(known_hosts_file.absolute()),
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

        Raises `SourceUnavailable` when ssh itself fails, twice, or when the time is over.
        """
        self._breaker.check()
        seconds = timeout_seconds or self._timeout_seconds
        vector = [*self._client, *self._shared_connection(), "--", self._destination, shlex.join(command)]
        give_up = time.monotonic() + seconds
        for _ in range(_READ_TRIES):
            seconds_left = max(give_up - time.monotonic(), 0.1)
            answer = _run(vector, timeout_seconds=seconds_left, limit_bytes=limit_bytes)
            if answer.code != SSH_FAILED:
                break
        if answer.code is None and not answer.is_cut:
            self._fail(f"{self.name} did not answer in {seconds:g} s.")
        if answer.code == SSH_FAILED:
            self._fail(f"{self.name} failed: {remedy_for(answer.stderr)}.")
        self._breaker.succeeded()
        return answer

    def order(self, request: str, *, timeout_seconds: float) -> SshAnswer:
        """Send one request to the forced command behind this key, once, and return how it ended.

        The code is `SSH_FAILED` when ssh failed, before the order arrived or after; None when the time is over.
        """
        alone = ["-oControlMaster=no", "-oControlPath=none"]
        vector = [*self._client, *alone, "--", self._destination, request]
        return _run(vector, timeout_seconds=timeout_seconds, limit_bytes=_STDERR_BYTES)

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
        return ["-oControlMaster=auto", f"-oControlPath={path}", f"-oControlPersist={_KEPT_SECONDS}"]

    def _close(self, folder: "tempfile.TemporaryDirectory[str]") -> None:
        path = Path(folder.name) / "c"
        if path.exists():
            _run(
                [*self._client, f"-oControlPath={path}", "-O", "exit", "--", self._destination],
                timeout_seconds=2,
                limit_bytes=0,
            )
        folder.cleanup()


def remedy_for(stderr: str) -> str:
    """Return what ssh's words mean and what to do; its own words where we know none."""
    return next((remedy for sign, remedy in _REMEDIES if sign in stderr), stderr or "it said nothing")


def _run(vector: Sequence[str], *, timeout_seconds: float, limit_bytes: int) -> SshAnswer:
    """Run ssh for a bounded time, and take a bounded part of what it says."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    said = bytearray()
    with subprocess.Popen(  # noqa: S603 - a vector of our own, no shell
        vector,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**kept, "LC_ALL": "C"},
        start_new_session=True,
    ) as client:
        give_up = threading.Timer(timeout_seconds, _kill, [client])
        listener = threading.Thread(target=_keep_first, args=[client, said], daemon=True)
        give_up.start()
        listener.start()
        try:
            stdout = _first_bytes(client, limit_bytes + 1)
            is_cut = len(stdout) > limit_bytes
            if is_cut:
                _kill(client)
            code = client.wait()
        finally:
            give_up.cancel()
        listener.join(_LISTENING_SECONDS)
    lines = bytes(said).decode("utf-8", "replace").splitlines()
    words = tuple(visible(" ".join(line.split())) for line in lines if line.strip())
    return SshAnswer(None if code < 0 else code, stdout[:limit_bytes], words, is_cut=is_cut)


def _keep_first(client: "subprocess.Popen[bytes]", said: bytearray) -> None:
    """Read stderr to its end, and keep its beginning: a flood of it fills neither memory nor disk."""
    assert client.stderr is not None  # noqa: S101 - it was asked for
    with suppress(OSError, ValueError):  # closed, since a connection that is kept may hold it open
        while chunk := os.read(client.stderr.fileno(), _STDERR_BYTES):
            said += chunk[: _STDERR_BYTES - len(said)]


def _first_bytes(client: "subprocess.Popen[bytes]", count: int) -> bytes:
    assert client.stdout is not None  # noqa: S101 - it was asked for
    content = bytearray()
    while len(content) < count and (chunk := os.read(client.stdout.fileno(), count - len(content))):
        content += chunk
    return bytes(content)


def _kill(client: "subprocess.Popen[bytes]") -> None:
    if client.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)
