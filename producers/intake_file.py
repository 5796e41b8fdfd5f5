"""The intake file: which label means what, how storms collapse, and how each source proves who it is.

It is TOML, holds no secret but the names of the variables that do, and is checked whole before anything starts. All
producers read it, so that one alert is one incident on whichever way it comes; `deploy/intake.example.toml` shows it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

from producers.intake import StormRules
from producers.settings import ProducerConfigurationError
from producers.sources.field_map import FieldMap

__all__ = ["SOURCES", "IntakeFile", "Signature", "SourceRules", "read_intake_file"]

SOURCES: Final = ("alertmanager", "grafana", "pagerduty", "datadog", "zabbix", "cloudevents", "plain")
"""Who may have a table [sources.<name>]."""

_Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Labels = Annotated[tuple[_Label, ...], Field(min_length=1, max_length=32)]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
_Seconds = Annotated[float, Field(ge=0, le=604_800)]


class Signature(StrEnum):
    """Whose way of signing a body a source uses; `signatures.py` says how each works."""

    PAGERDUTY = "pagerduty"
    GRAFANA = "grafana"
    FIRSTLINE = "firstline"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SourceRules(_Table):
    """How a source proves who it is: names of variables, several of a kind while one replaces the other.

    Without a table, or with an empty one, a source is let in with the tokens of FIRSTLINE_INTAKE_TOKENS.
    """

    token_env: tuple[_Variable, ...] = ()
    signature: Signature | None = None
    secret_env: tuple[_Variable, ...] = ()

    @model_validator(mode="after")
    def _names_secrets_with_a_signature(self) -> Self:
        if self.signature and not self.secret_env:
            raise ValueError("`signature` needs `secret_env`: name the variables that hold its secrets")
        if self.secret_env and not self.signature:
            raise ValueError(f"`secret_env` needs `signature`: one of {', '.join(Signature)}")
        return self


class _Fields(_Table):
    server: _Labels = FieldMap().server
    service: _Labels = FieldMap().service
    group_by: _Labels = FieldMap().group_by


class _Storms(_Table):
    quiet_seconds: _Seconds = StormRules().quiet_seconds
    engineer_seconds: _Seconds = StormRules().engineer_seconds
    engineer_critical_seconds: _Seconds = StormRules().engineer_critical_seconds
    alerts_kept: Annotated[int, Field(ge=1, le=1_000)] = StormRules().alerts_kept
    lateness_seconds: _Seconds = StormRules().lateness_seconds


class _File(_Table):
    fields: _Fields = _Fields()
    storms: _Storms = _Storms()
    sources: dict[str, SourceRules] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeFile:
    """A valid intake file; without arguments the defaults, as without a file."""

    fields: FieldMap = field(default_factory=FieldMap)
    storms: StormRules = field(default_factory=StormRules)
    sources: Mapping[str, SourceRules] = field(default_factory=dict)


def read_intake_file(path: Path | None) -> IntakeFile:
    """Read and check the file; None gives the defaults.

    Raises `ProducerConfigurationError` that names the file and lists every mistake by its key, with the remedy.
    """
    if path is None:
        return IntakeFile()
    document = _read_toml(path)
    sources = document.get("sources")
    strangers = [name for name in sources if name not in SOURCES] if isinstance(sources, dict) else []
    mistakes = [f"sources.{name}: there is no such source: name one of {', '.join(SOURCES)}" for name in strangers]
    try:
        read = _File.model_validate(document)
    except ValidationError as error:
        mistakes += [_mistake(details) for details in error.errors(include_url=False, include_input=False)]
    if mistakes:
        raise ProducerConfigurationError(
            f"The intake file {path} is wrong:\n" + "\n".join(f"  {each}" for each in mistakes)
        )
    return IntakeFile(
        fields=FieldMap(**dict(read.fields)), storms=StormRules(**dict(read.storms)), sources=read.sources
    )


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ProducerConfigurationError(
            f"The intake file {path} can't be read ({error.strerror}): copy deploy/intake.example.toml there, "
            "or correct FIRSTLINE_INTAKE_FILE"
        ) from error
    except ValueError as error:
        raise ProducerConfigurationError(f"The intake file {path} is not TOML: {error}") from error


def _mistake(details: ErrorDetails) -> str:
    remedy = {
        "extra_forbidden": "unknown key: correct its spelling, or remove it",
        "tuple_type": 'must be an array of strings, such as ["host", "instance"]',
    }.get(details["type"], details["msg"].removeprefix("Value error, "))
    return f"{'.'.join(map(str, details['loc']))}: {remedy}"
