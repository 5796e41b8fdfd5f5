"""`firstline intake`: the webhook put together, checked before it listens, and stopped without cutting answers off."""

import asyncio
import ipaddress
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import structlog
import uvloop
from redis import Redis
from redis.exceptions import RedisError

from producers.door import Door, RedisDoor
from producers.intake import connect
from producers.intake_file import IntakeFile, read_intake_file
from producers.settings import ProducerConfigurationError, ProducerSettings, read_environment
from producers.sources.parsers import PARSERS
from producers.spool import open_spool
from producers.spool.pagerduty_events import open_pager
from producers.webhook import Credentials, Desk, Limits, read_credentials, serve
from producers.webhook.descriptors import connections_granted
from worker.cli.durability import complaints_about
from worker.logs import configure_logging
from worker.redaction.sinks import Sink

__all__ = ["run_intake"]

DURABILITY_INTERVAL_SECONDS: Final = 10

log = structlog.get_logger()


def run_intake(settings: ProducerSettings, *, is_insecure: bool) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what was begun. Raises `ProducerConfigurationError` before that."""
    configure_logging(settings.log_level)
    file = read_intake_file(settings.intake_file)
    credentials = _credentials(settings, file, is_insecure=is_insecure)
    limits = _limits(settings)
    with _door(settings, file) as door:
        desk = Desk(door, PARSERS, credentials, limits=limits, fields=file.fields)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(desk, settings, limits))


def _credentials(settings: ProducerSettings, file: IntakeFile, *, is_insecure: bool) -> Credentials:
    if not is_insecure:
        tokens = settings.intake_tokens.get_secret_value() if settings.intake_tokens else ""
        return read_credentials(tokens, file.sources, read_environment())
    if not _is_loopback(settings.intake_host):
        raise ProducerConfigurationError(
            f"--insecure lets everybody in, and {settings.intake_host} can be reached from outside: give --host "
            "127.0.0.1, or leave --insecure out and set FIRSTLINE_INTAKE_TOKENS"
        )
    log.warning("intake.opened_to_all", host=settings.intake_host)
    return Credentials(None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _limits(settings: ProducerSettings) -> Limits:
    requests = settings.intake_requests_limit
    connections = connections_granted(max(Limits().connections, 2 * requests))
    if connections <= requests:
        raise ProducerConfigurationError(
            f"{requests} requests at once need more open files than this process may have: lower "
            "FIRSTLINE_INTAKE_REQUESTS_LIMIT, or raise its limit (ulimit -Hn)"
        )
    return Limits(
        body_bytes=settings.intake_body_limit_bytes,
        requests=requests,
        connections=connections,
        requests_per_second=settings.intake_sender_requests_per_second,
    )


@contextmanager
def _door(settings: ProducerSettings, file: IntakeFile) -> Iterator[Door]:
    door = RedisDoor(connect(str(settings.redis_url)), file.storms)
    if settings.intake_spool is None:
        yield door
        return
    url, key, trusted = settings.direct_escalation_url, settings.direct_escalation_key, settings.trusted_sinks
    with (
        open_pager(url.get_secret_value() if url else None, key, is_trusted=Sink.PAGERDUTY in trusted) as pager,
        open_spool(settings.intake_spool, door, pager=pager) as spool,
    ):
        yield spool


async def _serve(desk: Desk, settings: ProducerSettings, limits: Limits) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    watch = asyncio.create_task(_doubt_durability(str(settings.redis_url)))
    try:
        async with serve(desk, settings.intake_host, settings.intake_port, limits) as port:
            log.info("intake.started", host=settings.intake_host, port=port)
            await stopped.wait()
            log.info("intake.stopping")
    except OSError as error:
        raise ProducerConfigurationError(
            f"Intake can't listen on {settings.intake_host} port {settings.intake_port} ({error.strerror}): give "
            "another --host or --port, or stop what listens there"
        ) from error
    finally:
        watch.cancel()
    log.info("intake.stopped")


async def _doubt_durability(redis_url: str) -> None:
    """Say once what of Redis' settings breaks the promise in an answer; a Redis that is away is asked again."""
    with Redis.from_url(redis_url, decode_responses=True, socket_timeout=5, socket_connect_timeout=3) as redis:
        while True:
            with suppress(RedisError):
                for complaint in await asyncio.to_thread(complaints_about, redis):
                    log.warning("intake.durability_doubted", complaint=complaint)
                return
            await asyncio.sleep(DURABILITY_INTERVAL_SECONDS)
