"""What a process logs: no secret, no address, whoever speaks; and what can't be masked is withheld, never raised."""

import io
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
import structlog
from celery.signals import after_setup_logger, after_setup_task_logger

import worker.app  # noqa: F401 - it listens to Celery's signals
from worker.logs import MaskingProcessor, mask_handlers
from worker.redaction import STATELESS_MASKER, WITHHELD, Finding, Kind, stateless_masker

_SAID: Final = "password=hunter2 at 10.1.2.3"
_MASKED: Final = "password=[PASSWORD] at [IP_ADDRESS]"


class Broken:
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


def break_down() -> None:
    raise RuntimeError(_SAID)


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("hunter2")


class Url:
    def __repr__(self) -> str:
        return f"Url({_SAID})"


def logged(processor: MaskingProcessor, event: str, **fields: Any) -> Any:
    """Return one event as it is written."""
    written = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(written),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            processor,
            structlog.processors.JSONRenderer(),
        ],
    )
    log.warning(event, **fields)
    return json.loads(written.getvalue())


@pytest.fixture
def masking() -> MaskingProcessor:
    return MaskingProcessor(STATELESS_MASKER)


def test_every_string_of_an_event_is_masked_at_any_depth(masking: MaskingProcessor) -> None:
    told = logged(masking, "model.failed", error=_SAID, tried=({"at": _SAID}, _SAID), url=Url(), db_password="x")
    assert told["error"] == _MASKED
    assert told["tried"] == [{"at": _MASKED}, _MASKED]
    assert told["url"] == f"Url({_MASKED})"
    assert told["db_password"] == "[PASSWORD]"


def test_names_levels_times_figures_and_incidents_stay(masking: MaskingProcessor) -> None:
    told = logged(masking, "model.failed", incident_id="inc-" + "0a" * 10, seconds=1.5, is_llm=True, server=None)
    assert (told["event"], told["level"], told["incident_id"]) == ("model.failed", "warning", "inc-" + "0a" * 10)
    assert (told["seconds"], told["is_llm"], told["server"]) == (1.5, True, None)
    assert told["timestamp"].endswith("Z")


def test_an_event_that_is_no_name_is_masked_too(masking: MaskingProcessor) -> None:
    assert logged(masking, _SAID)["event"] == _MASKED


def test_a_traceback_is_masked(masking: MaskingProcessor) -> None:
    try:
        break_down()
    except RuntimeError:
        told = logged(masking, "triage.failed", exc_info=True)
    assert told["exception"].endswith(f"RuntimeError: {_MASKED}")
    assert "hunter2" not in json.dumps(told)


@pytest.mark.parametrize("value", [_SAID, [_SAID], {"a": _SAID}, Unspeakable()])
def test_what_can_not_be_masked_is_withheld_and_nothing_raises(value: object) -> None:
    told = logged(MaskingProcessor(stateless_masker(Broken())), "model.failed", error=value)
    assert told["event"] == "model.failed"
    assert WITHHELD in json.dumps(told)
    assert "hunter2" not in json.dumps(told)


def test_the_maskers_own_complaint_is_written_without_asking_it_again() -> None:
    told = logged(MaskingProcessor(stateless_masker(Broken())), "redaction.failed", error="RuntimeError", about=_SAID)
    assert (told["error"], "about" in told) == ("RuntimeError", False)


def test_without_the_processor_a_traceback_leaks() -> None:
    written = io.StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(written), processors=[structlog.processors.JSONRenderer()])
    log.warning("model.failed", error=_SAID)
    assert "hunter2" in written.getvalue()


@pytest.fixture
def handler() -> Iterator[logging.StreamHandler[io.StringIO]]:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    yield handler
    handler.close()


def speak(handler: logging.Handler, message: str, *arguments: object) -> None:
    """Log one record with arguments, the traceback of an exception, and the stack."""
    try:
        break_down()
    except RuntimeError:
        record = logging.LogRecord("amqp", logging.ERROR, __file__, 1, message, arguments, sys.exc_info(), sinfo=_SAID)
    handler.handle(record)


def test_arguments_tracebacks_and_stacks_of_other_libraries_are_masked(
    handler: logging.StreamHandler[io.StringIO],
) -> None:
    mask_handlers([handler])
    speak(handler, "%s is gone", _SAID)
    written = handler.stream.getvalue()
    assert written.startswith(f"ERROR {_MASKED} is gone\n")
    assert "hunter2" not in written
    assert "10.1.2.3" not in written


def test_without_the_formatter_they_leak(handler: logging.StreamHandler[io.StringIO]) -> None:
    speak(handler, "%s is gone", _SAID)
    assert handler.stream.getvalue().count("hunter2") >= 3


def test_a_record_that_can_not_be_formatted_is_withheld(handler: logging.StreamHandler[io.StringIO]) -> None:
    mask_handlers([handler])
    speak(handler, "%d hunter2", _SAID)
    assert handler.stream.getvalue() == f"ERROR amqp {WITHHELD}\n"


def test_a_record_that_can_not_be_masked_is_withheld(handler: logging.StreamHandler[io.StringIO]) -> None:
    mask_handlers([handler], masker=stateless_masker(Broken()))
    speak(handler, "%s is gone", _SAID)
    assert handler.stream.getvalue() == f"{WITHHELD}\n"


@pytest.mark.parametrize("signal", [after_setup_logger, after_setup_task_logger])
def test_what_celery_sets_up_is_masked(signal: Any, handler: logging.StreamHandler[io.StringIO]) -> None:
    logger = logging.getLogger("celery-under-test")
    logger.addHandler(handler)
    for _ in range(2):
        signal.send(sender=None, logger=logger)
    logger.removeHandler(handler)
    speak(handler, "%s is gone", _SAID)
    assert handler.stream.getvalue().startswith(f"ERROR {_MASKED} is gone\n")


def test_of_two_maskers_the_last_one_counts(handler: logging.StreamHandler[io.StringIO]) -> None:
    mask_handlers([handler], masker=stateless_masker(Broken()))
    mask_handlers([handler], masker=STATELESS_MASKER)
    speak(handler, "gone")
    assert handler.stream.getvalue().startswith("ERROR gone\n")
