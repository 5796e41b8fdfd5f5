"""One run of the system's ssh client: bounded in time, and in what of its words is kept.

It knows no options and judges nothing; what it cannot start is an answer too. Called by `SshHost`.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

from worker.contract.text import cut_to_bytes, visible
from worker.infrastructure.ssh_words import NOT_STARTED

__all__ = ["SSH_FAILED", "SshAnswer", "lines_of", "run_client", "unstarted"]

SSH_FAILED: Final = 255
"""ssh's own exit code; a remote command may end with it too, but none of ours does."""

_CHUNK_BYTES: Final = 65_536
_STDERR_BYTES: Final = 4_096
_SAID_BYTES: Final = 300
_LISTENING_SECONDS: Final = 1.0
"""For what is still on its way when ssh has ended."""


@dataclass(frozen=True, slots=True)
class SshAnswer:
    """How a remote command ended; `stdout` is a part only when `is_cut`. `code` is None when it was ended here.

    `said` are the visible lines of stderr: the remote command's, and ssh's own where `log` does not have them.
    """

    code: int | None
    stdout: bytes
    said: tuple[str, ...] = ()
    is_cut: bool = False
    log: tuple[str, ...] = ()

    @property
    def stderr(self) -> str:
        """All that was said, as one line, cut."""
        return cut_to_bytes(" ".join(self.said), _SAID_BYTES)


def unstarted(reason: str) -> SshAnswer:
    """Return the answer of a client that this machine could not start."""
    words = (f"{NOT_STARTED}: {reason}",)
    return SshAnswer(SSH_FAILED, b"", words, log=words)


def run_client(
    vector: Sequence[str], *, timeout_seconds: float, limit_bytes: int, is_left_to_end: bool = False
) -> SshAnswer:
    """Run ssh, and keep a bounded part of what it says.

    A client that says more than the limit is ended, and the beginning is kept; one that is left to end is read to its
    end, and the end is kept.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    try:
        client = subprocess.Popen(  # noqa: S603 - a vector of our own, no shell
            vector,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**kept, "LC_ALL": "C"},
            start_new_session=True,
        )
    except OSError as error:
        return unstarted(error.strerror or type(error).__name__)
    with client:
        return _answer_of(client, timeout_seconds, limit_bytes, is_left_to_end=is_left_to_end)


def lines_of(content: bytes) -> tuple[str, ...]:
    """Return the lines that hold anything, made visible."""
    lines = content.decode("utf-8", "replace").splitlines()
    return tuple(visible(" ".join(line.split())) for line in lines if line.strip())


def _answer_of(
    client: "subprocess.Popen[bytes]", timeout_seconds: float, limit_bytes: int, *, is_left_to_end: bool
) -> SshAnswer:
    assert client.stdout is not None  # noqa: S101 - both were asked for
    assert client.stderr is not None  # noqa: S101
    said = bytearray()
    give_up = threading.Timer(timeout_seconds, _kill, [client])
    listener = threading.Thread(target=_listen, args=[client.stderr, said, is_left_to_end], daemon=True)
    try:
        give_up.start()
        listener.start()
        if is_left_to_end:
            stdout, is_cut = _newest_bytes(client.stdout, limit_bytes)
        else:
            stdout, is_cut = _first_bytes(client.stdout, limit_bytes)
            if is_cut:
                _kill(client)
        code = client.wait()
    finally:
        give_up.cancel()
        _kill(client)
    listener.join(_LISTENING_SECONDS)
    return SshAnswer(None if code < 0 else code, stdout, lines_of(bytes(said)), is_cut=is_cut)


def _listen(stream: IO[bytes], said: bytearray, keeps_newest: bool) -> None:  # noqa: FBT001 - a thread's target
    """Read stderr to its end, and keep one end of it: a flood of it fills neither memory nor disk."""
    with suppress(OSError, ValueError):  # closed, since a connection that is kept may hold it open
        while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
            said += chunk
            del said[slice(None, -_STDERR_BYTES) if keeps_newest else slice(_STDERR_BYTES, None)]


def _first_bytes(stream: IO[bytes], limit_bytes: int) -> tuple[bytes, bool]:
    """Return the beginning, and whether there is more than that."""
    content = bytearray()
    while len(content) <= limit_bytes and (chunk := os.read(stream.fileno(), limit_bytes + 1 - len(content))):
        content += chunk
    return bytes(content[:limit_bytes]), len(content) > limit_bytes


def _newest_bytes(stream: IO[bytes], limit_bytes: int) -> tuple[bytes, bool]:
    """Read to the end; return that end, and whether there was more than that."""
    content, is_cut = bytearray(), False
    while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
        content += chunk
        is_cut = is_cut or len(content) > limit_bytes
        del content[:-limit_bytes]
    return bytes(content), is_cut


def _kill(client: "subprocess.Popen[bytes]") -> None:
    if client.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)
