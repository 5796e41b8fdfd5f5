"""Which incident a name stands for: one, or none with the reason."""

import io

import pytest
from fakeredis import FakeRedis

from worker.cli import queue_ids
from worker.cli.queue_ids import id_named, is_name, names_of, whole_id
from worker.contract.queue import WAITING_INCIDENTS
from worker.contract.result import Refusal
from worker.errors import FirstlineError
from worker.registry.handling_view import HandlingView
from worker.settings import RedisSettings

FIRST = "inc-0123456789abcdef0123"
SECOND = "inc-0123456780abcdef0123"
SIMILAR = [f"inc-aaaaaaaa{number:012x}" for number in range(7)]


@pytest.fixture
def handlings() -> HandlingView:
    redis = FakeRedis(decode_responses=True)
    redis.zadd(WAITING_INCIDENTS, dict.fromkeys([FIRST, SECOND, *SIMILAR, "inc-0123456789abcd \x1b[2J"], 1))
    return HandlingView(redis)


@pytest.mark.parametrize("name", [FIRST, FIRST[:14], FIRST[:-1], f" {FIRST}\n"])
def test_a_whole_id_and_a_beginning_that_fits_one_name_it(handlings: HandlingView, name: str) -> None:
    assert id_named(handlings, name) == FIRST


def test_a_whole_id_is_looked_up_nowhere() -> None:
    gone = HandlingView(FakeRedis(decode_responses=True, connected=False))
    assert id_named(gone, FIRST) == FIRST


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        (FIRST[:12], "ambiguous", f"{FIRST[:12]} may be {SECOND}, {FIRST}: give more of the id."),
        (SIMILAR[0][:12], "ambiguous", f"{SIMILAR[4]}, and 2 more: give more of the id."),
        ("inc-ffffffff", "unknown", "begins with inc-ffffffff: give the whole id"),
        ("", "no_id", "An incident's id is missing: `firstline queue` lists the ids"),
        ("inc-0123456", "no_id", "'inc-0123456' is no incident's id: "),
        ("inc-0123456*", "no_id", "'inc-0123456*' is no incident's id: "),
        (f"{FIRST} {SECOND}", "no_id", f"'{FIRST} {SECOND}' is no incident's id: "),
        ("inc-\x1b[2J\n", "no_id", r"'inc-\x1b[2J' is no incident's id: "),
        ("x" * 5_000, "no_id", "is no incident's id: "),
    ],
)
def test_what_names_no_incident_is_refused_with_what_helps(
    handlings: HandlingView, name: str, reason: str, detail: str
) -> None:
    refused = id_named(handlings, name)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert detail in refused.detail
    assert refused.detail.isprintable()
    assert len(refused.detail) < 250


def test_a_pipe_gives_ids_as_first_words_or_in_json() -> None:
    lines = io.BytesIO(
        f'{FIRST}  claimed, by ann\n\n{{"incident_id": "{SECOND}", "state": "open"}}\n{{}}\n'.encode() + b"\xff\n[1]\n"
    )
    assert list(names_of(["a", "-", "b"], lines)) == ["a", FIRST, SECOND, "", r"\xff", "[1]", "b"]


def test_without_a_dash_the_pipe_is_left_alone() -> None:
    lines = io.BytesIO(b"inc-x\n")
    assert list(names_of(["a"], lines)) == ["a"]
    assert lines.read() == b"inc-x\n"


@pytest.mark.parametrize(("text", "expected"), [(FIRST, True), (FIRST[:12], True), ("see inc-01234567", False)])
def test_a_note_that_is_an_id_is_known_as_one(text: str, *, expected: bool) -> None:
    assert is_name(text) is expected


def test_show_approve_and_reject_take_a_beginning_too_and_leave_other_words_to_their_reader(
    handlings: HandlingView, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RedisSettings.model_validate({"redis_url": "redis://127.0.0.1:1/0"})
    monkeypatch.setattr(queue_ids, "connect", lambda _: handlings._redis)
    assert whole_id(settings, FIRST[:14]) == FIRST
    assert [whole_id(settings, name) for name in (FIRST, "", "inc-1", "payment-server-01")] == [
        FIRST, "", "inc-1", "payment-server-01",
    ]  # fmt: skip
    with pytest.raises(FirstlineError, match="give more of the id"):
        whole_id(settings, FIRST[:12])
