"""What fires according to Prometheus' own rules API, for sites without an Alertmanager.

The API tells since when an alert's condition holds (`activeAt`), and Alertmanager is told when it began to fire. That
is the first evaluation at or after `activeAt` + `for`, and evaluations are exactly one interval of the group apart: so
it is worked out, to the millisecond. It comes out too early where Prometheus missed an evaluation in between, and
differs after Prometheus itself restarted; then, and wherever `external_labels` or `alert_relabel_configs` change an
alert's labels on the way, the two take one alert for two. So poll one of both. `poller` calls it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from producers.polling.alertmanager import seen_of
from producers.polling.json_api import ApiError, JsonApi
from producers.polling.poller import Seen
from producers.sources.field_map import FieldMap
from producers.sources.reading import list_in, text_in, value_in

__all__ = ["PrometheusAlerts"]

RULES_PATH: Final = "/api/v1/rules"
RUNTIME_PATH: Final = "/api/v1/status/runtimeinfo"

_DURATION_LIMIT_SECONDS: Final = 366 * 24 * 3600


@dataclass(frozen=True, slots=True)
class PrometheusAlerts:
    """One Prometheus, 2.14 or newer, or what answers as it does: Thanos' ruler, Mimir, VictoriaMetrics' vmalert."""

    api: JsonApi
    fields: FieldMap = field(default_factory=FieldMap)

    def look(self, received_at: datetime) -> Seen:
        """Return what fires now; what is pending does not. See `AlertSource`."""
        document = self.api.get(RULES_PATH, {"type": "alert"})
        if value_in(document, "status") != "success" or not isinstance(value_in(document, "data", "groups"), list):
            raise ApiError(f"{self.api.place}{RULES_PATH} answers no rules of Prometheus: correct the URL")
        return seen_of(list(_firing(document)), received_at, self.fields)

    def began_at(self) -> str | None:
        """Return when it was started; not all that answer as Prometheus does tell it. See `AlertSource`."""
        return text_in(self.api.get_if_allowed(RUNTIME_PATH), "data", "startTime") or None


def _firing(document: object) -> Iterator[object]:
    """Yield each alert that fires, in the form of Alertmanager's API."""
    for group in list_in(document, "data", "groups"):
        for rule in list_in(group, "rules"):
            for alert in list_in(rule, "alerts"):
                if text_in(alert, "state") == "firing":
                    yield _as_alertmanager_has_it(alert, value_in(rule, "duration"), value_in(group, "interval"))


def _as_alertmanager_has_it(alert: object, for_seconds: object, interval_seconds: object) -> Mapping[str, object]:
    active_at = text_in(alert, "activeAt")
    return {
        "labels": value_in(alert, "labels"),
        "annotations": value_in(alert, "annotations"),
        "startsAt": _fired_at(active_at, for_seconds, interval_seconds) or active_at,
    }


def _fired_at(active_at: str, for_seconds: object, interval_seconds: object) -> str | None:
    """Return when an alert began to fire, or None where that can't be worked out."""
    held, interval = _milliseconds(for_seconds), _milliseconds(interval_seconds)
    if held is None or not interval:
        return None
    try:
        fired = datetime.fromisoformat(active_at) + timedelta(milliseconds=math.ceil(held / interval) * interval)
        return fired.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None


def _milliseconds(seconds: object) -> int | None:
    if not isinstance(seconds, int | float) or not 0 <= seconds <= _DURATION_LIMIT_SECONDS:
        return None
    return round(seconds * 1000)
