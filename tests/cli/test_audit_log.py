"""The audit at the command line: orders are written before they are done, and the log can be checked and exported."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis
from typer.testing import CliRunner

from tests.redis_servers import redis_fixture, valkey_fixture
from worker.bootstrap import make_guard
from worker.cli import audit_log
from worker.cli.audit import audited, write_audit, written_whatever_comes
from worker.cli.audit_commands import audit
from worker.cli.audit_log import export, selection, verify
from worker.cli.failures import Unconfirmed
from worker.cli.restarts import halt
from worker.contract.queue import AUDIT_STREAM
from worker.errors import FirstlineError
from worker.guardrails.policy import Policy
from worker.registry.audit import AuditAction, AuditEntry, AuditLog, Place
from worker.registry.recording import ResultsRecorder
from worker.settings import RedisSettings

__all__ = ["redis_fixture", "valkey_fixture"]

INCIDENT = "inc-" + "a" * 20
EVERYTHING = selection(since=None, until=None, incident_id=None)


@pytest.fixture
def settings(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> RedisSettings:
    """Settings whose Redis is the test's."""
    monkeypatch.setattr(audit_log, "connect", lambda _: redis)
    return RedisSettings(_env_file=None)


def actions(redis: Any) -> list[str]:
    return [fields["action"] for _, fields in redis.xrange(AUDIT_STREAM)]


def refuse_to_write(redis: Any) -> None:
    redis.delete(AUDIT_STREAM)
    redis.set(AUDIT_STREAM, "another's")


def order(redis: Redis, act: Callable[[], object]) -> None:
    with audited(redis, action=AuditAction.RESUME, why="over"):
        act()


def test_an_order_is_written_before_it_is_done(redis: Redis) -> None:
    seen: list[list[str]] = []
    order(redis, lambda: seen.append(actions(redis)))
    assert seen == [["resume"]]
    assert actions(redis) == ["resume"]


def test_an_order_that_can_not_be_written_is_not_done(redis: Redis) -> None:
    done: list[str] = []
    refuse_to_write(redis)
    with pytest.raises(Unconfirmed, match="Nothing was done, for who ordered it could not be written down"):
        order(redis, lambda: done.append("resumed"))
    assert done == []
    redis.delete(AUDIT_STREAM)
    order(redis, lambda: done.append("resumed"))
    assert done == ["resumed"], "the control"


def test_an_order_that_is_refused_leaves_its_refusal_too(redis: Any) -> None:
    def refuse() -> None:
        raise FirstlineError("Restarts are not halted.")

    with pytest.raises(FirstlineError, match="not halted"):
        order(redis, refuse)
    assert actions(redis) == ["resume", "refusal"]
    assert redis.xrange(AUDIT_STREAM)[1][1]["why"] == "resume: Restarts are not halted."


def test_the_kill_switch_never_waits_for_the_audit(redis: Redis) -> None:
    done: list[str] = []
    refuse_to_write(redis)
    with (
        pytest.raises(Unconfirmed, match="a worker will write it into the audit"),
        written_whatever_comes(redis, action=AuditAction.HALT, why="fire"),
    ):
        done.append("halted")
    assert done == ["halted"]


def test_a_kill_switch_whose_answer_was_lost_is_written_all_the_same(redis: Redis) -> None:
    with (
        pytest.raises(Unconfirmed, match="not known"),
        written_whatever_comes(redis, action=AuditAction.HALT, why="fire"),
    ):
        raise Unconfirmed("It is not known whether restarts are halted.")
    assert actions(redis) == ["halt"]


def halted(redis: Redis) -> None:
    halt(make_guard(redis, Policy(), worker="somebody at the command line"), "fire")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_halt_is_written_once_by_its_command_and_by_who_reads_the_journal(redis: Redis, is_first: bool) -> None:
    with written_whatever_comes(redis, action=AuditAction.HALT, why="fire"):
        halted(redis)
        if is_first:
            ResultsRecorder(redis).record()
    ResultsRecorder(redis).record()
    assert actions(redis) == ["halt"]


def test_a_halt_whose_command_died_is_written_all_the_same(redis: Redis) -> None:
    halted(redis)
    ResultsRecorder(redis).record()
    assert actions(redis) == ["halt"]


def test_two_halts_for_one_reason_are_two_entries(redis: Redis) -> None:
    """The control of the tests above."""
    for _ in range(2):
        with written_whatever_comes(redis, action=AuditAction.HALT, why="fire"):
            halted(redis)
    ResultsRecorder(redis).record()
    assert actions(redis) == ["halt", "halt"]


def fill(redis: Redis) -> None:
    write_audit(redis, action=AuditAction.REVEAL, incident_id=INCIDENT, why="=HYPERLINK(1)")
    AuditLog(redis).append(AuditEntry(action="decision", at=datetime(2020, 1, 1, tzinfo=UTC)))


def test_a_whole_log_is_told_with_its_anchor(
    redis: Redis, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(redis)
    verify(settings, [], as_json=False)
    told = capsys.readouterr().out
    assert "2 entries, each chained to the one before" in told
    assert "only an anchor that is kept elsewhere tells" in told
    anchor = Place.read(told.splitlines()[-1].removeprefix("anchor "))
    verify(settings, [anchor], as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "is_whole": True,
        "entries": 2,
        "unchained": 0,
        "unchained_are_covered": False,
        "anchor": str(anchor),
        "flaw": None,
        "flaws": [],
    }


def test_a_broken_log_is_an_error_that_names_the_place(
    redis: Any, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(redis)
    redis.xdel(AUDIT_STREAM, redis.xrange(AUDIT_STREAM)[0][0])
    with pytest.raises(FirstlineError, match="entry 2 stands where entry 1 belongs"):
        verify(settings, [], as_json=True)
    assert json.loads(capsys.readouterr().out)["is_whole"] is False


def test_an_export_can_be_opened_in_a_spreadsheet_and_ends_with_the_anchor(
    redis: Redis, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(redis)
    export(settings, EVERYTHING, as_csv=True)
    said = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["action"] for row in rows] == ["reveal", "decision"]
    assert rows[0]["why"] == "'=HYPERLINK(1)"
    assert [row["chained"] for row in rows] == ["yes", "yes"]
    assert said.err.splitlines()[-1] == f"anchor 2:{rows[1]['hash']}"


def test_an_export_tells_which_secrets_are_set_and_no_secret(
    redis: Redis, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"openai_api_key": "from not set to set", "redaction_keys": "set", "max_steps": "12", "password": "hunter2"}
    AuditLog(redis).append(AuditEntry(action="configuration", details=told))
    AuditLog(redis).append(AuditEntry(action="configuration", details={"redis_url": "redis://x:6379, account set"}))
    export(settings, EVERYTHING, as_csv=False)
    first, second = (json.loads(json.loads(line)["details"]) for line in capsys.readouterr().out.splitlines())
    assert first == told | {"password": "[PASSWORD]"}
    assert second == {"redis_url": "redis://x:6379, account set"}


@pytest.mark.parametrize("details", ["password=hunter2", '["password=hunter2"]', '{"password": ["hunter2"]}'])
def test_details_that_the_desk_did_not_write_are_masked_too(
    redis: Any, settings: RedisSettings, capsys: pytest.CaptureFixture[str], details: str
) -> None:
    redis.xadd(AUDIT_STREAM, {"action": "configuration", "details": details})
    export(settings, EVERYTHING, as_csv=False)
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert "[PASSWORD]" in shown


def test_what_is_left_of_a_broken_log_is_told_in_words(redis: Any, settings: RedisSettings) -> None:
    fill(redis)
    anchor = Place(2, "a" * 64)
    with pytest.raises(FirstlineError, match=r"written anew, from there or before\. Entries in one .*: 1\."):
        verify(settings, [anchor], as_json=False)
    redis.delete(AUDIT_STREAM)
    with pytest.raises(FirstlineError, match=r"The log is empty, but the note beside it .* before that: 0\."):
        verify(settings, [], as_json=False)


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (EVERYTHING, ["reveal", "decision"]),
        (selection(since=None, until=None, incident_id=INCIDENT), ["reveal"]),
        (selection(since=datetime(2021, 1, 1), until=None, incident_id=None), ["reveal"]),  # noqa: DTZ001 - as typed
        (selection(since=None, until=datetime(2021, 1, 1, tzinfo=UTC), incident_id=None), ["decision"]),
    ],
)
def test_entries_are_chosen_by_time_and_incident(
    redis: Redis,
    settings: RedisSettings,
    capsys: pytest.CaptureFixture[str],
    chosen: audit_log.Selection,
    left: list[str],
) -> None:
    fill(redis)
    export(settings, chosen, as_csv=False)
    assert [json.loads(line)["action"] for line in capsys.readouterr().out.splitlines()] == left


def test_what_has_no_hash_and_is_not_covered_is_an_error_and_marked_in_the_export(
    redis: Any, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    redis.xadd(AUDIT_STREAM, {"action": "approve", "person": "root", "why": b"\xff"})
    with pytest.raises(FirstlineError, match=r"What stands in front without a hash.*Nothing mends it by itself"):
        verify(settings, [], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["is_whole"], told["unchained"], told["unchained_are_covered"]) == (False, 1, False)
    export(settings, EVERYTHING, as_csv=False)
    assert json.loads(capsys.readouterr().out)["chained"] == "no"
    fill(redis)
    verify(settings, [], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["is_whole"], told["unchained"], told["unchained_are_covered"]) == (True, 1, True)


def test_an_empty_log_has_no_anchor_to_keep(settings: RedisSettings, capsys: pytest.CaptureFixture[str]) -> None:
    verify(settings, [], as_json=False)
    assert "The audit is empty" in capsys.readouterr().out
    export(settings, EVERYTHING, as_csv=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("anchors", "sentence"),
    [
        (["0:" + "0" * 64], "an anchor is SEQUENCE:HASH"),
        (["-1:" + "0" * 64], "an anchor is SEQUENCE:HASH"),
        (["nonsense"], "an anchor is SEQUENCE:HASH"),
        (["3:" + "a" * 64, "3:" + "b" * 64], "two anchors of entry 3 contradict each other"),
    ],
)
def test_anchors_that_make_no_sense_are_refused_with_a_sentence(anchors: list[str], sentence: str) -> None:
    given = [part for anchor in anchors for part in ("--anchor", anchor)]
    answer = CliRunner().invoke(audit, ["verify", *given], env={"COLUMNS": "300"})
    assert answer.exit_code == 2
    assert sentence in answer.output
