"""What the corpus is made of: a value, the canary that it becomes in a shape, and the line that the canary stands in."""

from dataclasses import dataclass
from zlib import crc32

from worker.redaction import Kind

__all__ = ["Canary", "Fragment", "Planted", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """One made-up secret or personal datum, before it is put into a shape.

    `secret` is what must not be seen, where that is less than `text`: the password of a URL. `pieces` are parts that
    give it away alone: a line of a key, the payload of a JWT. `keeps` are tokens of the text that a reader needs.
    """

    family: str
    kind: Kind
    text: str
    secret: str = ""
    pieces: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted value: none of `forms` may be seen, nor anything in the line that decodes to one."""

    family: str
    kind: Kind
    shape: str
    forms: tuple[str, ...]

    @property
    def is_held_out(self) -> bool:
        """Whether this family was kept from whoever wrote the patterns: about a third of them."""
        return crc32(f"{self.family}/{self.shape}".encode()) % 3 == 0


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a line: its text, what is planted in it, and the tokens beside it that must stay."""

    text: str
    canaries: tuple[Canary, ...] = ()
    keeps: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Value, shape: str, text: str, *forms: str) -> "Fragment":
        """Return a value in a shape; `forms` are how it stands in the text, where that is not the value itself."""
        seen = dict.fromkeys((value.secret or value.text, *value.pieces, *forms))
        return cls(text, (Canary(value.family, value.kind, shape, tuple(seen)),), value.keeps)

    def joined(self, other: "Fragment", separator: str) -> "Fragment":
        """Return both, one after the other."""
        return Fragment(
            self.text + separator + other.text, (*self.canaries, *other.canaries), (*self.keeps, *other.keeps)
        )


@dataclass(frozen=True, slots=True)
class Planted:
    """One line (or a few that belong together) of one format: its canaries, and the tokens that must stay."""

    format: str
    text: str
    canaries: tuple[Canary, ...] = ()
    tokens: tuple[str, ...] = ()
