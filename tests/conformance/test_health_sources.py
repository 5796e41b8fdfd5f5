"""What every health source must keep, over the fake, the recordings, real servers and documented exchanges."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.conformance.health_subjects import HEALTH, REAL_HEALTH
from tests.conformance.subjects import (
    PATIENCE_SECONDS,
    SLACK_SECONDS,
    HealthSubject,
    parameters,
    unavailable,
)
from tests.conformance.talkers import LIMIT_BYTES
from worker.contract.observations import HealthReading, ServiceStatus


@pytest.fixture(scope="module", params=parameters(HEALTH, real=REAL_HEALTH))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HealthSubject]:
    with request.param(tmp_path_factory.mktemp("health")) as subject:
        yield subject


@dataclass(frozen=True, kw_only=True)
class Look:
    """One reading, and the times around it."""

    before: datetime
    reading: HealthReading
    after: datetime


@pytest.fixture(scope="module")
def look(subject: HealthSubject) -> Look:
    before = subject.clock.now()
    reading = subject.source.read_health()
    return Look(before=before, reading=reading, after=subject.clock.now())


def test_a_reading_has_its_server_its_source_and_a_status(subject: HealthSubject, look: Look) -> None:
    assert look.reading.server_id == subject.server_id
    assert look.reading.source
    assert look.reading.status is ServiceStatus.RUNNING


def test_a_reading_is_as_old_as_what_it_measured_and_never_of_the_future(subject: HealthSubject, look: Look) -> None:
    oldest, age = timedelta(seconds=subject.oldest_seconds), timedelta(seconds=subject.age_seconds)
    assert look.before - oldest <= look.reading.observed_at <= look.after - age


def test_cpu_and_memory_are_told_where_the_source_has_them(subject: HealthSubject, look: Look) -> None:
    assert (look.reading.cpu_percent is not None) is subject.tells_cpu_and_memory
    assert (look.reading.memory_percent is not None) is subject.tells_cpu_and_memory


def test_the_figures_of_the_system_s_own_are_told(subject: HealthSubject, look: Look) -> None:
    assert subject.figures <= set(look.reading.figures)


def test_a_figure_that_is_missing_is_named(look: Look) -> None:
    named = " ".join(look.reading.unread)
    assert look.reading.cpu_percent is not None or "CPU" in named
    assert look.reading.memory_percent is not None or "memory" in named
    assert all(": " in sentence for sentence in look.reading.unread)


def test_every_measure_has_a_unit_and_a_source(look: Look) -> None:
    measures = look.reading.measures
    assert all(measure.name and measure.unit and measure.source for measure in measures)
    assert len({measure.name for measure in measures}) == len(measures)


def test_a_start_is_not_after_the_look(look: Look) -> None:
    assert look.reading.service_started_at is None or look.reading.service_started_at <= look.reading.observed_at


def test_a_start_in_an_hour_is_not_believed(subject: HealthSubject) -> None:
    if subject.from_the_future is None:
        pytest.skip("its starts are the worker's own")
    reading = subject.from_the_future.read_health()
    assert reading.service_started_at is None
    assert ("start" in " ".join(reading.unread)) is subject.tells_why_no_start


def test_a_target_that_does_not_exist_is_one_sentence(subject: HealthSubject) -> None:
    unavailable(subject.missing.read_health, named=subject.named)


# The HTTP library leaves a socket that found nobody to be closed by the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_system_that_is_not_there_is_one_sentence(subject: HealthSubject) -> None:
    if subject.unreachable is None:
        pytest.skip("it has no system")
    unavailable(subject.unreachable.read_health, named=subject.system)
    gc.collect()


def test_a_system_that_never_answers_is_one_sentence_in_its_time(subject: HealthSubject) -> None:
    if subject.silent is None:
        pytest.skip("it asks nobody")
    began = time.monotonic()
    unavailable(subject.silent.read_health, named=subject.system)
    assert time.monotonic() - began < PATIENCE_SECONDS + SLACK_SECONDS


def test_a_system_that_answers_a_byte_at_a_time_is_one_sentence_in_its_time(subject: HealthSubject) -> None:
    if subject.slow is None:
        pytest.skip("it asks nobody")
    began = time.monotonic()
    unavailable(subject.slow.read_health, named=subject.system)
    assert time.monotonic() - began < PATIENCE_SECONDS + SLACK_SECONDS


def test_an_answer_without_end_is_one_sentence_and_not_taken_to_its_end(subject: HealthSubject) -> None:
    if subject.endless is None:
        pytest.skip("it has no answer without end")
    unavailable(subject.endless.read_health, named="")
    assert subject.taken_bytes() < LIMIT_BYTES


def test_many_threads_may_read_at_once(subject: HealthSubject) -> None:
    with ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(subject.source.read_health) for _ in range(16)]
        readings = [each.result() for each in pending]
    assert {(reading.server_id, reading.status) for reading in readings} == {(subject.server_id, ServiceStatus.RUNNING)}
