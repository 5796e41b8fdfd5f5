"""Redaction without memory: for logs, doors and letters, which belong to no incident and keep nothing.

One such masker may serve a whole process, from many threads. It can never show a value again.
"""

from collections.abc import Sequence
from typing import Final

from worker.redaction.detector import PatternDetector
from worker.redaction.kinds import Finding, Kind
from worker.redaction.masker import Detector, Masker
from worker.redaction.placeholders import Placeholders
from worker.redaction.rules import RedactionRules

__all__ = ["SECRETS_MASKER", "STATELESS_MASKER", "SecretsOnly", "Unnumbered", "stateless_masker"]


class SecretsOnly:
    """What a detector finds, but for what a diagnosis needs: addresses, hosts and people stay in the text."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def find(self, text: str) -> Sequence[Finding]:
        """Return the secrets among what was found."""
        return [finding for finding in self._detector.find(text) if not finding.kind.is_reversible]

    def kind_named(self, name: str) -> Kind | None:
        """Return the kind of secret that a field of this name holds."""
        kind = self._detector.kind_named(name)
        return None if kind is None or kind.is_reversible else kind


class Unnumbered(Placeholders):
    """Placeholders that tell kinds apart and no values (`[IP_ADDRESS]`): nothing is kept, nothing is shown again."""

    def of(self, kind: Kind, value: str) -> str:
        """Return the placeholder of the kind."""
        return f"[{kind}]"


def stateless_masker(detector: Detector) -> Masker:
    """Return a masker with unnumbered placeholders, safe from many threads."""
    return Masker(detector, Unnumbered())


_DETECTOR: Final = PatternDetector(RedactionRules())

STATELESS_MASKER: Final = stateless_masker(_DETECTOR)
"""Masks everything under the default rules: for text that may meet no configuration, such as a log line."""

SECRETS_MASKER: Final = stateless_masker(SecretsOnly(_DETECTOR))
"""Masks secrets under the default rules: for what a source sends, in which the server has to be found yet."""
