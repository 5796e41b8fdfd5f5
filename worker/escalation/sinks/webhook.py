r"""A signed webhook: the card and the result as JSON, to whatever an operator runs.

The signature covers the time and the body, so that nobody else's message is taken, nor an old one later. To rotate a
secret, sign with the new one and the old one for a while: the header then has a signature of each. The same message
sent again has the same `Idempotency-Key`, which a receiver needs to keep for as long as results may come again (a day
is plenty). A receiver verifies like this, with the body's bytes as they came, before it parses them:

    import hashlib, hmac, time

    def is_from_firstline(headers, body: bytes, secret: str) -> bool:
        timestamp = headers["X-Firstline-Timestamp"]
        if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
            return False
        signed = timestamp.encode() + b"." + body
        expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        given = headers["X-Firstline-Signature"].split(",")
        return any(hmac.compare_digest(expected.encode(), each.strip().encode()) for each in given)
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final

import httpx2

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.errors import ConfigurationError
from worker.escalation.card import card_of
from worker.escalation.card_json import as_json
from worker.escalation.sinks.clients import checked_secret
from worker.escalation.sinks.posting import Poster
from worker.escalation.sinks.saying import moment_of
from worker.ports import Clock

__all__ = ["WebhookSink"]

SHORTEST_SECRET: Final = 16


class WebhookSink:
    """One address. `secrets` are those to sign with, the newest first; each has 16 characters at least."""

    def __init__(self, *, url: str, secrets: Sequence[str], client: httpx2.Client, clock: Clock) -> None:
        if not secrets or any(len(secret) < SHORTEST_SECRET for secret in secrets):
            raise ConfigurationError(
                f"The webhook needs secrets of {SHORTEST_SECRET} characters at least to sign with: set them."
            )
        self._secrets = [checked_secret("A secret of the webhook", secret).encode() for secret in secrets]
        self._poster = Poster("The webhook", url, client=client, credentials="secret")
        self._clock = clock

    def deliver(self, result: TriageResult) -> None:
        """Post the card and the result. Raises `NotDelivered`."""
        self._post(result, "result", {"event": "result"})

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Post one action, with the card and the result that it is about. Raises `NotDelivered`."""
        self._post(result, moment_of(handled), {"event": "handled", "handled": handled.model_dump(mode="json")})
        return True

    def _post(self, result: TriageResult, what: str, event: dict[str, object]) -> None:
        content = {**event, "card": as_json(card_of(result)), "result": result.model_dump(mode="json")}
        body = json.dumps(content).encode()
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "Idempotency-Key": f"{result.incident.incident_id}:{what}",
            "X-Firstline-Timestamp": timestamp,
            "X-Firstline-Signature": ",".join(self._signature(secret, timestamp, body) for secret in self._secrets),
        }
        self._poster.send(body, headers=headers)

    def _signature(self, secret: bytes, timestamp: str, body: bytes) -> str:
        return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
