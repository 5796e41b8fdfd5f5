"""What Prometheus is asked of a server, by the exporter that watches it: an expression a figure, joined to one query.

Pure text. A selector such as `instance="10.0.3.7:9100"` is written by the inventory's administrator, and nobody else.
Every figure is summed, averaged or bounded to one sample. Called by the Prometheus adapter. Needs Prometheus 2.33.
Sources of the names: node_exporter's README and its systemd and time collectors; cAdvisor's
docs/storage/prometheus.md; the deployment and pod metrics of kube-state-metrics.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "AGE",
    "ASIDE",
    "CPU",
    "CPU_AGE",
    "HOST_NOW",
    "MEMORY",
    "NOW",
    "OF_MACHINE",
    "READY",
    "SERIES",
    "STARTED",
    "STATE_AGE",
    "TARGETS",
    "UNIT_STATES",
    "WANTED",
    "Expression",
    "expressions_of",
    "joined",
    "named",
]

CPU: Final = "CPU"
MEMORY: Final = "memory"
OF_MACHINE: Final = " of the machine"
"""What follows those two where no service is named."""
STARTED: Final = "started"
READY: Final = "replicas ready"
WANTED: Final = "replicas wanted"

NOW: Final = "now"
HOST_NOW: Final = "now by the server's clock"
AGE: Final = "age"
CPU_AGE: Final = "age of the CPU's older sample"
STATE_AGE: Final = "age of the unit's state"
TARGETS: Final = "targets"
SERIES: Final = "series"
_UNIT_STATE: Final = "unit $1"
"""Stands for a figure a state: PromQL puts the label `state` in the place of $1."""
UNIT_STATES: Final = tuple(f"unit {state}" for state in ("active", "activating", "deactivating", "failed", "inactive"))
ASIDE: Final = frozenset({NOW, HOST_NOW, AGE, CPU_AGE, STATE_AGE, TARGETS, SERIES, _UNIT_STATE})
"""What is asked beside the figures: clocks, ages, what it all is about, and the parts of a status."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A figure's PromQL, in which SEL stands for the selector and UNIT for the unit's name, and the unit it is in.

    One that `may_be_absent` is not missed; `takes` says what it takes, for whoever misses it.
    """

    promql: str
    unit: str
    may_be_absent: bool = False
    takes: str = ""


def _age_of(series: str) -> Expression:
    return Expression(f"max(time() - timestamp({series}))", "seconds")


def _age_of_the_last_but_one(series: str) -> Expression:
    """Return the age of the older of the two samples that `irate` takes."""
    newest = f"min(timestamp({series}))"
    at_the_end = f"min(timestamp({series} @ end()))"
    return Expression(f"time() - max_over_time(({newest} < {at_the_end})[5m:1s])", "seconds")


def _host_now(clock: str, *, counts_in_seconds: int = 0) -> Expression:
    """Return the server's clock as it stands now; one that tells whole seconds may be late by one of them."""
    return Expression(f"max({clock}{{SEL}} - timestamp({clock}{{SEL}})) + time() + {counts_in_seconds}", "seconds")


_REAL: Final = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660",SEL'
_NODE: Final[Mapping[str, Expression]] = {
    # As a share of all modes it can't be negative, however late /proc/stat is read after a scrape has begun; some
    # Prometheus keep nothing but the idle mode.
    CPU: Expression(
        '(100 * sum(irate(node_cpu_seconds_total{mode!="idle",SEL}[5m])) / sum(irate(node_cpu_seconds_total{SEL}[5m]))'
        ' or 100 * (1 - avg(irate(node_cpu_seconds_total{mode="idle",SEL}[5m]))))',
        "percent",
    ),
    CPU_AGE: _age_of_the_last_but_one('node_cpu_seconds_total{mode="idle",SEL}'),
    HOST_NOW: _host_now("node_time_seconds"),
    MEMORY: Expression(
        "100 * (1 - sum(node_memory_MemAvailable_bytes{SEL}) / sum(node_memory_MemTotal_bytes{SEL}))", "percent"
    ),
    "fullest disk": Expression(
        f"max(100 * (1 - node_filesystem_avail_bytes{{{_REAL}}} / (node_filesystem_size_bytes{{{_REAL}}} > 0)))",
        "percent",
    ),
    "load of one minute by core": Expression(
        'sum(node_load1{SEL}) / count(node_cpu_seconds_total{mode="idle",SEL})', "count"
    ),
    "swap in use": Expression("sum(node_memory_SwapTotal_bytes{SEL}) - sum(node_memory_SwapFree_bytes{SEL})", "bytes"),
    "file handles": Expression("100 * sum(node_filefd_allocated{SEL}) / sum(node_filefd_maximum{SEL})", "percent"),
}
_UNIT: Final[Mapping[str, Expression]] = {
    _UNIT_STATE: Expression('max by (state) (node_systemd_unit_state{name="UNIT",SEL})', "count"),
    STATE_AGE: _age_of('node_systemd_unit_state{name="UNIT",SEL}'),
    STARTED: Expression('max(node_systemd_unit_start_time_seconds{name="UNIT",SEL} > 0)', "seconds"),
    "restarts by systemd": Expression('max(node_systemd_service_restart_total{name="UNIT",SEL})', "count"),
}
_ONE_CORE: Final = "sum(irate(container_cpu_usage_seconds_total{SEL}[5m]))"
_CORES: Final = (
    "(sum(container_spec_cpu_quota{SEL} > 0) / sum(container_spec_cpu_period{SEL} > 0)"
    " or max(machine_cpu_cores and on (instance) container_cpu_usage_seconds_total{SEL}))"
)
_MEMORY: Final = (
    "(sum(container_spec_memory_limit_bytes{SEL} > 0)"
    " or max(machine_memory_bytes and on (instance) container_memory_working_set_bytes{SEL}))"
)
_CADVISOR: Final[Mapping[str, Expression]] = {
    CPU: Expression(
        f"100 * {_ONE_CORE} / {_CORES}",
        "percent",
        takes="two samples of its time, and container_spec_cpu_quota with its period, or machine_cpu_cores",
    ),
    "CPU of one core": Expression(f"100 * {_ONE_CORE}", "percent"),
    CPU_AGE: _age_of_the_last_but_one("container_cpu_usage_seconds_total{SEL}"),
    HOST_NOW: _host_now("container_last_seen", counts_in_seconds=1),
    MEMORY: Expression(
        f"100 * sum(container_memory_working_set_bytes{{SEL}}) / {_MEMORY}",
        "percent",
        takes="container_spec_memory_limit_bytes, or machine_memory_bytes",
    ),
    STARTED: Expression("max(container_start_time_seconds{SEL} > 0)", "seconds"),
    "restarts in the last hour": Expression(
        "changes(max(container_start_time_seconds{SEL} > 0)[1h:30s])", "count", may_be_absent=True
    ),
    "restarts by Kubernetes": Expression(
        "sum(kube_pod_container_status_restarts_total{SEL})", "count", may_be_absent=True
    ),
    "open files": Expression("sum(container_file_descriptors{SEL})", "count"),
}
_KUBE_STATE: Final[Mapping[str, Expression]] = {
    READY: Expression("sum(kube_deployment_status_replicas_ready{SEL})", "count"),
    WANTED: Expression("sum(kube_deployment_spec_replicas{SEL})", "count"),
}
_EXPORTERS: Final = {"node": _NODE, "cadvisor": _CADVISOR, "kube_state": _KUBE_STATE}
_STANDS_FOR_ALL: Final = {
    "node": "node_memory_MemTotal_bytes",
    "cadvisor": "container_memory_working_set_bytes",
    "kube_state": "kube_deployment_spec_replicas",
}
"""The metric that every watched thing has once; one scrape brings it together with the others."""

_PLACES: Final = re.compile("UNIT|SEL")
_METRIC: Final = re.compile(r"\b(?:node|container|kube_deployment)_\w+(?=\{)")


def expressions_of(exporter: str, *, selector: str, unit: str | None) -> Mapping[str, Expression]:
    """Return the figures of one server by name, each ready to be asked. `unit` is a systemd unit, of `node` alone.

    Without a unit, the CPU and memory of `node` are named as the machine's.
    """
    templates = dict(_EXPORTERS[exporter])
    if unit is not None:
        templates |= _UNIT
    elif exporter == "node":
        templates = {f"{name}{OF_MACHINE}" if name in {CPU, MEMORY} else name: it for name, it in templates.items()}
    templates |= _about(_STANDS_FOR_ALL[exporter], templates)
    places = {"UNIT": _escaped(unit or ""), "SEL": selector}
    return {
        name: Expression(
            _PLACES.sub(lambda place: places[place[0]], it.promql), it.unit, it.may_be_absent, takes=it.takes
        )
        for name, it in templates.items()
    }


def joined(expressions: Mapping[str, Expression]) -> str:
    """Return one query for all, whose samples carry their figure's name as the label `figure`."""
    return " or ".join(named(name, expression.promql) for name, expression in expressions.items())


def named(name: str, promql: str) -> str:
    """Return an expression whose samples carry the label `figure`; a comment at its end ends with its line."""
    return f'label_replace({promql}\n, "figure", "{name}", "state", "(.*)")'


def _about(raw: str, templates: Mapping[str, Expression]) -> Mapping[str, Expression]:
    """Return what is asked of Prometheus' clock, of the samples' age, and of how many things they tell."""
    metrics = "|".join(sorted({metric for it in templates.values() for metric in _METRIC.findall(it.promql)}))
    return {
        NOW: Expression("vector(time())", "seconds"),
        AGE: _age_of(f"{raw}{{SEL}}"),
        TARGETS: Expression(f'count(count by (instance) ({{__name__=~"{metrics}",SEL}}))', "count"),
        SERIES: Expression(f"count({raw}{{SEL}})", "count"),
    }


def _escaped(text: str) -> str:
    """Return the text as it stands between PromQL's double quotes; systemd's names may hold backslashes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
