"""Logging: one JSON object a line on standard error, dotted past-tense names, no secrets, prompts or tool output.

The last thing before a line is written, ours or the standard library's, is redaction: whatever an exception or a
stranger's library says, no secret and no address is in it. It fails closed and never raises: of what could not be
masked the event's name remains. Each entry point calls `configure_logging`; Celery's records come by its signals.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog

from worker.redaction import STATELESS_MASKER, WITHHELD, Masker

__all__ = ["MaskingFormatter", "MaskingProcessor", "configure_logging", "mask_handlers"]

_NAME: Final = re.compile(r"[a-z_]{1,40}(?:\.[a-z_]{1,40}){1,3}", re.ASCII)
_INCIDENT_ID: Final = re.compile(r"inc-[0-9a-f]{20}", re.ASCII)
_WRITTEN_HERE: Final = frozenset({"level", "timestamp"})
_SAID_BY_THE_MASKER: Final = "redaction.failed"
"""It names an exception's class and nothing else. To mask it would fail once more, and be said once more."""


def configure_logging(level: str) -> None:
    """Set up structlog for a whole process, and mask what the standard library's loggers and tracebacks say.

    What is masked, the process' rules say at the time: it may take them before or after.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            MaskingProcessor(STATELESS_MASKER),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells every request, and a query is kilobytes long
    mask_handlers(logging.getLogger().handlers)
    if logging.lastResort is not None:  # what speaks where nobody has set up a handler
        mask_handlers([logging.lastResort])
    _mask_last_words()


class MaskingProcessor:
    """structlog's last step before rendering: every string of an event, at any depth, passes redaction."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker

    def __call__(self, logger: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """Return the event masked; where that fails, its name and a word that the rest is withheld."""
        if event.get("event") == _SAID_BY_THE_MASKER:
            return {name: event[name] for name in ("event", "error", *_WRITTEN_HERE) if name in event}
        try:
            return {name: self._masked(name, value) for name, value in event.items()}
        except Exception:  # noqa: BLE001 - the boundary: a log line must neither leak nor raise
            name = event.get("event")
            kept = {field: event[field] for field in _WRITTEN_HERE if field in event}
            return {"event": name if _is_name(name) else WITHHELD, **kept, "withheld": WITHHELD}

    def _masked(self, name: str, value: object) -> object:
        is_ours = name in _WRITTEN_HERE or (name == "event" and _is_name(value))
        if is_ours or (isinstance(value, str) and _INCIDENT_ID.fullmatch(value)):
            return value
        masked = self._masker.checked_value({name: _plain(value)})
        return masked[name] if isinstance(masked, dict) and name in masked else WITHHELD


class MaskingFormatter(logging.Formatter):
    """Formats as another does, and masks the whole: message, arguments, traceback and stack."""

    def __init__(self, wrapped: logging.Formatter | None, masker: Masker) -> None:
        super().__init__()
        self.wrapped: logging.Formatter = wrapped or logging.Formatter()
        self._masker = masker

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; of a record that can't be formatted its level and its logger's name."""
        try:
            said = self.wrapped.format(record)
        except Exception:  # noqa: BLE001 - the same boundary; the standard library would print the arguments
            return f"{record.levelname} {record.name} {WITHHELD}"
        return self._masker.checked(said)


def mask_handlers(handlers: Iterable[logging.Handler], *, masker: Masker = STATELESS_MASKER) -> None:
    """Let handlers of the standard library write masked lines. Of two calls the last one counts."""
    for handler in handlers:
        known = handler.formatter
        wrapped = known.wrapped if isinstance(known, MaskingFormatter) else known
        handler.setFormatter(MaskingFormatter(wrapped, masker))


def _mask_last_words() -> None:
    """Mask the traceback of what nobody caught, unless somebody else listens already."""

    def say(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        sys.stderr.write(STATELESS_MASKER.checked("".join(traceback.format_exception(kind, error, trace))) + "\n")

    def say_of_thread(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_type is not SystemExit:
            say(ended.exc_type, ended.exc_value, ended.exc_traceback)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = say
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = say_of_thread


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _plain(value: object) -> object:
    """Return a value as JSON has it; of anything else the words that the renderer would find for it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case _:
            return repr(value)
