"""`show --sent`: what the hash proves is printed to the byte, answered or not; what it does not prove never is."""

import hashlib
from typing import Final

import pytest
import typer
from fakeredis import FakeRedis

from producers import take_in
from tests.fakes import HEALTH, an_incident, says
from tests.registry.entries import result_of
from worker.cli.show_sent import print_sent
from worker.cli.shown import entry_to_show
from worker.contract.queue import incident_key, journal_key
from worker.contract.result import Ending
from worker.contract.transcript import ModelReply, Sent, SentFrame, Step, Transcript, Unanswered
from worker.errors import FirstlineError
from worker.models.chat_messages import body_of, chat_request
from worker.redaction import PatternDetector, RedactionRules

_INCIDENT: Final = an_incident()
_FRAME: Final = SentFrame(model="m", system="You are the desk.", opening="[IP_ADDRESS_1] is slow “ü”")
_START: Final = Transcript(system=_FRAME.system, opening=_FRAME.opening)
_ASKED: Final = Step(number=1, model="m", reply=HEALTH)
_FIRST: Final = body_of(chat_request("m", _START, []))
_SECOND: Final = body_of(chat_request("m", _START.with_step(_ASKED), []))


def sent(body: bytes) -> Sent:
    return Sent(sha256=hashlib.sha256(body).hexdigest(), body_bytes=len(body))


def told(reply: ModelReply, body: bytes | None, *failures: str, lost: bytes = b"") -> ModelReply:
    unanswered = tuple(Unanswered(sent=sent(lost), reason=reason) for reason in failures)
    return reply.model_copy(update={"sent": body and sent(body), "unanswered": unanswered})


_JOURNAL: Final = (
    _ASKED.model_copy(update={"reply": told(HEALTH, _FIRST, "answered 503", lost=_FIRST), "frame": _FRAME}),
    Step(number=2, model="rules", reply=told(says("over"), None, "did not answer within 30 s", lost=_SECOND)),
    Step(number=3, model="rules", reply=says("handed over")),
)


def journalled(*steps: Step, state: str = "CLOSED", epoch: int = 1) -> FakeRedis:
    redis = FakeRedis(decode_responses=True)
    list(take_in(redis, [_INCIDENT]))
    redis.hset(incident_key(_INCIDENT.incident_id), mapping={"state": state, "epoch": epoch})
    for step in steps:
        redis.rpush(journal_key(_INCIDENT.incident_id), step.model_dump_json())
    return redis


Captured = pytest.CaptureFixture[bytes]


def shown(redis: FakeRedis, capture: Captured, *, only_step: int | None = None) -> tuple[bool, bytes, str]:
    is_proved = print_sent(redis, _INCIDENT.incident_id, only_step=only_step)
    printed = capture.readouterr()
    return is_proved, printed.out, printed.err.decode()


def test_each_request_is_printed_to_the_byte_with_what_became_of_it(capsysbinary: Captured) -> None:
    is_proved, out, err = shown(journalled(*_JOURNAL), capsysbinary)
    assert is_proved
    assert out == b"\n".join([_FIRST, _FIRST, _SECOND, b""])
    first, second, third = err.splitlines()
    assert first.startswith(f"request 1, step 1, {len(_FIRST)} bytes, sha256 {sent(_FIRST).sha256}")
    assert first.endswith(", no usable answer: the endpoint answered 503")
    assert second == f"request 2, step 1, {len(_FIRST)} bytes, sha256 {sent(_FIRST).sha256}"
    assert third.endswith(", no usable answer: the endpoint did not answer within 30 s")


@pytest.mark.parametrize(
    ("changed", "unproved"),
    [
        ({"frame": _FRAME.model_copy(update={"opening": "Another alert."})}, 3),
        ({"frame": None}, 3),
        ({"reply": _JOURNAL[0].reply.model_copy(update={"text": "It was said otherwise."})}, 1),
        ({"reply": told(HEALTH, _FIRST + b" ", "answered 503", lost=_FIRST)}, 1),
    ],
)
def test_a_changed_journal_is_not_shown_as_sent(
    capsysbinary: Captured, changed: dict[str, object], unproved: int
) -> None:
    """Its control is the test above: the journal as it was is shown whole."""
    is_proved, out, err = shown(journalled(_JOURNAL[0].model_copy(update=changed), *_JOURNAL[1:]), capsysbinary)
    assert not is_proved
    assert err.count("not shown: what the journal gives does not have this hash") == unproved
    assert out.count(b"\n") == 3 - unproved
    assert set(out.splitlines()) <= {_FIRST, _SECOND}


def test_one_step_is_shown_with_its_numbers_among_all(capsysbinary: Captured) -> None:
    _, out, err = shown(journalled(*_JOURNAL), capsysbinary, only_step=2)
    assert out == _SECOND + b"\n"
    assert err.startswith("request 3, step 2, ")


def test_a_step_for_which_nothing_is_recorded_is_told_apart_from_one_that_does_not_exist(
    capsysbinary: Captured,
) -> None:
    is_proved, out, err = shown(journalled(*_JOURNAL), capsysbinary, only_step=3)
    assert (is_proved, out) == (True, b"")
    assert err.startswith("no request to a model is recorded here")
    with pytest.raises(typer.BadParameter, match=r"has no step 4: it has 1, 2, 3$") as refused:
        print_sent(journalled(*_JOURNAL), _INCIDENT.incident_id, only_step=4)
    assert refused.value.exit_code == 2
    with pytest.raises(typer.BadParameter, match="has no step 1: it has none yet"):
        print_sent(journalled(), _INCIDENT.incident_id, only_step=1)


def test_what_a_triage_that_broke_may_have_sent_is_said_to_be_unknown_too(capsysbinary: Captured) -> None:
    redis, broken = journalled(*_JOURNAL), {"ending": Ending.INTERNAL_ERROR}
    result = result_of(_INCIDENT)
    for update, is_told in (({}, False), (broken, True)):
        stored = result.model_copy(update=update).model_dump_json()
        redis.hset(incident_key(_INCIDENT.incident_id), "result", stored)
        assert ("before a triage broke off" in shown(redis, capsysbinary)[2]) is is_told


@pytest.mark.parametrize(("state", "epoch"), [("CLAIMED", 1), ("NEW", 1), ("CLOSED", 2)])
def test_what_a_lost_claim_may_have_sent_is_said_to_be_unknown(capsysbinary: Captured, state: str, epoch: int) -> None:
    _, _, err = shown(journalled(*_JOURNAL, state=state, epoch=epoch), capsysbinary)
    assert f"claims: {epoch}, {state}; what was sent last before a triage broke off" in err
    assert "before a triage broke off" not in shown(journalled(*_JOURNAL), capsysbinary)[2]


def test_an_unknown_incident_gets_the_hint_that_show_gives() -> None:
    redis, detector = FakeRedis(decode_responses=True), PatternDetector(RedactionRules())
    with pytest.raises(FirstlineError, match="look at `firstline status`") as refused:
        print_sent(redis, "inc-nothing", only_step=None)
    with pytest.raises(FirstlineError) as of_show:
        entry_to_show(redis, "inc-nothing", vault=None, detector=detector, reveal_why=None)
    assert str(refused.value) == str(of_show.value)
