"""Docker's documented exchange over a real unix socket: figures by its formulas, framed logs, one order, nonsense."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.fakes import START, FakeClock
from tests.infrastructure.docker_stub import INSPECTED, STATS, Engine, frame, running_engine
from worker.contract.observations import ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.docker import DockerContainer
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, WebApi
from worker.ports import RestartOrder

ORDER = RestartOrder(incident_id="i", fence=1, not_after=START + timedelta(seconds=30), give_up_at=30)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def container(engine: Engine, tmp_path: Path) -> Iterator[DockerContainer]:
    path = tmp_path / "docker.sock"
    with running_engine(engine, path), httpx2.Client(transport=httpx2.HTTPTransport(uds=str(path))) as client:
        yield container_at(client)


def container_at(client: httpx2.Client, *, name: str = "web", clock: FakeClock | None = None) -> DockerContainer:
    breaker = CircuitBreaker("Docker", FakeClock())
    api = WebApi("Docker", "http://docker", client=client, breaker=breaker, timeout_seconds=5)
    return DockerContainer("web-01", container=name, api=api, restart_seconds=30, clock=clock or FakeClock())


def inspected(**state: object) -> Mapping[str, object]:
    return {**INSPECTED, "State": {**INSPECTED["State"], **state}}  # type: ignore[dict-item]


def without(answer: Mapping[str, object], *path: str) -> object:
    """Return a copy of `answer` in which one field is missing."""
    copy: dict[str, object] = deepcopy(dict(answer))
    place = copy
    for name in path[:-1]:
        place = place[name]  # type: ignore[assignment]
    del place[path[-1]]
    return copy


def test_a_running_container_is_measured_by_the_documented_formulas(container: DockerContainer) -> None:
    health = container.read_health()
    assert health.status is ServiceStatus.RUNNING
    assert (health.cpu_percent, health.memory_percent) == (20.0, 50.0)
    assert health.figures == {
        "docker_state": "running",
        "restarts": 3,
        "oom_killed": False,
        "exit_code": 0,
        "processes": 7,
        "memory_mib": 50.0,
    }
    assert health.unread == ()


@pytest.mark.parametrize(
    ("limit", "percent"),
    [
        ({"NanoCpus": 1_000_000_000}, 80.0),
        ({"NanoCpus": 0, "CpuQuota": 50_000, "CpuPeriod": 0}, 160.0),
        ({"NanoCpus": 0, "CpuQuota": 400_000, "CpuPeriod": 200_000}, 40.0),
        ({"NanoCpus": 0, "CpuQuota": -1, "CpuPeriod": 0}, 20.0),
    ],
)
def test_cpu_is_a_share_of_the_cores_that_the_container_may_use(
    engine: Engine, container: DockerContainer, limit: Mapping[str, int], percent: float
) -> None:
    engine.answers["json"] = {**INSPECTED, "HostConfig": limit}
    assert container.read_health().cpu_percent == percent


def test_a_start_is_told_by_dockers_clock_and_a_look_is_no_newer_than_its_second(container: DockerContainer) -> None:
    health = container.read_health()
    assert health.observed_at == START - timedelta(seconds=1)
    assert health.running_seconds == 60


def test_a_cgroup_v1_host_names_its_cache_differently(engine: Engine, container: DockerContainer) -> None:
    parts = {"total_inactive_file": 30 * 1_048_576, "inactive_file": 1}
    engine.answers["stats"] = {**STATS, "memory_stats": {**STATS["memory_stats"], "stats": parts}}  # type: ignore[dict-item]
    assert container.read_health().memory_percent == 40.0


def test_a_cache_that_is_greater_than_what_is_in_use_can_not_be(engine: Engine, container: DockerContainer) -> None:
    memory = {"usage": 100, "limit": 1_000, "stats": {"inactive_file": 99_999}}
    engine.answers["stats"] = {**STATS, "memory_stats": memory}
    health = container.read_health()
    assert (health.memory_percent, health.is_good) == (None, False)
    assert health.unread == ("memory: Docker's stats do not say it.",)
    assert "memory_mib" not in health.figures


@pytest.mark.parametrize(
    "answer",
    [
        inspected(ExitCode=int("9" * 400)),
        inspected(Health={"Status": "A" * 65}),
        inspected(Health={"Status": 7}),
        inspected(Health={"Status": "\ud800"}),
        {**INSPECTED, "HostConfig": {"CpuQuota": int("9" * 350)}},
        {**INSPECTED, "HostConfig": {"NanoCpus": -1}},
        {**INSPECTED, "RestartCount": int("9" * 400)},
    ],
)
def test_what_can_not_be_is_one_sentence_and_no_other_exception(
    engine: Engine, container: DockerContainer, answer: object
) -> None:
    engine.answers["json"] = answer
    with pytest.raises(SourceUnavailable, match=r"^Docker gave no usable answer about web-01\.$"):
        container.read_health()


def test_the_words_of_a_health_check_are_harmless(engine: Engine, container: DockerContainer) -> None:
    engine.answers["json"] = inspected(Health={"Status": "\x1b[2J\u202e"})
    health = container.read_health()
    assert health.figures["health_check"] == "\\x1b[2J\\u202e"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"Status": "running", "Health": {"Status": "healthy"}}, ServiceStatus.RUNNING),
        ({"Status": "running", "Health": {"Status": "unhealthy"}}, ServiceStatus.DEGRADED),
        ({"Status": "running", "Health": {"Status": "starting"}}, ServiceStatus.DEGRADED),
        ({"Status": "running", "Health": {"Status": "none"}}, ServiceStatus.RUNNING),
        ({"Status": "running", "Health": None}, ServiceStatus.RUNNING),
        ({"Status": "paused"}, ServiceStatus.DEGRADED),
        ({"Status": "restarting"}, ServiceStatus.DEGRADED),
        ({"Status": "exited"}, ServiceStatus.STOPPED),
        ({"Status": "created"}, ServiceStatus.STOPPED),
        ({"Status": "dead"}, ServiceStatus.STOPPED),
    ],
)
def test_each_state_has_its_status(
    engine: Engine, container: DockerContainer, state: Mapping[str, object], status: ServiceStatus
) -> None:
    engine.answers["json"] = inspected(**state)
    assert container.read_health().status is status


def test_what_does_not_run_is_not_measured_and_its_end_is_told(engine: Engine, container: DockerContainer) -> None:
    engine.answers["json"] = inspected(Status="exited", ExitCode=137, OOMKilled=True)
    health = container.read_health()
    assert (health.cpu_percent, health.memory_percent, health.service_started_at) == (None, None, None)
    assert (health.figures["exit_code"], health.figures["oom_killed"]) == (137, True)
    assert health.unread == ("CPU, memory, processes and start time: web is exited, and does not run.",)
    assert engine.asked == ["/containers/web/json"]


@pytest.mark.parametrize(
    ("path", "unread"),
    [
        (("precpu_stats", "system_cpu_usage"), "CPU"),
        (("cpu_stats", "cpu_usage"), "CPU"),
        (("cpu_stats", "online_cpus"), "CPU"),
        (("memory_stats", "limit"), "memory"),
        (("memory_stats", "stats"), "memory"),
        (("pids_stats",), "processes"),
    ],
)
def test_a_missing_figure_is_named_and_not_guessed(
    engine: Engine, container: DockerContainer, path: tuple[str, ...], unread: str
) -> None:
    engine.answers["stats"] = without(STATS, *path)
    health = container.read_health()
    assert health.unread == (f"{unread}: Docker's stats do not say it.",)
    assert not health.is_good or unread == "processes"


def test_a_missing_word_of_the_state_is_named(engine: Engine, container: DockerContainer) -> None:
    engine.answers["json"] = without(INSPECTED, "RestartCount")
    health = container.read_health()
    assert health.unread == ("restarts: Docker does not say it.",)
    assert "restarts" not in health.figures


@pytest.mark.parametrize("preread", ["0001-01-01T00:00:00Z", STATS["read"], "2026-06-01T00:02:00Z"])
def test_looks_that_are_no_second_apart_give_no_cpu(engine: Engine, container: DockerContainer, preread: str) -> None:
    engine.answers["stats"] = {**STATS, "preread": preread}
    health = container.read_health()
    assert (health.cpu_percent, health.observed_at) == (None, START)
    assert health.unread == ("CPU: Docker's stats do not say it.",)


def test_a_start_in_dockers_future_is_not_believed(engine: Engine, container: DockerContainer) -> None:
    engine.answers["json"] = inspected(StartedAt="2026-06-01T01:00:00Z")
    health = container.read_health()
    assert health.service_started_at is None
    assert health.unread == ("start time: Docker's stats do not say it.",)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (500, "Docker answered 500."),
        (b"<html>", "Docker answered with something that is not JSON."),
        ({"read": "soon"}, "Docker gave no usable answer about web-01."),
        ({**STATS, "cpu_stats": {"online_cpus": -1}}, "Docker gave no usable answer about web-01."),
    ],
)
def test_without_stats_the_state_still_counts(
    engine: Engine, container: DockerContainer, answer: object, why: str
) -> None:
    engine.answers["stats"] = answer
    health = container.read_health()
    assert (health.status, health.cpu_percent) == (ServiceStatus.RUNNING, None)
    assert health.unread == (f"CPU, memory, processes and start time: {why}",)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (404, "Docker answered 404."),
        (500, "Docker answered 500."),
        (b"<html>", "Docker answered with something that is not JSON."),
        ([], "Docker gave no usable answer about web-01."),
        (without(INSPECTED, "State", "Status"), "Docker gave no usable answer about web-01."),
        (inspected(Status="on fire"), "Docker gave no usable answer about web-01."),
        (inspected(StartedAt="soon"), "Docker gave no usable answer about web-01."),
    ],
)
def test_no_usable_state_is_one_sentence(
    engine: Engine, container: DockerContainer, answer: object, sentence: str
) -> None:
    engine.answers["json"] = answer
    with pytest.raises(SourceUnavailable) as raised:
        container.read_health()
    assert str(raised.value) == sentence


def test_a_framed_log_is_put_together_and_made_harmless(engine: Engine, container: DockerContainer) -> None:
    engine.answers["logs"] = (
        frame(1, b"t1 started\n") + frame(2, b"t2 \x1b[31mfailed\xff\n") + frame(1, b"t3 half a ") + frame(1, b"line\n")
    )
    tail = container.read_log_tail(lines=10)
    assert tail.lines == ("t1 started", "t2 \\x1b[31mfailed\ufffd", "t3 half a line")
    assert (tail.older_lines_exist, tail.observed_at) == (False, START)


def test_a_line_of_one_stream_is_not_glued_to_the_others(engine: Engine, container: DockerContainer) -> None:
    engine.answers["logs"] = frame(1, b"t1 no end") + frame(2, b"t2 failed\n")
    assert container.read_log_tail(lines=10).lines == ("t1 no end", "t2 failed")


def test_one_line_more_is_asked_for_to_know_of_older_ones(engine: Engine, container: DockerContainer) -> None:
    engine.answers["logs"] = frame(1, b"one\ntwo\nthree\n")
    tail = container.read_log_tail(lines=2)
    assert (tail.lines, tail.older_lines_exist) == (("two", "three"), True)
    assert engine.asked[1] == "/containers/web/logs?stdout=1&stderr=1&timestamps=1&tail=3"


def test_a_beginning_is_asked_for_in_whole_seconds(engine: Engine, container: DockerContainer) -> None:
    engine.answers["logs"] = b""
    tail = container.read_log_tail(lines=5, since=datetime(2026, 1, 1, 2, 30, 0, 900_000, tzinfo=UTC))
    assert (tail.lines, tail.older_lines_exist) == ((), True)
    assert "since=1767234600&" in engine.asked[1]


def test_a_terminals_log_has_no_frames(engine: Engine, container: DockerContainer) -> None:
    engine.answers |= {"json": {**INSPECTED, "Config": {"Tty": True}}, "logs": b"t1 one\r\nt2 two\r\n"}
    assert container.read_log_tail(lines=5).lines == ("t1 one", "t2 two")


@pytest.mark.parametrize(
    "log", [b"plain text without frames\n", frame(9, b"x\n"), frame(1, b"cut short\n")[:-4], frame(1, b"x\n")[:5]]
)
def test_a_log_without_proper_frames_is_one_sentence(engine: Engine, container: DockerContainer, log: bytes) -> None:
    engine.answers["logs"] = log
    with pytest.raises(SourceUnavailable, match=r"^Docker gave no usable log of web-01\.$"):
        container.read_log_tail(lines=5)


def lines_of_40_000_bytes(question: Mapping[str, str]) -> bytes:
    """Answer as Docker does: the newest lines that were asked for, oldest first."""
    return b"".join(frame(1, b"%d " % number + b"x" * 40_000 + b"\n") for number in range(int(question["tail"]), 0, -1))


def test_a_huge_log_is_asked_for_in_fewer_lines_until_its_newest_fit(
    engine: Engine, container: DockerContainer
) -> None:
    engine.answers["logs"] = lines_of_40_000_bytes
    tail = container.read_log_tail(lines=200)
    assert tail.lines[-1].startswith("1 xxx")
    assert (len(tail.lines), tail.older_lines_exist) == (39, True)
    assert all(len(line) < 2_100 for line in tail.lines)


def test_control_the_cut_answer_alone_would_lose_the_newest_lines() -> None:
    assert b"\n1 xxx" not in lines_of_40_000_bytes({"tail": "201"})[:ANSWER_LIMIT_BYTES]


def test_a_terminals_huge_log_is_asked_for_in_fewer_lines_too(engine: Engine, container: DockerContainer) -> None:
    engine.answers |= {"json": {**INSPECTED, "Config": {"Tty": True}}}
    engine.answers["logs"] = lambda question: (b"x" * 40_000 + b"\n") * int(question["tail"])
    assert len(container.read_log_tail(lines=200).lines) == 39


def test_a_log_that_never_fits_is_given_up(engine: Engine, container: DockerContainer) -> None:
    engine.answers["logs"] = b"x" * (ANSWER_LIMIT_BYTES + 1)
    with pytest.raises(SourceUnavailable, match=r"^The log of web-01 by Docker has lines that are too long to read\.$"):
        container.read_log_tail(lines=200)
    assert [parse_qs(urlsplit(asked).query)["tail"] for asked in engine.asked[1:]] == [["201"], ["3"], ["1"]]


def test_a_restart_is_one_order(engine: Engine, container: DockerContainer) -> None:
    container.restart(ORDER)
    assert engine.asked == ["/containers/web/restart?t=10"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_docker_refuses_certainly_did_not_happen(engine: Engine, container: DockerContainer, status: int) -> None:
    engine.answers["restart"] = status
    with pytest.raises(OrderRefused, match=rf"^Docker refused the order with {status}"):
        container.restart(ORDER)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"message": "Cannot restart container web: network 5f3a not found"}'),
        (404, b'{"message": "Cannot restart container web: No such container: 4fa6e0f0c678"}'),
        (404, b"<html>No such container: web</html>"),
        (404, b'{"message": 7}'),
        (404, b""),
        (400, b'{"message": "No such container: web"}'),
        (409, b'{"message": "Cannot restart container web: container is marked for removal"}'),
    ],
)
def test_a_no_that_may_have_come_after_the_stop_is_not_called_a_refusal(
    engine: Engine, container: DockerContainer, status: int, body: bytes
) -> None:
    engine.answers["restart"] = (status, body)
    with pytest.raises(SourceUnavailable, match=rf"^Docker answered the order with {status}\.$") as raised:
        container.restart(ORDER)
    assert not isinstance(raised.value, OrderRefused)


def test_a_restart_that_broke_is_unknown_and_not_sent_again(engine: Engine, container: DockerContainer) -> None:
    engine.answers["restart"] = 500
    with pytest.raises(SourceUnavailable, match=r"^Docker answered the order with 500\.$") as raised:
        container.restart(ORDER)
    assert not isinstance(raised.value, OrderRefused)
    assert len(engine.asked) == 1


def test_an_order_past_its_time_is_not_sent_and_one_in_time_is() -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(204, stream=httpx2.ByteStream(b""))

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        late, in_time = FakeClock(elapsed_seconds=30.1), FakeClock(elapsed_seconds=30)
        with pytest.raises(OrderRefused, match=r"^The order to restart web-01 is too old; nothing was restarted\.$"):
            container_at(client, clock=late).restart(ORDER)
        assert not sent
        container_at(client, clock=in_time).restart(ORDER)
        assert len(sent) == 1


# The HTTP library leaves a socket that found nobody to be closed by the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_not_there_is_one_sentence_and_an_order_to_it_refused(tmp_path: Path) -> None:
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(tmp_path / "none.sock"))) as client:
        with pytest.raises(SourceUnavailable, match=r"^Docker can't be reached \(.+\)\.$"):
            container_at(client).read_health()
        with pytest.raises(OrderRefused, match="nothing was restarted"):
            container_at(client).restart(ORDER)


def test_a_name_can_not_lead_to_another_path() -> None:
    paths: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        paths.append(request.url.raw_path)
        return httpx2.Response(204, stream=httpx2.ByteStream(b""))

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        container_at(client, name="../images/x?force=1#").restart(ORDER)
    assert paths == [b"/containers/..%2Fimages%2Fx%3Fforce%3D1%23/restart?t=10"]
