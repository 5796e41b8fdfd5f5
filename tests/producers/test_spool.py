"""The spool: its yes comes after the disk's, what waits is shipped in order until it is taken, and nothing is lost."""

import errno
import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from producers import Answer, IntakeUnavailable
from producers.settings import ProducerConfigurationError
from producers.spool import Spool, open_spool
from producers.spool.segment import HEAD_BYTES, Segment
from producers.spool.series import PAGE_ALERTS
from tests.producers.spool_fakes import FakeDoor, firing, over
from worker.contract import Alert, Incident, Severity


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor()


def ship_all(spool: Spool) -> None:
    for _ in range(10_000):
        if spool.shipper.ship_page() is None:
            return
    raise AssertionError("the spool does not get empty")


def spooled(spool: Spool, *alerts: Alert) -> None:
    assert [verdict.answer for verdict in spool.take_in(alerts)] == [Answer.SPOOLED] * len(alerts)


def fails_to_sync(descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.jsonl"))


@contextmanager
def files_limited_to(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False, capture_output=True)
    if mount.returncode:
        pytest.skip("a file system of 64 KiB can't be mounted here: run as root on Linux")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_spooled_alerts_are_shipped_whole_and_in_order_and_their_segment_is_deleted(
    tmp_path: Path, door: FakeDoor
) -> None:
    spool = Spool(tmp_path, door)
    alerts = [firing(number) for number in range(3)]
    spooled(spool, *alerts, over(alerts[0]))
    assert door.taken == []
    ship_all(spool)
    assert door.taken == [*alerts, over(alerts[0])]
    spool.close()
    assert segments(tmp_path) == []


def test_what_is_spooled_is_on_the_disk_and_the_next_process_ships_it(tmp_path: Path, door: FakeDoor) -> None:
    alerts = [firing(1), firing(2, Severity.CRITICAL)]
    spooled(Spool(tmp_path, FakeDoor()), *alerts)
    ship_all(Spool(tmp_path, door))
    assert door.taken == [alerts[1], alerts[0]]


def test_nothing_is_sent_twice_by_a_process_that_goes_on_in_the_middle_of_a_segment(
    tmp_path: Path, door: FakeDoor
) -> None:
    alerts = [firing(number) for number in range(2 * PAGE_ALERTS)]
    spool = Spool(tmp_path, door)
    spooled(spool, *alerts)
    spool.shipper.ship_page()
    ship_all(Spool(tmp_path, door))
    assert [len(batch) for batch in door.batches] == [PAGE_ALERTS] * 2
    assert door.taken == alerts


def test_a_segment_stays_until_every_alert_of_it_had_its_verdict(tmp_path: Path, door: FakeDoor) -> None:
    spool = Spool(tmp_path, door)
    spooled(spool, firing(1), firing(2))
    door.is_away = True
    assert spool.shipper.ship_page()
    spool.tidy()
    assert len(segments(tmp_path)) == 1
    door.is_away = False
    ship_all(spool)
    spool.tidy()
    assert segments(tmp_path) == []


def test_what_intake_has_no_room_for_stays_and_is_tried_again(tmp_path: Path, door: FakeDoor) -> None:
    door.room = 2
    alerts = [firing(number) for number in range(4)]
    spool = Spool(tmp_path, door)
    spooled(spool, *alerts)
    assert [bool(spool.shipper.ship_page()) for _ in range(2)] == [True, True]
    assert spool.outage_seconds() is None
    assert [len(batch) for batch in door.batches] == [4, 2]
    door.room = 2
    ship_all(Spool(tmp_path, door))
    assert door.taken == alerts


def test_a_firing_and_its_end_are_never_sent_together_for_the_firing_may_find_no_room(
    tmp_path: Path, door: FakeDoor
) -> None:
    door.room = 0
    spool = Spool(tmp_path, door)
    spooled(spool, firing(1), firing(1), over(firing(1)), firing(2))
    spool.shipper.ship_page()
    assert door.taken == []
    door.room = 2
    ship_all(spool)
    assert door.taken == [firing(1), over(firing(1)), firing(2)]


def test_a_critical_alert_waits_for_one_page_at_the_most_behind_10_000_warnings(tmp_path: Path, door: FakeDoor) -> None:
    spool = Spool(tmp_path, door)
    spooled(spool, *(firing(number) for number in range(10_000)))
    spool.shipper.ship_page()
    critical = firing(-1, Severity.CRITICAL)
    spooled(spool, critical)
    spool.shipper.ship_page()
    assert door.taken[PAGE_ALERTS:] == [critical]
    ship_all(spool)
    assert len(door.taken) == 10_001


def test_the_end_of_a_critical_alert_comes_after_it_and_that_of_a_warning_after_the_warning(
    tmp_path: Path, door: FakeDoor
) -> None:
    spool = Spool(tmp_path, door)
    warning, critical = firing(1), firing(2, Severity.CRITICAL)
    spooled(spool, warning, over(warning), critical, over(critical))
    ship_all(spool)
    assert door.taken == [critical, over(critical), warning, over(warning)]


@pytest.mark.parametrize("cut_bytes", [1, 2, 50, 200])
def test_a_record_that_was_cut_is_left_out_and_those_before_it_are_shipped(
    tmp_path: Path, door: FakeDoor, cut_bytes: int
) -> None:
    spooled(Spool(tmp_path, FakeDoor()), firing(1), firing(2))
    [segment] = segments(tmp_path)
    os.truncate(segment, segment.stat().st_size - cut_bytes)
    spool = Spool(tmp_path, door)
    with capture_logs() as logs:
        ship_all(spool)
    spool.close()
    assert door.taken == [firing(1)]
    assert [entry["event"] for entry in logs] == ["spool.torn_record_left_out"]
    assert segments(tmp_path) == []


def test_wherever_a_kill_cuts_the_last_write_all_records_before_it_are_shipped(tmp_path: Path) -> None:
    spool = Spool(tmp_path, FakeDoor())
    spooled(spool, firing(1))
    [segment] = segments(tmp_path)
    promised_bytes = segment.stat().st_size
    spooled(spool, firing(2))
    content = segment.read_bytes()
    (tmp_path / "cut").mkdir()
    for size_bytes in range(promised_bytes, len(content) + 1):
        (tmp_path / "cut" / segment.name).write_bytes(content[:size_bytes])
        door = FakeDoor()
        spool = Spool(tmp_path / "cut", door)
        ship_all(spool)
        assert door.taken == [firing(1), firing(2)][: 1 + (size_bytes == len(content))]
        assert list((tmp_path / "cut").iterdir()) == []


@pytest.mark.parametrize("size_bytes", [HEAD_BYTES, HEAD_BYTES - 1, 0])
def test_a_segment_that_was_cut_to_nothing_stops_nobody(tmp_path: Path, door: FakeDoor, size_bytes: int) -> None:
    spooled(Spool(tmp_path, FakeDoor()), firing(1))
    os.truncate(segments(tmp_path)[0], size_bytes)
    spool = Spool(tmp_path, door)
    spooled(spool, firing(2))
    ship_all(spool)
    assert door.taken == [firing(2)]


def damage_a_letter(content: bytes) -> bytes:
    return content.replace(b"server-2", b"server-3", 1)


def damage_with_a_line(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:2], b"a note of mine\n", *lines[3:]])


def damage_with_zeros(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:2], bytes(len(lines[2]) - 1) + b"\n", *lines[3:]])


def decode_without_a_check(line: bytes) -> Alert | None:
    return Incident.model_validate(json.loads(line)["alert"]) if line.endswith(b"}\n") else None


@pytest.mark.parametrize("damage", [damage_a_letter, damage_with_a_line, damage_with_zeros])
def test_of_a_damaged_segment_what_can_be_read_is_shipped_and_the_rest_is_kept_and_reported(
    tmp_path: Path, door: FakeDoor, damage: Callable[[bytes], bytes]
) -> None:
    spooled(Spool(tmp_path, FakeDoor()), firing(1), firing(2), firing(4))
    [segment] = segments(tmp_path)
    segment.write_bytes(damage(segment.read_bytes()))
    damaged_lines = segment.read_bytes().splitlines()[1:]
    spool = Spool(tmp_path, door)
    with capture_logs() as logs:
        ship_all(spool)
    spool.close()

    assert door.taken == [firing(1), firing(4)]
    [entry] = logs
    assert (entry["event"], entry["log_level"]) == ("spool.segment_damaged", "error")
    assert (tmp_path / entry["kept_as"]).read_bytes().splitlines()[1:] == damaged_lines
    assert segments(tmp_path) == []

    next_spool = Spool(tmp_path, door)
    spooled(next_spool, firing(5))
    ship_all(next_spool)
    assert door.taken[-1] == firing(5)
    assert (tmp_path / entry["kept_as"]).exists()


def test_control_without_the_checksum_an_alert_that_nobody_sent_is_shipped(
    tmp_path: Path, door: FakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    spooled(Spool(tmp_path, FakeDoor()), firing(1), firing(2), firing(4))
    [segment] = segments(tmp_path)
    segment.write_bytes(damage_a_letter(segment.read_bytes()))
    monkeypatch.setattr("producers.spool.segment.decode", decode_without_a_check)
    ship_all(Spool(tmp_path, door))
    assert [alert.server_id for alert in door.taken] == ["server-1", "server-3", "server-4"]


def test_damage_is_remembered_by_a_process_that_goes_on_behind_it(tmp_path: Path, door: FakeDoor) -> None:
    spooled(Spool(tmp_path, FakeDoor()), *(firing(number) for number in range(PAGE_ALERTS + 2)))
    [segment] = segments(tmp_path)
    segment.write_bytes(damage_a_letter(segment.read_bytes()))
    Spool(tmp_path, door).shipper.ship_page()
    ship_all(Spool(tmp_path, door))
    assert len(door.taken) == PAGE_ALERTS + 1
    assert len(list(tmp_path.glob("*.damaged"))) == 1


def test_a_head_that_lies_costs_duplicates_and_no_alert(tmp_path: Path, door: FakeDoor) -> None:
    spooled(Spool(tmp_path, FakeDoor()), firing(1))
    [segment] = segments(tmp_path)
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"shipped":"0000', b'"shipped":"0009', 1))
    ship_all(Spool(tmp_path, door))
    assert door.taken == [firing(1)]


def test_a_segment_that_somebody_deleted_is_reported_and_the_rest_goes_on(tmp_path: Path, door: FakeDoor) -> None:
    spooled(Spool(tmp_path, FakeDoor()), firing(1))
    spool = Spool(tmp_path, door)
    segments(tmp_path)[0].unlink()
    spooled(spool, firing(2))
    with capture_logs() as logs:
        ship_all(spool)
    assert door.taken == [firing(2)]
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("spool.segment_lost", "error")]


def test_no_yes_is_said_for_a_segment_that_was_deleted_while_it_was_in_use(tmp_path: Path, door: FakeDoor) -> None:
    spool = Spool(tmp_path, door)
    spooled(spool, firing(1))
    segments(tmp_path)[0].unlink()
    with pytest.raises(IntakeUnavailable):
        spool.take_in([firing(2)])
    spooled(spool, firing(2))
    ship_all(spool)
    assert door.taken == [firing(2)]


def test_a_write_that_the_disk_refuses_is_a_no_and_leaves_nothing_half(tmp_path: Path, door: FakeDoor) -> None:
    spool = Spool(tmp_path, door)
    spooled(spool, firing(1))
    [segment] = segments(tmp_path)
    before = segment.read_bytes()
    with files_limited_to(len(before) + 100), pytest.raises(IntakeUnavailable, match=r"can't be written.*make room"):
        spool.take_in([firing(2), firing(3)])
    assert segment.read_bytes() == before
    spooled(spool, firing(4))
    ship_all(spool)
    assert door.taken == [firing(1), firing(4)]


def test_a_sync_that_fails_is_a_no_and_the_next_segment_goes_on(
    tmp_path: Path, door: FakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, door)
    spooled(spool, firing(1))
    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", fails_to_sync)
        with pytest.raises(IntakeUnavailable, match="Input/output error"):
            spool.take_in([firing(2)])
        with pytest.raises(IntakeUnavailable, match="Input/output error"):
            spool.take_in([firing(3)])
    spooled(spool, firing(4))
    ship_all(spool)
    assert door.taken == [firing(1), firing(4)]


def test_nobody_but_the_owner_may_read_what_is_spooled(tmp_path: Path, door: FakeDoor) -> None:
    with open_spool(tmp_path / "new" / "spool", FakeDoor(room=0)) as spool:
        spooled(spool, firing(1))
    assert (tmp_path / "new" / "spool").stat().st_mode & 0o777 == 0o700
    [segment] = segments(tmp_path / "new" / "spool")
    assert segment.stat().st_mode & 0o777 == 0o600


def test_control_a_write_that_is_not_cut_off_again_leaves_half_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Segment, "_cut_off_behind", lambda _segment, _end: None)
    spool = Spool(tmp_path, FakeDoor())
    spooled(spool, firing(1))
    [segment] = segments(tmp_path)
    with files_limited_to(segment.stat().st_size + 100), pytest.raises(IntakeUnavailable):
        spool.take_in([firing(2)])
    assert not segment.read_bytes().endswith(b"\n")


@pytest.mark.integration
def test_on_a_full_disk_there_is_no_false_yes_and_all_that_was_promised_is_shipped(
    small_disk: Path, door: FakeDoor
) -> None:
    spool = Spool(small_disk, door)
    promised, refused = list[Alert](), 0
    for number in range(300):
        try:
            spooled(spool, firing(number))
            promised.append(firing(number))
        except IntakeUnavailable:
            refused += 1
    assert len(promised) > 50
    assert refused > 50
    assert "can't be written (No space left on device)" in str(spool.unready())
    spool.close()

    again = Spool(small_disk, door)
    ship_all(again)
    again.tidy()
    assert door.taken == promised
    assert segments(small_disk) == []
    spooled(again, firing(1000))


@pytest.mark.integration
def test_a_disk_that_became_read_only_refuses_and_recovers(small_disk: Path, door: FakeDoor) -> None:
    spool = Spool(small_disk, door)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(IntakeUnavailable, match="Read-only file system"):
        spool.take_in([firing(1)])
    assert "Read-only" in str(spool.unready())
    with pytest.raises(ProducerConfigurationError, match="Read-only"), open_spool(small_disk, door):
        pass
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    assert spool.unready() is None
    spooled(spool, firing(1))


def test_past_its_limit_the_spool_refuses_until_it_has_been_shipped(tmp_path: Path, door: FakeDoor) -> None:
    spool = Spool(tmp_path, door, limit_bytes=4000)
    spooled(spool, *(firing(number) for number in range(3)))
    with pytest.raises(IntakeUnavailable, match="limit of 3600 bytes"):
        spool.take_in([firing(number) for number in range(10)])
    assert spool.size_bytes == sum(path.stat().st_size for path in segments(tmp_path)) <= 3600
    ship_all(spool)
    spool.tidy()
    assert len(door.taken) == 3
    assert segments(tmp_path) == []
    spooled(spool, *(firing(number) for number in range(3)))


def test_warnings_leave_a_tenth_of_the_limit_to_critical_alerts(tmp_path: Path, door: FakeDoor) -> None:
    spool = Spool(tmp_path, door, limit_bytes=10_000)
    number = 0
    while spool.size_bytes < 8500:
        spooled(spool, firing(number := number + 1))
    with pytest.raises(IntakeUnavailable, match="limit of 9000 bytes"):
        spool.take_in([firing(-1), firing(-2)])
    spooled(spool, firing(-1, Severity.CRITICAL), firing(-2))
    with pytest.raises(IntakeUnavailable, match="limit of 10000 bytes"):
        spool.take_in([firing(number, Severity.CRITICAL) for number in range(10)])


def test_a_long_spool_is_cut_into_segments_and_gives_its_room_back_while_it_is_shipped(
    tmp_path: Path, door: FakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.spool.series.SEGMENT_BYTES", 2000)
    spool = Spool(tmp_path, door)
    alerts = [firing(number) for number in range(20)]
    for alert in alerts:
        spooled(spool, alert)
    count = len(segments(tmp_path))
    assert count > 3
    spool.shipper.ship_page()
    assert len(segments(tmp_path)) == count - 1
    ship_all(spool)
    assert door.taken == alerts


def test_the_critical_alerts_that_wait_are_counted_until_they_end_or_are_shipped(
    tmp_path: Path, door: FakeDoor
) -> None:
    spool = Spool(tmp_path, door)
    first, second, third = (firing(number, Severity.CRITICAL) for number in range(3))
    spooled(spool, first, second, second, third, firing(4), over(third))
    assert len(spool.waiting_critical) == len(Spool(tmp_path, door).waiting_critical) == 2
    ship_all(spool)
    assert len(spool.waiting_critical) == 0


def test_a_directory_that_can_t_be_made_is_said_in_a_sentence(tmp_path: Path, door: FakeDoor) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProducerConfigurationError, match="can't be written"), open_spool(tmp_path / "file" / "x", door):
        pass
    with pytest.raises(ProducerConfigurationError, match="can't be written"), open_spool(tmp_path / "file", door):
        pass


def test_a_second_opener_of_a_directory_is_refused_and_may_come_later(tmp_path: Path, door: FakeDoor) -> None:
    second = open_spool(tmp_path, door)
    with open_spool(tmp_path, door), pytest.raises(ProducerConfigurationError, match="in use by another process"):
        second.__enter__()
    with open_spool(tmp_path, door):
        pass


def test_strangers_files_in_the_directory_are_left_alone(tmp_path: Path, door: FakeDoor) -> None:
    strangers = ["critical-1.jsonl", "critical-abc.jsonl", "notes.txt", "other-0000000000000001.jsonl.bak"]
    for name in strangers:
        (tmp_path / name).write_text("mine")
    spool = Spool(tmp_path, door)
    spooled(spool, firing(1))
    ship_all(spool)
    spool.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(strangers)
