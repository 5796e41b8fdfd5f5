"""Finds secrets and personal data by their shape, and checks each before it is believed.

What is seen of a text is read once a family of patterns, in linear time; only what they find is looked at more closely.
Text in URL-encoding and in base64 is read once more in clear. Should it raise, the masker withholds the text.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

import re2

from worker.redaction.families import Check, Family, Pattern, family, pattern
from worker.redaction.kinds import Finding, Kind
from worker.redaction.named_patterns import NAME_OF_A_SETTING, NAMED_FAMILIES, SECRET_NAME
from worker.redaction.overlaps import without_overlaps
from worker.redaction.personal_patterns import PERSONAL_FAMILIES
from worker.redaction.placeholders import stands_in_placeholder
from worker.redaction.rules import RedactionRules
from worker.redaction.token_patterns import TOKEN_FAMILIES
from worker.redaction.unseen import Seen

__all__ = ["PatternDetector"]

_AROUND: Final = 48
_SHORT_CHARACTERS: Final = 100
_REMEMBERED: Final = 8_192
_SHORTEST_RUN: Final = 16
_LONGEST_RUN: Final = 400_000
_NAME_BEFORE: Final = re.compile(r"[\w.\-]+$")
_NAME_BEHIND: Final = re.compile(r"[\w.\-]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME: Final = re2.compile(SECRET_NAME)
_SETTING: Final = re2.compile(NAME_OF_A_SETTING)
_TELLING_NAMES: Final = re2.compile(rf"{SECRET_NAME}[\w.\-]*".encode())
_HARMLESS_NAMES: Final = re.compile(
    r"(?i)(?:max|min|total|num|n|used|input|output|prompt|completion)[_.\-].*|"
    r".*(?:count|length|size|name|type|age|days|expir\w*|policy|limit|max|min|izer|url|path|file|[_.\-]id)s?"
)
_URL_ENCODED: Final = re2.compile(rb"[^\s\"'&=?<>,;|\[\]]*%[0-9A-Fa-f]{2}[^\s\"'&=?<>,;|\[\]]*")
_ASCII: Final = r"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
"""Three characters of ASCII in base64: each leaves bits unset. Few words and paths begin with four of them."""

_BASE64: Final = re2.compile(rf"(?:^|[^A-Za-z0-9+/_-])((?:{_ASCII}){{4}}[A-Za-z0-9+/_-]*={{0,2}})".encode())


class PatternDetector:
    """Finds by patterns under an installation's rules. Many threads may ask at once.

    It remembers short texts that held nothing, a few thousand at a time: labels come again and again.
    """

    def __init__(self, rules: RedactionRules, *, finds_secrets_only: bool = False) -> None:
        """Look for everything, or for what is irreversible only, which takes less time where there are addresses."""
        self._clean: set[str] = set()
        self._kept = frozenset(word.casefold() for word in rules.kept)
        self._misleading = frozenset(filter(_is_misleading, self._kept))
        own = [*_patterns_of(rules, finds_secrets_only=finds_secrets_only)]
        self._tokens = (*([family(*own)] if own else ()), *TOKEN_FAMILIES)
        self._personal = () if finds_secrets_only else PERSONAL_FAMILIES

    def find(self, text: str) -> Sequence[Finding]:
        """Return what was found, by place, without overlaps; of two that overlap the pattern's that stands first."""
        if text in self._clean:
            return ()
        found = self._looked_for(text)
        if not found and len(text) <= _SHORT_CHARACTERS:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return found

    def _looked_for(self, text: str) -> Sequence[Finding]:
        seen = Seen(text)
        encoded = [*self._encoded(seen.text, seen.content)]
        secrets = [each for each in encoded if not each.kind.is_reversible]
        others = [each for each in encoded if each.kind.is_reversible]
        return seen.findings(without_overlaps([*self._found_in(seen.text, seen.content), *secrets], others))

    def kind_named(self, name: str) -> Kind | None:
        """Return what a field or label of this name holds, whatever it looks like."""
        return Kind.PASSWORD if _is_secrets_name(name) and name.casefold() not in self._misleading else None

    def _found_in(self, text: str, content: bytes) -> Iterator[Finding]:
        yield from self._found_by(self._tokens, text, content)
        yield from self._found_by(NAMED_FAMILIES, text, self._without_misleading_names(content))
        yield from self._found_by(self._personal, text, content)

    def _without_misleading_names(self, content: bytes) -> bytes:
        """Return a text of the same length in which no kept name reads as that of a secret."""
        if not self._misleading:
            return content
        told = bytearray(content)
        for match in _TELLING_NAMES.finditer(content):
            for name in (match[0].rstrip(b"."), match[0].partition(b".")[0]):
                if name.decode().casefold() in self._misleading and not content.startswith(b"=", match.end()):
                    told[match.start() : match.start() + len(name)] = b"x" * len(name)
        return bytes(told)

    def _found_by(self, families: Iterable[Family], text: str, content: bytes) -> Iterator[Finding]:
        for each in families:
            windows = each.windows(content)
            for tried in each.patterns if windows else ():
                places = _Places(text, content)
                for start, end in windows:
                    for first, last in tried.spans(content, start, end):
                        finding = self._believed(tried.kind, tried.is_believed, text, places.of(first), places.of(last))
                        if finding is not None:
                            yield finding

    def _believed(self, kind: Kind, is_believed: Check, text: str, start: int, end: int) -> Finding | None:
        value = text[start:end]
        if not value or (kind.is_reversible and self._is_kept(text, start, end)):
            return None
        if "[" in text[max(0, start - 1) : start + 1] and stands_in_placeholder(text, start, end):
            return None
        if not is_believed(value, text[max(0, start - _AROUND) : start], text[end : end + _AROUND]):
            return None
        return Finding(start, end, kind)

    def _is_kept(self, text: str, start: int, end: int) -> bool:
        """Whether a value is a name that stays, or a part of one."""
        if not self._kept:
            return False
        if text[start:end].casefold() in self._kept:
            return True
        before = _NAME_BEFORE.search(text[max(0, start - _AROUND) : start])
        behind = _NAME_BEHIND.match(text[end : end + _AROUND])
        whole = (before[0] if before else "") + text[start:end] + (behind[0] if behind else "")
        return whole.casefold() in self._kept

    def _encoded(self, text: str, content: bytes) -> Iterator[Finding]:
        places = _Places(text, content)
        for match in _BASE64.finditer(content) if len(content) >= _SHORTEST_RUN else ():
            first, last = match.span(1)
            plain = _decoded(match[1].decode()) if _SHORTEST_RUN <= last - first <= _LONGEST_RUN else None
            if plain is not None and any(not found.kind.is_reversible for found in self._found_within(plain)):
                yield Finding(places.of(first), places.of(last), Kind.SECRET)
        places = _Places(text, content)
        for match in _URL_ENCODED.finditer(content) if "%" in text else ():
            plain = unquote_plus(match[0].decode("utf-8", "surrogatepass"))
            kinds = [each.kind for each in self._found_within(plain)]
            if kinds:
                kind = next((each for each in kinds if not each.is_reversible), kinds[0])
                yield Finding(places.of(match.start()), places.of(match.end()), kind)

    def _found_within(self, plain: str) -> Iterator[Finding]:
        return self._found_in(plain, plain.encode("utf-8", "surrogatepass"))


class _Places:
    """Places in a text by places in its UTF-8 form; quick where each that is asked for stands behind the last."""

    def __init__(self, text: str, content: bytes) -> None:
        self._content = content
        self._is_ascii = len(content) == len(text)
        self._last = self._characters = 0

    def of(self, place: int) -> int:
        if self._is_ascii:
            return place
        if place < self._last:
            self._last = self._characters = 0
        self._characters += len(self._content[self._last : place].decode("utf-8", "surrogatepass"))
        self._last = place
        return self._characters


@lru_cache(maxsize=_REMEMBERED)
def _is_secrets_name(name: str) -> bool:
    words = _CAMEL.sub("_", name)
    return _HARMLESS_NAMES.fullmatch(words) is None and _NAME.fullmatch(words) is not None


def _is_misleading(name: str) -> bool:
    """Whether a machine's name reads as that of a secret, and goes on behind the word that does."""
    return _NAME.search(name) is not None and _SETTING.fullmatch(name) is None


def _patterns_of(rules: RedactionRules, *, finds_secrets_only: bool) -> Iterator[Pattern]:
    for shape in rules.national_ids.values():
        yield pattern(Kind.NATIONAL_ID, f"({shape})")
    if finds_secrets_only:
        return
    for kind, words in ((Kind.DENIED, rules.denied), (Kind.USER, rules.users)):
        if words:
            yield pattern(kind, rf"(?i)(?:^|\W)({_alternatives(words)})(?:\W|$)")
    if rules.domains:
        yield pattern(Kind.HOST, rf"(?i)(?:%[0-9a-f]{{2}}|\b)((?:[a-z0-9_\-]+\.)*(?:{_alternatives(rules.domains)}))\b")
    if rules.masks_uuids:
        yield pattern(Kind.UUID, r"(?i)\b([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re2.escape(word) for word in sorted(words, key=len, reverse=True))


def _decoded(run: str) -> str | None:
    if run.islower() or run.isupper() or run.isdigit():
        return None  # the base64 of a text is neither
    if len(run.rstrip("=")) % 4 == 1:
        run = run.rstrip("=")[:-1]  # cut within a group of four
    try:
        plain = base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if {"-", "_"} & set(run) else None)
        text = plain.decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text if text.isprintable() or "\n" in text else None
