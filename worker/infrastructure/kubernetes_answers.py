"""What the Kubernetes API says of a Deployment, its pods and their use, as far as the desk reads it.

Each field stands for one documented place. A figure that is not there is None, never guessed; Kubernetes itself leaves
out counts of zero. Only `worker.infrastructure.kubernetes` reads them.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AliasPath, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from worker.contract.text import cut_to_bytes, visible

__all__ = ["Container", "Deployment", "Pod", "PodList", "Resources", "Use", "UseList"]

_REASON_LIMIT_BYTES: Final = 80
_ENDED: Final = frozenset({"Succeeded", "Failed"})
_QUANTITY: Final = re.compile(r"([0-9]{1,20}(?:\.[0-9]{0,20})?)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?")
_FACTORS: Final = (
    {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3}
    | {letter: 1000.0**power for power, letter in enumerate("MGTPE", 2)}
    | {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)}
)


def _number(quantity: object) -> float:
    """Return a quantity such as ``250m`` or ``1.5Gi`` in cores or bytes. Raises `ValueError`."""
    found = _QUANTITY.fullmatch(str(quantity))
    if found is None:
        raise ValueError("no quantity")
    number, suffix, exponent = found.groups()
    return float(number) * (_FACTORS[suffix] if suffix else 10.0 ** int(exponent or 0))


Resources = Mapping[str, Annotated[float, BeforeValidator(_number)]]
_Window = Annotated[
    timedelta,
    BeforeValidator(lambda duration: f"PT{str(duration).upper()}"),  # Go's form, as ISO 8601 writes it
    Field(gt=timedelta(0), le=timedelta(hours=1)),
]
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_ExitCode = Annotated[int, Field(ge=-(2**31), lt=2**31)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=253)]
"""Kubernetes' own form, which goes into sentences as it is."""

_Reason = Annotated[str, AfterValidator(lambda words: cut_to_bytes(visible(words), _REASON_LIMIT_BYTES))]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Deployment(_Told):
    """A Deployment at which a controller has looked; before, it has no `observedGeneration` and tells nothing."""

    resource_version: str = Field(validation_alias=AliasPath("metadata", "resourceVersion"))
    generation: _Count = Field(validation_alias=AliasPath("metadata", "generation"))
    annotations: Mapping[str, str] = Field({}, validation_alias=AliasPath("metadata", "annotations"))
    wanted: _Count = Field(validation_alias=AliasPath("spec", "replicas"))
    is_paused: bool = Field(default=False, validation_alias=AliasPath("spec", "paused"))
    labels: Mapping[str, str] = Field(min_length=1, validation_alias=AliasPath("spec", "selector", "matchLabels"))
    expressions: tuple[object, ...] = Field((), validation_alias=AliasPath("spec", "selector", "matchExpressions"))
    observed_generation: _Count = Field(validation_alias=AliasPath("status", "observedGeneration"))
    replicas: _Count = Field(0, validation_alias=AliasPath("status", "replicas"))
    updated: _Count = Field(0, validation_alias=AliasPath("status", "updatedReplicas"))
    ready: _Count = Field(0, validation_alias=AliasPath("status", "readyReplicas"))
    available: _Count = Field(0, validation_alias=AliasPath("status", "availableReplicas"))


class Container(_Told):
    """How one container of a pod is, and how the one before it ended."""

    name: _Name
    restarts: _Count = Field(validation_alias=AliasPath("restartCount"))
    started_at: AwareDatetime | None = Field(None, validation_alias=AliasPath("state", "running", "startedAt"))
    waiting: _Reason | None = Field(None, validation_alias=AliasPath("state", "waiting", "reason"))
    last_end: _Reason | None = Field(None, validation_alias=AliasPath("lastState", "terminated", "reason"))
    exit_code: _ExitCode | None = Field(None, validation_alias=AliasPath("lastState", "terminated", "exitCode"))


class _Condition(_Told):
    type: str
    status: str


class _Spec(_Told):
    name: _Name
    limits: Resources = Field({}, validation_alias=AliasPath("resources", "limits"))


class Pod(_Told):
    """A pod with what its containers may use and how they are."""

    name: _Name = Field(validation_alias=AliasPath("metadata", "name"))
    created_at: AwareDatetime = Field(validation_alias=AliasPath("metadata", "creationTimestamp"))
    deleted_at: AwareDatetime | None = Field(None, validation_alias=AliasPath("metadata", "deletionTimestamp"))
    annotations: Mapping[str, str] = Field({}, validation_alias=AliasPath("metadata", "annotations"))
    specs: tuple[_Spec, ...] = Field(min_length=1, validation_alias=AliasPath("spec", "containers"))
    phase: str = Field("", validation_alias=AliasPath("status", "phase"))
    conditions: tuple[_Condition, ...] = Field((), validation_alias=AliasPath("status", "conditions"))
    containers: tuple[Container, ...] = Field((), validation_alias=AliasPath("status", "containerStatuses"))

    @property
    def is_active(self) -> bool:
        """Whether it is neither on its way out nor a leftover."""
        return self.deleted_at is None and self.phase not in _ENDED

    @property
    def is_ready(self) -> bool:
        """Whether it is active and serves."""
        return self.is_active and any(told.type == "Ready" and told.status == "True" for told in self.conditions)

    @property
    def main_container(self) -> str:
        """The container whose log is the pod's, as kubectl chooses it."""
        return self.annotations.get("kubectl.kubernetes.io/default-container", self.specs[0].name)


class PodList(_Told):
    """The pods of one answer; `more` is where the rest begins."""

    items: tuple[Pod, ...]
    more: str = Field("", validation_alias=AliasPath("metadata", "continue"))


class _ContainerUse(_Told):
    name: str
    usage: Resources


class Use(_Told):
    """What a pod's containers used in the `window` before `timestamp`."""

    name: str = Field(validation_alias=AliasPath("metadata", "name"))
    timestamp: AwareDatetime
    window: _Window
    containers: tuple[_ContainerUse, ...]


class UseList(_Told):
    """The metrics of one answer."""

    items: tuple[Use, ...]
