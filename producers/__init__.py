"""Alert → incident → queue: everything that stands between whoever raises an alert and the triage.

Producers know the wire (`worker.contract`) and redaction, and nothing else of the worker. `sources` turns what was sent
into incidents, purely; `intake` is the only contact with Redis.
"""

from producers.intake import Answer, IntakeUnavailable, Verdict, connect, take_in
from producers.sources import AlertError, Parsed, Rejection, parse_line, parse_stream, parse_text

__all__ = [
    "AlertError",
    "Answer",
    "IntakeUnavailable",
    "Parsed",
    "Rejection",
    "Verdict",
    "connect",
    "parse_line",
    "parse_stream",
    "parse_text",
    "take_in",
]
