"""Why a request is not answered with verdicts: a status, a sentence with the remedy, and where the fault lies.

The text never quotes a secret, an address of ours or more of a body than its place. Raised by all files of this
package, turned into an answer by `desk.py` alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

__all__ = ["HttpError", "come_again"]

RETRY_AFTER_SECONDS: Final = 5
"""Long enough to restart a Redis, short enough that Alertmanager's next try falls after it."""


@dataclass(eq=False)
class HttpError(Exception):
    """This request ends here; sending it again as it is helps only where the status is 503."""

    status: HTTPStatus
    error: str
    where: str
    headers: Mapping[str, str] = field(default_factory=dict)


def come_again(error: str, where: str, *, after_seconds: float = RETRY_AFTER_SECONDS) -> HttpError:
    """Return the error for what passes by itself.

    It is 503 for overload and for a sender's own limit alike: Alertmanager tries again after 5xx only, never after 429,
    so a 429 would lose its alerts (prometheus/alertmanager, `notify/webhook/webhook.go`).
    """
    headers = {"Retry-After": str(math.ceil(max(after_seconds, 1)))}
    return HttpError(HTTPStatus.SERVICE_UNAVAILABLE, error, where, headers)
