"""What a Deployment's answers mean: status, use of limits and how old that is, how long its oldest pod is there.

It must never take some containers' figures for all of them: what one lacks is unread for all. It asks nobody; only
`worker.infrastructure.kubernetes` calls it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.contract.observations import ServiceStatus
from worker.infrastructure.kubernetes_answers import Container, Deployment, Pod, Use

__all__ = ["Used", "figures_of", "running_time_of", "status_of", "used_by"]

_STALE: Final = timedelta(seconds=120)
"""Older metrics say nothing of now: metrics-server looks every 15 s, and keeps what it has when a node is silent."""

_AHEAD: Final = timedelta(seconds=5)
"""By so much the clocks of one cluster may differ."""

_ON_ITS_WAY: Final = frozenset({None, "ContainerCreating", "PodInitializing"})
_REASONS_LIMIT: Final = 10

_LONGEST: Final = timedelta(days=10_000)
"""No pod is older: Kubernetes is younger. Go's zero time, the year 1, is no time of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What the containers use, and the age of that; the defaults stand for no metrics."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    age: timedelta = timedelta(0)
    unread: tuple[str, ...]


def used_by(pods: Sequence[Pod], uses: Sequence[Use], *, now: datetime) -> Used:
    """Return the use by the container that is nearest to its limit, of all that run in `pods`.

    The age is counted from the beginning of the oldest window to `now`, the cluster's. Metrics of the future are
    unread: a metrics-server that stands still would be new until their time has come.
    """
    names = {pod.name for pod in pods}
    told = [use for use in uses if use.name in names]
    ahead = max((use.timestamp - now for use in told), default=timedelta(0))
    if ahead > _AHEAD:
        return Used(unread=(f"CPU and memory: the metrics are of {ahead.total_seconds():.0f} s in the future.",))
    age = max((max(now - use.timestamp, timedelta(0)) + use.window for use in told), default=timedelta(0))
    if age > _STALE:
        return Used(unread=(f"CPU and memory: the metrics are {age.total_seconds():.0f} s old.",))
    found = {resource: _nearest(pods, uses, resource) for resource in ("cpu", "memory")}
    percents = {resource: percent for resource, percent in found.items() if isinstance(percent, float)}
    return Used(
        cpu_percent=percents.get("cpu"),
        memory_percent=percents.get("memory"),
        age=age if percents else timedelta(0),
        unread=tuple(why for why in found.values() if isinstance(why, str)),
    )


def running_time_of(
    pods: Sequence[Pod], now: datetime | None, *, are_all: bool
) -> tuple[timedelta | None, tuple[str, ...]]:
    """Return how long the oldest pod is there, ready or not, or why that is not known.

    A Deployment has been restarted when all its pods are new. The API server stamps a pod when it is made, and tells
    its `now` by the same clock. A container that is started again in its pod is no restart of the Deployment.
    """
    if not are_all:
        return None, ("start time: not all pods were read, and one of the others may be the oldest.",)
    if not any(pod.is_ready for pod in pods):
        return None, ("start time: no pod is ready.",)
    if now is None:
        return None, ("start time: Kubernetes does not tell its own time, from which to count.",)
    age = now - min(pod.created_at for pod in pods)
    if age > _LONGEST:
        return None, ("start time: Kubernetes does not say it.",)
    if age < timedelta(0):
        return None, ("start time: by the cluster's clock it is in the future.",)
    return age, ()


def status_of(deployment: Deployment, containers: Sequence[Container]) -> ServiceStatus:
    """Return what the counts say, and whether a container is stuck."""
    if not deployment.ready:
        return ServiceStatus.STOPPED
    is_stuck = any(container.waiting not in _ON_ITS_WAY for container in containers)
    return ServiceStatus.DEGRADED if is_stuck or deployment.ready < deployment.wanted else ServiceStatus.RUNNING


def figures_of(deployment: Deployment, containers: Sequence[Container]) -> Mapping[str, float | str | bool | None]:
    """Return what is told in words and numbers."""
    reasons = {
        "waiting": sorted({container.waiting for container in containers if container.waiting})[:_REASONS_LIMIT],
        "last_ends": sorted({container.last_end for container in containers if container.last_end})[:_REASONS_LIMIT],
    }
    return {
        "replicas_wanted": deployment.wanted,
        "replicas_ready": deployment.ready,
        "container_restarts": sum(container.restarts for container in containers),
        **{name: ", ".join(words) for name, words in reasons.items() if words},
    }


def _nearest(pods: Sequence[Pod], uses: Sequence[Use], resource: str) -> float | str:
    """Return the greatest share of a limit in percent, or the sentence that says why there is none."""
    used_by_name = {use.name: {told.name: told.usage for told in use.containers} for use in uses}
    what = {"cpu": "CPU"}.get(resource, resource)
    shares = []
    for pod_name, container, limits in _running(pods):
        limit = limits.get(resource)
        used = used_by_name.get(pod_name, {}).get(container, {}).get(resource)
        if not limit or used is None:
            lack = "no metrics" if limit else "no limit"
            return f"{what}: container {container} of pod {pod_name} has {lack}."
        shares.append(100 * used / limit)
    return round(max(shares), 1) if shares else f"{what}: no container runs."


def _running(pods: Sequence[Pod]) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """Yield pod, container and limits of each container that runs."""
    for pod in pods:
        limits = {spec.name: spec.limits for spec in pod.specs}
        for container in pod.containers:
            if container.started_at is not None:
                yield pod.name, container.name, limits.get(container.name, {})
