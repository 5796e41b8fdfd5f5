"""Notifiers: cards for what needs somebody, lines for what does not, and no word before it is flushed."""

import io
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.escalation.builders import incident, restart, result
from worker.contract import Disposition, Ending, TriageResult
from worker.contract.result import RestartOutcome
from worker.errors import ContractError
from worker.escalation import ConsoleNotifier, JsonNotifier
from worker.ports import Notifier


class Pipe(io.StringIO):
    """A stream that remembers what was flushed, and may break."""

    flushed = ""

    def __init__(self, *, is_broken: bool = False) -> None:
        super().__init__()
        self._is_broken = is_broken

    def flush(self) -> None:
        if self._is_broken:
            raise BrokenPipeError
        self.flushed = self.getvalue()


@pytest.mark.parametrize(
    "disposition", [Disposition.ESCALATED, Disposition.AWAITING_APPROVAL, Disposition.DEAD_LETTERED]
)
def test_what_needs_somebody_is_printed_as_a_card(disposition: Disposition) -> None:
    pipe = Pipe()
    ConsoleNotifier(pipe, 80).deliver(result(disposition=disposition))
    assert pipe.flushed.startswith(f"■ {disposition.replace('_', ' ').upper()}")
    assert "\nNext\n" in pipe.flushed
    assert pipe.flushed.endswith("\n\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"disposition": Disposition.NO_ACTION},
        {"disposition": Disposition.RECOVERED, "restart": restart(RestartOutcome.RESTORED)},
    ],
)
def test_what_needs_nobody_is_printed_as_one_line(changes: dict[str, Any]) -> None:
    pipe = Pipe()
    ConsoleNotifier(pipe).deliver(result(ending=Ending.CONCLUDED, **changes))
    assert pipe.flushed.count("\n") == 1


def test_json_is_one_ascii_line_a_result_and_reads_back_equal() -> None:
    pipe = Pipe()
    results = [result(1, summary="two\nlines, \x1b[31m, \x9b, \u2028 and ü"), result(2)]
    for each in results:
        JsonNotifier(pipe).deliver(each)
    lines = pipe.flushed.splitlines()
    assert [TriageResult.model_validate(json.loads(line), strict=False) for line in lines] == results
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_a_broken_pipe_passes() -> None:
    notifiers: list[Notifier] = [ConsoleNotifier(Pipe(is_broken=True)), JsonNotifier(Pipe(is_broken=True))]
    for notifier in notifiers:
        with pytest.raises(BrokenPipeError):
            notifier.deliver(result())


def test_a_result_that_breaks_its_own_card_is_named_as_such_and_nothing_is_printed() -> None:
    """Such a time passed intake once, and its card stopped every card behind it."""
    beyond_the_calendar = datetime(9999, 12, 31, 23, 30, tzinfo=timezone(-timedelta(hours=14)))
    strange = incident().model_copy(update={"started_at": beyond_the_calendar})
    stream = Pipe()
    with pytest.raises(ContractError, match=r"can't be shown \(OverflowError\)"):
        ConsoleNotifier(stream).deliver(result().model_copy(update={"incident": strange}))
    assert stream.getvalue() == ""
