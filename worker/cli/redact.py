"""`firstline redact`: a text as it would leave, so that an installation can try its rules on logs of its own.

It needs no Redis, keeps nothing, and reads a file of any size a block at a time. Masked text goes to standard output,
what was found to standard error.
"""

import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.progress import Progress

from worker.cli.shown import detector_to_show
from worker.errors import ConfigurationError
from worker.redaction import Detector, Finding, Kind, Masker, Placeholders
from worker.settings import Settings

__all__ = ["redact_files"]

_BLOCK_CHARACTERS: Final = 1_000_000
_LINE_CHARACTERS: Final = 1_000_000
_KEY_LINES: Final = 200
"""How many lines a block waits for the end of a key file that began in it."""


class _Counting:
    """A detector that counts what it finds, by kind."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.found: Counter[Kind] = Counter()

    def find(self, text: str) -> Sequence[Finding]:
        findings = self._detector.find(text)
        self.found.update(finding.kind for finding in findings)
        return findings

    def kind_named(self, name: str) -> Kind | None:
        return self._detector.kind_named(name)


def redact_files(settings: Settings, paths: Sequence[Path]) -> None:
    """Print files masked under one set of placeholders, `-` for standard input, and then what was found in them.

    Raises `ConfigurationError` for a wrong redaction file, and for a file that can't be read, before anything of it is
    printed. Memory grows with the values that have a number, not with the text.
    """
    counting = _Counting(detector_to_show(settings))
    masker = Masker(counting, Placeholders())
    read_bytes = 0
    for path in paths:
        with _opened(path) as stream, _bar() as bar:
            task = bar.add_task(f"masking {path.name}", total=path.stat().st_size if path.is_file() else None)
            for block in _blocks(stream):
                content = block.encode("utf-8", "surrogateescape")
                sys.stdout.buffer.write(masker.masked(block).encode("utf-8", "surrogateescape"))
                sys.stdout.buffer.flush()
                read_bytes += len(content)
                bar.advance(task, len(content))
    sys.stderr.write(_told(counting.found, masker.placeholders, read_bytes=read_bytes))


def _blocks(stream: TextIO) -> Iterator[str]:
    """Cut a text between lines, and not within a key file; a line without an end is cut, too."""
    lines: list[str] = []
    characters = waited = 0
    for line in iter(lambda: stream.readline(_LINE_CHARACTERS), ""):
        lines.append(line)
        characters += len(line)
        if characters < _BLOCK_CHARACTERS:
            continue
        waited += 1
        if waited >= _KEY_LINES or not _ends_in_key_file(lines):
            yield "".join(lines)
            lines, characters, waited = [], 0, 0
    yield "".join(lines)


def _ends_in_key_file(lines: Sequence[str]) -> bool:
    last = "".join(lines[-_KEY_LINES:])
    return last.rfind("BEGIN ") > last.rfind("END ") and "PRIVATE KEY" in last


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text whose every byte comes out again, also those that are none of UTF-8."""
    if path == Path("-"):
        stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape", newline="")
        yield stream
        stream.detach()
        return
    try:
        file = path.open(encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from error
    with file:
        yield file


def _bar() -> Progress:
    console = Console(stderr=True)
    is_shown = console.is_terminal and not sys.stdout.isatty()
    return Progress(console=console, transient=True, disable=not is_shown, redirect_stdout=False, redirect_stderr=False)


def _told(found: Counter[Kind], placeholders: Placeholders, *, read_bytes: int) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.most_common()) or "nothing"
    different = f"; {len(placeholders.values):,} different values have a number" if placeholders.values else ""
    return f"found in {read_bytes:,} bytes: {kinds}{different}\n"
