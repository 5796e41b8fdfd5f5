"""The wording of a model's sentence: what it says beside its figures, so that one true figure carries nothing else.

Pure. A sentence stands by known words only: those that say nothing of themselves, those that its evidence states, and
those that were checked. Impact and advice are in no evidence, and each clause needs a claim of its own. What is not
English can't be read. In doubt a sentence is a hypothesis. Called by the citations.
"""
# ruff: noqa: RUF001 - other marks are what this is about

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from worker.escalation.citation_claims import NUMBER_WORDS, Said, said_in, without_quotations
from worker.escalation.citation_numbers import in_plain_digits
from worker.escalation.citation_words import DENIALS

__all__ = ["advice_in", "impact_in", "is_english", "letters_of", "names_the_log", "unclaimed_in", "unsaid_in"]

_SAYING_NOTHING: Final = frozenset(
    {"a", "an", "the", "is", "are", "was", "were", "be", "been", "has", "have", "had", "it", "its", "this"}
    | {"that", "these", "those", "there", "at", "of", "in", "on", "to", "with", "and", "but", "for", "from"}
    | {"by", "as", "only", "also", "both", "now", "currently", "while", "show", "shows", "showed", "shown"}
    | {"say", "says", "said", "read", "reads", "stand", "stands", "name", "names", "named", "list", "lists"}
    | {"met", "hold", "holds", "log", "logs", "line", "lines", "service", "server", "cpu", "memory", "usage"}
    | {"use", "uses", "load", "health", "status", "percent", "entry", "entries", "being", "reports", "reported"}
    | {"report", "contains", "contained", "contain", "check", "checks", "found", "among", "which", "them"}
    | {"did", "does", "using", "used", "host", "machine", "such", "including", "about", "around"}
    | {"approximately", "observed", "seen", "measured", "detected", "present", "metrics", "reading", "readings"}
    | {"level", "value", "confirm", "confirms", "however", "i", "according", "indicate", "indicates", "itself"}
    | {"current", "appear", "evident", "whereas"}
)
_STOP_WORDS: Final = frozenset(
    {"the", "is", "are", "was", "were", "of", "to", "and", "a", "an", "in", "on", "with", "not", "no", "it"}
    | {"that", "this", "has", "have", "from", "by", "for", "but", "be", "been", "at"}
)
_IMPACT: Final = re.compile(
    r"\b(?:users?|customers?|clients?|people|visitors?|shoppers?|buyers?|orders?|payments? (?:fail|failed|are|were)"
    r"|revenue|money|euros?|dollars?|data|tables?|outages?|lost|losing|loss|affect(?:s|ed|ing)?|impact(?:s|ed)?"
    r"|harm(?:s|ed|less|ful)?|breach(?:ed)?|stolen|charged|deleted|wiped)\b"
)
_ADVICE: Final = re.compile(
    r"\b(?:should|must|ought|need(?:s|ed)? to|recommend(?:s|ed)?|safe|safely|ignore|overrides?|force|close|please|try"
    r"|run|execute|restart (?:it|the|this|them)|keep an eye|do not|don['’]t|feel free|just|simply|by hand)\b"
)
_LOG_SAYS: Final = re.compile(
    r"\blogs?\b (?:\w+ ){0,2}?(?:says?|said|shows?|showed|names?|named|lists?|listed|reads?"
    r"|reports?|reported|contains?|indicates?|confirms?)\b"
    r"|\baccording to (?:the|its) logs?\b|\b(?:stands?|shows?|named|listed|quoted) in (?:the|its) logs?\b"
)
_CLAUSE: Final = re.compile(r"[;:,](?=\s|$)|\b(?:and|but|so|because|while|which|although|then|or|yet)\b|[—–]")
_LETTERS: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_QUOTED: Final = "“”"


def names_the_log(text: str) -> bool:
    """Say whether a sentence tells that it is the log that says so: only then its quotations bear anything out."""
    return _LOG_SAYS.search(without_quotations(text, _QUOTED).casefold()) is not None


def impact_in(text: str) -> str | None:
    """Return the first word of impact that is not quoted: no check sees users, data or money."""
    found = _IMPACT.search(without_quotations(text, " ").casefold())
    return found[0] if found else None


def advice_in(text: str) -> bool:
    """Say whether the text advises, or orders."""
    return _ADVICE.search(without_quotations(text, " ").casefold()) is not None


def is_english(text: str) -> bool:
    """Say whether the text has only plain letters and at least one of English's commonest words."""
    words = letters_of(without_quotations(text, " "))
    return all(word.isascii() or "’" in word for word in words) and not words.isdisjoint(_STOP_WORDS)


def unclaimed_in(text: str) -> str | None:
    """Return the first clause that makes no claim that can be checked, or None; a quotation is a claim."""
    for clause in _CLAUSE.split(without_quotations(text, _QUOTED)):
        if _LETTERS.search(clause) and _QUOTED not in clause and not said_in(clause, has_quotations=True).is_anything:
            return " ".join(clause.split())
    return None


def unsaid_in(text: str, said: Said, known: AbstractSet[str]) -> str | None:
    """Return the first word that says something and is neither checked nor `known`, or None."""
    rest = in_plain_digits(" ".join(without_quotations(text, " ").split())).casefold()
    for part in _checked_parts(said):
        rest = rest.replace(part.casefold(), " ")
    stated = known - DENIALS
    allowed = _SAYING_NOTHING | NUMBER_WORDS | stated | {f"{word}s" for word in stated}
    return next((word[0] for word in _LETTERS.finditer(rest) if word[0] not in allowed), None)


def letters_of(text: str) -> AbstractSet[str]:
    """Return the words of a text in small letters, without figures and marks."""
    return frozenset(_LETTERS.findall(text.casefold()))


def _checked_parts(said: Said) -> Iterator[str]:
    """Yield what was checked already, the longest first; of a denied word only the denial and the word itself."""
    parts = [*said.endpoints, *said.fixed, *(number.as_written for number in said.numbers)]
    parts += [word.itself for word in said.words]
    parts += [word.as_written for word in said.words if word.is_denied_next_to_it]
    yield from sorted(parts, key=len, reverse=True)
