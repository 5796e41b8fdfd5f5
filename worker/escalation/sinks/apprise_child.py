"""One message to one address of Apprise's, in a process of its own, so that time and memory of it are bounded.

Started by `apprise_sink`, which writes the address and the message to its standard input: a command line can be read by
anybody. It says yes or no by its exit status, and nothing else: what Apprise prints may have an address in it.
"""

import os
import resource
import sys
from typing import Final

from worker.contract.base import Frozen
from worker.escalation.sinks.apprise_address import apprise_at

__all__ = ["MEMORY_LIMIT_BYTES", "Message"]

MEMORY_LIMIT_BYTES: Final = 512 * 2**20
"""Of addresses, as Linux counts them: Python with Apprise needs a third of it, however much a receiver answers."""


class Message(Frozen):
    """What the sink hands over: an address, what to say there, and how long that may take."""

    url: str
    title: str
    body: str
    kind: str
    timeout_seconds: float


def main() -> None:
    """Send what standard input says, and end at once: threads of Apprise's may still read an answer."""
    _bound_memory()
    os._exit(0 if _is_taken(Message.model_validate_json(sys.stdin.read())) else 1)


def _bound_memory() -> None:
    """Let no answer fill the machine; other systems than Linux do not count addresses like this."""
    if sys.platform != "linux":
        return
    _, hardest = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_LIMIT_BYTES if hardest == resource.RLIM_INFINITY else min(MEMORY_LIMIT_BYTES, hardest)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hardest))


def _is_taken(message: Message) -> bool:
    return bool(
        apprise_at(message.url).notify(
            title=message.title,
            body=message.body,
            notify_type=message.kind,
            body_format="text",
            timeout=message.timeout_seconds,
        )
    )


if __name__ == "__main__":
    main()
