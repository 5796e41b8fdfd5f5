"""Dead letters: kept with their reason, escalated in the same step, and put away only with a word of why."""

from typing import Any

from redis import Redis

from tests.fakes import an_incident
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM, incident_key
from worker.contract.result import Disposition, TriageResult
from worker.registry.dead_letters import DeadLetters


def results(redis: Any) -> list[TriageResult]:
    return [TriageResult.model_validate_json(fields["result"]) for _, fields in redis.xrange(RESULTS_STREAM)]


def test_what_is_buried_is_kept_and_escalated(redis: Redis) -> None:
    letters = DeadLetters(redis)
    entry_id = letters.bury("poison", content=b"\xff\x00", found_in="triage.p1", detail="no JSON")
    letter = letters.find(entry_id)
    assert letter is not None
    assert (letter.reason, letter.content, letter.content_bytes) == ("poison", b"\xff\x00", 2)
    (result,) = results(redis)
    assert result.disposition is Disposition.DEAD_LETTERED
    assert letter.incident_id == result.incident.incident_id


def test_the_same_content_found_twice_escalates_as_one_case(redis: Redis) -> None:
    letters = DeadLetters(redis)
    for _ in range(2):
        letters.bury("poison", content=b"42", found_in="triage.p1", detail="")
    assert len({result.incident.incident_id for result in results(redis)}) == 1


def test_a_large_content_is_kept_by_its_head_its_size_and_its_hash(redis: Redis) -> None:
    letters = DeadLetters(redis)
    letter = letters.find(letters.bury("poison", content=b"x" * 1_000_000, found_in="triage.p1", detail=""))
    assert letter is not None
    assert (len(letter.content), letter.content_bytes, len(letter.content_sha256)) == (262_144, 1_000_000, 64)


def test_an_unreadable_entry_is_closed_in_the_same_step(redis: Redis) -> None:
    incident_id = an_incident().incident_id
    redis.hset(incident_key(incident_id), mapping={"incident": "{", "state": "NEW"})
    redis.zadd(OPEN_INCIDENTS, {incident_id: 1})
    DeadLetters(redis).bury(
        "unreadable_entry", content=b"{", found_in="the registry", detail="", closes_incident_id=incident_id
    )
    assert redis.hget(incident_key(incident_id), "state") == "CLOSED"
    assert redis.zcard(OPEN_INCIDENTS) == 0


def test_a_letter_that_is_removed_leaves_a_word_of_who_and_why(redis: Any) -> None:
    letters = DeadLetters(redis)
    entry_id = letters.bury("poison", content=b"42", found_in="triage.p1", detail="")
    letters.remove(entry_id, action="dropped", person="ann", why="a test")
    assert letters.find(entry_id) is None
    (audit,) = redis.xrange("firstline:dead-letters:audit")
    assert audit[1] == {"entry_id": entry_id, "action": "dropped", "person": "ann", "why": "a test"}
