"""One Deployment by the Kubernetes API: its health, its pods' log, its rollout. Not run against a real one in CI.

Five documented calls are all that it may ever send (a role needs `get` and `patch` of this Deployment, `list` of pods
and their metrics, `get` of pods/log); an SDK would bring every right of its token with it. Made from the inventory,
called by the tools and the guarded restart. Source: https://kubernetes.io/docs/reference/kubernetes-api/
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from worker.contract.observations import HealthReading, LogTail
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.kubernetes_answers import Container, Deployment, Pod, PodList, UseList
from worker.infrastructure.kubernetes_use import Used, figures_of, running_time_of, status_of, used_by
from worker.infrastructure.log_files import tail_of
from worker.infrastructure.web_api import WebApi
from worker.infrastructure.web_logs import newest_that_fit
from worker.ports import Clock, RestartOrder

__all__ = ["KubernetesDeployment"]

_FENCE: Final = "firstline/fence"
_POLL_SECONDS: Final = 2.0
_PODS_LIMIT: Final = 100
_WHOLE_SECOND: Final = timedelta(seconds=1)
_LEAST_ROOM: Final = 3
"""The two marks around the log of a container that has ended, and one line of it."""

_REFUSALS: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Given before anything is stored, and the store takes a change whole or not."""
_FENCE_FORM: Final = re.compile(r"[0-9]{1,18}")

_Kind = TypeVar("_Kind", bound=BaseModel)


class KubernetesDeployment:
    """One Deployment: health source, log source and service manager.

    Every failure is `SourceUnavailable` in one sentence. Any number of threads may call at once.
    """

    def __init__(
        self,
        server_id: str,
        *,
        namespace: str,
        deployment: str,
        needed_ready: int,
        api: WebApi,
        restart_seconds: float,
        clock: Clock,
    ) -> None:
        self._server_id = server_id
        self._deployment = deployment
        self._namespace = f"namespaces/{quote(namespace, safe='')}"
        self._path = f"/apis/apps/v1/{self._namespace}/deployments/{quote(deployment, safe='')}"
        self._needed_ready = needed_ready
        self._api = api
        self._restart_seconds = restart_seconds
        self._clock = clock

    @property
    def restart_seconds(self) -> float:
        """How long a rollout is waited for, from the first question about it on."""
        return self._restart_seconds

    def read_health(self) -> HealthReading:
        """Ask for the Deployment, its pods and their use.

        CPU and memory are those of the container that is nearest to its limit; unread where any running container has
        no limit or no metrics, for the others prove nothing of it. It has been running for as long as its oldest pod is
        there, by the API server's clock. `observed_at` is moved back by the age of the metrics, and the start with it,
        so that this stays true.
        """
        asked_at = self._clock.now()
        deployment = self._told()
        pods, cluster_now, unread = self._active_pods(deployment)
        containers = [container for pod in pods for container in pod.containers]
        used = self._used(pods, deployment, asked_at)
        running_time, why_not_known = running_time_of(pods, cluster_now, are_all=not unread)
        observed_at = asked_at - used.age
        return HealthReading(
            server_id=self._server_id,
            status=status_of(deployment, containers),
            cpu_percent=used.cpu_percent,
            memory_percent=used.memory_percent,
            figures=figures_of(deployment, containers),
            unread=(*unread, *used.unread, *why_not_known),
            service_started_at=None if running_time is None else observed_at - running_time,
            observed_at=observed_at,
            source=f"{self._api.name} deployment {self._deployment}",
        )

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most `lines` lines of the newest pod's main container, each with its time by its node's clock.

        Where that container was started anew, up to half of the lines are the newest ones of the container before it,
        with a line above each part that says whose it is. `since` is taken to the second.
        """
        pods = self._pods(self._told())[0].items
        if not pods:
            raise SourceUnavailable(f"{self._deployment} of {self._api.name} has no pod, and so no log.")
        pod = max(pods, key=lambda found: (found.is_active, found.created_at))
        newest = self._log(pod, lines, since)
        container = next((told for told in pod.containers if told.name == pod.main_container), None)
        # While a container waits to be started anew, Kubernetes gives the ended one's log as the newest.
        if container is None or not container.restarts or container.waiting is not None:
            return newest
        room = max(lines - len(newest.lines), lines // 2)
        earlier = self._earlier_lines(pod, container, room, since) if room >= _LEAST_ROOM else ()
        kept = newest.lines[max(len(newest.lines) + len(earlier) - lines, 0) :]
        return newest.model_copy(update={"lines": (*earlier, *kept), "older_lines_exist": True})

    def check(self) -> str:
        """Say how many replicas are ready, of how many that are needed. Whether its token may patch is not tried."""
        return f"{self._told().ready} replicas are ready, {self._needed_ready} are needed for a restart"

    def restart(self, order: RestartOrder) -> None:
        """Roll the Deployment out anew, as `kubectl rollout restart` does; return when every pod is new and available.

        Raises `OrderRefused` when fewer replicas than needed are ready, `SourceUnavailable` when the rollout takes
        longer than it may. How far the fence reaches: to the cluster's store. The Deployment keeps the fence of its
        last order, and an older one is refused; the change holds only for the version that was read, so of two orders
        at once one is refused with a 409. The order's time is checked here, on the worker, right before the request.
        """
        give_up_at = self._clock.monotonic_seconds() + self._restart_seconds
        try:
            deployment = self._told()
        except SourceUnavailable as failure:
            raise OrderRefused(f"{self._server_id} was not restarted: {failure}") from failure
        self._refuse_unfit(deployment, order)
        annotations = {"kubectl.kubernetes.io/restartedAt": self._clock.now().isoformat()}
        change = {
            "metadata": {"resourceVersion": deployment.resource_version, "annotations": {_FENCE: str(order.fence)}},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        }
        if self._clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        self._api.order(
            "PATCH",
            self._path,
            is_refusal=lambda answer: answer.status in _REFUSALS,
            timeout_seconds=max(give_up_at - self._clock.monotonic_seconds(), 0.1),
            body=change,
            content_type="application/strategic-merge-patch+json",
        )
        self._await_rollout(deployment.generation, give_up_at)

    def _refuse_unfit(self, deployment: Deployment, order: RestartOrder) -> None:
        if deployment.ready < self._needed_ready:
            raise OrderRefused(
                f"{self._server_id} has {deployment.ready} ready replicas and needs {self._needed_ready} for a restart"
                "; nothing was restarted."
            )
        if deployment.is_paused or not deployment.wanted:
            state = "is paused" if deployment.is_paused else "is scaled to zero"
            raise OrderRefused(f"The deployment of {self._server_id} {state}; nothing was restarted.")
        seen = deployment.annotations.get(_FENCE, "0")
        if not _FENCE_FORM.fullmatch(seen) or int(seen) >= order.fence:
            raise OrderRefused(
                f"The deployment of {self._server_id} has seen this order's fence or a newer one; nothing was "
                f"restarted: remove its annotation {_FENCE} if the desk's Redis was set up anew."
            )

    def _await_rollout(self, generation_before: int, give_up_at: float) -> None:
        while not self._is_rolled_out(generation_before):
            if self._clock.monotonic_seconds() >= give_up_at:
                raise SourceUnavailable(
                    f"The rollout of {self._server_id} was ordered, and not seen complete in "
                    f"{self._restart_seconds:g} s."
                )
            self._clock.sleep(_POLL_SECONDS)

    def _is_rolled_out(self, generation_before: int) -> bool:
        try:
            told = self._told()
        except SourceUnavailable:
            return False  # the order stands; the next look may succeed
        is_seen = generation_before < told.generation <= told.observed_generation
        return is_seen and told.replicas == told.updated == told.wanted <= told.available

    def _told(self) -> Deployment:
        deployment, _ = self._read(Deployment, self._path)
        if deployment.expressions:
            raise SourceUnavailable(
                f"{self._deployment} of {self._api.name} selects its pods by matchExpressions, which is not supported."
            )
        return deployment

    def _pods(self, deployment: Deployment) -> tuple[PodList, datetime | None]:
        parameters = _selector(deployment) | {"limit": str(_PODS_LIMIT)}
        return self._read(PodList, f"/api/v1/{self._namespace}/pods", parameters)

    def _active_pods(self, deployment: Deployment) -> tuple[Sequence[Pod], datetime | None, Sequence[str]]:
        """Return pods, the cluster's now, and what could not be read; a Deployment tells its status without them."""
        try:
            pods, now = self._pods(deployment)
        except SourceUnavailable as failure:
            return (), None, (f"pods: {failure}",)
        active = [pod for pod in pods.items if pod.is_active]
        unread = (f"pods: there are more than the {_PODS_LIMIT} that were read.",) if pods.more else ()
        return active, now, unread

    def _used(self, pods: Sequence[Pod], deployment: Deployment, asked_at: datetime) -> Used:
        path = f"/apis/metrics.k8s.io/v1beta1/{self._namespace}/pods"
        try:
            uses, now = self._read(UseList, path, _selector(deployment))
        except SourceUnavailable as failure:
            return Used(unread=(f"CPU and memory: {failure}",))
        return used_by(pods, uses.items, now=now or asked_at)

    def _log(self, pod: Pod, lines: int, since: datetime | None, *, previous: bool = False) -> LogTail:
        observed_at = self._clock.now()
        path = f"/api/v1/{self._namespace}/pods/{quote(pod.name, safe='')}/log"
        parameters = {"container": pod.main_container, "timestamps": "true", "previous": str(previous).lower()}
        if since is not None:
            parameters["sinceTime"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body, asked = newest_that_fit(
            lambda wanted: self._api.get(path, {**parameters, "tailLines": str(wanted)}),
            lines=lines + 1,
            lines_in=lambda plain: plain.count(b"\n"),
            whose=f"The log of {self._server_id} by {self._api.name}",
        )
        about = {"server_id": self._server_id, "source": f"{self._api.name} log of pod {pod.name}"}
        tail = tail_of(body, has_older_bytes=False, lines=lines, observed_at=observed_at, **about)
        # What stands before `since`, or did not fit, was not asked for.
        is_partial = since is not None or asked <= lines
        return tail.model_copy(update={"older_lines_exist": is_partial or tail.older_lines_exist})

    def _earlier_lines(self, pod: Pod, container: Container, room: int, since: datetime | None) -> tuple[str, ...]:
        """Return at most `room` lines: the end of the log before the container was started anew, between two marks."""
        try:
            earlier = self._log(pod, room - 2, since, previous=True).lines
        except SourceUnavailable as failure:
            return (f"--- the log of the container before this one could not be read: {failure} ---",)
        if not earlier:
            return ()
        code = "unknown" if container.exit_code is None else container.exit_code
        end = f"{container.last_end or 'unknown reason'}, exit code {code}"
        return (
            f"--- here begins the log of the container before this one, which ended: {end} ---",
            *earlier,
            f"--- here begins the log of the container that was started after it ({container.restarts} restarts) ---",
        )

    def _read(
        self, kind: type[_Kind], path: str, parameters: Mapping[str, str] | None = None
    ) -> tuple[_Kind, datetime | None]:
        """Return what was told, and the server's own now at the latest, for it rounds to whole seconds."""
        answer = self._api.get(path, parameters)
        now = None if answer.sent_at is None else answer.sent_at + _WHOLE_SECOND
        try:
            return kind.model_validate(self._api.decoded(answer)), now
        except ValidationError as error:
            raise SourceUnavailable(f"{self._api.name} gave no usable answer about {self._server_id}.") from error


def _selector(deployment: Deployment) -> dict[str, str]:
    return {"labelSelector": ",".join(f"{name}={value}" for name, value in sorted(deployment.labels.items()))}
