"""The masker: text in, text out without a secret or a personal datum, whatever happens on the way.

It fails closed: what could not be masked is withheld, and a placeholder says so. It never raises for a text. The triage
has one an incident, whose placeholders stay the same; logs and intake have one without memory.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import structlog
from pydantic import BaseModel

from worker.redaction.kinds import Finding, Kind
from worker.redaction.placeholders import Placeholders, defused, is_placeholder

__all__ = ["WITHHELD", "Detector", "Masker"]

WITHHELD: Final = "[WITHHELD: this text could not be redacted]"

_Model = TypeVar("_Model", bound=BaseModel)

log = structlog.get_logger()


class Detector(Protocol):
    """What finds what must not leave."""

    def find(self, text: str) -> Sequence[Finding]:
        """Return what was found, by place, without overlaps. May raise; the time it takes grows with the text alone."""
        ...

    def kind_named(self, name: str) -> Kind | None:
        """Return what a field or label of this name holds, whatever it looks like; None where that says nothing."""
        ...


class Masker:
    """Masks with one detector and one set of placeholders. For one thread."""

    def __init__(self, detector: Detector, placeholders: Placeholders) -> None:
        self._detector = detector
        self.placeholders = placeholders

    def masked(self, text: str) -> str:
        """Return text from outside masked; what imitates a placeholder of ours loses its brackets."""
        try:
            return self.placeholders.tell(self._with_placeholders(defused(text)))
        except Exception as error:  # noqa: BLE001 - the boundary: whatever breaks, nothing leaves
            return _withheld(error)

    def checked(self, text: str) -> str:
        """Return text that holds placeholders already, with what was missed then masked too: the second gate."""
        try:
            return self.placeholders.tell(self._with_placeholders(text))
        except Exception as error:  # noqa: BLE001 - likewise
            return _withheld(error)

    def masked_lines(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Return lines masked as one text, so that a key of many lines is found; there may be fewer lines then.

        They are not told by that: what is shown of them passes the second gate.
        """
        try:
            return tuple(self._with_placeholders(defused("\n".join(lines))).split("\n")) if lines else ()
        except Exception as error:  # noqa: BLE001 - likewise
            return (_withheld(error),)

    def checked_model(self, model: _Model) -> _Model:
        """Return a value of the contract whose every string, at any depth, has passed the second gate.

        Raises `ValueError` when the contract does not take what came out.
        """
        return type(model).model_validate(self.checked_value(model.model_dump(mode="json")))

    def checked_value(self, value: object) -> object:
        """Return a value of JSON whose every string, at any depth, has passed the second gate.

        Whatever stands under a secret's name is one, numbers and lists too.
        """
        match value:
            case str():
                return self.checked(value)
            case list():
                return [self.checked_value(item) for item in value]
            case dict():
                return {self.checked(name): self._checked_under(name, item) for name, item in value.items()}
            case _:
                return value

    def _checked_under(self, name: str, item: object) -> object:
        match item:
            case str():
                return self._under(name, item, self.checked)
            case bool() | None:
                return item
            case int() | float():
                told = self._under(name, str(item), str)
                return item if told == str(item) else told
            case list():
                return [self._checked_under(name, each) for each in item]
            case _:
                return self.checked_value(item)

    def masked_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return labels from outside masked; the value under a secret's name is one, whatever it looks like."""
        return {self.masked(name): self._under(name, value, self.masked) for name, value in labels.items()}

    def _under(self, name: str, value: str, change: Callable[[str], str]) -> str:
        try:
            kind = self._detector.kind_named(name) if value and not is_placeholder(value) else None
        except Exception as error:  # noqa: BLE001 - likewise
            return _withheld(error)
        return change(value) if kind is None else self.placeholders.tell(self.placeholders.of(kind, value))

    def _with_placeholders(self, text: str) -> str:
        pieces, end = [], 0
        for finding in self._detector.find(text):
            value = text[finding.start : finding.end]
            pieces += [text[end : finding.start], self.placeholders.of(finding.kind, value)]
            end = finding.end
        return "".join([*pieces, text[end:]]) if end else text


def _withheld(error: Exception) -> str:
    log.error("redaction.failed", error=type(error).__name__)  # its text may hold what must not leave
    return WITHHELD
