"""The likely cause on a card: whose word it is, what of it was checked, and how far to trust it."""

import inspect
from typing import Any

import pytest

from tests.escalation.builders import HEALTH, SERVER, restart, result
from tests.escalation.kinds import SUSPICIONS
from worker import duty
from worker.contract import Ending
from worker.contract.result import RestartOutcome
from worker.escalation import as_text, card_of
from worker.escalation.advice import MAY_STAY_CLOSED
from worker.escalation.card_parts import Confidence
from worker.escalation.card_sentences import Sentence


def text_of(**changes: Any) -> str:
    return as_text(card_of(result(**changes)), 100)


def texts(sentences: tuple[Sentence, ...]) -> tuple[str, ...]:
    return tuple(sentence.text for sentence in sentences)


def test_the_card_says_whose_word_the_cause_is() -> None:
    assert "Likely cause (confidence high; by rules, no language model)" in text_of()
    assert "(confidence low; by gpt-4o, a language model)" in text_of(model="gpt-4o", is_llm=True)
    desk = text_of(model="gpt-4o", is_llm=True, ending=Ending.STEPS_SPENT, summary="The triage was stopped.")
    assert "Why it came to you (Firstline's word, not a model's)\n  The triage was stopped." in desk


HELD_BACK = (
    "Handed over because text in E2 tries to give instructions; without it, this would have ended as no_action: "
)
FRAMED = [
    (
        Ending.NO_USABLE_ANSWER,
        "It said nothing. The rules finished, without the right to restart: CPU is at 12 % [E1].",
        "by rules",
    ),
    (
        Ending.ALERTS_KEPT_COMING,
        "Alerts kept coming after each look; the last one said: CPU is at 12 % [E1].",
        "by gpt-4o",
    ),
    (
        Ending.ESCALATED_BY_MODEL,
        "By Firstline's own record no restart was done in this triage. gpt-4o says, unverified: “CPU is at 12 % [E1].”",
        "by gpt-4o",
    ),
    (
        Ending.HOSTILE_TEXT,
        f"{HELD_BACK}No restart was done. gpt-4o says, unverified: “CPU is at 12 % [E1].”",
        "by gpt-4o",
    ),
]


@pytest.mark.parametrize(("ending", "summary", "said_by"), FRAMED)
def test_the_words_of_a_model_are_taken_out_of_the_desk_s_own_and_checked(
    ending: Ending, summary: str, said_by: str
) -> None:
    card = card_of(result(model="gpt-4o", is_llm=True, ending=ending, summary=summary))
    assert [(sentence.text, sentence.doubt) for sentence in card.cause] == [("CPU is at 12 % [E1].", None)]
    assert card.said_by.startswith(said_by)


def test_a_model_that_poses_as_the_rules_is_told_as_a_model() -> None:
    summary = "The rules finished, without the right to restart: the database is down."
    card = card_of(result(model="gpt-4o", is_llm=True, summary=summary))
    assert card.said_by == "by gpt-4o, a language model"
    assert card.confidence is Confidence.LOW


@pytest.mark.parametrize(
    "summary",
    [
        "The disk is dead. The rules finished, without the right to restart: CPU is at 12 % [E1].",
        "I saw nothing and guessed. gpt-4o says, unverified: “CPU is at 12 % [E1].”",
    ],
)
def test_a_model_cannot_hide_its_own_words_in_front_of_a_frame(summary: str) -> None:
    told = card_of(result(model="gpt-4o", is_llm=True, ending=Ending.ESCALATED_BY_MODEL, summary=summary))
    assert told.cause[0].doubt is not None
    assert told.cause[0].text.startswith(summary[:10])


def test_how_a_restart_ended_is_no_cause() -> None:
    card = card_of(result(summary=f"The restart did not bring {SERVER} back [E3]. What was seen: CPU is at 12 % [E1]."))
    assert card.confidence is None
    assert card.cause[0].text == "The cause is not known."
    assert "Likely cause" not in as_text(card, 100)


def test_behind_a_restart_that_was_tried_the_rules_word_before_it_is_not_repeated() -> None:
    before = "CPU at 97.6 % [E4]: a restart is likely to help."
    bound = HEALTH.model_copy(
        update={"evidence_id": "E4", "statement": "the service is running, CPU 98 %, memory 41 %"}
    )
    changes: dict[str, Any] = {"summary": f"The restart did not bring {SERVER} back. What was seen: {before}"}
    tried = card_of(result(**changes, restart=restart(RestartOutcome.NOT_RESTORED), evidence=(bound,)))
    assert [sentence.text for sentence in tried.cause] == [
        "The cause is not known.",
        "What was seen: CPU at 97.6 % [E4].",
    ]
    refused = card_of(result(**changes, evidence=(bound,)))
    assert refused.cause[1].text == f"What was seen: {before}"


def test_an_abbreviation_does_not_end_a_sentence() -> None:
    told = card_of(result(is_llm=True, model="gpt-4o", summary="The log shows errors, e.g. “Connection refused” [E2]."))
    assert [(sentence.text, sentence.doubt) for sentence in told.cause] == [
        ("The log shows errors, e.g. “Connection refused” [E2].", None)
    ]


def test_a_language_model_that_cites_nothing_or_what_was_never_seen_is_marked_as_a_hypothesis() -> None:
    silent = text_of(model="gpt-4o", is_llm=True, summary="It is the database.")
    assert "(confidence low; by gpt-4o, a language model)\n  Hypothesis (cites nothing): It is the database." in silent
    invented = text_of(model="gpt-4o", is_llm=True, summary="The disk is full [E7], and CPU is fine [E1].")
    assert "Hypothesis (E7 was never seen): The disk is full [E7]" in invented


@pytest.mark.parametrize(
    ("summary", "doubts", "confidence"),
    [
        ("37 lines show failures [E2]. CPU is at 12 % [E1].", "..", "medium"),
        ("37 lines [E2] show failures.", ".", "medium"),
        ("Failures show. [E2] CPU is at 12 %. [E1]", "..", "medium"),
        ("37 lines show failures (E2), and CPU is at 12 % (E1)", ".", "medium"),
        ("37 lines show failures [E2]. Nobody is needed.", ".?", "medium"),
        ("37 lines show failures. [E2] Nobody is needed. [E1] All is well!", ".??", "low"),
        ("37 lines show failures [E2]. CPU is at 12 % [E1]. CPU is at 99 % [E1].", "..?", "low"),
        ("It is slow because 37 lines show failures [E2].", "?", "low"),
        ("37 lines show failures [E2]. It is slow because of those 37 failures [E2].", ".?", "medium"),
        ("- 37 lines show failures [E2]\n- Nobody is needed", ".?", "medium"),
    ],
)
def test_one_citation_does_not_vouch_for_every_sentence(summary: str, doubts: str, confidence: str) -> None:
    card = card_of(result(model="gpt-4o", is_llm=True, summary=summary))
    assert "".join("?" if sentence.doubt else "." for sentence in card.cause) == doubts
    assert card.confidence == confidence


def test_after_hostile_text_no_cause_is_more_than_lowly_trusted() -> None:
    assert card_of(result(suspicions=SUSPICIONS)).confidence is Confidence.LOW


def test_that_a_server_may_stay_closed_is_a_step_and_no_part_of_the_cause() -> None:
    summary = f"CPU is at 12 % [E1]. {SERVER} {MAY_STAY_CLOSED}"
    card = card_of(result(summary=summary))
    assert texts(card.cause) == ("CPU is at 12 % [E1].",)
    assert card.next_steps[0].endswith(f"{SERVER} may stay closed to restarts.")
    assert MAY_STAY_CLOSED in inspect.getsource(duty), "the sentence is the worker's own"
