"""`firstline watch`: trends in Prometheus' data, told as incidents of their own kind before anything fails."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import structlog

from producers.door import RedisDoor
from producers.intake import Answer, IntakeUnavailable, connect
from producers.intake_file import read_intake_file
from producers.polling import JsonApi
from producers.polling.settings import load_poll_settings
from producers.settings import load_producer_settings
from producers.trends.file import read_trends
from producers.trends.watching import Round, Watch
from worker.cli.rounds import print_verdicts, take_rounds
from worker.errors import SourceUnavailable
from worker.logs import configure_logging

__all__ = ["run_watch"]

log = structlog.get_logger(__name__)


def run_watch(*, prometheus: str, trends: Path, interval_seconds: float, once: bool, as_json: bool) -> bool:
    """Watch until SIGTERM, or once; True when in that one round every trend that holds was taken in.

    Once, it raises `SourceUnavailable` and `IntakeUnavailable`; else both are logged, and the next round tries again.
    """
    settings, credentials = load_producer_settings(), load_poll_settings()
    rules, watched = read_intake_file(settings.intake_file), read_trends(trends)
    configure_logging(settings.log_level)
    with ExitStack() as resources:
        api = resources.enter_context(JsonApi(prometheus, credentials))
        redis = resources.enter_context(connect(str(settings.redis_url)))
        watch = Watch(
            api=api,
            trends=watched,
            door=RedisDoor(redis, rules.storms),
            now=lambda: datetime.now(UTC),
            fields=rules.fields,
        )
        if once:
            return _take_only_round(watch, as_json=as_json)
        take_rounds(lambda: _take_round(watch, as_json=as_json), interval_seconds=interval_seconds)
        log.info("watch.stopped")
    return True


def _take_only_round(watch: Watch, *, as_json: bool) -> bool:
    came_to = watch.take_round()
    is_whole = _print(came_to, as_json=as_json)
    if came_to.failures:
        raise SourceUnavailable("Not every trend could be asked:\n" + "\n".join(f"  {f}" for f in came_to.failures))
    return is_whole


def _take_round(watch: Watch, *, as_json: bool) -> None:
    try:
        _print(watch.take_round(), as_json=as_json)
    except IntakeUnavailable as error:
        log.warning("watch.intake_failed", reason=str(error))


def _print(came_to: Round, *, as_json: bool) -> bool:
    news = {Answer.ACCEPTED, Answer.ATTACHED}
    print_verdicts((each for each in came_to.told if each[1].answer in news), as_json=as_json)
    without_room = sum(verdict.answer is Answer.FULL for _, verdict in came_to.told)
    if without_room:
        log.warning("watch.intake_full", trends=without_room, remedy="start more workers; they are offered again")
    return not without_room
