"""What Prometheus is asked of a server, by the exporter that watches it: an expression a figure, joined to one query.

Pure text. A selector such as `instance="10.0.3.7:9100"` is written by the inventory's administrator, and nobody else.
Sources of the names: node_exporter's README and its systemd collector; cAdvisor's docs/storage/prometheus.md; the
deployment metrics of kube-state-metrics.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["AGE", "NOW", "TARGETS", "Expression", "expressions_of", "joined"]

NOW: Final = "now"
AGE: Final = "age"
TARGETS: Final = "targets"


@dataclass(frozen=True, slots=True)
class Expression:
    """A figure's PromQL, in which SEL stands for the selector and UNIT for the unit's name, and the unit it is in."""

    promql: str
    unit: str


def _about(raw: str) -> Mapping[str, Expression]:
    """Return what is asked beside the figures: Prometheus' clock, how old its samples are, how many targets they fit.

    The newest sample of `raw` stands for all: one scrape brings them together.
    """
    return {
        NOW: Expression("vector(time())", "seconds"),
        AGE: Expression(f"max(time() - timestamp({raw}{{SEL}}))", "seconds"),
        TARGETS: Expression(f"count({raw}{{SEL}})", "count"),
    }


_REAL: Final = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660",SEL'
_NODE: Final[Mapping[str, Expression]] = {
    **_about("node_memory_MemTotal_bytes"),
    "CPU": Expression('100 * (1 - avg(irate(node_cpu_seconds_total{mode="idle",SEL}[5m])))', "percent"),
    "memory": Expression(
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
    **{
        f"unit {state}": Expression(f'max(node_systemd_unit_state{{name="UNIT",state="{state}",SEL}})', "count")
        for state in ("active", "activating", "deactivating", "failed", "inactive")
    },
    "started": Expression('max(node_systemd_unit_start_time_seconds{name="UNIT",SEL} > 0)', "seconds"),
    "restarts by systemd": Expression('max(node_systemd_service_restart_total{name="UNIT",SEL})', "count"),
}
_CADVISOR: Final[Mapping[str, Expression]] = {
    **_about("container_memory_working_set_bytes"),
    "CPU": Expression("100 * sum(irate(container_cpu_usage_seconds_total{SEL}[5m]))", "percent"),
    "memory": Expression(
        "100 * sum(container_memory_working_set_bytes{SEL}) / sum(container_spec_memory_limit_bytes{SEL} > 0)",
        "percent",
    ),
    "started": Expression("max(container_start_time_seconds{SEL} > 0)", "seconds"),
    "open files": Expression("sum(container_file_descriptors{SEL})", "count"),
}
_KUBE_STATE: Final[Mapping[str, Expression]] = {
    **_about("kube_deployment_spec_replicas"),
    "replicas ready": Expression("sum(kube_deployment_status_replicas_ready{SEL})", "count"),
    "replicas wanted": Expression("sum(kube_deployment_spec_replicas{SEL})", "count"),
}
_PLACES: Final = re.compile("UNIT|SEL")
_EXPORTERS: Final = {"node": _NODE, "cadvisor": _CADVISOR, "kube_state": _KUBE_STATE}


def expressions_of(exporter: str, *, selector: str, unit: str | None) -> Mapping[str, Expression]:
    """Return the figures of one server by name, each ready to be asked. `unit` is a systemd unit, of `node` alone."""
    places = {"UNIT": unit or "", "SEL": selector}
    templates = {**_EXPORTERS[exporter], **(_UNIT if unit is not None else {})}
    return {
        name: Expression(_PLACES.sub(lambda place: places[place[0]], template.promql), template.unit)
        for name, template in templates.items()
    }


def joined(expressions: Mapping[str, Expression]) -> str:
    """Return one query for all, whose samples carry their figure's name as the label `figure`."""
    return " or ".join(
        f'label_replace({expression.promql}, "figure", "{name}", "", "")' for name, expression in expressions.items()
    )
