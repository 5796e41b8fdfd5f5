"""Citations: what a sentence refers to, and whether that exists and contains what it is cited for.

Pure. A sentence cites evidence by its id, as in ``[E1]``; its citations count together. What of it can be checked has
to stand in their statements or quotations: numbers with their unit, quoted phrases, ``host:port``, times, names, and
words of status, error and deeds, said or denied. Else the sentence is a hypothesis. Beside E1 “the service is running,
CPU 98 %, memory 41 %” and E2 “400 log lines, 37 with dependency failures”, with the quotation “ERROR could not connect
to payments-db:5432: Connection refused”:

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
    It timed out because CPU is at 98 % [E1].     an inference

It can't tell whether a sentence follows from what it cites: “stands” means that its figures and words are true to the
evidence, no more. In doubt a sentence is a hypothesis. Called by the card.
"""
# ruff: noqa: RUF001 - the marks of other scripts are what this is about

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from worker.contract.quoting import quoted
from worker.contract.result import Evidence
from worker.escalation.card_limits import clipped
from worker.escalation.card_sentences import Citation, CitationKind, Doubt, Sentence
from worker.escalation.citation_claims import Said, folded, said_in, stands_in
from worker.escalation.citation_evidence import Library, Seen
from worker.escalation.citation_numbers import Number, bears_out
from worker.escalation.citation_wording import (
    advice_in,
    impact_in,
    is_english,
    letters_of,
    names_the_log,
    unclaimed_in,
    unsaid_in,
)
from worker.escalation.citation_words import Field, Word, is_inferred

__all__ = ["checked", "sentences_of"]

_CITATION: Final = re.compile(r"[\[(]?(?<![A-Za-z0-9_.-])(E[0-9]+)(?![A-Za-z0-9_-])[\])]?")
_BEHIND_THE_STOP: Final = re.compile(r"([.!?。！？।؟])((?:\s*[\[(]E[0-9]+[\])])+)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?؟।])[”\")]*\s+|(?<=[。！？])|\n+")
_NAMED_AT_MOST: Final = 3
_CLAIM_WORDS: Final = 4

_TOOLS_OF: Final[Mapping[Field, tuple[str, ...]]] = {
    Field.STATUS: ("get_server_health", "restart_service"),
    Field.LOG_KIND: ("fetch_recent_logs", "restart_service"),
    Field.DEED: ("restart_service",),
}
"""Whose statement shows it: what that does not say is denied rightly, and nobody else's word counts."""

_OF_HEALTH: Final = ("cpu", "memory", "people")

_ERRONEOUS: Final = frozenset({"failed", "fault", "dependency", "local fault", "fatal", "panic"})
"""What else bears out that there are errors."""

_STEMS: Final = {"failed": "fail", "fault": "fault"}
"""A dependency's failure is one, too, and so is a local fault."""


def sentences_of(
    text: str, evidence: Sequence[Evidence], *, names: Sequence[str] = (), is_own: bool = False
) -> tuple[Sentence, ...]:
    """Return the sentences of a text, each checked. `names` may stand in any: the incident's own server and service.

    `is_own` is for the rules' and the desk's own words: their wording is Firstline's, so that only claims are checked.
    """
    cited_before_the_stop = _BEHIND_THE_STOP.sub(r"\2\1", text.strip())
    sentences = (" ".join(sentence.split()) for sentence in _SENTENCE_END.split(cited_before_the_stop))
    library = Library(evidence)
    return tuple(_checked(sentence, library, names, is_own=is_own) for sentence in sentences if folded(sentence))


def checked(text: str, evidence: Sequence[Evidence], *, names: Sequence[str] = (), is_own: bool = False) -> Sentence:
    """Return one sentence with its citations, and with the first doubt of it that there is."""
    return _checked(text, Library(evidence), names, is_own=is_own)


def _checked(text: str, library: Library, names: Sequence[str], *, is_own: bool) -> Sentence:
    cited = tuple(dict.fromkeys(_CITATION.findall(text)))
    citations = tuple(Citation(kind=CitationKind.EVIDENCE, identifier=identifier) for identifier in cited)
    doubt, words = _doubt(text, cited, library, names, is_own=is_own) or (None, "")
    return Sentence(text=text, citations=citations, doubt=doubt, doubt_in_words=words)


def _doubt(
    text: str, cited: Sequence[str], library: Library, names: Sequence[str], *, is_own: bool
) -> tuple[Doubt, str] | None:
    if not cited:
        return Doubt.UNCITED, "cites nothing"
    if unseen := [identifier for identifier in cited if identifier not in library]:
        return Doubt.UNSEEN, f"{_listed(unseen)} {'was' if len(unseen) == 1 else 'were'} never seen"
    bare = _CITATION.sub(" ", text)
    said, is_quoting = said_in(bare, has_quotations=True), names_the_log(bare)
    seen, own_names = [library[identifier] for identifier in cited], [name.casefold() for name in names]
    if missing := next(
        _missing(said, seen, own_names, is_quoting=is_quoting, is_own=is_own or not is_english(bare)), None
    ):
        return _unsupported(cited, missing)
    if not said.is_anything:
        return Doubt.UNCHECKABLE, "nothing in it to check"
    if is_inferred(text):
        return Doubt.INFERRED, "an inference"
    return None if is_own else _doubt_of_wording(bare, said, cited, _known(seen, own_names, is_quoting=is_quoting))


def _doubt_of_wording(text: str, said: Said, cited: Sequence[str], known: AbstractSet[str]) -> tuple[Doubt, str] | None:
    unsaid = impact_in(text) or unsaid_in(text, said, known)
    if unsaid is not None and not is_english(text):
        return Doubt.UNCHECKABLE, "figures checked, words not"
    if advice_in(text):
        return Doubt.UNCHECKABLE, "advice"
    if unsaid is None:
        unsaid = unclaimed_in(text)
    return None if unsaid is None else _unsupported(cited, unsaid)


def _known(seen: Sequence[Seen], names: Sequence[str], *, is_quoting: bool) -> AbstractSet[str]:
    """Return the words that a sentence may use, since its evidence states them or, where it is quoting, quotes them."""
    texts = [one.folded if is_quoting else one.folded_stated for one in seen]
    return letters_of(" ".join((*texts, *names)))


def _unsupported(cited: Sequence[str], missing: str) -> tuple[Doubt, str]:
    does_not = "does not say" if len(cited) == 1 else "do not say"
    return Doubt.UNSUPPORTED, f"{_listed(cited)} {does_not} {quoted(clipped(missing, _CLAIM_WORDS))}"


def _missing(
    said: Said, seen: Sequence[Seen], names: Sequence[str], *, is_quoting: bool, is_own: bool
) -> Iterator[str]:
    """Yield what a sentence says and none of its evidence does."""
    for words in said.quotations:
        if not any(stands_in(words, one.folded if is_quoting else one.folded_stated) for one in seen):
            yield words
    told = [one.told(is_quoting=is_quoting) for one in seen]
    yield from (place for place in said.endpoints if not any(place in one.endpoints for one in told))
    raws = [one.raw if is_quoting else one.raw_stated for one in seen]
    for fixed in said.fixed:
        if fixed.casefold() not in names and not any(_has_word(fixed.casefold(), raw) for raw in raws):
            yield fixed
    for number in said.numbers:
        others = _numbers_of(number, seen, is_quoting=is_quoting)
        if not any(bears_out(other, number) and (is_own or number.is_of_the_same(other)) for other in others):
            yield number.as_written
    yield from (word.as_written for word in said.words if not _is_borne_out(word, seen, is_quoting=is_quoting))


def _numbers_of(claimed: Number, seen: Sequence[Seen], *, is_quoting: bool) -> Iterator[Number]:
    """Yield the numbers that may bear one out: of CPU, memory and people, those only that a tool of health states."""
    for one in seen:
        if claimed.subject not in _OF_HEALTH:
            yield from one.told(is_quoting=is_quoting).numbers
        elif one.tool in _TOOLS_OF[Field.STATUS]:
            yield from one.stated.numbers


def _has_word(word: str, raw: str) -> bool:
    return re.search(rf"(?<![a-z0-9.-]){re.escape(word)}(?![a-z0-9]|[-.][a-z0-9])", raw) is not None


def _is_borne_out(word: Word, seen: Sequence[Seen], *, is_quoting: bool) -> bool:
    alike = [other for one in seen for other in _words_of(one, word, is_quoting=is_quoting) if _is_alike(other, word)]
    if not word.is_denied:
        return any(not other.is_denied for other in alike)
    if any(not other.is_denied for other in alike):
        return False
    if word.field is Field.ERROR:
        return bool(alike) or any(_lists_no_error(one) for one in seen)
    return bool(alike) or any(one.tool in _TOOLS_OF[word.field] for one in seen)


def _words_of(one: Seen, word: Word, *, is_quoting: bool) -> tuple[Word, ...]:
    """Return the words that may bear one out, or speak against it: of health and deeds, their own tools' statements."""
    if word.field is Field.ERROR:
        return one.told(is_quoting=is_quoting or word.is_denied).words
    return one.stated.words if one.tool in _TOOLS_OF[word.field] else ()


def _is_alike(seen: Word, word: Word) -> bool:
    if word.name == "error":
        return seen.name == "error" or seen.name in _ERRONEOUS
    return seen.name == word.name or (word.name in _STEMS and _STEMS[word.name] in seen.as_written)


def _lists_no_error(one: Seen) -> bool:
    words = one.stated.words
    return one.tool == "fetch_recent_logs" and bool(words) and all(word.is_denied for word in words)


def _listed(identifiers: Sequence[str]) -> str:
    shown = ", ".join(identifiers[:_NAMED_AT_MOST])
    return shown if len(identifiers) <= _NAMED_AT_MOST else f"{shown} and others"
