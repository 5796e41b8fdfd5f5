"""A pager that is reached by PagerDuty's Events API v2, or by whatever else takes that form over HTTP.

Form and status codes: https://developer.pagerduty.com/docs/events-api-v2-overview. It never logs the address or the
key, follows no redirect, and repeats nothing by itself. What is sent is masked whole, unless the pager is trusted: no
triage has been there, so no map of the incident is. `firstline intake` opens it for the direct escalation.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2
from pydantic import SecretStr

from producers.settings import ProducerConfigurationError
from producers.spool.direct_escalation import PagerRefused, PagerUnavailable
from worker.contract import Incident, Resolution
from worker.contract.text import cut_to_bytes
from worker.redaction import DEFAULTS_MASKER, SECRETS_MASKER, STATELESS_MASKER, Masker

__all__ = ["EventsPager", "open_pager"]

NOTE: Final = "Firstline cannot reach its Redis; nobody has looked at this alert."
NO_SERVER: Final = "no server was named"

SUMMARY_LIMIT_CHARACTERS: Final = 1024
TEXT_LIMIT_BYTES: Final = 4096
TIMEOUT_SECONDS: Final = 10.0
LONGEST_RETRY_AFTER_SECONDS: Final = 300.0

_REFUSALS: Final = frozenset({400, 413, 422})
"""The event itself is wrong; any other status may be cured by time, or by whoever corrects address and key."""


class EventsPager:
    """Sends one event a call, through a client that the caller closes. Safe from many threads.

    A page is what `masker` leaves of it, and `server_masker` of the server's id.
    """

    def __init__(
        self,
        client: httpx2.Client,
        url: str,
        key: SecretStr,
        *,
        masker: Masker = STATELESS_MASKER,
        server_masker: Masker = DEFAULTS_MASKER,
    ) -> None:
        self._client = client
        self._url = url
        self._key = key
        self._masker = masker
        self._server_masker = server_masker

    def trigger(self, incident: Incident) -> None:
        """Open the pager's own incident under the key of ours; see `Pager`."""
        payload = payload_of(incident, self._masker, self._server_masker)
        self._send({"event_action": "trigger", "dedup_key": incident.incident_id, "payload": payload})

    def resolve(self, resolution: Resolution) -> None:
        """Close it; one that the pager does not know is no mistake there."""
        self._send({"event_action": "resolve", "dedup_key": resolution.incident_id})

    def _send(self, event: Mapping[str, object]) -> None:
        try:
            response = self._client.post(self._url, json={"routing_key": self._key.get_secret_value(), **event})
        except httpx2.RequestError as error:
            raise PagerUnavailable(f"the pager cannot be reached ({type(error).__name__})") from error
        if response.is_success:
            return
        if response.status_code in _REFUSALS:
            raise PagerRefused(f"the pager refused the event with status {response.status_code}")
        raise PagerUnavailable(
            f"the pager answered with status {response.status_code}",
            retry_after_seconds=_retry_after_seconds(response.headers.get("retry-after", "")),
        )


@contextmanager
def open_pager(url: str | None, key: SecretStr | None, *, is_trusted: bool = False) -> Iterator[EventsPager | None]:
    """Yield the pager of an address and a routing key, None where neither is set; to one that is trusted addresses go.

    Raises `ProducerConfigurationError` for one without the other, and for an address that is none.
    """
    if url is None and key is None:
        yield None
        return
    if url is None or key is None:
        missing = "FIRSTLINE_DIRECT_ESCALATION_" + ("URL" if url is None else "KEY")
        raise ProducerConfigurationError(f"{missing} is not set: direct escalation needs the address and the key")
    try:
        address = httpx2.URL(url)
    except httpx2.InvalidURL:
        address = httpx2.URL()
    if address.scheme not in {"https", "http"} or not address.host:
        raise ProducerConfigurationError("FIRSTLINE_DIRECT_ESCALATION_URL must be an address such as https://host/path")
    # The client tells each address that it calls at INFO, and this one may hold a secret.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    with httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
        if is_trusted:
            yield EventsPager(client, url, key, masker=SECRETS_MASKER, server_masker=SECRETS_MASKER)
        else:
            yield EventsPager(client, url, key)


def payload_of(
    incident: Incident, masker: Masker = STATELESS_MASKER, server_masker: Masker = DEFAULTS_MASKER
) -> dict[str, object]:
    """Return what the engineer reads, masked: what fired, where, since when, and that nobody has looked at it."""
    where = server_masker.checked(incident.server_id or NO_SERVER)
    text = masker.checked(incident.text)
    first_line = text.splitlines()[0]
    optional = {"component": incident.service, "group": incident.group}
    return {
        "summary": _cut(f"{where}: {first_line}", SUMMARY_LIMIT_CHARACTERS),
        "source": where if incident.server_id else incident.source,
        "severity": "critical",
        "timestamp": incident.started_at.isoformat(),
        **{name: masker.checked(value) for name, value in optional.items() if value},
        "custom_details": {
            "note": NOTE,
            "what": cut_to_bytes(text, TEXT_LIMIT_BYTES),
            "where": where,
            "since": incident.started_at.isoformat(),
            "reported_by": incident.source,
            "incident_id": incident.incident_id,
            "labels": masker.masked_labels(incident.labels),
        },
    }


def _cut(text: str, limit_characters: int) -> str:
    return text if len(text) <= limit_characters else text[: limit_characters - 1] + "…"


def _retry_after_seconds(header: str) -> float:
    return min(float(header), LONGEST_RETRY_AFTER_SECONDS) if header.isdecimal() else 0.0
