"""Tells the audit which settings `firstline escalations` runs with, before it delivers anything.

It waits for Redis, which a delivery needs, too. Whatever else keeps the audit from it is logged, and stops no page.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.errors import FirstlineError
from worker.escalation.routes_file import RoutesFile
from worker.escalation.sink_tables import AnySink, variables_of
from worker.registry.configuration_record import ConfigurationRecord
from worker.registry.settings_told import told_settings, told_variable
from worker.settings import Settings, read_environment

__all__ = ["record_settings", "settings_record", "told_sinks", "try_to_record"]

REDIS_PAUSE_SECONDS: Final = 5.0

log = structlog.get_logger()


def settings_record(redis: Redis, settings: Settings, *, file: RoutesFile | None, member: str) -> ConfigurationRecord:
    """Take down what holds now, sinks and all; `file` is what the routes file says, where there is one."""
    told = told_settings(settings) | (told_sinks(file.sinks, read_environment()) if file is not None else {})
    files: dict[str, Path | None] = {"routes_file": settings.routes_file}
    record = ConfigurationRecord(redis, program="escalations", worker=member, files=files, settings=told)
    record.note("escalations started")
    return record


def told_sinks(sinks: Mapping[str, AnySink], environment: Mapping[str, str]) -> dict[str, str]:
    """Return each sink's table in words, with fingerprints of its secrets: they decide, too, where a page goes."""
    secrets = {
        f"sinks.{name}.{key}": told_variable(variable, environment.get(variable), is_address=key.endswith("url_env"))
        for name, sink in sinks.items()
        for key, variable in variables_of(sink).items()
    }
    return told_settings(sinks, within="sinks") | secrets


def record_settings(record: ConfigurationRecord, stop: threading.Event) -> None:
    """Write it down as soon as Redis is there, or not at all if the consumer is stopped before."""
    while not stop.is_set() and not try_to_record(record):
        stop.wait(REDIS_PAUSE_SECONDS)


def try_to_record(record: ConfigurationRecord) -> bool:
    """Write it down now; False while Redis is away."""
    try:
        record.write()
    except (RedisConnectionError, RedisTimeoutError) as error:
        log.warning("redis.lost", error=type(error).__name__, retry_after_seconds=REDIS_PAUSE_SECONDS)
        return False
    except (RedisError, FirstlineError) as error:
        log.error("settings.not_recorded", error=str(error))  # noqa: TRY400 - its text tells all of it
    return True
