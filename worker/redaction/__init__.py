"""Redaction: what is secret or personal leaves text before a model, a log, a stream or a person sees it.

`detector.py` finds, `masker.py` replaces, `placeholders.py` remembers for one incident which name stands for what.
Pure: text in, text out; no Redis, no network, no settings. When anything here breaks, the text is withheld.
"""

from worker.redaction.detector import PatternDetector
from worker.redaction.kinds import Finding, Kind
from worker.redaction.masker import WITHHELD, Detector, Masker
from worker.redaction.placeholders import Placeholders
from worker.redaction.revealing import revealed_model, revealed_value
from worker.redaction.rules import RedactionRules
from worker.redaction.stateless import (
    DEFAULTS_MASKER,
    FAILURES_MASKER,
    SECRETS_MASKER,
    STATELESS_MASKER,
    Unnumbered,
    stateless_masker,
)

__all__ = [
    "DEFAULTS_MASKER",
    "FAILURES_MASKER",
    "SECRETS_MASKER",
    "STATELESS_MASKER",
    "WITHHELD",
    "Detector",
    "Finding",
    "Kind",
    "Masker",
    "PatternDetector",
    "Placeholders",
    "RedactionRules",
    "Unnumbered",
    "revealed_model",
    "revealed_value",
    "stateless_masker",
]
