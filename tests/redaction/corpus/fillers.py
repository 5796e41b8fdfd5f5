"""What fills a line beside its canaries: times in every writing, numbers, hashes, versions, names of code. All must stay."""

import re
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from tests.redaction.corpus.values import KEPT, digits

__all__ = ["FILLERS", "is_diagnostic", "tokens_of"]

_START: Final = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
_SOURCES: Final = ("server", "client", "handler", "queue", "store", "reconcile")
_PACKAGES: Final = (
    "com.acme.billing",
    "io.netty.channel",
    "org.apache.kafka.clients",
    "de.kunde.lager",
    "scala.concurrent.impl",
)
_CLASSES: Final = (
    "PaymentClient",
    "OrderService",
    "NioEventLoop",
    "TokenBucket",
    "SessionFactory",
    "PasswordPolicy",
    "CardValidator",
)
_PATHS: Final = (
    "/var/lib/app/data.db",
    "/api/v2/orders/17/items",
    "/srv/www/html/index.php",
    "/etc/nginx/conf.d/default.conf",
    "/proc/sys/vm/swappiness",
)
_ERROR_WORDS: Final = frozenset(
    [
        "error",
        "failed",
        "failure",
        "refused",
        "timeout",
        "denied",
        "expired",
        "unreachable",
        "killed",
        "warn",
        "warning",
        "fatal",
        "exception",
    ]
)
_SPLIT: Final = re.compile(r"[^A-Za-z0-9_.:/+\-@%$#~]+")
_TELLING: Final = re.compile(r"[0-9]|[A-Za-z][._/:@\-][A-Za-z]|^[A-Z]{2,}$|[a-z][A-Z]")


def _moment(chance: Random) -> datetime:
    return _START + timedelta(seconds=chance.randrange(86_400 * 9), microseconds=chance.randrange(10**6))


def _time(pattern: str) -> Callable[[Random], str]:
    return lambda chance: _moment(chance).strftime(pattern)


def _milliseconds(pattern: str, mark: str, behind: str = "") -> Callable[[Random], str]:
    return lambda chance: f"{_moment(chance).strftime(pattern)}{mark}{digits(chance, 3)}{behind}"


def _epoch(factor: int) -> Callable[[Random], str]:
    return lambda chance: str(int(_moment(chance).timestamp() * factor) + chance.randrange(factor))


def _hexadecimal(length: int) -> Callable[[Random], str]:
    return lambda chance: f"{chance.getrandbits(4 * length):0{length}x}"


def _number(low: int, high: int) -> Callable[[Random], str]:
    return lambda chance: str(chance.randint(low, high))


def _order(chance: Random) -> str:
    """Return 16 digits whose check digit is wrong: no card."""
    body = digits(chance, 15)
    doubled = (sum(divmod(int(c) * 2, 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(body)))
    return body + str((-sum(doubled) + chance.randint(1, 9)) % 10)


def _trace(chance: Random) -> str:
    made = f"{chance.getrandbits(128):032x}"
    return "-".join((made[:8], made[8:12], made[12:16], made[16:20], made[20:]))


def _pod(chance: Random) -> str:
    return f"checkout-{_hexadecimal(10)(chance)}-{''.join(chance.choices('bcdfghjklmnpqrstvwxz2456789', k=5))}"


FILLERS: Final[Mapping[str, Callable[[Random], str]]] = {
    "clf": _time("%d/%b/%Y:%H:%M:%S +0000"),
    "slashed": _time("%Y/%m/%d %H:%M:%S"),
    "apache": _time("%a %b %d %H:%M:%S.%f %Y"),
    "syslog": _time("%b %d %H:%M:%S"),
    "iso_zone": _time("%Y-%m-%dT%H:%M:%S+01:00"),
    "iso_ms": _milliseconds("%Y-%m-%d %H:%M:%S", "."),
    "comma": _milliseconds("%Y-%m-%d %H:%M:%S", ","),
    "iso_z": _milliseconds("%Y-%m-%dT%H:%M:%S", ".", "Z"),
    "iso_nano": lambda c: f"{_moment(c).strftime('%Y-%m-%dT%H:%M:%S')}.{digits(c, 9)}Z",
    "pg": _milliseconds("%Y-%m-%d %H:%M:%S", ".", " UTC"),
    "redis": _milliseconds("%d %b %Y %H:%M:%S", "."),
    "hdfs": _time("%y%m%d %H%M%S"),
    "klog": _time("E%m%d %H:%M:%S.%f"),
    "windows": _time("%m/%d/%Y %I:%M:%S %p"),
    "rfc": _time("%a, %d %b %Y %H:%M:%S GMT"),
    "epoch_s": _epoch(1),
    "epoch_ms": _epoch(10**3),
    "epoch_us": _epoch(10**6),
    "epoch_ns": _epoch(10**9),
    "epoch_float": lambda c: f"{_epoch(1)(c)}.{digits(c, 6)}",
    "uptime": lambda c: f"{c.randint(1, 999999):>6}.{digits(c, 6)}",
    "ago": lambda c: f"{c.randint(1, 59)}m{c.randint(1, 59)}s",
    "millis": lambda c: c.choice((f"{c.randint(1, 9999)}ms", f"{c.randint(1, 90)}.{digits(c, 3)}s", f"{c.randint(1, 900)}µs")),
    "small": _number(1, 64),
    "pid": _number(100, 65535),
    "port": _number(1024, 65535),
    "line": _number(10, 1999),
    "number": _number(1000, 99999),
    "long": _number(10**8, 10**12),
    "bytes": _number(100, 5_000_000),
    "major": _number(90, 145),
    "status": lambda c: c.choice(("200", "301", "401", "404", "499", "500", "502", "503", "504")),
    "float": lambda c: f"{c.randint(0, 999)}.{digits(c, 2)}",
    "version": lambda c: f"{c.randint(0, 30)}.{c.randint(0, 40)}.{c.randint(0, 99)}",
    "version4": lambda c: f"{c.randint(1, 12)}.{c.randint(0, 9)}.{c.randint(0, 30)}.{c.randint(0, 250)}",
    "hexaddr": lambda c: f"{c.randrange(0, 2**20, 16):08x}",
    **{f"hex{size}": _hexadecimal(size) for size in (1, 2, 3, 4, 6, 7, 8, 10, 12, 16, 32, 40, 64)},
    "base43": lambda c: "".join(c.choices(string.ascii_letters + string.digits + "+/", k=43)),
    "order": _order,
    "trace": _trace,
    "pod": _pod,
    "pod5": lambda c: _pod(c)[-5:],
    "kept": lambda c: c.choice(KEPT),
    "unit": lambda c: c.choice(("nginx.service", "postgresql@15-main.service", "docker.socket", "app-worker@3.service")),
    "class": lambda c: f"{c.choice(_PACKAGES)}.{c.choice(_CLASSES)}",
    "source": lambda c: c.choice(_SOURCES),
    "thread": lambda c: c.choice(("main", "http-nio-8080-exec-7", "pool-3-thread-12", "nioEventLoopGroup-2-1", "orders-scheduler")),
    "path": lambda c: c.choice(_PATHS),
}  # fmt: skip


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a text: what stands between blanks, quotation marks, brackets and separators."""
    return [token for token in (part.strip(".:-/@%~") for part in _SPLIT.split(text)) if token]


def is_diagnostic(token: str) -> bool:
    """Say whether a reader of the log needs this token: figures, names of code, levels, words of failure."""
    return _TELLING.search(token) is not None or token.casefold() in _ERROR_WORDS
