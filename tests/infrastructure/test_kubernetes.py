"""The documented exchange with a Kubernetes API: health by limits, two containers' logs, a fenced rollout, nonsense."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes import START, FakeClock
from tests.infrastructure.kubernetes_stub import (
    DEPLOYMENT_PATH,
    LOG_PATH,
    METRICS_PATH,
    PODS,
    PODS_PATH,
    USES,
    Cluster,
    Json,
    at,
    deployment,
    pod,
    use,
)
from worker.contract.observations import ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.kubernetes import KubernetesDeployment
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, WebApi
from worker.ports import RestartOrder

ORDER = RestartOrder(incident_id="i", fence=7, not_after=START + timedelta(seconds=30), give_up_at=30)
NONSENSE = "the cluster gave no usable answer about web-01."


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cluster(httpserver: HTTPServer) -> Iterator[Cluster]:
    assert httpserver.server is not None
    handler = httpserver.server.RequestHandlerClass
    yield Cluster(httpserver)
    httpserver.server.RequestHandlerClass = handler


@pytest.fixture
def web(cluster: Cluster, clock: FakeClock) -> Iterator[KubernetesDeployment]:
    with httpx2.Client(trust_env=False) as client:
        yield web_at(cluster.httpserver.url_for("/"), client, clock)


def web_at(url: str, client: httpx2.Client, clock: FakeClock) -> KubernetesDeployment:
    breaker = CircuitBreaker("the cluster", FakeClock())
    api = WebApi("the cluster", url, client=client, breaker=breaker, timeout_seconds=5)
    return KubernetesDeployment(
        "web-01", namespace="shop", deployment="web", needed_ready=2, api=api, restart_seconds=60, clock=clock
    )


def with_pod(**changes: object) -> Json:
    return {"items": [PODS[0], pod("web-2", age_seconds=600, **changes)]}  # type: ignore[arg-type]


def test_health_is_that_of_the_container_nearest_to_its_limit(cluster: Cluster, web: KubernetesDeployment) -> None:
    health = web.read_health()
    assert health.status is ServiceStatus.RUNNING
    assert (health.cpu_percent, health.memory_percent) == (20.0, 50.0)
    assert health.figures == {"replicas_wanted": 2, "replicas_ready": 2, "container_restarts": 0}
    assert health.unread == ()
    assert [asked["labelSelector"] for asked in cluster.asked(PODS_PATH)] == ["app=web,tier=front"]
    assert [asked["labelSelector"] for asked in cluster.asked(METRICS_PATH)] == ["app=web,tier=front"]


def test_a_look_is_no_newer_than_the_metrics_and_how_long_it_runs_stays_true(web: KubernetesDeployment) -> None:
    health = web.read_health()
    assert health.observed_at == START - timedelta(seconds=26.5)
    assert health.running_seconds == 901


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (deployment(readyReplicas=1), ServiceStatus.DEGRADED),
        (deployment(readyReplicas=0), ServiceStatus.STOPPED),
        (deployment(spec={"replicas": 0}, readyReplicas=0), ServiceStatus.STOPPED),
        (deployment(readyReplicas=3), ServiceStatus.RUNNING),
    ],
)
def test_ready_replicas_make_the_status(
    cluster: Cluster, web: KubernetesDeployment, told: object, status: ServiceStatus
) -> None:
    cluster.deployments = [told]
    assert web.read_health().status is status


def test_a_container_that_crashes_again_and_again_is_seen_with_its_last_end(
    cluster: Cluster, web: KubernetesDeployment
) -> None:
    cluster.pods = with_pod(
        ready=False,
        restartCount=12,
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
    )
    health = web.read_health()
    assert health.status is ServiceStatus.DEGRADED
    assert health.figures["container_restarts"] == 12
    assert (health.figures["waiting"], health.figures["last_ends"]) == ("CrashLoopBackOff", "OOMKilled")


def test_a_container_that_is_being_made_is_not_stuck(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = with_pod(ready=False, state={"waiting": {"reason": "ContainerCreating"}})
    assert web.read_health().status is ServiceStatus.RUNNING


def test_one_container_without_metrics_leaves_all_unread(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.uses = {"items": USES[:1]}
    health = web.read_health()
    assert (health.cpu_percent, health.memory_percent, health.is_good) == (None, None, False)
    assert health.unread == (
        "CPU: container app of pod web-2 has no metrics.",
        "memory: container app of pod web-2 has no metrics.",
    )


def test_one_container_without_a_limit_leaves_that_figure_unread(cluster: Cluster, web: KubernetesDeployment) -> None:
    pods = deepcopy(PODS)
    pods[0]["spec"] = {"containers": [{"name": "app", "resources": {"limits": {"memory": "1Gi"}}}]}
    cluster.pods = {"items": pods}
    health = web.read_health()
    assert (health.cpu_percent, health.memory_percent) == (None, 50.0)
    assert health.unread == ("CPU: container app of pod web-1 has no limit.",)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (404, "the cluster answered 404."),
        (500, "the cluster answered 500."),
        (b"<html>", "the cluster answered with something that is not JSON."),
        ({"items": [{"metadata": {}}]}, NONSENSE),
        ({"items": [use("web-1", cpu="many", memory="1Gi")]}, NONSENSE),
        ({"items": [{**USES[0], "window": "99999h"}]}, NONSENSE),
        ({"items": [use("web-1", cpu="1", memory="1Gi", age_seconds=200)]}, "the metrics are 216 s old."),
    ],
)
def test_without_metrics_the_replicas_still_count(
    cluster: Cluster, web: KubernetesDeployment, answer: object, why: str
) -> None:
    cluster.uses = answer
    health = web.read_health()
    assert (health.status, health.cpu_percent, health.observed_at) == (ServiceStatus.RUNNING, None, START)
    assert health.unread == (f"CPU and memory: {why}",)


def test_metrics_of_the_future_are_no_metrics(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.uses = {"items": [use(f"web-{number}", cpu="1m", memory="1Mi", age_seconds=-3600) for number in (1, 2)]}
    health = web.read_health()
    assert (health.cpu_percent, health.memory_percent, health.is_good) == (None, None, False)
    assert health.unread == ("CPU and memory: the metrics are of 3599 s in the future.",)


@pytest.mark.parametrize("ahead_seconds", [-3600, 3600])
def test_what_a_cluster_tells_is_counted_by_its_own_clock(
    cluster: Cluster, web: KubernetesDeployment, ahead_seconds: int
) -> None:
    cluster.now = START + timedelta(seconds=ahead_seconds)
    cluster.pods = {"items": [pod(name, age_seconds=60 - ahead_seconds) for name in ("web-1", "web-2")]}
    uses = [use(f"web-{number}", cpu="1m", memory="1Mi", age_seconds=10 - ahead_seconds) for number in (1, 2)]
    cluster.uses = {"items": uses}
    health = web.read_health()
    assert (health.running_seconds, health.observed_at) == (61, START - timedelta(seconds=26.5))
    assert health.is_good


def test_control_metrics_of_a_few_seconds_ahead_are_taken(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.uses = {"items": [use(f"web-{number}", cpu="1m", memory="1Mi", age_seconds=-5) for number in (1, 2)]}
    health = web.read_health()
    assert (health.unread, health.observed_at) == ((), START - timedelta(seconds=15.5))


@pytest.mark.parametrize(
    ("created", "why"),
    [
        (at(2), "by the cluster's clock it is in the future."),
        ("0001-01-01T00:00:00Z", "Kubernetes does not say it."),
    ],
)
def test_an_impossible_start_is_not_believed(
    cluster: Cluster, web: KubernetesDeployment, created: str, why: str
) -> None:
    pods = deepcopy(PODS)
    for told in pods:
        told["metadata"] |= {"creationTimestamp": created}  # type: ignore[operator]
    cluster.pods = {"items": pods}
    health = web.read_health()
    assert health.service_started_at is None
    assert health.unread == (f"start time: {why}",)


def test_without_the_cluster_s_own_time_no_start_is_told() -> None:
    told = {DEPLOYMENT_PATH: deployment(), PODS_PATH: {"items": PODS}, METRICS_PATH: {"items": USES}}

    def answer(request: httpx2.Request) -> httpx2.Response:
        body = json.dumps(told[request.url.path]).encode()
        return httpx2.Response(200, stream=httpx2.ByteStream(body))

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        health = web_at("http://cluster", client, FakeClock()).read_health()
    assert (health.service_started_at, health.cpu_percent) == (None, 20.0)
    assert health.unread == ("start time: Kubernetes does not tell its own time, from which to count.",)


@pytest.mark.parametrize("is_old_ready", [True, False])
def test_a_rollout_that_is_stuck_after_its_first_pod_is_no_restart(
    cluster: Cluster, web: KubernetesDeployment, is_old_ready: bool
) -> None:
    old = pod("web-1", age_seconds=900, ready=is_old_ready, state={"running": {"startedAt": at(-3)}})
    cluster.pods = {"items": [old, pod("web-2", age_seconds=5)]}
    assert web.read_health().running_seconds == 901


def test_control_a_rollout_whose_pods_are_all_new_is_one(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = {"items": [pod("web-3", age_seconds=9), pod("web-4", age_seconds=5)]}
    assert web.read_health().running_seconds == 10


def test_words_of_a_cluster_are_bounded_and_harmless(cluster: Cluster, web: KubernetesDeployment) -> None:
    state = {"waiting": {"reason": "\x1b[2J" + "x" * 10_000}}
    cluster.pods = with_pod(ready=False, state=state, lastState={"terminated": {"reason": "a\u202eb"}})
    figures = web.read_health().figures
    assert str(figures["waiting"]).startswith("\\x1b[2Jxxx")
    assert len(str(figures["waiting"])) < 120
    assert figures["last_ends"] == "a\\u202eb"


@pytest.mark.parametrize("name", ["a\ud800", "x" * 300, "two\nlines", ""])
def test_a_name_that_can_not_be_is_nonsense(cluster: Cluster, web: KubernetesDeployment, name: str) -> None:
    cluster.pods = {"items": [pod(name, age_seconds=600)]}
    assert web.read_health().unread[0] == f"pods: {NONSENSE}"


def test_half_a_character_can_be_passed_on(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = with_pod(state={"waiting": {"reason": "a\ud800"}})
    health = web.read_health()
    assert health.figures["waiting"] == "a\\ud800"
    assert health.model_dump_json()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": {"waiting": {"reason": 7}}},
        {"lastState": {"terminated": {"exitCode": 10**300}}},
    ],
)
def test_pods_that_can_not_be_are_nonsense(cluster: Cluster, web: KubernetesDeployment, changes: Json) -> None:
    cluster.pods = with_pod(**changes)
    assert web.read_health().unread[0] == f"pods: {NONSENSE}"


def test_pods_on_their_way_out_do_not_count(cluster: Cluster, web: KubernetesDeployment) -> None:
    leaving, evicted = pod("web-3", age_seconds=20), pod("web-4", age_seconds=10)
    leaving["metadata"] |= {"deletionTimestamp": at(-1)}  # type: ignore[operator]
    evicted["status"] |= {"phase": "Failed"}  # type: ignore[operator]
    cluster.pods = {"items": [*PODS, leaving, evicted]}
    health = web.read_health()
    assert (health.running_seconds, health.cpu_percent, health.unread) == (901, 20.0, ())


def test_more_pods_than_are_read_are_named(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = {"items": PODS, "metadata": {"continue": "x"}}
    health = web.read_health()
    assert health.service_started_at is None
    assert health.unread == (
        "pods: there are more than the 100 that were read.",
        "start time: not all pods were read, and one of the others may be the oldest.",
    )


def test_without_pods_the_replicas_still_count(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = 500
    health = web.read_health()
    assert (health.status, health.is_good) == (ServiceStatus.RUNNING, False)
    assert health.unread[0] == "pods: the cluster answered 500."


def lacking(part: str, name: str) -> Json:
    told = deployment()
    del told[part][name]  # type: ignore[attr-defined]
    return told


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (404, "the cluster answered 404."),
        (500, "the cluster answered 500."),
        (b"<html>", "the cluster answered with something that is not JSON."),
        ([], NONSENSE),
        ({"kind": "Status"}, NONSENSE),
        (lacking("status", "observedGeneration"), NONSENSE),
        (lacking("spec", "selector"), NONSENSE),
        (deployment(spec={"selector": {"matchLabels": {}}}), NONSENSE),
        (deployment(readyReplicas=-1), NONSENSE),
        (
            deployment(spec={"selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c"}]}}),
            "web of the cluster selects its pods by matchExpressions, which is not supported.",
        ),
    ],
)
def test_no_usable_deployment_is_one_sentence_and_nothing_is_restarted(
    cluster: Cluster, web: KubernetesDeployment, answer: object, sentence: str
) -> None:
    cluster.deployments = [answer]
    with pytest.raises(SourceUnavailable) as raised:
        web.read_health()
    assert str(raised.value) == sentence
    with pytest.raises(OrderRefused) as refused:
        web.restart(ORDER)
    assert str(refused.value) == f"web-01 was not restarted: {sentence}"
    assert not cluster.orders


def test_the_newest_pods_log_is_read_from_the_beginning_that_was_asked_for(
    cluster: Cluster, web: KubernetesDeployment
) -> None:
    cluster.log = lambda _: b"t1 one\nt2 \x1b[2Jtwo\xff\nt3 three\n"
    tail = web.read_log_tail(lines=2, since=START - timedelta(minutes=30))
    assert (tail.lines, tail.older_lines_exist) == (("t2 \\x1b[2Jtwo\ufffd", "t3 three"), True)
    (asked,) = cluster.asked(LOG_PATH)
    assert dict(asked) == {
        "container": "app",
        "timestamps": "true",
        "previous": "false",
        "sinceTime": "2026-01-01T02:30:00Z",
        "tailLines": "3",
    }


def test_a_whole_log_has_no_older_lines(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.log = lambda _: b"t1 one\n"
    assert not web.read_log_tail(lines=2).older_lines_exist


ENDED: Json = {"restartCount": 2, "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
BEFORE = "--- here begins the log of the container before this one, which ended: OOMKilled, exit code 137 ---"
AFTER = "--- here begins the log of the container that was started after it (2 restarts) ---"


def two_logs(request: Request) -> bytes:
    """Answer with the newest lines of 50 of either container."""
    who = "old" if request.args["previous"] == "true" else "new"
    return b"".join(f"{who} {number}\n".encode() for number in range(1, 51)[-int(request.args["tailLines"]) :])


def test_the_log_before_a_restart_is_marked_and_takes_up_to_half(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods, cluster.log = with_pod(**ENDED), two_logs
    tail = web.read_log_tail(lines=10)
    assert tail.lines == (BEFORE, "old 48", "old 49", "old 50", AFTER, "new 46", "new 47", "new 48", "new 49", "new 50")
    assert tail.older_lines_exist


@pytest.mark.parametrize("lines", [1, 2, 5, 6, 52, 53, 54, 200])
def test_two_logs_are_never_more_lines_than_were_asked_for(
    cluster: Cluster, web: KubernetesDeployment, lines: int
) -> None:
    cluster.pods, cluster.log = with_pod(**ENDED), two_logs
    tail = web.read_log_tail(lines=lines)
    assert len(tail.lines) == min(lines, 102)
    assert tail.lines[-1] == "new 50"


def test_a_log_before_a_restart_that_is_gone_is_told(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = with_pod(**ENDED)
    cluster.log = lambda request: 404 if request.args["previous"] == "true" else b"new\n"
    told = "--- the log of the container before this one could not be read: the cluster answered 404. ---"
    assert web.read_log_tail(lines=10).lines == (told, "new")


def test_while_a_container_waits_its_log_is_that_of_the_one_that_ended(
    cluster: Cluster, web: KubernetesDeployment
) -> None:
    cluster.pods = with_pod(**ENDED, state={"waiting": {"reason": "CrashLoopBackOff"}})
    cluster.log = lambda _: b"last words\n"
    assert web.read_log_tail(lines=10).lines == ("last words",)
    assert [asked["previous"] for asked in cluster.asked(LOG_PATH)] == ["false"]


def lines_of_40_000_bytes(request: Request) -> bytes:
    return b"".join(b"%d " % number + b"x" * 40_000 + b"\n" for number in range(int(request.args["tailLines"]), 0, -1))


def test_a_huge_log_is_asked_for_in_fewer_lines_until_its_newest_fit(
    cluster: Cluster, web: KubernetesDeployment
) -> None:
    cluster.log = lines_of_40_000_bytes
    tail = web.read_log_tail(lines=200)
    assert tail.lines[-1].startswith("1 xxx")
    assert (len(tail.lines), tail.older_lines_exist) == (39, True)


def test_a_log_that_never_fits_is_given_up(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.log = lambda _: b"x" * (ANSWER_LIMIT_BYTES + 1)
    with pytest.raises(SourceUnavailable, match=r"^The log of web-01 by the cluster has lines that are too long"):
        web.read_log_tail(lines=200)
    assert [asked["tailLines"] for asked in cluster.asked(LOG_PATH)] == ["201", "3", "1"]


@pytest.mark.parametrize("status", [404, 500])
def test_a_log_that_is_refused_is_one_sentence(cluster: Cluster, web: KubernetesDeployment, status: int) -> None:
    cluster.log = lambda _: status
    with pytest.raises(SourceUnavailable, match=rf"^the cluster answered {status}\.$"):
        web.read_log_tail(lines=5)


def test_a_deployment_without_pods_has_no_log(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.pods = {"items": []}
    with pytest.raises(SourceUnavailable, match=r"^web of the cluster has no pod, and so no log\.$"):
        web.read_log_tail(lines=5)


def test_a_rollout_is_ordered_once_with_its_fence_and_awaited(
    cluster: Cluster, web: KubernetesDeployment, clock: FakeClock
) -> None:
    cluster.deployments = [
        deployment(),
        deployment(),  # a look that does not know of the order yet
        deployment(generation=5, observedGeneration=4),
        deployment(generation=5, updatedReplicas=1, replicas=3),
        503,
        503,
        deployment(generation=5, availableReplicas=1),
        deployment(generation=5),
    ]
    web.restart(ORDER)
    (order,) = cluster.orders
    assert order.content_type == "application/strategic-merge-patch+json"
    assert order.json == {
        "metadata": {"resourceVersion": "999", "annotations": {"firstline/fence": "7"}},
        "spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": START.isoformat()}}}},
    }
    assert clock.elapsed_seconds == 10


def test_a_rollout_that_is_not_seen_complete_in_a_minute_is_unknown(
    cluster: Cluster, web: KubernetesDeployment, clock: FakeClock
) -> None:
    cluster.deployments = [deployment(), deployment(generation=5, availableReplicas=1)]
    with pytest.raises(SourceUnavailable) as raised:
        web.restart(ORDER)
    assert str(raised.value) == "The rollout of web-01 was ordered, and not seen complete in 60 s."
    assert not isinstance(raised.value, OrderRefused)
    assert (len(cluster.orders), clock.elapsed_seconds) == (1, 60)


def fenced(fence: str) -> Json:
    told = deployment()
    told["metadata"] |= {"annotations": {"firstline/fence": fence}}  # type: ignore[operator]
    return told


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (deployment(readyReplicas=1), r"has 1 ready replicas and needs 2 for a restart; nothing was restarted\."),
        (deployment(spec={"paused": True}), r"is paused; nothing was restarted\."),
        (deployment(spec={"replicas": 0}), r"is scaled to zero; nothing was restarted\."),
        (fenced("7"), r"has seen this order's fence or a newer one; nothing was restarted: remove"),
        (fenced("8"), r"has seen this order's fence or a newer one; nothing was restarted: remove"),
        (fenced("9" * 5_000), r"has seen this order's fence or a newer one; nothing was restarted: remove"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_and_not_sent(
    cluster: Cluster, web: KubernetesDeployment, told: object, why: str
) -> None:
    cluster.deployments = [told]
    with pytest.raises(OrderRefused, match=why):
        web.restart(ORDER)
    assert not cluster.orders


def test_control_an_older_fence_lets_the_next_order_through(cluster: Cluster, web: KubernetesDeployment) -> None:
    cluster.deployments = [fenced("6"), deployment(generation=5)]
    web.restart(ORDER)
    assert len(cluster.orders) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 409, 422])
def test_what_kubernetes_refuses_certainly_did_not_happen(
    cluster: Cluster, web: KubernetesDeployment, clock: FakeClock, status: int
) -> None:
    cluster.patched = status
    with pytest.raises(OrderRefused, match=f"^the cluster refused the order with {status}"):
        web.restart(ORDER)
    assert clock.elapsed_seconds == 0


@pytest.mark.parametrize("status", [408, 429, 500])
def test_an_order_that_broke_is_unknown_and_not_sent_again(
    cluster: Cluster, web: KubernetesDeployment, status: int
) -> None:
    cluster.patched = status
    with pytest.raises(SourceUnavailable, match=rf"^the cluster answered the order with {status}\.$") as raised:
        web.restart(ORDER)
    assert not isinstance(raised.value, OrderRefused)
    assert len(cluster.orders) == 1


def test_an_order_past_its_time_is_not_sent_and_one_in_time_is(
    cluster: Cluster, web: KubernetesDeployment, clock: FakeClock
) -> None:
    clock.elapsed_seconds = 30.1
    with pytest.raises(OrderRefused, match=r"^The order to restart web-01 is too old; nothing was restarted\.$"):
        web.restart(ORDER)
    assert not cluster.orders
    cluster.deployments = [deployment(), deployment(generation=5)]
    web.restart(replace(ORDER, give_up_at=30.1))
    assert len(cluster.orders) == 1


def test_an_order_whose_time_passes_while_the_deployment_is_read_is_not_sent(
    cluster: Cluster, web: KubernetesDeployment, clock: FakeClock, httpserver: HTTPServer
) -> None:
    def late(_: Request) -> Response:
        clock.sleep(31)
        return Response(httpx2.Response(200, json=deployment()).content)

    httpserver.expect_oneshot_request(DEPLOYMENT_PATH, method="GET").respond_with_handler(late)
    with pytest.raises(OrderRefused, match="is too old"):
        web.restart(ORDER)
    assert not cluster.orders
