"""`firstline poll`: what fires in Alertmanager or Prometheus, taken in again and again; only what is new is printed."""

from contextlib import ExitStack
from datetime import UTC, datetime

import structlog

from producers.door import RedisDoor
from producers.intake import IntakeUnavailable, connect
from producers.intake_file import read_intake_file
from producers.polling import AlertmanagerAlerts, ApiError, JsonApi, Poller, PrometheusAlerts
from producers.polling.poller import is_news
from producers.polling.settings import load_poll_settings
from producers.settings import load_producer_settings
from worker.cli.rounds import print_verdicts, take_rounds
from worker.errors import SourceUnavailable
from worker.logs import configure_logging

__all__ = ["run_poll"]

log = structlog.get_logger(__name__)


def run_poll(
    *, alertmanager: str | None, prometheus: str | None, interval_seconds: float, once: bool, as_json: bool
) -> bool:
    """Poll until SIGTERM, or once; True when in that one round every alert was taken in.

    Once, it raises `SourceUnavailable` and `IntakeUnavailable`; else both are logged, and the next round tries again.
    """
    settings, credentials = load_producer_settings(), load_poll_settings()
    rules = read_intake_file(settings.intake_file)
    configure_logging(settings.log_level)
    with ExitStack() as resources:
        api = resources.enter_context(JsonApi(alertmanager or prometheus or "", credentials))
        redis = resources.enter_context(connect(str(settings.redis_url)))
        source = AlertmanagerAlerts(api, rules.fields) if alertmanager else PrometheusAlerts(api, rules.fields)
        poller = Poller(source, RedisDoor(redis, rules.storms))
        if once:
            return _take_only_round(poller, as_json=as_json)
        take_rounds(lambda: _take_round(poller, as_json=as_json), interval_seconds=interval_seconds)
        log.info("poll.stopped", owed=poller.owed)
    return True


def _take_only_round(poller: Poller, *, as_json: bool) -> bool:
    try:
        poller.look(datetime.now(UTC))
    except ApiError as error:
        raise SourceUnavailable(str(error)) from error
    return _hand_in(poller, as_json=as_json) and not poller.rejections


def _take_round(poller: Poller, *, as_json: bool) -> None:
    try:
        poller.look(datetime.now(UTC))
    except ApiError as error:
        log.warning("poll.look_failed", reason=str(error))
    try:
        _hand_in(poller, as_json=as_json)
    except IntakeUnavailable as error:
        log.warning("poll.intake_failed", reason=str(error), owed=poller.owed)


def _hand_in(poller: Poller, *, as_json: bool) -> bool:
    print_verdicts((told for told in poller.hand_in() if is_news(told)), as_json=as_json)
    if poller.owed:
        log.warning("poll.intake_full", owed=poller.owed, remedy="start more workers; they are offered again")
    return not poller.owed
