"""The installation's rules, taken once by a whole process: all that it masks without an incident is masked by them.

Entry points call it, before a thread starts: the command line for every command, and the composition root for a worker,
which knows the inventory's names as well.
"""

from worker.redaction.detector import PatternDetector
from worker.redaction.people import detector_of
from worker.redaction.rules import RedactionRules
from worker.redaction.stateless import use_detectors

__all__ = ["use_rules"]


def use_rules(rules: RedactionRules) -> None:
    """Let the maskers of this process mask by these rules.

    Raises `ConfigurationError` when the rules ask for a model that is not installed; what was in force then stays so.
    """
    use_detectors(of_everything=detector_of(rules), of_secrets=PatternDetector(rules, finds_secrets_only=True))
