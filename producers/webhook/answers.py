"""The answer to a request: a verdict for each alert, their counts, and the status that makes a sender do right.

200 when at least one alert was understood, for then sending the same again mends nothing; 422 when none was; 503 when
intake is full, so that the sender keeps them and comes again. Each verdict is durable before it stands here. Called by
`desk.py`, on a thread.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, assert_never

from producers.door import Door
from producers.intake import Answer, IntakeUnavailable, Verdict
from producers.sources.alert import Ignored, Outcome, Rejection
from producers.webhook.refusals import HttpError, come_again
from worker.contract import Incident, Resolution

__all__ = ["Reply", "refusal", "reply_to"]

REJECTED: Final = "rejected"
IGNORED: Final = "ignored"

_SEND_AGAIN: Final = "send the same alerts again: those with a time of their own are recognised"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back; `counts` says how often each answer was given."""

    status: HTTPStatus
    content: Mapping[str, object]
    counts: Mapping[str, int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def reply_to(outcomes: Sequence[Outcome], door: Door) -> Reply:
    """Take in what was understood, and return the reply. Raises `HttpError` 503 when the door gives no answer."""
    alerts = [outcome for outcome in outcomes if not isinstance(outcome, Rejection | Ignored)]
    try:
        verdicts = iter(door.take_in(alerts) if alerts else ())
    except IntakeUnavailable as error:
        raise come_again(f"intake can't keep anything now: {_SEND_AGAIN}", "intake") from error
    answers = [_said(outcome, verdicts) for outcome in outcomes]
    counts = dict(Counter(said["answer"] for said in answers))
    content = {"answers": answers, "counts": counts}
    if Answer.FULL in counts:
        full = come_again(f"too many incidents are open: {_SEND_AGAIN}", "the alerts answered with full")
        return Reply(full.status, {"error": full.error, "where": full.where, **content}, counts, full.headers)
    if answers and counts.get(REJECTED) == len(answers):
        fault = {"error": "no alert was understood: each answer says why", "where": "every alert"}
        return Reply(HTTPStatus.UNPROCESSABLE_ENTITY, {**fault, **content}, counts)
    return Reply(HTTPStatus.OK, content, counts)


def refusal(error: HttpError) -> Reply:
    """Return the reply that an error stands for."""
    return Reply(error.status, {"error": error.error, "where": error.where}, headers=error.headers)


def _said(outcome: Outcome, verdicts: Iterator[Verdict]) -> dict[str, str]:
    match outcome:
        case Rejection(reason):
            return {"answer": REJECTED, "reason": reason}
        case Ignored(reason):
            return {"answer": IGNORED, "reason": reason}
        case Incident() | Resolution():
            incident_id, answer = next(verdicts)
            return {"answer": str(answer), "incident_id": incident_id}
        case _:
            assert_never(outcome)
