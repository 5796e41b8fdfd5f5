"""A corpus of log lines with canaries of every kind, made from a seed, and how well a masker does over it.

The shapes were written without a look at the patterns of `worker/redaction/`, through its public names alone. Used by
the tests beside it and by `tests/benchmarks/redaction.py`.
"""

from tests.redaction.corpus.figures import Leak, OverMasking, Recall, leaked, over_masking, recall
from tests.redaction.corpus.hostile import HOSTILE
from tests.redaction.corpus.lines import clean_lines, ordinary_lines, planted_lines, system_lines, together
from tests.redaction.corpus.planted import Canary, Planted
from tests.redaction.corpus.values import CLEAN_RULES, RULES

__all__ = [
    "CLEAN_RULES",
    "HOSTILE",
    "RULES",
    "Canary",
    "Leak",
    "OverMasking",
    "Planted",
    "Recall",
    "clean_lines",
    "leaked",
    "ordinary_lines",
    "over_masking",
    "planted_lines",
    "recall",
    "system_lines",
    "together",
]
