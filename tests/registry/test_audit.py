"""The audit: one chain under many writers, and whatever is done to it is seen."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fakeredis import FakeRedis
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.retry import Retry

from tests.programs import wait_until
from worker.contract.queue import AUDIT_IDS, AUDIT_STREAM
from worker.errors import FirstlineError
from worker.registry.audit import NOTHING_BEFORE, AuditEntry, AuditLog, Place, hash_of
from worker.registry.audit_chain import Verdict, judged


def entry(number: int = 1, **changes: Any) -> AuditEntry:
    told: dict[str, Any] = {"action": "reveal", "why": f"reason {number}", "entry_id": f"word:{number}"}
    return AuditEntry(**(told | changes))


def filled(redis: Redis, count: int = 5) -> AuditLog:
    log = AuditLog(redis)
    for number in range(1, count + 1):
        log.append(entry(number))
    return log


def verdict(redis: Redis, *anchors: Place) -> Verdict:
    log = AuditLog(redis)
    return judged(log.entries(), noted=log.noted(), anchors=anchors)


def stored(redis: Any) -> list[tuple[str, dict[str, str]]]:
    entries: list[tuple[str, dict[str, str]]] = redis.xrange(AUDIT_STREAM)
    return entries


def rewrite(redis: Any, entries: list[tuple[str, dict[str, str]]]) -> None:
    redis.delete(AUDIT_STREAM)
    for stream_id, fields in entries:
        redis.xadd(AUDIT_STREAM, fields, id=stream_id)


def test_each_entry_is_chained_to_the_one_before(redis: Redis) -> None:
    filled(redis)
    entries = [fields for _, fields in stored(redis)]
    assert [fields["sequence"] for fields in entries] == ["1", "2", "3", "4", "5"]
    assert entries[0]["previous"] == NOTHING_BEFORE.hash
    assert [fields["previous"] for fields in entries[1:]] == [fields["hash"] for fields in entries[:-1]]
    found = verdict(redis)
    assert (found.flaw, found.entries, found.unchained) == (None, 5, 0)
    assert found.end == Place(5, entries[-1]["hash"])


def test_an_entry_sent_again_after_a_lost_answer_is_written_once(redis: Redis) -> None:
    log = filled(redis, 2)
    again = AuditLog(redis)
    assert again.append(entry(1)).sequence == 1
    assert log.append(entry(2)).sequence == 2
    assert len(stored(redis)) == 2
    assert log.append(entry(3)).sequence == 3
    assert verdict(redis).flaw is None


def test_without_its_id_the_same_words_are_another_entry(redis: Redis) -> None:
    """The control of the test above."""
    log = AuditLog(redis)
    log.append(AuditEntry(action="reveal", why="once"))
    log.append(AuditEntry(action="reveal", why="once"))
    assert len(stored(redis)) == 2


def write_at_once(redis: Redis, *, writers: int, each: int) -> list[Exception]:
    failures: list[Exception] = []
    start = threading.Barrier(writers)

    def write(writer: int) -> None:
        log = AuditLog(redis)
        start.wait()
        for number in range(each):
            try:
                log.append(entry(entry_id=f"word:{writer}:{number}"))
            except Exception as error:  # noqa: BLE001 - the thread's own boundary: the test looks at them
                failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.integration
def test_many_writers_at_once_make_one_chain_that_misses_nothing(valkey: Redis) -> None:
    assert write_at_once(valkey, writers=16, each=25) == []
    found = verdict(valkey)
    assert (found.flaw, found.entries) == (None, 400)
    assert len({fields["entry_id"] for _, fields in stored(valkey)}) == 400


def test_several_at_once_keep_their_order_and_those_that_stand_there_already_their_place(redis: Redis) -> None:
    log, other = AuditLog(redis), AuditLog(redis)
    log.append_all([entry(1), entry(2)])
    other.append(entry(3))
    log.append_all([entry(2), entry(4), entry(1), entry(5)])
    log.append_all([])
    assert [fields["entry_id"] for _, fields in stored(redis)] == [f"word:{number}" for number in range(1, 6)]
    assert verdict(redis).flaw is None


def test_the_chain_goes_on_where_its_end_is_lost_and_something_else_was_added_behind_it(redis: Any) -> None:
    filled(redis, 2)
    redis.hdel(AUDIT_IDS, "head")
    redis.xadd(AUDIT_STREAM, {"another's": "entry"})
    assert AuditLog(redis).append(entry(3)).sequence == 3


def test_what_another_writer_was_first_with_is_not_overwritten(redis: Redis) -> None:
    slow, quick = AuditLog(redis), AuditLog(redis)
    slow.append(entry(1))
    quick.append(entry(2))
    slow.append(entry(3))
    assert [fields["why"] for _, fields in stored(redis)] == ["reason 1", "reason 2", "reason 3"]
    assert verdict(redis).flaw is None


def test_a_writer_that_did_not_look_at_the_end_breaks_the_chain(redis: Any) -> None:
    """The control of the tests above: two entries made for one place, written without the script."""
    filled(redis, 1)
    end = verdict(redis).end
    for number in (2, 3):
        redis.xadd(AUDIT_STREAM, entry(number).fields(end))
    assert "entry 2 stands where entry 3 belongs" in (verdict(redis).flaw or "")


def test_an_end_that_never_stands_still_is_given_up_and_nothing_is_written(redis: Redis) -> None:
    other, pauses = AuditLog(redis), list[float]()

    class Overtaken(AuditEntry):
        def fields(self, before: Place) -> dict[str, str]:
            other.append(AuditEntry(action="reveal"))
            return super().fields(before)

    log = AuditLog(redis, tries=4, pause=pauses.append)
    with pytest.raises(FirstlineError, match="too many write there at once"):
        log.append(Overtaken(action="halt"))
    assert len(pauses) == 3
    assert {fields["action"] for _, fields in stored(redis)} == {"reveal"}
    assert verdict(redis).flaw is None


def test_entries_from_before_the_chain_are_kept_and_named(redis: Any) -> None:
    old = {"at": "2026-01-01T00:00:00+00:00", "person": "ann", "host": "h", "action": "reveal", "why": "x"}
    redis.xadd(AUDIT_STREAM, old)
    redis.xadd(AUDIT_STREAM, old)
    before = verdict(redis)
    assert "What stands in front without a hash (2 in all) is covered by no entry" in (before.flaw or "")
    filled(redis, 3)
    found = verdict(redis)
    assert (found.flaw, found.entries, found.unchained, found.are_covered) == (None, 4, 2, True)
    assert [fields["action"] for _, fields in stored(redis)][2:] == ["migration", *["reveal"] * 3]


def put_in_front(redis: Any) -> None:
    entries = stored(redis)
    rewrite(redis, [("1-1", {"action": "approve", "person": "root", "why": "I was here"}), *entries])


def test_an_entry_without_a_hash_that_was_put_in_front_is_a_flaw(redis: Any) -> None:
    filled(redis, 3)
    put_in_front(redis)
    filled(redis, 4)
    found = verdict(redis)
    assert "What stands in front without a hash (1 in all) is covered by no entry" in (found.flaw or "")
    assert (found.unchained, found.are_covered) == (1, False)


def test_the_first_entry_covers_what_was_there_when_it_was_written_and_nothing_else(redis: Any) -> None:
    redis.xadd(AUDIT_STREAM, {"action": "reveal", "person": "ann", "why": "x"})
    filled(redis, 2)
    assert verdict(redis).flaw is None, "the control"
    put_in_front(redis)
    assert "covers other entries without a hash than the 2 before it" in (verdict(redis).flaw or "")
    rewrite(redis, [each for each in stored(redis) if "hash" in each[1]])
    assert "covers other entries without a hash than the 0 before it" in (verdict(redis).flaw or "")


@pytest.mark.parametrize("what", ["its note", "its note's words"])
def test_an_end_that_was_cut_off_is_seen_without_its_note(redis: Any, what: str) -> None:
    filled(redis)
    rewrite(redis, stored(redis)[:3])
    if what == "its note":
        redis.hdel(AUDIT_IDS, "head")
    else:
        redis.hset(AUDIT_IDS, "head", f"3:{stored(redis)[-1][1]['hash']}")
    flaws = " ".join(verdict(redis).flaws)
    assert ("The note of the end beside the log is missing" in flaws) is (what == "its note")
    assert "Entries are noted beside the log that are not there, 2 in all: word:4 (entry 4), word:5 (entry 5)" in flaws


@pytest.mark.parametrize("garbage", ["garbage", "99:zz", "", b"\xff\xfe", "-1:" + "0" * 64])
def test_an_unreadable_note_of_the_end_stops_no_work_is_named_and_is_mended(redis: Any, garbage: str) -> None:
    log = filled(redis, 3)
    redis.hset(AUDIT_IDS, "head", garbage)
    assert verdict(redis).flaws == (
        "The note of the end beside the log can't be read; the next entry that is written mends it.",
    )
    assert AuditLog(redis).append(entry(4)).sequence == 4
    redis.hset(AUDIT_IDS, "head", garbage)
    log.append_all([entry(5), entry(6)])
    assert (verdict(redis).flaws, verdict(redis).entries) == ((), 6)


@pytest.mark.parametrize("is_noted", [True, False])
@pytest.mark.parametrize("sequence", ["999999999999999", "1000000000000"])
def test_an_entry_that_somebody_numbered_beyond_all_others_stops_no_work_and_is_named(
    redis: Any, sequence: str, is_noted: bool
) -> None:
    log = AuditLog(redis)
    log.append(entry(1))
    redis.xadd(AUDIT_STREAM, {"sequence": sequence, "hash": "a" * 64})
    if not is_noted:
        redis.hdel(AUDIT_IDS, "head")
    assert [log.append(entry(number)).sequence for number in (2, 3)] == [2, 3]
    assert AuditLog(redis).append(entry(4)).sequence == 4
    assert verdict(redis).flaws


def test_a_damaged_place_of_one_id_stops_no_work_and_is_named(redis: Any) -> None:
    log = filled(redis, 3)
    redis.hset(AUDIT_IDS, "word:2", "garbage")
    log.append_all([entry(2), entry(4)])
    assert log.append(entry(2)).sequence == 4
    assert "entry 2 is not the one that was noted beside the log" in (verdict(redis).flaw or "")


def test_every_broken_place_is_named_and_bytes_that_are_no_text_stop_nothing(redis: Any) -> None:
    filled(redis)
    entries: Any = stored(redis)
    entries[1][1]["why"] = b"\xff\xfe"
    del entries[3]
    rewrite(redis, entries)
    redis.hset(AUDIT_IDS, "head", "garbage")
    flaws = verdict(redis).flaws
    assert [
        part in flaw for part, flaw in zip(["entry 2 was changed", "entry 5 stands where entry 4"], flaws, strict=False)
    ] == [True, True]
    assert "can't be read" in flaws[2]
    assert "word:4" in flaws[3]
    assert verdict(redis).entries == 1


def changed(entries: list[tuple[str, dict[str, str]]]) -> None:
    entries[2][1]["why"] = "another reason"


def changed_with_its_hash(entries: list[tuple[str, dict[str, str]]]) -> None:
    entries[2][1]["why"] = "another reason"
    entries[2][1]["hash"] = hash_of(entries[2][1])


def with_a_field_more(entries: list[tuple[str, dict[str, str]]]) -> None:
    entries[2][1]["approved_by"] = "ann"


def deleted(entries: list[tuple[str, dict[str, str]]]) -> None:
    del entries[2]


def trimmed(entries: list[tuple[str, dict[str, str]]]) -> None:
    del entries[:2]


def reordered(entries: list[tuple[str, dict[str, str]]]) -> None:
    (second, third) = (entries[1][1], entries[2][1])
    entries[1], entries[2] = (entries[1][0], third), (entries[2][0], second)


def without_hash(entries: list[tuple[str, dict[str, str]]]) -> None:
    del entries[2][1]["hash"]


def cut(entries: list[tuple[str, dict[str, str]]]) -> None:
    del entries[3:]


@pytest.mark.parametrize(
    ("damage", "flaw"),
    [
        (changed, "entry 3 was changed"),
        (changed_with_its_hash, "entry 3 is not the one that was noted beside the log"),
        (with_a_field_more, "entry 3 was changed"),
        (deleted, "entry 4 stands where entry 3 belongs"),
        (trimmed, "entry 3 stands where entry 1 belongs"),
        (reordered, "entry 3 stands where entry 2 belongs"),
        (without_hash, "an entry without a hash stands where entry 3 belongs"),
        (cut, "ends with entry 3, but the note beside it knows entry 5"),
    ],
)
def test_the_first_broken_place_is_named(
    redis: Redis, damage: Callable[[list[tuple[str, dict[str, str]]]], None], flaw: str
) -> None:
    """Its control is the same log without the damage, above."""
    filled(redis)
    entries = stored(redis)
    damage(entries)
    rewrite(redis, entries)
    assert flaw in (verdict(redis).flaw or "")


def test_only_an_anchor_kept_elsewhere_tells_an_end_that_was_cut_off_with_its_note(redis: Any) -> None:
    log = filled(redis)
    anchor = verdict(redis).end
    entries = stored(redis)[:3]
    rewrite(redis, entries)
    redis.hdel(AUDIT_IDS, "word:4", "word:5")
    redis.hset(AUDIT_IDS, "head", f"3:{entries[-1][1]['hash']}")
    assert verdict(redis).flaw is None, "nothing in Redis tells it"
    assert "ends with entry 3, but the anchor knows entry 5" in (verdict(redis, anchor).flaw or "")
    for number in range(7, 10):
        log.append(entry(number))
    assert verdict(redis).flaw is None
    assert "entry 5 is not the anchor's" in (verdict(redis, anchor).flaw or "")


def test_a_log_that_goes_on_after_its_end_was_cut_shows_the_gap(redis: Redis) -> None:
    log = filled(redis)
    rewrite(redis, stored(redis)[:3])
    log.append(entry(6))
    assert "entry 6 stands where entry 4 belongs" in (verdict(redis).flaw or "")


def test_a_lost_note_beside_the_log_does_not_break_the_chain(redis: Redis) -> None:
    filled(redis)
    redis.delete(AUDIT_IDS)
    assert AuditLog(redis).append(entry(6)).sequence == 6
    assert verdict(redis).flaw is None


def test_an_empty_log_is_whole_and_an_emptied_one_is_not(redis: Redis) -> None:
    assert verdict(redis).flaw is None
    filled(redis, 2)
    redis.delete(AUDIT_STREAM)
    assert "The log is empty, but the note beside it knows entry 2" in (verdict(redis).flaw or "")


def test_secrets_and_control_characters_do_not_get_in_and_texts_are_bounded(redis: Redis) -> None:
    log = AuditLog(redis)
    details = {"file": "password=hunter2", "long": "x" * 9_999}
    log.append(entry(why="password=hunter2 \x1b[31m " + "y" * 9_999, person="p" * 9_999, details=details))
    ((_, fields),) = stored(redis)
    whole = "".join(fields.values())
    assert "hunter2" not in whole
    assert "\x1b" not in whole
    assert len(whole) < 4_000
    assert verdict(redis).flaw is None


def test_a_key_of_another_kind_refuses_the_entry_and_nothing_is_written(redis: Any) -> None:
    redis.set(AUDIT_IDS, "another's")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        AuditLog(redis).append(entry())
    assert redis.xlen(AUDIT_STREAM) == 0


class LosesAnswers(FakeRedis):
    """Carries every script out; with `is_cut_off` nobody hears of it once something was written."""

    is_cut_off = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if self.is_cut_off and str(args[0]).startswith("EVAL") and answer[0] == "written":
            raise RedisConnectionError("Connection closed by server.")
        return answer


def test_a_lost_answer_raises_and_the_entry_may_stand() -> None:
    redis = LosesAnswers(decode_responses=True, retry=Retry(NoBackoff(), 0))
    log = AuditLog(redis)
    redis.is_cut_off = True
    with pytest.raises(RedisConnectionError):
        log.append(entry(1))
    redis.is_cut_off = False
    assert log.append(entry(1)).sequence == 1
    assert len(stored(redis)) == 1


@pytest.mark.parametrize(
    "text", ["", "5", "x:" + "0" * 64, "5:" + "g" * 64, "5:abc", "0:" + "a" * 64, "-1:" + "0" * 64, "1_0:" + "0" * 64]
)
def test_what_is_no_anchor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an anchor is SEQUENCE:HASH, a number from 1 on"):
        Place.read(text)


WRITER = """
import sys
from redis import Redis
from worker.registry.audit import AuditEntry, AuditLog
log = AuditLog(Redis(port=int(sys.argv[1]), decode_responses=True))
while True:
    log.append_all([AuditEntry(action="reveal"), AuditEntry(action="halt")])
"""


@pytest.mark.integration
@pytest.mark.parametrize("entries", [5, 40])
def test_writers_that_are_killed_leave_a_whole_chain(valkey: Any, entries: int) -> None:
    port = str(valkey.connection_pool.connection_kwargs["port"])
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, port]) for _ in range(2)]
    try:
        wait_until(lambda: valkey.xlen(AUDIT_STREAM) >= entries, seconds=30)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    AuditLog(valkey).append(entry())
    found = verdict(valkey)
    assert (found.flaw, found.entries) == (None, valkey.xlen(AUDIT_STREAM))
