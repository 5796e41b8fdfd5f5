"""What the restart command on a server does and refuses, one order after the other."""

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.target.rig import UNIT, Target, fence_module, order

pytestmark = pytest.mark.integration


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(folder=tmp_path).install()


def refused(done: subprocess.CompletedProcess[str], code: int) -> bool:
    """Whether it was refused with this code and exactly one line."""
    return done.returncode == code and not done.stdout and done.stderr.count("\n") == 1


def outcomes(target: Target) -> list[str]:
    return [json.loads(line)["outcome"] for line in target.ledger.read_text().splitlines()[:-1]]


def test_an_order_restarts_the_fixed_unit_once_and_says_when(target: Target) -> None:
    before = datetime.now(UTC)
    done = target.ask(order())
    word, _, moment = done.stdout.strip().partition(" ")
    assert (done.returncode, word, done.stderr) == (0, "restarted", "")
    assert before < datetime.fromisoformat(moment) < datetime.now(UTC)
    assert json.loads(target.effects.read_text().splitlines()[0])[1] == [UNIT]
    assert outcomes(target) == ["done"]


def test_an_incident_is_refused_for_ever_even_with_a_new_fence(target: Target) -> None:
    target.ask(order("inc-1", 1))
    assert refused(target.ask(order("inc-1", 2)), 11)
    target.ask(order("inc-2", 3))
    assert refused(target.ask(order("inc-1", 4)), 11)
    assert target.notes("start") == 2


@pytest.mark.parametrize("fence", [7, 6, 1])
def test_a_fence_not_above_the_last_is_refused(target: Target, fence: int) -> None:
    target.ask(order("inc-1", 7))
    assert refused(target.ask(order("inc-2", fence)), 12)
    assert target.notes("start") == 1


def test_fences_are_numbers_and_not_text(target: Target) -> None:
    target.ask(order("inc-1", 9))
    assert target.ask(order("inc-2", 10)).returncode == 0


def test_an_order_whose_time_is_past_is_refused_and_leaves_no_trace(target: Target) -> None:
    empty = target.ledger.read_bytes()
    assert refused(target.ask(order(seconds_left=-0.001)), 13)
    assert target.ledger.read_bytes() == empty
    assert target.ask(order()).returncode == 0


@pytest.mark.parametrize(
    ("fence", "seconds_left"),
    [(999_999_999_999_999_999, 30), (int(1000 * (time.time() + 90_000)), 30), (1, 90_000)],
    ids=["fence without end", "fence of the day after tomorrow", "order of the day after tomorrow"],
)
def test_what_is_more_than_a_day_ahead_is_refused_and_closes_the_server_to_nobody(
    target: Target, fence: int, seconds_left: float
) -> None:
    empty = target.ledger.read_bytes()
    assert refused(target.ask(order("inc-1", fence, seconds_left=seconds_left)), 16)
    assert target.ledger.read_bytes() == empty
    assert target.ask(order("inc-2", int(1000 * time.time()))).returncode == 0


def test_an_order_is_good_up_to_the_microsecond_that_it_names() -> None:
    fence = fence_module()
    leave = fence.read_order("restart inc-1 1 2026-11-22T09:00:00.5Z")
    assert leave.not_after == datetime(2026, 11, 22, 9, 0, 0, 500_000, tzinfo=UTC)
    fence.refuse_late(leave, leave.not_after)
    with pytest.raises(fence.Refused):
        fence.refuse_late(leave, leave.not_after + timedelta(microseconds=1))


@pytest.mark.parametrize(
    "not_after", ["1795338000", "1795338000.0", "2026-11-22T09:00:00Z", "2026-11-22T09:00:00.000+00:00"]
)
def test_the_time_may_come_as_epoch_seconds_or_as_iso_in_utc(not_after: str) -> None:
    read = fence_module().read_order(f"restart inc-1 1 {not_after}")
    assert read.not_after == datetime(2026, 11, 22, 9, 0, 0, tzinfo=UTC)


def test_a_server_without_a_ledger_refuses(tmp_path: Path) -> None:
    target = Target(folder=tmp_path).install()
    target.ledger.unlink()
    assert refused(target.ask(order()), 15)
    target.ledger.parent.rmdir()
    assert refused(target.ask(order()), 15)
    assert not target.effects.exists()


def test_a_ledger_damaged_or_cut_anywhere_refuses(target: Target) -> None:
    target.ask(order("inc-1", 8))
    whole = target.ledger.read_bytes()
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 23)]
    cut = [whole[:length] for length in (*range(0, len(whole), 29), len(whole) - 1)]
    for damaged in (*flipped, *cut, whole + whole, b"\0" * len(whole)):
        target.ledger.write_bytes(damaged)
        assert refused(target.ask(order("inc-2", 9)), 15)
        assert target.ledger.read_bytes() == damaged
    assert target.notes("start") == 1


def test_an_order_that_cannot_be_written_down_is_not_carried_out(target: Target) -> None:
    target.ledger.with_name("orders.new").mkdir()
    assert refused(target.ask(order()), 15)
    assert not target.effects.exists()


def test_a_full_disk_refuses(target: Target) -> None:
    no_byte_more = ["/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh"]
    with target.begin(order(), *no_byte_more) as asked:
        _, complaint = asked.communicate(timeout=30)
    assert asked.returncode == 15, complaint
    assert not target.effects.exists()
    assert target.ask(order()).returncode == 0


def test_a_state_that_exists_is_never_begun_anew(target: Target) -> None:
    target.ask(order())
    kept = target.ledger.read_bytes()
    assert refused(target.ask("", "--create-state"), 15)
    assert target.ledger.read_bytes() == kept


def test_a_failing_service_manager_is_reported_in_its_words_and_never_asked_again(tmp_path: Path) -> None:
    failing = "sys.stderr.write('Job for payments\\x1b[31m failed.\\nSee the journal.'); sys.exit(5)"
    target = Target(folder=tmp_path).install(ending=failing)
    done = target.ask(order())
    assert refused(done, 20)
    assert done.stderr == "failed: exit code 5: Job for payments?[31m failed. See the journal.\n"
    assert refused(target.ask(order("inc-1", 2)), 11)
    assert outcomes(target) == ["failed"]


def test_a_service_manager_that_says_much_is_not_held_up_and_its_newest_words_are_told(tmp_path: Path) -> None:
    wordy = "sys.stderr.write('x' * 1_000_000 + ' y' * 500 + ' the disk is full.'); sys.stderr.flush(); note('said'); "
    target = Target(folder=tmp_path).install(ending=f"{wordy}sys.exit(5)")
    done = target.ask(order(), "--timeout-seconds", "10")
    assert refused(done, 20)
    assert done.stderr.endswith(" y y the disk is full.\n")
    assert len(done.stderr) < 400
    assert target.notes("said") == 1


def test_a_child_that_keeps_the_service_manager_s_stderr_does_not_keep_the_answer(tmp_path: Path) -> None:
    lingering = "os.fork() or time.sleep(20); sys.stderr.write('no'); sys.exit(os.getpid() == 0)"
    target = Target(folder=tmp_path).install(ending=lingering)
    began = time.monotonic()
    assert target.ask(order(), "--timeout-seconds", "15").returncode == 0
    assert time.monotonic() - began < 10


def test_a_service_manager_that_is_missing_has_failed(target: Target) -> None:
    target.stub.unlink()
    assert refused(target.ask(order()), 20)


def test_a_service_manager_that_does_not_answer_leaves_the_outcome_unknown(target: Target) -> None:
    target.hold.touch()
    assert refused(target.ask(order(), "--timeout-seconds", "0.5"), 21)
    assert outcomes(target) == ["unknown"]
    assert refused(target.ask(order("inc-1", 2)), 11)


def test_a_service_manager_ended_by_a_signal_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    target = Target(folder=tmp_path).install(ending="os.kill(os.getpid(), 9)")
    assert refused(target.ask(order()), 21)


def test_the_status_names_what_is_known_and_nothing_else(target: Target) -> None:
    shown = target.folder / "show"
    shown.write_text("#!/bin/sh\necho ActiveState=active\necho MainPID=42\necho Environment=PASSWORD=x\n")
    shown.chmod(0o755)
    done = target.ask("status", "--status-command", str(shown))
    known = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert known.keys() == {"Unit", "ActiveState", "MainPID", "Now", "NowMonotonic"}
    assert not target.effects.exists()


def test_a_status_that_cannot_be_had_is_a_failure(target: Target) -> None:
    assert refused(target.ask("status", "--status-command", "/nonexistent"), 20)


def test_the_newest_thousand_orders_are_kept(target: Target) -> None:
    fence = fence_module()
    records = [fence.Record(f"inc-{number}", number, "2026-11-22T09:00:00Z", "done") for number in range(1, 1501)]
    with fence.locked(str(target.ledger.parent)) as ledger:
        fence.write_ledger(ledger, records)
        assert fence.read_ledger(ledger) == records[500:]
    assert refused(target.ask(order("inc-501", 1501)), 11)
    assert refused(target.ask(order("inc-1", 1)), 12)
