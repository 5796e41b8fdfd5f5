"""Hostile texts and clean lines.

`held_out.txt` was written before any pattern, `second_held_out.txt` before the patterns that find it; `corpus.txt` is
what the patterns were made with.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["clean_incidents", "clean_lines", "hostile_texts"]

_FOLDER: Final = Path(__file__).parent
_NAMES: Final = (
    "nginx",
    "postgresql",
    "redis-server",
    "kubelet",
    "payment-api",
    "docker",
    "cron",
    "ssh",
    "agent",
    "java",
)
_SHAPES: Final = (
    "{time} INFO {name}[{number}]: request {number} served in {number} ms path=/api/v1/items/{number} status=200",
    "{time} WARN {name}: retry {number} of 5, waiting {number} ms",
    '{{"ts": "{time}", "level": "info", "logger": "{name}", "msg": "handled", "trace_id": "{hexes}"}}',
    '10.0.0.{byte} - - [{time}] "GET /health HTTP/1.1" 200 {number} "-" "Mozilla/5.0 (X11; Linux x86_64)"',
    "Jan  1 03:00:00 host-{byte} kernel: [{number}.{byte}] eth0: link up, {number} Mbps, full duplex, lpa 0x{hexes}",
    "{time} DEBUG {name} cache hit ratio 0.{byte} keys={number} token={base64}",
    "{time} ERROR {name}: java.lang.IllegalStateException: {number} at com.example.Worker.run(Worker.java:{byte})",
    "{time} INFO {name} - GC pause {number} ms, heap {number} MB of {number} MB",
)


def hostile_texts(*names: str) -> tuple[str, ...]:
    """Return the hostile texts of the named files, of all where none is named."""
    files = names or ("held_out", "second_held_out", "corpus")
    return tuple(line for name in files for line in (_FOLDER / f"{name}.txt").read_text("utf-8").splitlines() if line)


def clean_lines() -> tuple[str, ...]:
    """Return some thousand lines that real programs could write, and that come near to what is looked for."""
    near = (_FOLDER / "near_misses.txt").read_text("utf-8").splitlines()
    return tuple(dict.fromkeys(line.replace("NAME", name) for line in near if line for name in _NAMES))


def clean_incidents(count: int, *, lines: int, near_misses: int, seed: int = 1) -> Iterator[str]:
    """Yield logs of incidents of which none is hostile, each with some near misses among ordinary lines."""
    chance, near = random.Random(seed), clean_lines()
    for _ in range(count):
        log = [_ordinary(chance) for _ in range(lines - near_misses)] + chance.sample(near, near_misses)
        chance.shuffle(log)
        yield "\n".join(log)


def _ordinary(chance: random.Random) -> str:
    return chance.choice(_SHAPES).format(
        time=f"2026-01-01T03:{chance.randrange(60):02}:{chance.randrange(60):02}Z",
        name=chance.choice(_NAMES),
        number=chance.randrange(10_000),
        byte=chance.randrange(1, 99),
        hexes=f"{chance.getrandbits(64):016x}",
        base64="".join(chance.choices("ABCDEFGHabcdefgh0123456789+/", k=32)),
    )
