"""The spool's directory: made, locked for one process, and asked whether it can be written again.

It knows nothing of what lies in it. `spool.py` calls it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from producers.settings import ProducerConfigurationError
from producers.spool.segment import sync_directory

__all__ = ["locked", "refusal_of", "sentence_of"]

_PROBE_BYTES: Final = 4096


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Make the directory where it is missing, for its owner alone, and keep every other process out of it.

    The lock ends with the process, however that ends. Raises `ProducerConfigurationError` when another process has it
    and `OSError` when it can't be made or locked.
    """
    _make(directory)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def refusal_of(directory: Path) -> str | None:
    """Return why the directory can't be written, in one sentence with the remedy; None when it can. Writes 4 KiB."""
    probe = directory / "probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return sentence_of(directory, error)
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return None


def sentence_of(directory: Path, error: OSError) -> str:
    """Return an error of the disk as one sentence with the remedy."""
    reason = error.strerror or str(error)
    return f"The spool {directory} can't be written ({reason}): make room or correct the directory, then send again"


def _make(directory: Path) -> None:
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in missing:
        sync_directory(path.parent)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ProducerConfigurationError(
            f"The spool {directory} is in use by another process: end that one, or give each a directory of its own"
        ) from error
