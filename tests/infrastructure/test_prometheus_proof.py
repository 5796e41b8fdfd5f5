"""What proves a recovery by Prometheus and what does not, by the verification itself."""

import json
import math
from collections.abc import Callable, Mapping

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes import FakeClock, ordered_now
from tests.infrastructure.prometheus_stub import ABOUT, QUERY, UNIT, WELL, answer_of, asked_at, measured, read
from worker.contract.observations import HealthReading, ServiceStatus
from worker.contract.result import RestartOutcome
from worker.errors import SourceUnavailable
from worker.guardrails.verification import Verification, VerificationTimes, verify
from worker.infrastructure.promql import AGE, CPU_AGE, STATE_AGE

TIMES = VerificationTimes(interval_seconds=2, hold_seconds=6, timeout_seconds=60)
MACHINE = ABOUT | {"CPU of the machine": "12.5", "memory of the machine": "40"}
RUNNING = WELL | {"unit active": "1", STATE_AGE: "4"}


def verified(
    server: HTTPServer,
    figures: Callable[[float], dict[str, str]],
    *,
    unit: str | None = UNIT,
    now: Callable[[float], float] = lambda seconds: 1000 + seconds,
) -> Verification:
    """Verify a restart at the clock's start; `figures` and Prometheus' `now` are told the seconds since."""
    clock = FakeClock()

    def answer(_: Request) -> Response:
        return json_response(figures(clock.elapsed_seconds) | {"now": str(now(clock.elapsed_seconds))})

    server.expect_request(QUERY).respond_with_handler(answer)
    with asked_at(server.url_for("/"), unit=unit, clock=clock) as health:
        return verify(health, order=ordered_now(clock), times=TIMES, clock=clock)


def json_response(figures: Mapping[str, str]) -> Response:
    return Response(json.dumps(answer_of(figures)), content_type="application/json")


@pytest.mark.parametrize(("is_old", "outcome"), [(True, RestartOutcome.NOT_RESTORED), (False, RestartOutcome.RESTORED)])
@pytest.mark.parametrize("sample", [AGE, CPU_AGE, STATE_AGE])
def test_a_sample_from_before_the_restart_proves_nothing(
    httpserver: HTTPServer, sample: str, is_old: bool, outcome: RestartOutcome
) -> None:
    def figures(seconds: float) -> dict[str, str]:
        old = {sample: str(seconds + 1)} if is_old else {}
        return RUNNING | {AGE: "1", CPU_AGE: "2", STATE_AGE: "1"} | old

    assert verified(httpserver, figures).outcome is outcome


def test_two_samples_of_cpu_that_are_later_than_the_restart_prove_it(httpserver: HTTPServer) -> None:
    def figures(seconds: float) -> dict[str, str]:
        age = seconds % 5  # a scrape every five seconds, the last of them at the restart
        return RUNNING | {AGE: str(age), CPU_AGE: str(age + 5), STATE_AGE: str(age)}

    found = verified(httpserver, figures)
    assert found.outcome is RestartOutcome.RESTORED
    assert [probe.observed_at.second for probe in found.probes] == [5, 5, 5, 10, 10, 15]


@pytest.mark.parametrize(
    ("kept_seconds", "outcome"), [(math.inf, RestartOutcome.NOT_RESTORED), (1, RestartOutcome.RESTORED)]
)
def test_an_answer_that_is_given_again_and_again_proves_nothing(
    httpserver: HTTPServer, kept_seconds: float, outcome: RestartOutcome
) -> None:
    def now(seconds: float) -> float:
        return 1000 if kept_seconds == math.inf else 1000 + seconds // kept_seconds * kept_seconds

    fresh = RUNNING | {AGE: "0", CPU_AGE: "0.5", STATE_AGE: "0"}
    assert verified(httpserver, lambda _: fresh, now=now).outcome is outcome


def test_an_answer_of_long_ago_is_told_as_one(httpserver: HTTPServer) -> None:
    clock = FakeClock()
    httpserver.expect_request(QUERY).respond_with_json(answer_of(RUNNING))
    with asked_at(httpserver.url_for("/"), unit=UNIT, clock=clock) as health:
        first = health.read_health()
        clock.sleep(30)
        assert health.read_health().observed_at == first.observed_at
        assert health.read_health().running_seconds == first.running_seconds
        clock.sleep(91)
        with pytest.raises(SourceUnavailable, match=r"^metrics answers with an old answer, of 121 s ago\.$"):
            health.read_health()


@pytest.mark.parametrize(("unit", "outcome"), [(None, RestartOutcome.NOT_RESTORED), (UNIT, RestartOutcome.RESTORED)])
def test_a_machine_that_is_well_proves_no_service_well_that_nobody_looked_at(
    httpserver: HTTPServer, unit: str | None, outcome: RestartOutcome
) -> None:
    found = verified(httpserver, lambda _: MACHINE | RUNNING | {CPU_AGE: "5"} if unit else MACHINE, unit=unit)
    assert found.outcome is outcome
    if unit is None:
        assert "figures are missing" in found.detail


def test_a_machine_without_a_unit_is_told_as_a_machine(httpserver: HTTPServer) -> None:
    reading = read(httpserver, answer_of(MACHINE))
    assert (reading.status, reading.symptoms) == (ServiceStatus.RUNNING, ())
    assert not reading.is_good
    assert reading.service_started_at is None
    assert measured(reading) == {"CPU of the machine": 12.5, "memory of the machine": 40}
    assert "state, CPU and memory of the service: no `unit` is named, and what is told is of the machine." in (
        reading.unread
    )


@pytest.mark.parametrize(("pressed", "symptom"), [("CPU", "CPU at 97 %"), ("memory", "memory at 97 %")])
def test_a_machine_under_pressure_is_its_service_s_trouble(httpserver: HTTPServer, pressed: str, symptom: str) -> None:
    reading: HealthReading = read(httpserver, answer_of(MACHINE | {f"{pressed} of the machine": "97"}))
    assert reading.symptoms == (symptom,)


def test_a_machine_under_both_pressures_is_still_not_good(httpserver: HTTPServer) -> None:
    both = {"CPU of the machine": "97", "memory of the machine": "97"}
    reading = read(httpserver, answer_of(MACHINE | both))
    assert reading.symptoms == ("CPU at 97 %", "memory at 97 %")
    assert not reading.is_good
