"""What engineers say of the desk: the last word of each, with what it judges, and honest figures of few words."""

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from tests.escalation import builders
from worker.contract import Disposition, Ending
from worker.contract.handling import Action
from worker.contract.queue import FEEDBACK, incident_key
from worker.contract.result import TriageResult
from worker.registry.concluded import Concluded
from worker.registry.feedback import Judgement, Share, feedback, figures
from worker.registry.handling import Acted, Handlings


def judge(redis: Redis, number: int, action: Action, *, person: str = "ann", words: str = "", **changes: Any) -> None:
    handlings, result = Handlings(redis), builders.result(number, **changes)
    handlings.open(result)
    acted = handlings.act(result.incident.incident_id, action, person=person, words=words)
    assert isinstance(acted, Acted)


def newer(**changes: Any) -> TriageResult:
    """The result that takes the place of the first incident's."""
    return builders.result(1, finished_at=builders.result(1).finished_at + timedelta(minutes=1), **changes)


def words_of(redis: Redis) -> list[Judgement]:
    return sorted((judgement for _, judgement in feedback(redis)), key=lambda judgement: judgement.person)


def test_the_last_word_of_each_person_counts(redis: Redis) -> None:
    judge(redis, 1, Action.RIGHT)
    judge(redis, 1, Action.RIGHT, person="bob")
    judge(redis, 1, Action.WRONG, words="the disk was full")
    assert [(said.person, said.is_right, said.because) for said in words_of(redis)] == [
        ("ann", False, "the disk was full"),
        ("bob", True, ""),
    ]


def test_a_word_is_kept_with_what_it_judges(redis: Any) -> None:
    judge(redis, 1, Action.RIGHT, model="gpt-x", prompt_hash="abc", is_llm=True)
    (said,) = words_of(redis)
    concluded = said.concluded
    assert (concluded.model, concluded.prompt_hash, concluded.is_llm) == ("gpt-x", "abc", True)
    assert (concluded.disposition, concluded.ending) == (Disposition.ESCALATED, Ending.ESCALATED_BY_MODEL)
    assert redis.ttl(FEEDBACK) == -1, "it outlives the incident"


def test_a_newer_result_changes_no_word_on_the_one_before(redis: Redis) -> None:
    judge(redis, 1, Action.WRONG, words="the disk was full", model="first")
    Handlings(redis).open(newer(model="second"))
    assert [(said.is_right, said.concluded.model) for said in words_of(redis)] == [(False, "first")]
    judge(redis, 1, Action.RIGHT, person="bob", model="first")
    assert [said.concluded.model for said in words_of(redis)] == ["first", "second"], "bob saw the newer one"


def test_a_word_that_a_newer_result_overtakes_stays_with_what_was_read(redis: Redis) -> None:
    """The conclusion is replaced between its reading and the writing of the word."""

    class Overtaken(Handlings):
        def concluded(self, incident_id: str) -> Concluded | None:
            found = super().concluded(incident_id)
            Handlings(redis).open(newer(model="second"))
            return found

    Handlings(redis).open(builders.result(1, model="first"))
    incident_id = builders.result(1).incident.incident_id
    assert isinstance(Overtaken(redis).act(incident_id, Action.RIGHT, person="ann"), Acted)
    assert [said.concluded.model for said in words_of(redis)] == ["first"]
    now = Handlings(redis).concluded(incident_id)
    assert now is not None
    assert now.model == "second", "the control: it was replaced"


def test_what_needed_nobody_can_be_judged_and_still_waits_for_nobody(redis: Any) -> None:
    well = builders.result(1, disposition=Disposition.NO_ACTION)
    incident_id = well.incident.incident_id
    entry = {"incident": well.incident.model_dump_json(), "state": "CLOSED", "accepted_at": 1}
    redis.hset(incident_key(incident_id), mapping={**entry, "result": well.model_dump_json()})
    handlings = Handlings(redis)
    acted = handlings.act(incident_id, Action.WRONG, person="ann", words="it was down")
    assert isinstance(acted, Acted)
    assert (acted.state, handlings.count()) == (None, 0)
    assert [said.because for said in words_of(redis)] == ["it was down"]


def test_shares_are_told_by_model_disposition_ending_and_who_answered(redis: Redis) -> None:
    judge(redis, 1, Action.RIGHT, model="a", is_llm=True)
    judge(redis, 2, Action.WRONG, model="a", is_llm=True, words="no")
    judge(redis, 3, Action.RIGHT, model="rules")
    told = figures(words_of(redis))
    assert told["all"] == {"all": Share(2, 3)}
    assert told["model"] == {"a": Share(1, 2), "rules": Share(1, 1)}
    assert told["answered_by"] == {"a language model": Share(1, 2), "rules": Share(1, 1)}
    assert told["disposition"] == {"escalated": Share(2, 3)}
    assert told["ending"] == {"escalated_by_model": Share(2, 3)}


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [(Share(0, 0), 0, 1), (Share(1, 1), 0.207, 1), (Share(8, 10), 0.490, 0.943), (Share(0, 10), 0, 0.278)],
)
def test_few_words_make_a_wide_interval(share: Share, low: float, high: float) -> None:
    """The bounds are those of Wilson's interval in R: prop.test(8, 10, correct = FALSE)."""
    assert share.interval == pytest.approx((low, high), abs=0.001)


def test_what_can_not_be_read_hides_no_other(redis: Redis) -> None:
    redis.hset(FEEDBACK, mapping={"a": "x", "b": "1 {}", "c": "99999999999999999999 {}"})
    judge(redis, 1, Action.RIGHT)
    assert len(words_of(redis)) == 1
