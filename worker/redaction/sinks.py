"""Sinks that an installation trusts: there people see real addresses, hosts and names again. Secrets are seen nowhere.

`FIRSTLINE_TRUSTED_SINKS` names them; none is trusted unless it is named. Settings read it, each sink is asked once.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

__all__ = ["Sink", "TrustedSinks"]


class Sink(StrEnum):
    """A way by which a result or an alert leaves: cards on a terminal, lines of JSON, PagerDuty's pages."""

    CONSOLE = "console"
    JSON = "json"
    PAGERDUTY = "pagerduty"


def _named(value: object) -> object:
    return [name for part in value.split(",") if (name := part.strip())] if isinstance(value, str) else value


TrustedSinks = Annotated[frozenset[Sink], NoDecode, BeforeValidator(_named)]
"""A setting: names separated by commas."""
