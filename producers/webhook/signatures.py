"""Signatures over a body, HMAC-SHA256 in hexadecimal, as each sender makes them. Pure; compares in constant time.

pagerduty  `X-PagerDuty-Signature: v1=…,v1=…` over the body, one for each secret while it is rotated
           https://developer.pagerduty.com/docs/webhooks-signatures
grafana    `X-Grafana-Alerting-Signature: …` over the body; where its contact point names a timestamp header, over
           `<unix seconds>:<body>`; it must be named as one of `GRAFANA_TIMESTAMP_HEADERS`
           https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/
firstline  `X-Firstline-Signature: t=<unix seconds>,v1=…` over `<unix seconds>.<body>`; any number of v1

A time that was signed must lie within 300 s of ours, and a copy of the same message makes no new alerts in the process
that has seen it (`first_arrivals.py`). PagerDuty's, and Grafana's without a time, are good for ever: whoever has seen
one can send it again. It is a duplicate while its incident is open, and opens a new one after the end of that; only TLS
on the whole way, and a new secret, keep that from happening.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, assert_never

from producers.intake_file import Signature
from producers.webhook.credentials import Secret

__all__ = ["HEADERS", "WINDOW_SECONDS", "Signer", "signer_of"]

WINDOW_SECONDS: Final = 300

HEADERS: Final[Mapping[Signature, str]] = {
    Signature.PAGERDUTY: "X-PagerDuty-Signature",
    Signature.GRAFANA: "X-Grafana-Alerting-Signature",
    Signature.FIRSTLINE: "X-Firstline-Signature",
}
GRAFANA_TIMESTAMP_HEADERS: Final = ("X-Grafana-Alerting-Timestamp", "X-Grafana-Alerting-Signature-Timestamp")
"""Grafana has no name of its own for it; its documentation's examples use these."""

SIGNATURES_LIMIT: Final = 8
"""So many of one request are looked at; a rotation needs two."""

_SECONDS: Final = re.compile(r"[0-9]{1,12}")


class _Claim(NamedTuple):
    """What a sender says that it signed: what stood before the body, and the signatures."""

    before_body: bytes
    signatures: Sequence[str]


class Signer(NamedTuple):
    """Whose secret it is; `message` is a digest of all that was signed with a time, None where no time was."""

    name: str
    message: bytes | None


def signer_of(
    kind: Signature, secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, *, now_seconds: float
) -> Signer | None:
    """Return who signed `body`, or None. `headers` finds names in any case.

    Every secret is tried against every signature, whichever of them fits.
    """
    claim = _claim(kind, headers, now_seconds)
    if claim is None:
        return None
    signer = None
    for secret in secrets:
        expected = hmac.new(secret.value, claim.before_body + body, hashlib.sha256).hexdigest().encode()
        for signature in claim.signatures[:SIGNATURES_LIMIT]:
            if hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape")):
                signer = secret.name
    if signer is None:
        return None
    timed = f"{kind} {signer} ".encode() + claim.before_body + body if claim.before_body else None
    return Signer(signer, hashlib.sha256(timed).digest() if timed else None)


def _claim(kind: Signature, headers: Mapping[str, str], now_seconds: float) -> _Claim | None:
    header = headers.get(HEADERS[kind])
    if header is None:
        return None
    match kind:
        case Signature.PAGERDUTY:
            return _Claim(b"", _fields(header, "v1"))
        case Signature.GRAFANA:
            times = [headers[name] for name in GRAFANA_TIMESTAMP_HEADERS if name in headers]
            return _timed(times[0], ":", [header.strip()], now_seconds) if times else _Claim(b"", [header.strip()])
        case Signature.FIRSTLINE:
            times = _fields(header, "t")
            return _timed(times[0], ".", _fields(header, "v1"), now_seconds) if len(times) == 1 else None
        case _:
            assert_never(kind)


def _timed(time: str, separator: str, signatures: Sequence[str], now_seconds: float) -> _Claim | None:
    if not _SECONDS.fullmatch(time) or abs(now_seconds - int(time)) > WINDOW_SECONDS:
        return None
    return _Claim(f"{time}{separator}".encode(), signatures)


def _fields(header: str, name: str) -> list[str]:
    pairs = (part.strip().partition("=") for part in header.split(","))
    return [value for key, _, value in pairs if key == name]
