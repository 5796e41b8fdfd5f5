"""`firstline escalations` tells the audit its settings before it delivers, whenever Redis is there."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tests.redis_servers import SwitchableRedis
from worker.cli.settings_recorded import record_settings, settings_record, try_to_record
from worker.contract.queue import AUDIT_STREAM
from worker.errors import FirstlineError
from worker.registry.configuration_record import ConfigurationRecord
from worker.settings import Settings


class Waiting(threading.Event):
    """Instead of each pause `then` happens; else it is set."""

    def __init__(self, then: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._then = then or self.set

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        self._then()
        return self.is_set()


class Refused(ConfigurationRecord):
    """Redis is there, and the audit can't be written."""

    error: Exception

    def write(self) -> None:
        raise self.error


def record_of(redis: Any) -> ConfigurationRecord:
    return settings_record(redis, Settings(), file=None, member="desk-1")


def entries(redis: Any) -> list[tuple[str, str]]:
    return [(fields["why"], fields["person"]) for _, fields in redis.xrange(AUDIT_STREAM)]


def test_what_holds_at_a_start_while_redis_is_away_is_written_once_it_is_there() -> None:
    redis = SwitchableRedis()
    redis.goes_away()
    record_settings(record_of(redis.client), Waiting(redis.comes_back))
    assert entries(redis.client) == [("escalations started", "worker desk-1")]


def test_a_consumer_that_is_stopped_meanwhile_waits_no_more() -> None:
    redis = SwitchableRedis()
    redis.goes_away()
    record_settings(record_of(redis.client), Waiting())
    redis.comes_back()
    assert entries(redis.client) == []


@pytest.mark.parametrize(
    ("error", "is_over"),
    [
        (FirstlineError("Too many write there at once."), True),
        (ResponseError("WRONGTYPE"), True),
        (RedisConnectionError("It is away."), False),
    ],
)
def test_what_keeps_the_audit_from_it_while_redis_is_there_stops_no_page(error: Exception, *, is_over: bool) -> None:
    record = Refused(SwitchableRedis().client, program="escalations", worker="desk-1", files={}, settings={})
    record.error = error
    assert try_to_record(record) is is_over
