"""How well a masker does over the corpus: what it lets through, and what it takes away without need."""

import base64
import binascii
import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, unquote_plus

from tests.redaction.corpus.fillers import tokens_of
from tests.redaction.corpus.planted import Canary, Planted
from tests.redaction.corpus.values import KEPT
from worker.redaction import Masker

__all__ = ["Leak", "OverMasking", "Recall", "leaked", "over_masking", "recall"]

Mask = Callable[[], Masker]

_SHARE: Final = 0.6
_SHORTEST: Final = 6
_BLOB: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_KEPT_NAME: Final = re.compile("|".join(map(re.escape, KEPT)))
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary that is still to be read, or that can be taken back though it is a secret."""

    canary: Canary
    text: str
    masked: str


@dataclass(slots=True)
class Recall:
    """Canaries and leaks, by family and by shape; those held out from the patterns' author stand apart."""

    planted: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    leaks: list[Leak] = field(default_factory=list)

    def share(self, *, family: str = "", shape: str = "", held_out: bool | None = None) -> float:
        """Return the part of the canaries that is gone from the output; 1.0 where there is none."""
        chosen = sum(number for key, number in self.planted.items() if _fits(key, family, shape, held_out))
        lost = sum(1 for leak in self.leaks if _fits(_key(leak.canary), family, shape, held_out))
        return 1 - lost / chosen if chosen else 1.0


@dataclass(slots=True)
class OverMasking:
    """Diagnostic tokens and those that are gone, with the lines they are gone from."""

    tokens: int = 0
    gone: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return self.gone.total() / self.tokens if self.tokens else 0.0


def _key(canary: Canary) -> tuple[str, str, bool]:
    return canary.family, canary.shape, canary.is_held_out


def _fits(key: tuple[str, str, bool], family: str, shape: str, held_out: bool | None) -> bool:
    return family in ("", key[0]) and shape in ("", key[1]) and held_out in (None, key[2])


def recall(lines: Iterable[Planted], masker: Mask) -> Recall:
    """Mask each line with a masker of its own, and look for its canaries: as they are, decoded, and taken back."""
    made = Recall()
    for line in lines:
        mask = masker()
        masked = mask.masked(line.text)
        revealed = mask.placeholders.revealed(masked)
        views = tuple(_views(masked))
        for canary in line.canaries:
            made.planted[_key(canary)] += 1
            if leaked(canary, views) or (
                not canary.kind.is_reversible and leaked(canary, (_KEPT_NAME.sub("", revealed),))
            ):
                made.leaks.append(Leak(canary, line.text, masked))
    return made


def leaked(canary: Canary, views: Iterable[str]) -> bool:
    """Say whether a form of the canary is there, or 60 % of it in one run of at least 6 characters."""
    return any(_is_seen(form, view) for view in views for form in canary.forms)


def _is_seen(form: str, view: str) -> bool:
    if form in view:
        return True
    length = max(_SHORTEST, -int(-len(form) * _SHARE // 1))
    return any(form[start : start + length] in view for start in range(len(form) - length + 1))


def _views(masked: str) -> Iterator[str]:
    """Yield the output as it is, and as whoever decodes it reads it; without the names that are to stay."""
    masked = _KEPT_NAME.sub("", masked)
    yield masked
    if "%" in masked:
        yield unquote(masked)
        yield unquote_plus(masked)
    if "&" in masked:
        yield html.unescape(masked)
    if "\\u" in masked or "\\/" in masked:
        yield _ESCAPED.sub(lambda found: chr(int(found[1], 16)), masked).replace("\\/", "/")
    for blob in _BLOB.findall(masked):
        yield from _decoded(blob.rstrip("="))


def _decoded(blob: str) -> Iterator[str]:
    for start in range(min(4, len(blob) - 4)):
        part = blob[start:].replace("-", "+").replace("_", "/")
        part = part[: len(part) - 1] if len(part) % 4 == 1 else part
        try:
            yield base64.b64decode(part + "=" * (-len(part) % 4)).decode("latin-1")
        except binascii.Error:
            continue


def over_masking(lines: Iterable[Planted], masker: Mask) -> OverMasking:
    """Mask each line, and count the diagnostic tokens that are gone."""
    made = OverMasking()
    for line in lines:
        masked = masker().masked(line.text)
        made.tokens += len(line.tokens)
        for token, number in (Counter(line.tokens) - Counter(tokens_of(masked))).items():
            made.gone[token] += number
            made.examples.setdefault(token, (line.text, masked))
    return made
