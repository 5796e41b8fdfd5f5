"""Citations: what a sentence refers to, and whether that exists and contains what it is cited for.

Pure. A sentence cites evidence by its id, as in ``[E1]``; where it cites several, no fact of it is joined of two. What
can be checked has to stand in their statements or quotations: numbers with their unit, quoted phrases, ``host:port``,
times, names, and words of status, error and deeds, said or denied. Else the sentence is a hypothesis. Beside E1 “the
service is running, CPU 98 %, memory 41 %” and E2 “400 log lines, 37 with dependency failures”, with the quotation
“ERROR could not connect to payments-db:5432: Connection refused”:

    CPU is at 97.6 % [E1].                        stands: rounded
    The log says "connection REFUSED" [E2].       stands: case, white space and punctuation are free
    The service is not stopped [E1].              stands: health would have said so
    CPU is at 12 % [E1].                          E1 does not say “12 %”
    Memory is at 98 % [E1].                       E1 does not say “98 %”: it is the CPU's
    37 lines show failures [E1].                  E1 does not say “37”: E2 does
    The log shows no errors [E2].                 E2 does not say “no errors”: it lists some
    The service is "refused" [E2].                E2 does not say it: the log does, and the sentence does not say so
    CPU is at 98 %; an intern did it [E1].        E1 does not say “an intern did it”
    La CPU está al 98 % [E1].                     figures checked, words not
    It is the disk [E7].                          E7 was never seen
    The database is slow.                         cites nothing
    The team is new [E1].                         nothing in it to check
    98 % [E1].                                    98 % of what?
    It timed out because CPU is at 98 % [E1].     an inference

It can't tell whether a sentence follows from what it cites: “stands” means that its figures and words are true to the
evidence, no more. In doubt a sentence is a hypothesis. Called by the card.
"""
# ruff: noqa: RUF001 - the marks of other scripts are what this is about

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from worker.contract.quoting import quoted
from worker.contract.result import Evidence
from worker.escalation.card_limits import clipped
from worker.escalation.card_sentences import Citation, CitationKind, Doubt, Sentence
from worker.escalation.citation_claims import Said, folded, said_in, stands_in, without_quotations
from worker.escalation.citation_evidence import READ_CHARACTERS, Library, Seen
from worker.escalation.citation_joining import joined_in
from worker.escalation.citation_missing import missing_from
from worker.escalation.citation_order import misplaced_in
from worker.escalation.citation_paraphrases import borne_out_by, plainly
from worker.escalation.citation_wording import (
    advice_in,
    impact_in,
    is_english,
    letters_of,
    names_the_log,
    unclaimed_in,
    unsaid_in,
)
from worker.escalation.citation_words import is_inferred

__all__ = ["checked", "sentences_of"]

_CITATION: Final = re.compile(r"“[^“”]*”|[\[(]?(?<![A-Za-z0-9_.-])(E[0-9]+)(?![A-Za-z0-9_-])[\])]?")
"""A citation, or a quotation: what has the form of one in there is the log's."""

_BEHIND_THE_STOP: Final = re.compile(r"([.!?。！？।؟])((?:\s*[\[(]E[0-9]+[\])])+)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?؟।])(?<!\be\.g\.)(?<!\bi\.e\.)[”\")]*\s+|(?<=[。！？])|\n+")
_BEGINNING: Final = re.compile(r"\s+[A-Z]")
_NO_LINE_END: Final = re.compile(r"[^\n]")
_NAMED_AT_MOST: Final = 3
_CLAIM_WORDS: Final = 4


def sentences_of(
    text: str, evidence: Sequence[Evidence], *, names: Sequence[str] = (), is_own: bool = False
) -> tuple[Sentence, ...]:
    """Return the sentences of a text, each checked. `names` may stand in any: the incident's own server and service.

    `is_own` is for the rules' and the desk's own words: their wording is Firstline's, so that only claims are checked,
    and what they quote is a log's word without their saying so.
    """
    cited_before_the_stop = _BEHIND_THE_STOP.sub(r"\2\1", text.strip())
    sentences = (" ".join(sentence.split()) for sentence in _split(cited_before_the_stop))
    library = Library(evidence)
    return tuple(_checked(sentence, library, names, is_own=is_own) for sentence in sentences if folded(sentence))


def checked(text: str, evidence: Sequence[Evidence], *, names: Sequence[str] = (), is_own: bool = False) -> Sentence:
    """Return one sentence with its citations, and with the first doubt of it that there is."""
    return _checked(text, Library(evidence), names, is_own=is_own)


def _split(text: str) -> Iterator[str]:
    """Yield the sentences of a text; a stop in a quotation ends none, but where a new one begins right behind it."""
    start, unquoted = 0, without_quotations(text, _masked)
    for end in _SENTENCE_END.finditer(unquoted):
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def _masked(quotation: re.Match[str]) -> str:
    """Return as many marks as a quotation is long, and its end as it is where a sentence may end with it."""
    kept = 2 if _BEGINNING.match(quotation.string, quotation.end()) else 0
    head = quotation[0][: len(quotation[0]) - kept]
    return _NO_LINE_END.sub("_", head) + quotation[0][len(head) :]


def _checked(text: str, library: Library, names: Sequence[str], *, is_own: bool) -> Sentence:
    cited = tuple(dict.fromkeys(identifier for identifier in _CITATION.findall(text) if identifier))
    citations = tuple(Citation(kind=CitationKind.EVIDENCE, identifier=identifier) for identifier in cited)
    doubt, words = next(_doubts(text, cited, library, names, is_own=is_own), (None, ""))
    return Sentence(text=text, citations=citations, doubt=doubt, doubt_in_words=words)


def _doubts(
    text: str, cited: Sequence[str], library: Library, names: Sequence[str], *, is_own: bool
) -> Iterator[tuple[Doubt, str]]:
    """Yield the doubts of a sentence, the gravest first; each is looked for only when it is asked for."""
    if not cited:
        yield Doubt.UNCITED, "cites nothing"
    if unseen := [identifier for identifier in cited if identifier not in library]:
        yield Doubt.UNSEEN, f"{_listed(unseen)} {'was' if len(unseen) == 1 else 'were'} never seen"
    if len(text) > READ_CHARACTERS:
        yield Doubt.UNCHECKABLE, "too long to be checked"
    bare = _CITATION.sub(lambda found: " " if found[1] else found[0], text)
    seen = [library[identifier] for identifier in cited]
    own_names, is_quoting = [name.casefold() for name in names], is_own or names_the_log(bare)
    yield from _doubts_of_claims(bare, cited, seen, own_names, is_own=is_own, is_quoting=is_quoting)
    if len(seen) > 1 and not is_own:

        def is_borne_out(part: str, one: Seen) -> bool:
            return not any(_doubts_of_claims(part, cited, [one], own_names, is_own=False, is_quoting=is_quoting))

        if joined := joined_in(bare, seen, own_names, is_borne_out):
            yield _unsupported(cited, joined)


def _doubts_of_claims(
    bare: str, cited: Sequence[str], seen: Sequence[Seen], own_names: Sequence[str], *, is_own: bool, is_quoting: bool
) -> Iterator[tuple[Doubt, str]]:
    """Yield the doubts of what is said beside the citations, where all that was `seen` counts together."""
    told = _quoting_its_reason(bare, seen) if is_own else plainly(bare, _text_of(seen, is_quoting=False))
    said, known = said_in(told, has_quotations=True), _known(seen, own_names, is_quoting=is_quoting)
    is_strict = not is_own and (is_english(bare) or unsaid_in(told, said, known) is None)
    if is_strict:
        yield from ((Doubt.UNCHECKABLE, f"{one.as_written} of what?") for one in said.numbers if one.is_bare)
    for missing in missing_from(said, seen, own_names, is_quoting=is_quoting, is_strict=is_strict):
        yield _unsupported(cited, missing)
    if not said.is_anything:
        yield Doubt.UNCHECKABLE, "nothing in it to check"
    if is_inferred(without_quotations(told, " ")):
        yield Doubt.INFERRED, "an inference"
    if not is_own:
        if names_the_log(bare) and not any(one.has_log for one in seen):
            yield _unsupported(cited, "the log")
        misplaced = misplaced_in(told, _text_of(seen, is_quoting=is_quoting))
        yield from _doubts_of_wording(told, said, cited, known, misplaced)


def _doubts_of_wording(
    text: str, said: Said, cited: Sequence[str], known: AbstractSet[str], misplaced: str | None
) -> Iterator[tuple[Doubt, str]]:
    unsaid = impact_in(text) or misplaced or unsaid_in(text, said, known)
    if unsaid is not None and not is_english(text):
        yield Doubt.UNCHECKABLE, "figures checked, words not"
    if advice_in(text):
        yield Doubt.UNCHECKABLE, "advice"
    if unsaid := unsaid or unclaimed_in(text):
        yield _unsupported(cited, unsaid)


def _quoting_its_reason(text: str, seen: Sequence[Seen]) -> str:
    """Return the desk's own sentence with its reason as a quotation, where the evidence has that word for word."""
    told, colon, reason = text.partition(": ")
    is_stated = colon and not {"“", "”"} & set(reason) and any(stands_in(reason, one.folded) for one in seen)
    return f"{told}: “{reason}”" if is_stated else text


def _known(seen: Sequence[Seen], names: Sequence[str], *, is_quoting: bool) -> AbstractSet[str]:
    """Return the words that a sentence may use, since its evidence states them or, where it is quoting, quotes them."""
    texts = [one.folded if is_quoting else one.folded_stated for one in seen]
    return letters_of(" ".join((*texts, *names))) | borne_out_by(_text_of(seen, is_quoting=is_quoting))


def _text_of(seen: Sequence[Seen], *, is_quoting: bool) -> str:
    return " ; ".join(one.raw if is_quoting else one.raw_stated for one in seen)


def _unsupported(cited: Sequence[str], missing: str) -> tuple[Doubt, str]:
    does_not = "does not say" if len(cited) == 1 else "do not say"
    return Doubt.UNSUPPORTED, f"{_listed(cited)} {does_not} {quoted(clipped(missing, _CLAIM_WORDS))}"


def _listed(identifiers: Sequence[str]) -> str:
    shown = ", ".join(identifiers[:_NAMED_AT_MOST])
    return shown if len(identifiers) <= _NAMED_AT_MOST else f"{shown} and others"
