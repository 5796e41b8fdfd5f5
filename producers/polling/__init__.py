"""Pull: what fires now, asked of those who know, for sites whose monitoring cannot send it.

One file an API, each gives what fires as the webhook's own parser reads it; `poller` remembers what was told.
"""

from producers.polling.alertmanager import AlertmanagerAlerts
from producers.polling.json_api import ApiError, JsonApi
from producers.polling.poller import AlertSource, Poller, Seen, Told
from producers.polling.prometheus import PrometheusAlerts

__all__ = [
    "AlertSource",
    "AlertmanagerAlerts",
    "ApiError",
    "JsonApi",
    "Poller",
    "PrometheusAlerts",
    "Seen",
    "Told",
]
