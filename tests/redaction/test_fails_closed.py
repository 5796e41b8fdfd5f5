"""What becomes of a triage when redaction breaks: no text leaves, an engineer is called, and nothing is lost."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from fakeredis import FakeRedis

from producers.intake import take_in
from tests.fakes import START, FakeClock, an_incident, reading
from tests.house import SICK, WELL, record, restarts_of, write_house
from tests.redaction.canaries import Blind, Breaking, CanaryDetector
from tests.registry.entries import result_of
from worker import tasks
from worker.bootstrap import make_worker
from worker.contract.queue import RESULTS_STREAM, incident_key, journal_key
from worker.contract.result import Disposition, Ending, RestartOutcome, RestartRecord, TriageResult
from worker.contract.transcript import Observation, Outcome, ToolCall, Transcript
from worker.duty import Worker
from worker.guardrails.redacted import RedactedTool
from worker.ports import ToolSpec
from worker.redaction import WITHHELD, Detector, Kind, Masker, Placeholders
from worker.registry import Registry
from worker.registry.claim_redaction import ClaimRedaction
from worker.settings import load_settings

SERVER: Final = "payment-server-01"
INCIDENT: Final = an_incident(f"{SERVER} is slow, says canary-alert")
_WORDS_OF_THE_CONTRACT: Final = CanaryDetector(dict.fromkeys(("escalated", "recovered", "answered"), Kind.HOST))
"""It takes words that the contract needs for names of hosts, so that what is left fits no contract."""


@dataclass
class Triaged:
    result: TriageResult
    everything: str


@pytest.fixture
def triaged(tmp_path: Path) -> Iterator[Callable[[Detector], Triaged]]:
    """Triage one sick server, as the task does, with a detector of the test's."""
    redis: Any = FakeRedis(decode_responses=True)
    record(tmp_path / SERVER, SICK, "WARNING canary-line: all request threads hung\n", after_restart=WELL)
    settings = load_settings(_env_file=None, **write_house(tmp_path, {SERVER: "payments"}))
    opened = make_worker(settings, redis)
    made: list[Registry] = []

    def triage(detector: Detector) -> Triaged:
        made.append(Registry(redis, worker="w1", detector=detector))
        list(take_in(redis, [INCIDENT]))
        _run_task(replace(opened, registry=made[-1]))
        ((_, fields),) = redis.xrange(RESULTS_STREAM)
        entry = dict(redis.hgetall(incident_key(INCIDENT.incident_id)))
        del entry["incident"]
        journal = redis.lrange(journal_key(INCIDENT.incident_id), 0, -1)
        return Triaged(TriageResult.model_validate_json(fields["result"]), f"{fields}{entry}{journal}")

    yield triage
    opened.close()
    for registry in made:
        registry.close()


def _run_task(worker: Worker) -> None:
    tasks._open_workers["this"] = worker
    try:
        tasks.triage_incident(INCIDENT.incident_id)
    finally:
        del tasks._open_workers["this"]


def test_a_detector_that_raises_lets_no_text_out_and_an_engineer_is_called(
    triaged: Callable[[Detector], Triaged], tmp_path: Path
) -> None:
    seen = triaged(Breaking())
    assert seen.result.disposition is Disposition.ESCALATED
    assert seen.result.incident.incident_id == INCIDENT.incident_id
    assert seen.result.incident.text == WITHHELD
    assert "canary" not in seen.everything
    assert restarts_of(tmp_path) == []


def test_a_triage_whose_every_result_fits_no_contract_still_ends_with_an_engineer(
    triaged: Callable[[Detector], Triaged],
) -> None:
    seen = triaged(_WORDS_OF_THE_CONTRACT)
    assert (seen.result.disposition, seen.result.ending) == (Disposition.ESCALATED, Ending.INTERNAL_ERROR)
    assert seen.result.incident.incident_id == INCIDENT.incident_id


def test_control_a_detector_that_finds_nothing_lets_the_text_out(triaged: Callable[[Detector], Triaged]) -> None:
    seen = triaged(Blind())
    assert seen.result.disposition is Disposition.RECOVERED
    assert "canary-alert" in seen.everything
    assert "canary-line" in seen.everything


@pytest.mark.parametrize(
    ("outcome", "told_as"),
    [
        (RestartOutcome.NOT_RESTORED, RestartOutcome.NOT_RESTORED),
        (RestartOutcome.UNKNOWN, RestartOutcome.UNKNOWN),
        (RestartOutcome.RESTORED, RestartOutcome.PROOF_LOST),
    ],
)
def test_a_result_that_fits_no_contract_when_masked_is_an_escalation_that_keeps_its_restart(
    outcome: RestartOutcome, told_as: RestartOutcome
) -> None:
    told = ClaimRedaction(masker=Masker(_WORDS_OF_THE_CONTRACT, Placeholders()), store=None).masked_result(
        result_of(INCIDENT, summary="canary-summary").model_copy(
            update={"disposition": Disposition.ESCALATED, "restart": restart(outcome)}
        )
    )
    read = TriageResult.model_validate_json(told.model_dump_json())
    assert (read.disposition, read.ending) == (Disposition.ESCALATED, Ending.INTERNAL_ERROR)
    assert read.restart is not None
    assert (read.restart.outcome, read.restart.fence) == (told_as, 3)
    assert "canary" not in told.model_dump_json()


def restart(outcome: RestartOutcome) -> RestartRecord:
    """A restart whose every text is a canary."""
    clock = FakeClock(elapsed_seconds=9)
    return RestartRecord(
        server_id=SERVER,
        fence=3,
        ordered_at=START,
        outcome=outcome,
        detail="canary-detail",
        restarted_at=START,
        probes=(reading(clock).model_copy(update={"source": "canary-source"}),),
    )


@dataclass
class Telling:
    """A tool that says one thing."""

    spec: ToolSpec

    def run(self, call: ToolCall, arguments: Mapping[str, object], transcript: Transcript) -> Observation:
        said = '{"said": "canary-said"}'
        return Observation(call_id=call.call_id, tool="tell", outcome=Outcome.ANSWERED, content=said, observed_at=START)


@pytest.mark.parametrize("detector", [_WORDS_OF_THE_CONTRACT, Breaking()])
def test_a_tool_whose_answer_cannot_be_told_has_failed(detector: Detector) -> None:
    spec = ToolSpec(name="tell", description="Tell.", parameters={})
    tool = RedactedTool(Telling(spec), Masker(detector, Placeholders()))
    call = ToolCall(call_id="c1", name="tell", arguments="{}")
    seen = tool.run(call, {}, Transcript(system="", opening=""))
    assert (seen.call_id, seen.tool, seen.outcome) == ("c1", "tell", Outcome.FAILED)
    assert WITHHELD in seen.content
    assert "canary" not in seen.content
