"""Service managers behind an HTTP API in their surroundings: the documented exchanges, with stand-ins that count."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import SHUT_RDWR
from threading import Lock

from pytest_httpserver import HTTPServer
from werkzeug import Request

from tests.conformance.ordered import ManagerSubject
from tests.conformance.subjects import CLOCK, MISSING, SERVER_ID, api_at, client_of, web_ways
from tests.fakes import FakeClock
from tests.infrastructure.docker_stub import CUT, Engine, running_engine
from tests.infrastructure.kubernetes_stub import Cluster, Json, deployment
from worker.infrastructure.docker import DockerContainer
from worker.infrastructure.kubernetes import KubernetesDeployment
from worker.infrastructure.web_api import WebApi
from worker.ports import ServiceManager

__all__ = ["docked", "in_kubernetes"]


@contextmanager
def docked(folder: Path) -> Iterator[ManagerSubject]:
    engine, cut_off = Engine(), Engine()
    cut_off.answers["restart"] = CUT
    with ExitStack() as stack:
        stack.enter_context(running_engine(engine, folder / "docker.sock"))
        stack.enter_context(running_engine(cut_off, folder / "cut.sock"))

        def manager(socket: str, *, container: str = "web") -> ServiceManager:
            client = stack.enter_context(client_of(folder / f"{socket}.sock"))
            api = api_at("http://docker", client, name="Docker")
            return DockerContainer(SERVER_ID, container=container, api=api, restart_seconds=10, clock=CLOCK)

        yield ManagerSubject(
            manager=manager("docker"),
            restarts=lambda: sum(asked.startswith("/containers/web/restart") for asked in engine.asked),
            fence_reaches=False,
            missing=manager("docker", container=MISSING),
            unreachable=manager("nobody"),
            cut_off=manager("cut"),
            cut_off_restarts=lambda: sum("/restart" in asked for asked in cut_off.asked),
            named="Docker",
            system="Docker",
        )


class RollingCluster(Cluster):
    """Keeps what it is told, and takes a change only for the version that it has; it may break off its answers."""

    def __init__(self, httpserver: HTTPServer, *, cuts_answers: bool = False) -> None:
        super().__init__(httpserver)
        self.rollouts = 0
        self._annotations: Json = {}
        self._lock = Lock()
        self._cuts_answers = cuts_answers

    def _deployment(self, request: Request) -> object:
        with self._lock:
            if request.method == "PATCH":
                change = request.get_json()["metadata"]
                if change["resourceVersion"] != str(self.rollouts):
                    return 409
                self.rollouts += 1
                self._annotations = change["annotations"]
                if self._cuts_answers:
                    request.environ["werkzeug.socket"].shutdown(SHUT_RDWR)
            told = deployment(generation=4 + self.rollouts)
            version: Json = {"resourceVersion": str(self.rollouts), "annotations": self._annotations}
            return {**told, "metadata": {**version, "generation": 4 + self.rollouts}}


@contextmanager
def in_kubernetes(folder: Path) -> Iterator[ManagerSubject]:
    clock = FakeClock()
    with ExitStack() as stack:
        well, cut_off = (stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True)) for _ in range(2))
        cluster, cutting = RollingCluster(well), RollingCluster(cut_off, cuts_answers=True)

        def manager(api: WebApi, *, name: str = "web") -> ServiceManager:
            return KubernetesDeployment(
                SERVER_ID,
                namespace="shop",
                deployment=name,
                needed_ready=2,
                api=api,
                restart_seconds=60,
                clock=clock,
            )

        api, nobody, _ = web_ways(stack, well.url_for("/"), name="the cluster")
        yield ManagerSubject(
            manager=manager(api),
            restarts=lambda: cluster.rollouts,
            fence_reaches=True,
            missing=manager(api, name=MISSING),
            unreachable=manager(nobody),
            cut_off=manager(web_ways(stack, cut_off.url_for("/"), name="the cluster")[0]),
            cut_off_restarts=lambda: cutting.rollouts,
            clock=clock,
            named="the cluster",
            system="the cluster",
        )
