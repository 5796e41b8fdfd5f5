"""Each answer to an order or a status, judged: what happened, what did not, and what nobody knows. Without an sshd."""

from datetime import datetime, timedelta

import pytest

from tests.fakes import START, FakeClock
from worker.clock import SystemClock
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.ssh import SshAnswer, SshHost
from worker.infrastructure.ssh_restart import SshRestart
from worker.ports import Clock, RestartOrder

CLOCK = SystemClock()


def an_order() -> RestartOrder:
    not_after = CLOCK.now() + timedelta(seconds=30)
    return RestartOrder(incident_id="inc-1", fence=1, not_after=not_after, give_up_at=CLOCK.monotonic_seconds() + 30)


class Answering(SshHost):
    """Gives an order one answer."""

    def __init__(self, answer: SshAnswer) -> None:
        self.name = "ssh to 127.0.0.1"
        self._answer = answer

    def order(self, request: str, *, timeout_seconds: float) -> SshAnswer:
        return self._answer


def answered(answer: SshAnswer, *, clock: Clock = CLOCK) -> SshRestart:
    return SshRestart("web-01", ssh=Answering(answer), restart_seconds=20, clock=clock)


AUTHENTICATED = 'Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "publickey".'


@pytest.mark.parametrize(
    "said",
    [
        "failed: exit code 1: Failed to restart payments.service: Permission denied",
        "ssh: connect to host x port 22: Connection refused",
        "firstline@10.0.0.1: Permission denied (publickey).",
        "Host key verification failed.",
        "Connection closed by 10.0.0.1 port 22",
    ],
)
@pytest.mark.parametrize("log", [(), (AUTHENTICATED,), (AUTHENTICATED, "Connection to 10.0.0.1 port 22: Broken pipe")])
def test_words_of_the_command_that_look_like_ssh_s_own_do_not_make_it_undone(said: str, log: tuple[str, ...]) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        answered(SshAnswer(255, b"", (said,), log=log)).restart(an_order())
    assert not isinstance(raised.value, OrderRefused)


def test_ssh_s_own_words_before_a_session_make_it_undone_and_no_code_but_its_own_does() -> None:
    log = ("kex_exchange_identification: read: Connection reset by peer", "Connection reset by 10.0.0.1 port 22")
    with pytest.raises(OrderRefused, match="it broke the connection off at once"):
        answered(SshAnswer(255, b"", log=log)).restart(an_order())
    for code in (None, 1, 2):
        with pytest.raises(SourceUnavailable) as raised:
            answered(SshAnswer(code, b"", log=log)).restart(an_order())
        assert not isinstance(raised.value, OrderRefused)


@pytest.mark.parametrize("code", [10, 11, 14, 16])
def test_a_refusal_s_code_without_its_word_leaves_it_open(code: int) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        answered(SshAnswer(code, b"", ("it went wrong",))).restart(an_order())
    assert not isinstance(raised.value, OrderRefused)


def status(now: datetime) -> SshAnswer:
    return SshAnswer(0, f"LoadState=loaded\nActiveState=active\nNow={now:%Y-%m-%dT%H:%M:%S.%f}Z\n".encode())


@pytest.mark.parametrize("seconds", [-4.9, 0, 4.9])
def test_a_clock_that_is_a_little_apart_is_no_failure(seconds: float) -> None:
    answer = status(START + timedelta(seconds=seconds))
    assert answered(answer, clock=FakeClock()).check() == "the restart command has its unit as active"


@pytest.mark.parametrize(
    ("seconds", "there"), [(-6, r"2026-\S+:59:54Z"), (6, r"2026-\S+:00:06Z"), (-200_000_000, r"2019-\S+Z|2020-\S+Z")]
)
def test_a_clock_that_is_apart_is_named_with_ours(seconds: float, there: str) -> None:
    answer = status(START + timedelta(seconds=seconds))
    ours = f"the worker's {START:%Y-%m-%dT%H:%M:%S}Z: set both by NTP"
    with pytest.raises(SourceUnavailable, match=rf"^The clock of web-01 says (?:{there}), and {ours}, for the time"):
        answered(answer, clock=FakeClock()).check()


@pytest.mark.parametrize("now", [b"soon", b"2026-13-01T00:00:00.000000Z", b"0"])
def test_a_time_that_can_t_be_is_named(now: bytes) -> None:
    with pytest.raises(SourceUnavailable, match="tells a time that can't be"):
        answered(SshAnswer(0, b"ActiveState=active\nNow=" + now + b"\n")).check()


def test_a_status_that_does_not_come_is_a_sentence() -> None:
    with pytest.raises(SourceUnavailable, match=r"did not answer in 15 s\.$"):
        answered(SshAnswer(None, b"")).check()
