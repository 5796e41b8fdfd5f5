"""The redaction file: what an installation says about its own text. Read at start-up; a mistake refuses the start."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import re2
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from worker.errors import ConfigurationError
from worker.redaction.detector import PatternDetector
from worker.redaction.rules import RedactionRules

__all__ = ["read_rules"]

_Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=253)]
_Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]
_DEFAULT_LANGUAGE: Final = "en"


class _RulesFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    domains: list[_Word] = Field(default_factory=list)
    keep: list[_Word] = Field(default_factory=list)
    deny: list[_Word] = Field(default_factory=list)
    users: list[_Word] = Field(default_factory=list)
    mask_uuids: bool = False
    national_ids: Mapping[str, str] = Field(default_factory=dict)
    people: Literal["presidio"] | None = None
    people_language: _Language | None = None

    @model_validator(mode="after")
    def _patterns_are_good(self) -> Self:
        for name, pattern in self.national_ids.items():
            try:
                is_empty = re2.compile(f"({pattern})", _options()).search("") is not None
            except re2.error as error:
                raise ValueError(f"national_ids.{name} is no pattern of RE2: {error}") from None
            if is_empty:
                raise ValueError(f"national_ids.{name} matches the empty string, and so everywhere")
        return self

    @model_validator(mode="after")
    def _language_is_of_use(self) -> Self:
        if self.people_language is not None and self.people is None:
            raise ValueError('people_language needs people = "presidio" beside it, else no names are looked for')
        return self


def read_rules(path: Path | None, *, kept: frozenset[str]) -> RedactionRules:
    """Return the rules of a file, without one the default rules; `kept` are names of the inventory, never masked.

    Raises `ConfigurationError` that names the file and every mistake.
    """
    if path is None:
        return RedactionRules(kept=kept)
    try:
        file = _RulesFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"The redaction file {path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"The redaction file {path} is no TOML: {error}") from error
    except ValidationError as error:
        complaints = [
            f"  {'.'.join(map(str, details['loc'])) or 'file'}: {details['msg'].removeprefix('Value error, ')}"
            for details in error.errors(include_input=False, include_url=False)
        ]
        shown = "deploy/redaction.example.toml shows all keys"
        raise ConfigurationError(f"The redaction file {path} is wrong ({shown}):\n" + "\n".join(complaints)) from None
    rules = RedactionRules(
        kept=kept | frozenset(file.keep),
        domains=frozenset(file.domains),
        denied=frozenset(file.deny),
        users=frozenset(file.users),
        national_ids=dict(file.national_ids),
        masks_uuids=file.mask_uuids,
        people_language=None if file.people is None else file.people_language or _DEFAULT_LANGUAGE,
    )
    try:
        PatternDetector(rules)
    except re2.error as error:
        raise ConfigurationError(
            f"The redaction file {path} is wrong: its national_ids can't be looked for together ({error})"
        ) from error
    return rules


def _options() -> Any:  # noqa: ANN401 - re2 has no types
    """Return RE2's options: it would write a wrong pattern to standard error, past every mask."""
    options = re2.Options()
    options.log_errors = False
    return options
