"""Dead letters: kept with their reason, escalated in the same step, and put away only with a word of why."""

from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tests.fakes import an_incident
from worker.contract.queue import DEAD_LETTERS, OPEN_INCIDENTS, RESULTS_STREAM, incident_key
from worker.contract.result import Disposition, TriageResult
from worker.registry.dead_letters import AUDIT, DeadLetters


def results(redis: Any) -> list[TriageResult]:
    return [TriageResult.model_validate_json(fields["result"]) for _, fields in redis.xrange(RESULTS_STREAM)]


def test_what_is_buried_is_kept_and_escalated(redis: Redis) -> None:
    letters = DeadLetters(redis)
    entry_id = letters.bury("poison", content=b"{]", found_in="triage.p1", detail="no JSON")
    letter = letters.find(entry_id)
    assert letter is not None
    assert (letter.reason, letter.content, letter.content_bytes) == ("poison", b"{]", 2)
    (result,) = results(redis)
    assert result.disposition is Disposition.DEAD_LETTERED
    assert letter.incident_id == result.incident.incident_id


def test_what_is_buried_is_masked_wherever_it_is_told(redis: Any) -> None:
    said = "password=hunter2 from 10.1.2.3"
    DeadLetters(redis).bury("poison", content=said.encode(), found_in="triage.p1", detail=said)
    (letter,) = DeadLetters(redis).newest(1)
    assert letter.content.decode() == letter.detail == "password=[PASSWORD] from [IP_ADDRESS]"
    (result,) = results(redis)
    assert "hunter2" not in result.model_dump_json()
    assert "10.1.2.3" not in result.model_dump_json()


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
    assert letters.remove(entry_id, action="dropped", person="ann", why="a test")
    assert letters.find(entry_id) is None
    (audit,) = redis.xrange(AUDIT)
    assert audit[1] == {"entry_id": entry_id, "action": "dropped", "person": "ann", "why": "a test"}


def test_a_letter_is_removed_once_and_the_second_is_told(redis: Any) -> None:
    letters = DeadLetters(redis)
    entry_id = letters.bury("poison", content=b"42", found_in="triage.p1", detail="")
    answers = [letters.remove(entry_id, action="replayed", person=person, why="a test") for person in ("ann", "bob")]
    assert answers == [True, False]
    assert [fields["person"] for _, fields in redis.xrange(AUDIT)] == ["ann"]


def test_a_letter_stays_where_the_word_about_it_cannot_be_written(redis: Any) -> None:
    letters = DeadLetters(redis)
    entry_id = letters.bury("poison", content=b"42", found_in="triage.p1", detail="")
    redis.set(AUDIT, "no stream")
    with pytest.raises(ResponseError):
        letters.remove(entry_id, action="dropped", person="ann", why="a test")
    assert letters.find(entry_id) is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "odd", "content": "%%%", "content_bytes": "many"},
        {"reason": "odd", "content": "caf\u00e9", "content_bytes": "-1"},
        {"reason": "odd", "content_bytes": "9" * 5_000},
        {"nothing": "of a letter"},
    ],
)
def test_a_letter_that_nobody_here_wrote_hides_no_other(redis: Any, fields: dict[str, str]) -> None:
    letters = DeadLetters(redis)
    ours = letters.bury("poison", content=b"42", found_in="triage.p1", detail="")
    odd = redis.xadd(DEAD_LETTERS, fields)
    assert [letter.entry_id for letter in letters.newest(10)] == [odd, ours]
    found = letters.find(odd)
    assert found is not None
    assert found.content == fields.get("content", "").encode()
    assert found.content_bytes == len(found.content)


def test_a_letter_with_an_id_that_is_no_time_can_be_listed_and_removed(redis: Any) -> None:
    letters = DeadLetters(redis)
    odd = redis.xadd(DEAD_LETTERS, {"reason": "odd"}, id=f"{2**63}-1")
    (letter,) = letters.newest(1)
    assert letter.found_at.year == 1970
    assert letters.remove(odd, action="dropped", person="ann", why="a test")
