"""One message to one address of Apprise's, in a process of its own, so that time and memory of it are bounded.

Started by `apprise_sink`, which writes the address and the message to its standard input: a command line can be read by
anybody. It says yes or no by its exit status, and nothing else: what Apprise prints may have an address in it. It
knows nothing else of the desk, so that it starts quickly. The only module that imports Apprise (the `notify` extra).
"""

import json
import logging
import os
import resource
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from apprise import Apprise

__all__ = ["MEMORY_LIMIT_BYTES", "Message", "apprise_at", "is_taken"]

MEMORY_LIMIT_BYTES: Final = 512 * 2**20
"""Of addresses, as Linux counts them: Python with Apprise needs a fifth of it, however much a receiver answers."""

_TALKATIVE: Final = ("apprise", "urllib3")
"""What writes addresses into its log, below a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What the sink hands over: an address, what to say there, and how long that may take."""

    url: str
    title: str
    body: str
    kind: str
    timeout_seconds: float


def apprise_at(url: str) -> "Apprise | None":
    """Return Apprise with this address; None where it is none that Apprise knows. Raises `ImportError` without it."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - the extra is for those who use it

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    apprise = Apprise(asset=AppriseAsset(app_id="Firstline", app_desc="Firstline", http_redirects=False))
    return apprise if apprise.add(url) else None


def is_taken(message: Message) -> bool:
    """Send the message in this process; threads of Apprise's may still read an answer afterwards."""
    apprise = apprise_at(message.url)
    return apprise is not None and bool(
        apprise.notify(
            title=message.title,
            body=message.body,
            notify_type=message.kind,
            body_format="text",
            timeout=message.timeout_seconds,
        )
    )


def _bound_memory() -> None:
    """Let no answer fill the machine; other systems than Linux do not count addresses like this."""
    if sys.platform != "linux":
        return
    _, hardest = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_LIMIT_BYTES if hardest == resource.RLIM_INFINITY else min(MEMORY_LIMIT_BYTES, hardest)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hardest))


if __name__ == "__main__":
    _bound_memory()
    os._exit(0 if is_taken(Message(**json.load(sys.stdin))) else 1)  # without waiting for those threads
