"""Who may come in: a sender's name, by the headers or by the signature of the body, or a refusal.

Each sender has its own rate, under the name of what it proved or, where nobody is asked, its address. Strangers spend
their address's rate, never somebody else's: with every failure, and with every body that is read to find out who signed
it; who proves that gets it back. Called by `desk.py`.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from aiohttp import web

from producers.webhook.authentication import is_signed, sender_by_signature, sender_by_token, unauthorized
from producers.webhook.credentials import Credentials
from producers.webhook.limits import Rates, sender_at
from producers.webhook.refusals import HttpError
from producers.webhook.signatures import Signer

__all__ = ["Gate"]


class Gate:
    """Lets senders in; every method raises `HttpError` 401, 403, or 503 for one that sends too often."""

    def __init__(self, credentials: Credentials, rates: Rates, now: Callable[[], datetime]) -> None:
        self._credentials = credentials
        self._rates = rates
        self._now = now

    def by_headers(self, request: web.BaseRequest, source: str) -> str | None:
        """Return who sends, or None where only the signature of the body can show it."""
        sender = self._sender(request, source)
        self._rates.spend(sender or sender_at(request.remote))
        return sender

    def by_signature(self, request: web.BaseRequest, source: str, body: bytes) -> Signer:
        """Return who signed the body that `by_headers` found worth reading."""
        lock = self._credentials.lock_of(source)
        signer = sender_by_signature(lock, request.headers, body, now_seconds=self._now().timestamp())
        if signer is None:
            raise unauthorized()
        self._rates.give_back(sender_at(request.remote))
        self._rates.spend(signer.name)
        return signer

    def is_friend(self, request: web.BaseRequest) -> bool:
        """Say whether the sender knows the token of any source; a wrong token spends, none at all is no attempt."""
        if self._credentials.is_insecure:
            return True
        is_known = sender_by_token(self._credentials.lock_of_any(), request.headers) is not None
        if not is_known and "Authorization" in request.headers:
            self._rates.spend(sender_at(request.remote))
        return is_known

    def _sender(self, request: web.BaseRequest, source: str) -> str | None:
        address = sender_at(request.remote)
        if self._credentials.is_insecure:
            _refuse_browsers(request)
            return address
        lock = self._credentials.lock_of(source)
        sender = sender_by_token(lock, request.headers)
        if sender is None and not is_signed(lock, request.headers):
            self._rates.spend(address)
            raise unauthorized()
        return sender


def _refuse_browsers(request: web.BaseRequest) -> None:
    """Any page in a browser on this machine could send alerts here; what a browser posts names its origin."""
    if "Origin" in request.headers:
        raise HttpError(HTTPStatus.FORBIDDEN, "with --insecure no browser is let in: set a token", "header Origin")
