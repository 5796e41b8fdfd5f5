"""Citations: what a sentence refers to, and whether that exists and says it.

Pure.
"""

from enum import StrEnum

from worker.contract.base import Frozen

__all__ = ["Citation", "CitationKind", "Sentence"]


class CitationKind(StrEnum):
    """What can be cited."""

    EVIDENCE = "evidence"
    TICKET = "ticket"
    RUNBOOK = "runbook"


class Citation(Frozen):
    """A reference to one thing that was seen or written before."""

    kind: CitationKind
    identifier: str


class Sentence(Frozen):
    """One sentence with what it cites. `doubt` says why it is no more than a hypothesis; None where it was checked."""

    text: str
    citations: tuple[Citation, ...] = ()
    doubt: str | None = None
