"""Log sources that ask an HTTP API, in their surroundings: the documented exchanges, over logs that a test writes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.conformance.subjects import (
    CLOCK,
    MISSING,
    PATIENCE_SECONDS,
    SERVER_ID,
    api_at,
    client_of,
    silent_socket,
    web_ways,
)
from tests.conformance.written_log import LogSubject, WrittenLog
from tests.fakes import FakeClock
from tests.infrastructure.docker_stub import Engine, frame, running_engine
from tests.infrastructure.kubernetes_stub import Cluster
from worker.infrastructure.docker import DockerContainer
from worker.infrastructure.kubernetes import KubernetesDeployment
from worker.infrastructure.loki import LokiLogs
from worker.infrastructure.web_api import WebApi
from worker.ports import LogSource

__all__ = ["docked", "in_kubernetes", "in_loki"]

_SELECTOR = '{host="web-01"}'


@contextmanager
def in_loki(folder: Path) -> Iterator[LogSubject]:
    log = WrittenLog(CLOCK)

    def answer(request: Request) -> Response:
        if request.args["query"] != _SELECTOR:
            return Response("parse error", status=400)
        since, until = (int(request.args[name]) / 1e9 for name in ("start", "end"))
        found = log.newest(int(request.args["limit"]), since=since, until=until)
        values = [[f"{at}000000000", line.decode("utf-8", "replace")] for at, line in reversed(found)]
        streams = [{"stream": {"host": "web-01"}, "values": values}] if values else []
        data = {"resultType": "streams", "result": streams}
        return Response(json.dumps({"status": "success", "data": data}), content_type="application/json")

    with ExitStack() as stack:
        server = stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True))
        server.expect_request("/loki/api/v1/query_range").respond_with_handler(answer)

        def logs(api: WebApi, *, server_id: str = SERVER_ID, selector: str = _SELECTOR) -> LogSource:
            return LokiLogs(server_id, api=api, selector=selector, clock=CLOCK)

        well, unreachable, silent = web_ways(stack, server.url_for("/"), name="logs")
        yield LogSubject(
            source=logs(well),
            write=log.write,
            missing=logs(well, server_id=MISSING, selector="{host="),
            unreachable=logs(unreachable),
            silent=logs(silent),
            named="logs",
            system="logs",
            knows_times=True,
        )


def _dated(at: int, line: bytes) -> bytes:
    """Return a line as Docker and Kubernetes give it, with its time before it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z ").encode() + line + b"\n"


@contextmanager
def docked(folder: Path) -> Iterator[LogSubject]:
    log, engine = WrittenLog(CLOCK), Engine()

    def answer(question: Mapping[str, str]) -> bytes:
        since = float(question["since"]) if "since" in question else None
        found = log.newest(int(question["tail"]), since=since)
        return b"".join(frame(1 + number % 2, _dated(*entry)) for number, entry in enumerate(found))

    engine.answers["logs"] = answer
    with ExitStack() as stack:
        stack.enter_context(running_engine(engine, folder / "docker.sock"))
        stack.enter_context(silent_socket(folder / "silent.sock"))

        def logs(socket: str, *, server_id: str = SERVER_ID, container: str = "web") -> LogSource:
            client = stack.enter_context(client_of(folder / f"{socket}.sock"))
            timeout_seconds = PATIENCE_SECONDS if socket == "silent" else 10
            api = api_at("http://docker", client, name="Docker", timeout_seconds=timeout_seconds)
            return DockerContainer(server_id, container=container, api=api, restart_seconds=10, clock=CLOCK)

        yield LogSubject(
            source=logs("docker"),
            write=log.write,
            missing=logs("docker", server_id=MISSING, container=MISSING),
            unreachable=logs("nobody"),
            silent=logs("silent"),
            named="Docker",
            system="Docker",
            knows_times=True,
        )


@contextmanager
def in_kubernetes(folder: Path) -> Iterator[LogSubject]:
    clock = FakeClock()
    log = WrittenLog(clock)

    def answer(request: Request) -> bytes:
        since = request.args.get("sinceTime")
        begins = None if since is None else datetime.fromisoformat(since).timestamp()
        return b"".join(_dated(*entry) for entry in log.newest(int(request.args["tailLines"]), since=begins))

    with ExitStack() as stack:
        cluster = Cluster(stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True)))
        cluster.log = answer

        def logs(api: WebApi, *, server_id: str = SERVER_ID, deployment: str = "web") -> LogSource:
            return KubernetesDeployment(
                server_id,
                namespace="shop",
                deployment=deployment,
                needed_ready=2,
                api=api,
                restart_seconds=60,
                clock=clock,
            )

        well, unreachable, silent = web_ways(stack, cluster.httpserver.url_for("/"), name="the cluster")
        yield LogSubject(
            source=logs(well),
            write=log.write,
            missing=logs(well, server_id=MISSING, deployment=MISSING),
            unreachable=logs(unreachable),
            silent=logs(silent),
            clock=clock,
            named="the cluster",
            system="the cluster",
            knows_times=True,
        )
