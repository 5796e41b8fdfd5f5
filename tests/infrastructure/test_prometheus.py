"""A Prometheus that lies, has old samples, or answers for several targets; and what is read of a container."""

import re
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer

from tests.fakes import START
from tests.infrastructure.prometheus_stub import ABOUT, QUERY, UNIT, WELL, answer_of, asked_at, measured, read, unread
from worker.contract.observations import ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.promql import AGE, CPU_AGE, HOST_NOW, STATE_AGE, UNIT_STATES, expressions_of


def test_a_reading_is_as_old_as_its_oldest_sample_and_a_start_is_by_the_worker_s_clock(httpserver: HTTPServer) -> None:
    reading = read(httpserver, answer_of(WELL | {"started": "400", "open files": "7"}), exporter="cadvisor")
    assert reading.observed_at == START - timedelta(seconds=19)  # the older of the two samples that CPU is made of
    assert reading.running_seconds == 600  # counted now, though the samples are older: never less than it is
    assert (reading.cpu_percent, reading.memory_percent) == (12.5, 40)
    files = next(measure for measure in reading.measures if measure.name == "open files")
    assert (files.value, files.unit, files.half_an_hour_before) == (7, "count", 7)


def test_a_start_is_counted_by_the_clock_that_told_it(httpserver: HTTPServer) -> None:
    figures = WELL | {"started": "1300", HOST_NOW: "1900"}  # a server whose clock is a quarter of an hour ahead
    reading = read(httpserver, answer_of(figures), exporter="cadvisor")
    assert reading.running_seconds == 600


@pytest.mark.parametrize("ages", [[], ["601"], ["1e300"], ["5", "6"], ["-1"]])
def test_a_cpu_whose_samples_may_be_of_any_time_is_not_read(httpserver: HTTPServer, ages: list[str]) -> None:
    figures = {name: value for name, value in WELL.items() if name != CPU_AGE}
    reading = read(httpserver, answer_of(figures, *((CPU_AGE, age) for age in ages)), exporter="cadvisor")
    assert reading.cpu_percent is None
    assert unread(reading, "CPU") == ["CPU: metrics does not tell how old the older of its samples is."]
    assert reading.observed_at == START - timedelta(seconds=4)


@pytest.mark.parametrize("name", ["CPU", "memory"])
def test_two_samples_of_one_figure_are_none_and_nobody_picks_one(httpserver: HTTPServer, name: str) -> None:
    reading = read(httpserver, answer_of(WELL, (name, "1")), exporter="cadvisor")
    assert (reading.cpu_percent is None, reading.memory_percent is None) == (name == "CPU", name == "memory")
    assert unread(reading, name) == [f"{name}: metrics gave 2 samples of it, where one is meant."]
    assert name not in {measure.name for measure in reading.measures}


@pytest.mark.parametrize("name", ["now", AGE, "targets", "series"])
def test_what_it_all_is_about_is_told_once_or_nothing_is_read(httpserver: HTTPServer, name: str) -> None:
    with pytest.raises(SourceUnavailable, match="metrics has no sample of web-01"):
        read(httpserver, answer_of(WELL, (name, "1")))


@pytest.mark.parametrize(("value", "said"), [("-3", "-3, which can't be"), ("-1e300", "-1e+300, which can't be")])
def test_less_than_nothing_is_not_nothing(httpserver: HTTPServer, value: str, said: str) -> None:
    reading = read(httpserver, answer_of(WELL | {"CPU": value}), exporter="cadvisor")
    assert reading.cpu_percent is None
    assert unread(reading, "CPU") == [f"CPU: metrics gave {said}."]
    assert not reading.is_good


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_not_read(httpserver: HTTPServer, value: str) -> None:
    reading = read(httpserver, answer_of(WELL | {"CPU": value, "memory": value}), exporter="cadvisor")
    assert (reading.cpu_percent, reading.memory_percent) == (None, None)
    assert unread(reading, "CPU") == [f"CPU: metrics gave {float(value):g}, which is no number."]


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({AGE: "121"}, "metrics has had no new sample of web-01 for 121 s."),
        ({STATE_AGE: "122"}, "metrics has had no new sample of web-01 for 122 s."),
        ({"targets": "2"}, "The `metrics` of web-01 fit 2 targets of metrics: name one."),
        ({"series": "3"}, "The `metrics` of web-01 fit 3 targets of metrics: name one."),
    ],
)
def test_old_samples_and_several_targets_are_no_health(
    httpserver: HTTPServer, figures: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(httpserver, answer_of(WELL | figures))
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"status": "error", "error": "bad"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}},
        {"status": "success", "data": {"resultType": "vector", "result": "up"}},
    ],
)
def test_nonsense_is_a_sentence(httpserver: HTTPServer, answer: object) -> None:
    with pytest.raises(SourceUnavailable, match=r"^metrics gave no usable answer about web-01\.$"):
        read(httpserver, answer)


@pytest.mark.parametrize(
    ("ready", "status"), [("3", ServiceStatus.RUNNING), ("1", ServiceStatus.DEGRADED), ("0", ServiceStatus.STOPPED)]
)
def test_a_deployment_is_as_well_as_its_replicas(httpserver: HTTPServer, ready: str, status: ServiceStatus) -> None:
    figures = WELL | {"replicas ready": ready, "replicas wanted": "3"}
    assert read(httpserver, answer_of(figures), exporter="kube_state").status is status


@pytest.mark.parametrize("known", [{}, {"replicas ready": "3"}, {"replicas wanted": "3"}])
def test_a_deployment_whose_replicas_nobody_counted_has_no_status(
    httpserver: HTTPServer, known: dict[str, str]
) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(httpserver, answer_of(ABOUT | known), exporter="kube_state")
    assert str(raised.value) == (
        "metrics does not know the replicas of web-01: not told is how many are ready, or how many are wanted."
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("active", ServiceStatus.RUNNING),
        ("activating", ServiceStatus.DEGRADED),
        ("failed", ServiceStatus.STOPPED),
    ],
)
def test_a_unit_s_state_is_the_service_s(httpserver: HTTPServer, state: str, status: ServiceStatus) -> None:
    figures = WELL | {STATE_AGE: "4", f"unit {state}": "1", "unit inactive": "0"}
    assert read(httpserver, answer_of(figures), unit=UNIT).status is status


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        ([("unit active", "1")], "how old it is was not told"),
        ([], "no sample of it came; switch node_exporter's systemd collector on, or correct the unit"),
        (
            [(STATE_AGE, "4"), *((name, "0") for name in UNIT_STATES)],
            "systemd's exporter says no state of it, as while it reloads",
        ),
        (
            [(STATE_AGE, "4"), ("unit active", "1"), ("unit failed", "1")],
            "systemd's exporter says 2 states of it at once",
        ),
        ([("unit active", "1"), ("unit failed", "1"), ("unit failed", "0")], "what came of it can't be"),
    ],
)
def test_a_unit_s_state_that_is_not_told_is_not_known_for_the_reason_that_is(
    httpserver: HTTPServer, samples: list[tuple[str, str]], why: str
) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(httpserver, answer_of(WELL, *samples), unit=UNIT)
    assert str(raised.value) == f"metrics does not know the state of {UNIT} on web-01: {why}."


def test_a_state_that_is_older_than_the_rest_makes_the_reading_as_old(httpserver: HTTPServer) -> None:
    reading = read(httpserver, answer_of(WELL | {"unit active": "1", STATE_AGE: "70"}), unit=UNIT)
    assert reading.observed_at == START - timedelta(seconds=70)


@pytest.mark.parametrize(
    "figures", [{"started": "1e300"}, {"started": "2000"}, {"started": "400", HOST_NOW: "300"}, {"started": "-1"}]
)
def test_a_start_that_can_t_be_is_not_known(httpserver: HTTPServer, figures: dict[str, str]) -> None:
    reading = read(httpserver, answer_of(WELL | figures), exporter="cadvisor")
    assert reading.service_started_at is None
    assert len(unread(reading, "started")) == 1


def test_a_unit_and_a_selector_that_hold_each_other_s_place_are_asked_for_as_they_are() -> None:
    expressions = expressions_of("node", selector='job="UNIT"', unit="SEL.service")
    assert 'name="SEL.service",job="UNIT"' in expressions["started"].promql


def test_a_past_that_can_t_be_asked_for_is_named_and_costs_nothing_of_the_present(httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request(QUERY).respond_with_json(answer_of(WELL))
    httpserver.expect_oneshot_request(QUERY).respond_with_data("", status=500)
    with asked_at(httpserver.url_for("/"), exporter="cadvisor") as health:
        reading = health.read_health()
    assert (reading.cpu_percent, reading.memory_percent) == (12.5, 40)
    assert "half an hour before: metrics answered 500." in reading.unread
    assert {measure.half_an_hour_before for measure in reading.measures} == {None}


def test_a_unit_whose_name_holds_escapes_is_asked_for_as_systemd_writes_it() -> None:
    expressions = expressions_of("node", selector='job="a"', unit=r"web\x2dshop.service")
    assert r'name="web\\x2dshop.service",job="a"' in expressions["started"].promql


def test_every_metric_of_a_server_is_looked_at_for_a_second_target() -> None:
    expressions = expressions_of("cadvisor", selector='name="shop"', unit=None)
    (names,) = re.findall(r'__name__=~"([^"]+)",name="shop"', expressions["targets"].promql)
    assert {"container_cpu_usage_seconds_total", "container_start_time_seconds"} <= set(names.split("|"))
    assert not [name for name in names.split("|") if not name.startswith("container_")]


def test_a_container_s_missing_limits_are_named_with_what_tells_them(httpserver: HTTPServer) -> None:
    reading = read(httpserver, answer_of(ABOUT | {"CPU of one core": "130"}), exporter="cadvisor")
    assert reading.cpu_percent is None
    (sentence,) = unread(reading, "CPU")
    assert sentence.endswith("container_spec_cpu_quota with its period, or machine_cpu_cores.")
    assert {measure.name: measure.value for measure in reading.measures} == {"CPU of one core": 130}


def test_restarts_are_told_where_somebody_counts_them_and_not_missed_elsewhere(httpserver: HTTPServer) -> None:
    counted = {"restarts in the last hour": "2", "restarts by Kubernetes": "5"}
    reading = read(httpserver, answer_of(WELL | counted), exporter="cadvisor")
    assert {name: value for name, value in measured(reading).items() if "restarts" in name} == {
        "restarts in the last hour": 2,
        "restarts by Kubernetes": 5,
    }
    without = read(httpserver, answer_of(WELL), exporter="cadvisor")
    assert not [sentence for sentence in without.unread if "restarts" in sentence]
