"""How much of their limits a Deployment's containers use, how old that is, and since when its newest ready pod runs.

It must never take some containers' figures for all of them: what one lacks is unread for all. It asks nobody; only
`worker.infrastructure.kubernetes` calls it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from worker.infrastructure.kubernetes_answers import Pod, Use

__all__ = ["Used", "started_at_of", "used_by"]

_STALE: Final = timedelta(seconds=120)
"""Older metrics say nothing of now: metrics-server looks every 15 s, and keeps what it has when a node is silent."""

_LONGEST: Final = timedelta(days=10_000)
"""No pod has run for longer: Kubernetes is younger. Go's zero time, the year 1, is no start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What the containers use, and the age of that; the defaults stand for no metrics."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    age: timedelta = timedelta(0)
    unread: tuple[str, ...]


def used_by(pods: Sequence[Pod], uses: Sequence[Use], *, asked_at: datetime) -> Used:
    """Return the use by the container that is nearest to its limit, of all that run in `pods`.

    The age is counted from the beginning of the oldest window; by a cluster's clock that is ahead it is the window.
    """
    names = {pod.name for pod in pods}
    ages = [max(asked_at - use.timestamp, timedelta(0)) + use.window for use in uses if use.name in names]
    age = max(ages, default=timedelta(0))
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


def started_at_of(pods: Sequence[Pod], asked_at: datetime) -> tuple[datetime | None, tuple[str, ...]]:
    """Return when the newest ready pod's last container started, or why that is not known."""
    ready = max((pod for pod in pods if pod.is_ready), key=lambda pod: pod.created_at, default=None)
    if ready is None:
        return None, ("start time: no pod is ready.",)
    starts = [container.started_at for container in ready.containers if container.started_at is not None]
    started_at = max(starts, default=None)
    if started_at is None or asked_at - started_at > _LONGEST:
        return None, ("start time: Kubernetes does not say it.",)
    if started_at > asked_at:
        return None, ("start time: by the cluster's clock it is in this worker's future, so the clocks differ.",)
    return started_at, ()


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
