"""Redaction without memory: for logs, doors and letters, which belong to no incident and keep nothing.

One such masker may serve a whole process, from many threads. It can never show a value again. The two that stand here
mask under the default rules until the process has taken its installation's, once, before it starts a thread
(`installation.py`).
"""

from collections.abc import Sequence
from typing import Final

from worker.redaction.detector import PatternDetector
from worker.redaction.kinds import Finding, Kind
from worker.redaction.masker import Detector, Masker
from worker.redaction.placeholders import Placeholders
from worker.redaction.rules import RedactionRules

__all__ = [
    "DEFAULTS_MASKER",
    "FAILURES_MASKER",
    "SECRETS_MASKER",
    "STATELESS_MASKER",
    "Unnumbered",
    "stateless_masker",
    "use_detectors",
]


class Unnumbered(Placeholders):
    """Placeholders that tell kinds apart and no values (`[IP_ADDRESS]`): nothing is kept, nothing is shown again."""

    def of(self, kind: Kind, value: str) -> str:
        """Return the placeholder of the kind."""
        return f"[{kind}]"


def stateless_masker(detector: Detector) -> Masker:
    """Return a masker with unnumbered placeholders, safe from many threads."""
    return Masker(detector, Unnumbered())


class _InForce:
    """Asks the detector that the process has taken last: whoever holds a masker need not know when that was."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector

    def find(self, text: str) -> Sequence[Finding]:
        return self.detector.find(text)

    def kind_named(self, name: str) -> Kind | None:
        return self.detector.kind_named(name)


_EVERYTHING: Final = _InForce(PatternDetector(RedactionRules()))
_SECRETS: Final = _InForce(PatternDetector(RedactionRules(), finds_secrets_only=True))
_FAILURES: Final = _InForce(_SECRETS.detector)

STATELESS_MASKER: Final = stateless_masker(_EVERYTHING)
"""Masks everything under the process' rules: for text that leaves without a triage, such as a log line."""

SECRETS_MASKER: Final = stateless_masker(_SECRETS)
"""Masks secrets under the process' rules: for what a source sends, in which the server has to be found yet."""

FAILURES_MASKER: Final = stateless_masker(_FAILURES)
"""Masks secrets and what the process' rules list: for a command's last sentence, of what is to be mended."""

DEFAULTS_MASKER: Final = stateless_masker(PatternDetector(RedactionRules()))
"""Masks everything under the default rules, whatever the process' are: for a server's id alone.

Where the inventory is not at hand, its names can't be kept; a page without its server would be of no use.
"""


def use_detectors(*, of_everything: Detector, of_secrets: Detector, of_failures: Detector) -> None:
    """Let the process' maskers ask these from now on. Call it before threads start; of two calls the last counts."""
    _EVERYTHING.detector = of_everything
    _SECRETS.detector = of_secrets
    _FAILURES.detector = of_failures
