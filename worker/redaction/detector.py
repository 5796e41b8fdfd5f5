"""Finds secrets and personal data by their shape, and checks each before it is believed.

Each pattern reads a text once, in linear time; only what it finds is looked at more closely. Text in URL-encoding and
in base64 is read once more in clear. It must never raise for a text that can be encoded; the masker withholds it then.
"""

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final
from urllib.parse import unquote_plus

import re2

from worker.redaction.kinds import Finding, Kind
from worker.redaction.patterns import PATTERNS, SECRET_NAME, Pattern, quiet_options
from worker.redaction.placeholders import stands_in_placeholder
from worker.redaction.rules import RedactionRules
from worker.redaction.validators import always

__all__ = ["PatternDetector"]

_AROUND: Final = 48
_SHORTEST_RUN: Final = 16
_CHUNK_CHARACTERS: Final = 2_048
_LONG_CHARACTERS: Final = 32_768
_MARGIN: Final = re.compile(r"\n(?=\S)")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME: Final = re2.compile(SECRET_NAME)
_HARMLESS_NAMES: Final = re.compile(
    r"(?i)(?:max|min|total|num|n|used|input|output|prompt|completion)[_.\-].*|"
    r".*(?:count|length|size|name|type|age|days|expir\w*|policy|limit|max|min|izer|url|path|file|[_.\-]id)s?"
)
_URL_ENCODED: Final = re2.compile(r"[^\s\"'&=?<>,;|\[\]]*%[0-9A-Fa-f]{2}[^\s\"'&=?<>,;|\[\]]*")
"""By RE2: from each place of a long word to its end, where no sign of percent stands behind, is quadratic otherwise."""

_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,8192}={0,2}(?![A-Za-z0-9+/=_-])")


class PatternDetector:
    """Finds by patterns under an installation's rules. It holds no state, so many threads may ask at once."""

    def __init__(self, rules: RedactionRules, *, finds_secrets_only: bool = False) -> None:
        """Look for everything, or for what is irreversible only, which takes less time where there are addresses."""
        self._kept = frozenset(word.casefold() for word in rules.kept)
        patterns = [*_of_rules(rules), *PATTERNS]
        self._patterns = [each for each in patterns if not (finds_secrets_only and each.kind.is_reversible)]
        self._any, self._present = _any_of(self._patterns), _set_of(self._patterns)

    def find(self, text: str) -> Sequence[Finding]:
        """Return what was found, by place, without overlaps; of two that overlap the pattern's that stands first."""
        if len(text) <= _CHUNK_CHARACTERS or "PRIVATE KEY" in text:
            return self._found_whole(text)
        found: list[Finding] = []
        for start, chunk in _chunks(text):
            found += [Finding(start + each.start, start + each.end, each.kind) for each in self._found_whole(chunk)]
        return found

    def _found_whole(self, text: str) -> Sequence[Finding]:
        return _without_overlaps([*self._found_in(text), *self._encoded(text)])

    def kind_named(self, name: str) -> Kind | None:
        """Return what a field or label of this name holds, whatever it looks like."""
        words = _CAMEL.sub("_", name)
        if _HARMLESS_NAMES.fullmatch(words) or _NAME.fullmatch(words) is None:
            return None
        return Kind.PASSWORD

    def _found_in(self, text: str) -> Iterator[Finding]:
        content = text.encode("utf-8", "surrogatepass")
        if self._any.search(content) is None:
            return
        places = _Places(text, content)
        for pattern in self._present_in(content):
            for match in pattern.compiled.finditer(content):
                finding = self._believed(pattern, match, text, places)
                if finding is not None:
                    yield finding

    def _present_in(self, content: bytes) -> Sequence[Pattern]:
        """Return the patterns to run; all of them where the set, out of its memory, says that there are none."""
        numbers = self._present.Match(content)
        return [self._patterns[number] for number in sorted(numbers)] if numbers else self._patterns

    def _believed(self, pattern: Pattern, match: Any, text: str, places: "_Places") -> Finding | None:  # noqa: ANN401
        first, last = match.span(1)
        group = 2
        while first < 0:
            first, last = match.span(group)
            group += 1
        start, end = places.of(first), places.of(last)
        value = text[start:end]
        if not value or value.casefold() in self._kept or stands_in_placeholder(text, start):
            return None
        if not pattern.is_believed(value, text[max(0, start - _AROUND) : start], text[end : end + _AROUND]):
            return None
        return Finding(start, end, pattern.kind)

    def _encoded(self, text: str) -> Iterator[Finding]:
        for match in _BASE64.finditer(text) if len(text) >= _SHORTEST_RUN else ():
            plain = _decoded(match[0])
            if plain is not None and any(not found.kind.is_reversible for found in self._found_in(plain)):
                yield Finding(match.start(), match.end(), Kind.SECRET)
        for match in _URL_ENCODED.finditer(text) if "%" in text else ():
            found = next(iter(self._found_in(unquote_plus(match[0]))), None)
            if found is not None:
                yield Finding(match.start(), match.end(), found.kind)


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Cut a long text where a line begins at the margin: then a pattern is run only where it is present."""
    start = 0
    while start < len(text):
        margin = _MARGIN.search(text, start + _CHUNK_CHARACTERS)
        end = margin.end() if margin else len(text)
        yield start, text[start:end]
        start = end


class _Places:
    """Places in a text by places in its UTF-8 form."""

    def __init__(self, text: str, content: bytes) -> None:
        self._content = content if len(content) != len(text) else b""
        self._starts: list[int] | None = None
        if self._content and len(text) > _LONG_CHARACTERS:
            widths = (1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4 for c in text)
            self._starts = [0, *accumulate(widths)]

    def of(self, place: int) -> int:
        if not self._content:
            return place
        if self._starts is None:
            return len(self._content[:place].decode("utf-8", "surrogatepass"))
        return bisect_right(self._starts, place) - 1


def _of_rules(rules: RedactionRules) -> Iterator[Pattern]:
    for kind, words in ((Kind.DENIED, rules.denied), (Kind.USER, rules.users)):
        if words:
            yield _words(kind, words)
    if rules.domains:
        suffixes = "|".join(re2.escape(domain) for domain in sorted(rules.domains, key=len, reverse=True))
        yield Pattern(Kind.HOST, re2.compile(rf"(?i)\b((?:[a-z0-9_\-]+\.)*(?:{suffixes}))\b".encode()), always)
    for pattern in rules.national_ids.values():
        yield Pattern(Kind.NATIONAL_ID, re2.compile(f"({pattern})".encode()), always)
    if rules.masks_uuids:
        uuid = rb"(?i)\b([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b"
        yield Pattern(Kind.UUID, re2.compile(uuid), always)


def _any_of(patterns: Sequence[Pattern]) -> Any:  # noqa: ANN401
    """Return one pattern for all: most texts hold nothing, and are read by it alone."""
    return re2.compile(b"|".join(b"(?:" + pattern.compiled.pattern + b")" for pattern in patterns), _options())


def _options() -> Any:  # noqa: ANN401
    options = quiet_options()
    options.never_capture = True
    return options


def _set_of(patterns: Sequence[Pattern]) -> Any:  # noqa: ANN401
    """Return what says in one reading which of the patterns are to be found in a text."""
    made = re2.Set.SearchSet(_options())
    for pattern in patterns:
        made.Add(pattern.compiled.pattern)
    made.Compile()
    return made


def _words(kind: Kind, words: Iterable[str]) -> Pattern:
    alternatives = "|".join(re2.escape(word) for word in sorted(words, key=len, reverse=True))
    return Pattern(kind, re2.compile(rf"(?i)(?:^|\W)({alternatives})(?:\W|$)".encode()), always)


def _decoded(run: str) -> str | None:
    if run.islower() or run.isupper() or run.isdigit():
        return None  # the base64 of a text is neither
    try:
        plain = base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if {"-", "_"} & set(run) else None)
        text = plain.decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text if text.isprintable() or "\n" in text else None


def _without_overlaps(found: Iterable[Finding]) -> Sequence[Finding]:
    """Keep the first of those that overlap: patterns stand in the order in which they are believed."""
    starts: list[int] = []
    kept: list[Finding] = []
    for finding in found:
        place = bisect_right(starts, finding.start)
        overlaps_one_before = place > 0 and kept[place - 1].end > finding.start
        overlaps_one_behind = place < len(kept) and starts[place] < finding.end
        if not overlaps_one_before and not overlaps_one_behind:
            starts.insert(place, finding.start)
            kept.insert(place, finding)
    return kept
