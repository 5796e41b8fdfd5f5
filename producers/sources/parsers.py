"""The table of all sources that a webhook can read: one pure parser for each name.

A parser takes a decoded JSON value of any shape and yields one outcome an alert, in order; it never raises, and a
document that is not its source's gives one `Rejection` that says what was expected. The plain source is not in the
table: it reads a stream of bytes. The webhook and the poller look names up here.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from producers.sources import alertmanager, cloudevents, datadog, grafana, pagerduty, zabbix
from producers.sources.alert import Arrival, Outcome

__all__ = ["PARSERS", "Parser"]

Parser = Callable[[object, Arrival], Iterator[Outcome]]
"""`parse(document, arrival)`; `arrival` is that of the whole request, each alert is given its own."""

PARSERS: Final[Mapping[str, Parser]] = MappingProxyType(
    {
        alertmanager.SOURCE: alertmanager.parse,
        grafana.SOURCE: grafana.parse,
        pagerduty.SOURCE: pagerduty.parse,
        datadog.SOURCE: datadog.parse,
        zabbix.SOURCE: zabbix.parse,
        cloudevents.SOURCE: cloudevents.parse,
    }
)
