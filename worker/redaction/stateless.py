"""Redaction without memory: for logs, doors and letters, which belong to no incident and keep nothing.

One such masker may serve a whole process, from many threads. It can never show a value again.
"""

from typing import Final

from worker.redaction.detector import PatternDetector
from worker.redaction.kinds import Kind
from worker.redaction.masker import Detector, Masker
from worker.redaction.placeholders import Placeholders
from worker.redaction.rules import RedactionRules

__all__ = ["SECRETS_MASKER", "STATELESS_MASKER", "Unnumbered", "stateless_masker"]


class Unnumbered(Placeholders):
    """Placeholders that tell kinds apart and no values (`[IP_ADDRESS]`): nothing is kept, nothing is shown again."""

    def of(self, kind: Kind, value: str) -> str:
        """Return the placeholder of the kind."""
        return f"[{kind}]"


def stateless_masker(detector: Detector) -> Masker:
    """Return a masker with unnumbered placeholders, safe from many threads."""
    return Masker(detector, Unnumbered())


STATELESS_MASKER: Final = stateless_masker(PatternDetector(RedactionRules()))
"""Masks everything under the default rules: for text that may meet no configuration, such as a log line."""

SECRETS_MASKER: Final = stateless_masker(PatternDetector(RedactionRules(), finds_secrets_only=True))
"""Masks secrets under the default rules: for what a source sends, in which the server has to be found yet."""
