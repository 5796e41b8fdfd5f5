"""The requests of an incident once more, from its journal: the same bytes, or plainly not. Pure.

`firstline show --sent` calls it. It never passes off as sent what the recorded hash does not prove.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker.contract.transcript import ModelReply, Sent, SentFrame, Step, Transcript
from worker.models.chat_messages import body_of, chat_request, without
from worker.ports import ToolSpec

__all__ = ["Request", "requests_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `body` is None where the journal does not give the bytes that were sent.

    `failure` says what the endpoint did instead of giving a usable answer; None where it gave one. `step` is the one
    that was being asked for, or that somebody else took in its place.
    """

    step: int
    sent: Sent
    failure: str | None
    body: bytes | None


def requests_of(steps: Sequence[Step]) -> Iterator[Request]:
    """Build each recorded request again, oldest first, and hold it against its recorded hash."""
    frame: SentFrame | None = None
    for index, step in enumerate(steps):
        frame = step.frame or frame
        for sent, failure in _sendings(step.reply):
            body = _body(frame, steps[:index], step, sent) if frame else b""
            is_proved = hashlib.sha256(body).hexdigest() == sent.sha256
            yield Request(step=step.number, sent=sent, failure=failure, body=body if is_proved else None)


def _sendings(reply: ModelReply) -> Iterator[tuple[Sent, str | None]]:
    for request in reply.unanswered:
        yield request.sent, request.reason
    if reply.sent is not None:
        yield reply.sent, None


def _body(frame: SentFrame, before: Sequence[Step], step: Step, sent: Sent) -> bytes:
    transcript = Transcript(
        system=frame.system, opening=frame.opening, fence=sent.fence, steps=tuple(before), news=step.news
    )
    specs = [ToolSpec(name=tool.name, description=tool.description, parameters=tool.parameters) for tool in frame.tools]
    return body_of(without(chat_request(frame.model, transcript, specs), sent.left_out))
