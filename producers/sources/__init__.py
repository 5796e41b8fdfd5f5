"""One file a source, each a pure function from what was sent to incidents: no clock, no chance, no network."""

from producers.sources.alert import AlertError
from producers.sources.plain import Parsed, Rejection, parse_line, parse_stream, parse_text

__all__ = ["AlertError", "Parsed", "Rejection", "parse_line", "parse_stream", "parse_text"]
