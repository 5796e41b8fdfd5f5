"""The installation's rules, taken once by a whole process: all that it masks without an incident is masked by them.

Entry points call it, before a thread starts: the command line for every command, and the composition root for a worker,
which knows the inventory's names as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from worker.redaction.detector import PatternDetector
from worker.redaction.kinds import Finding, Kind
from worker.redaction.people import detector_of
from worker.redaction.rules import RedactionRules
from worker.redaction.stateless import use_detectors

__all__ = ["use_rules"]

_LISTED: Final = frozenset({Kind.DENIED, Kind.HOST, Kind.UUID, Kind.PERSON})
"""Kinds that are found where the rules ask for them, and nowhere else."""


def use_rules(rules: RedactionRules) -> None:
    """Let the maskers of this process mask by these rules.

    Raises `ConfigurationError` when the rules ask for a model that is not installed; what was in force then stays so.
    """
    use_detectors(
        of_everything=detector_of(rules),
        of_secrets=PatternDetector(rules, finds_secrets_only=True),
        of_failures=_Listed(rules),
    )


class _Listed:
    """Finds secrets and what the rules list, and neither the addresses nor the home directories of everybody."""

    def __init__(self, rules: RedactionRules) -> None:
        # Accounts are found by their shape, too; a listed one can be told from those as a denied word alone.
        self._detector = detector_of(replace(rules, denied=rules.denied | rules.users, users=frozenset()))

    def find(self, text: str) -> Sequence[Finding]:
        found = self._detector.find(text)
        return [finding for finding in found if finding.kind in _LISTED or not finding.kind.is_reversible]

    def kind_named(self, name: str) -> Kind | None:
        return self._detector.kind_named(name)
