"""A sentence of a card, with what it cites and, where it is no more than a hypothesis, why.

Pure data. The citations check sentences; whatever makes a card's facts writes them.
"""

from enum import StrEnum

from worker.contract.base import Frozen

__all__ = ["Citation", "CitationKind", "Doubt", "Sentence"]


class CitationKind(StrEnum):
    """What can be cited."""

    EVIDENCE = "evidence"
    TICKET = "ticket"
    RUNBOOK = "runbook"


class Citation(Frozen):
    """A reference to one thing that was seen or written before."""

    kind: CitationKind
    identifier: str


class Doubt(StrEnum):
    """Why a sentence is no more than a hypothesis."""

    UNCITED = "uncited"
    UNSEEN = "unseen"
    UNSUPPORTED = "unsupported"
    UNCHECKABLE = "uncheckable"
    INFERRED = "inferred"


class Sentence(Frozen):
    """One sentence with what it cites. With a `doubt` it is a hypothesis, and `doubt_in_words` says why, in a few."""

    text: str
    citations: tuple[Citation, ...] = ()
    doubt: Doubt | None = None
    doubt_in_words: str = ""
