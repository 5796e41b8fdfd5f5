"""The restart command killed, frozen and asked twice at once: never a second restart, whatever the moment.

The last tests are the control: copies with one check taken out, in which the same faults do restart twice or too late.
"""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.target.rig import FENCE, Target, order

pytestmark = [pytest.mark.integration, pytest.mark.faults]

FREEZE_BEFORE_THE_FIRST_LINE = ["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh"]


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(folder=tmp_path).install()


def ended(*asked: subprocess.Popen[str]) -> list[int]:
    """Wait for the end of them all and return their exit codes."""
    for one in asked:
        one.communicate(timeout=30)
    return [one.returncode for one in asked]


def wait_for_freeze(pid: int) -> None:
    give_up = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "T":
        assert time.monotonic() < give_up, "not frozen within 10 s"
        time.sleep(0.01)


def ask_frozen_past_its_time(target: Target) -> int:
    """Freeze a caller before its first line, let the order's time pass, let it go on; return its exit code."""
    asked = target.begin(order(seconds_left=0.4), *FREEZE_BEFORE_THE_FIRST_LINE)
    wait_for_freeze(asked.pid)
    time.sleep(0.5)
    asked.send_signal(signal.SIGCONT)
    return ended(asked)[0]


def ask_twice_at_once(target: Target, *requests: str) -> list[int]:
    """Send both while a restart lasts; return their exit codes."""
    target.hold.touch()
    first = target.begin(requests[0])
    target.wait_for("start")
    second = target.begin(requests[1])
    time.sleep(0.5)
    target.hold.unlink()
    return ended(first, second)


def test_the_same_order_many_times_at_once_restarts_once(target: Target) -> None:
    request = order()
    codes = ended(*[target.begin(request) for _ in range(8)])
    assert codes.count(0) == 1
    assert set(codes) <= {0, 11, 14}
    assert target.notes("start") == 1


def test_another_order_is_refused_while_a_restart_lasts(target: Target) -> None:
    assert ask_twice_at_once(target, order("inc-1", 1), order("inc-2", 2)) == [0, 14]
    assert target.ask(order("inc-2", 2)).returncode == 0


def test_a_kill_during_the_restart_leaves_an_order_that_is_refused_for_ever(target: Target) -> None:
    target.hold.touch()
    asked = target.begin(order())
    target.wait_for("start")
    asked.kill()
    ended(asked)
    target.hold.unlink()
    target.wait_for("end")
    assert json.loads(target.ledger.read_text().splitlines()[0])["outcome"] == "ordered"
    assert target.ask(order("inc-1", 2)).returncode == 11
    assert target.notes("start") == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_any_moment_never_makes_a_second_restart(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for trial in range(6):
        folder = tmp_path / str(trial)
        folder.mkdir()
        target = Target(folder=folder).install()
        request = order()
        asked = target.begin(request)
        time.sleep(chance.uniform(0, 0.12))
        asked.kill()
        ended(asked)
        again = [target.ask(request).returncode, target.ask(order(fence=2)).returncode]
        assert target.notes("start") <= 1
        assert again in ([0, 11], [11, 11])


def test_a_caller_frozen_past_its_time_is_refused_when_it_goes_on(target: Target) -> None:
    assert ask_frozen_past_its_time(target) == 13
    assert not target.effects.exists()


def test_a_client_that_has_gone_does_not_keep_the_outcome_from_the_record(target: Target) -> None:
    target.hold.touch()
    asked = target.begin(order())
    target.wait_for("start")
    for pipe in (asked.stdout, asked.stderr):
        assert pipe is not None
        pipe.close()
    target.hold.unlink()
    assert asked.wait(30) == 0
    assert json.loads(target.ledger.read_text().splitlines()[0])["outcome"] == "done"


def test_a_restart_whose_outcome_cannot_be_recorded_is_still_told_and_never_repeated(target: Target) -> None:
    target.hold.touch()
    asked = target.begin(order())
    target.wait_for("start")
    obstacle = target.ledger.with_name("orders.new")
    obstacle.mkdir()
    target.hold.unlink()
    said, warning = asked.communicate(timeout=30)
    assert (asked.returncode, said.split()[0]) == (0, "restarted")
    assert "could not be recorded" in warning
    obstacle.rmdir()
    assert target.ask(order("inc-1", 2)).returncode == 11


def without(folder: Path, check: str) -> Target:
    """Return a server whose restart command lacks one line."""
    text = FENCE.read_text()
    assert text.count(check) == 1
    program = folder / "weakened"
    program.write_text(text.replace(check.strip(), "pass"))
    return Target(folder=folder, program=program).install()


def test_control_without_its_memory_the_same_order_restarts_twice(tmp_path: Path) -> None:
    target = without(tmp_path, "        refuse_repeated(order, records)\n")
    request = order()
    assert [target.ask(request).returncode, target.ask(request).returncode] == [0, 0]
    assert target.notes("start") == 2


def test_control_without_the_write_ahead_a_kill_makes_a_second_restart(tmp_path: Path) -> None:
    target = without(tmp_path, "        write_ledger(ledger, [*records, record])\n")
    target.hold.touch()
    asked = target.begin(order())
    target.wait_for("start")
    asked.kill()
    ended(asked)
    target.hold.unlink()
    assert target.ask(order()).returncode == 0
    assert target.notes("start") == 2


def test_control_without_the_lock_two_restarts_overlap(tmp_path: Path) -> None:
    target = without(tmp_path, "            fcntl.flock(ledger, fcntl.LOCK_EX | fcntl.LOCK_NB)\n")
    assert ask_twice_at_once(target, order("inc-1", 1), order("inc-2", 2)) == [0, 0]
    words = [json.loads(line)[0] for line in target.effects.read_text().splitlines()]
    assert words == ["start", "start", "end", "end"]


def test_control_without_the_clock_a_frozen_caller_restarts_too_late(tmp_path: Path) -> None:
    text = FENCE.read_text()
    program = tmp_path / "weakened"
    program.write_text(text.replace("> order.not_after", "is None"))
    target = Target(folder=tmp_path, program=program).install()
    assert ask_frozen_past_its_time(target) == 0
    assert target.notes("start") == 1


def test_control_without_the_command_every_call_restarts(target: Target) -> None:
    for _ in range(2):
        subprocess.run([target.stub, "payments.service"], env=dict(os.environ), check=True)
    assert target.notes("start") == 2
