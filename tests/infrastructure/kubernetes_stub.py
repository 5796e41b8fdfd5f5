"""The Kubernetes API as documented: one Deployment `web` of two pods in the namespace `shop`, set by a test."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.serving import WSGIRequestHandler

from tests.fakes import START

__all__ = [
    "DEPLOYMENT_PATH",
    "LOG_PATH",
    "METRICS_PATH",
    "PODS",
    "PODS_PATH",
    "USES",
    "Cluster",
    "Json",
    "at",
    "deployment",
    "pod",
    "use",
]

DEPLOYMENT_PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
PODS_PATH = "/api/v1/namespaces/shop/pods"
METRICS_PATH = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"
LOG_PATH = f"{PODS_PATH}/web-2/log"

Json = dict[str, object]


def at(seconds: float) -> str:
    """Return a time as Kubernetes writes it, so many seconds after the test's now."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def deployment(*, generation: int = 4, spec: Mapping[str, object] | None = None, **status: object) -> Json:
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "resourceVersion": "999", "generation": generation},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"tier": "front", "app": "web"}}, **(spec or {})},
        "status": {"observedGeneration": generation, **counts, **status},
    }


def pod(name: str, *, age_seconds: float, ready: bool = True, **status: object) -> Json:
    app = {
        "name": "app",
        "ready": ready,
        "restartCount": 0,
        "state": {"running": {"startedAt": at(5 - age_seconds)}},
        "lastState": {},
        **status,
    }
    return {
        "metadata": {"name": name, "creationTimestamp": at(-age_seconds)},
        "spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [app],
        },
    }


def use(name: str, *, cpu: str, memory: str, age_seconds: float = 10) -> Json:
    usage = {"cpu": cpu, "memory": memory}
    containers = [{"name": "app", "usage": usage}]
    return {"metadata": {"name": name}, "timestamp": at(-age_seconds), "window": "15.5s", "containers": containers}


PODS: list[Json] = [pod("web-1", age_seconds=900), pod("web-2", age_seconds=600)]
USES: list[Json] = [use("web-1", cpu="50m", memory="256Mi"), use("web-2", cpu="100000000n", memory="512Mi")]


def _telling(now: Callable[[], datetime]) -> type[WSGIRequestHandler]:
    class Handler(WSGIRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(now(), usegmt=True)

    return Handler


class Cluster:
    """Answers at the documented paths with its own time; the state is set by a test."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.httpserver = httpserver
        self.now = START
        assert httpserver.server is not None
        httpserver.server.RequestHandlerClass = _telling(lambda: self.now)
        self.deployments: list[object] = [deployment()]
        self.pods: object = {"items": PODS}
        self.uses: object = {"items": USES}
        self.log: Callable[[Request], object] = lambda _: b""
        self.patched: object = deployment(generation=5)
        for path, answer in {
            DEPLOYMENT_PATH: self._deployment,
            PODS_PATH: lambda _: self.pods,
            METRICS_PATH: lambda _: self.uses,
            LOG_PATH: self._log,
        }.items():
            httpserver.expect_request(path).respond_with_handler(self._handler(answer))

    @property
    def orders(self) -> list[Request]:
        return [request for request, _ in self.httpserver.log if request.method == "PATCH"]

    def asked(self, path: str) -> list[Mapping[str, str]]:
        return [request.args for request, _ in self.httpserver.log if request.path == path]

    def _deployment(self, request: Request) -> object:
        """Answer with the state; each look takes the next one, the last stays."""
        if request.method == "PATCH":
            return self.patched
        return self.deployments.pop(0) if len(self.deployments) > 1 else self.deployments[0]

    def _log(self, request: Request) -> object:
        return self.log(request)

    @staticmethod
    def _handler(answer: Callable[[Request], object]) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            given = answer(request)
            if isinstance(given, int):
                return Response('{"kind": "Status"}', status=given)
            if isinstance(given, bytes):
                return Response(given)
            return Response(json.dumps(given), content_type="application/json")

        return respond
