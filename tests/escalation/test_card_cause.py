"""The likely cause on a card: whose word it is, what of it was checked, and how far to trust it."""

import inspect
from typing import Any

import pytest

from tests.escalation.builders import HEALTH, LOGS, REFUSED_RESTART, SERVER, health, restart, result
from tests.escalation.kinds import NOTHING, SUSPICIONS
from worker import duty
from worker.contract import Disposition, Ending
from worker.contract.observations import Measure
from worker.contract.quoting import quoted
from worker.contract.result import LogFindings, RestartOutcome
from worker.escalation import as_text, card_of
from worker.escalation.advice import MAY_STAY_CLOSED
from worker.escalation.card_parts import Confidence
from worker.escalation.card_sentences import Doubt, Sentence
from worker.models.rules_model import SIGNATURE

CLEAN = LogFindings(scanned_lines=400)
FULL_DISK = health(measures=(Measure(name="fullest disk", value=99, unit="percent", source="lab"),))
RESTORED = f"restarted {SERVER} (fence 3): restored, health good for 30 s without a break"


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


COOLING = (
    "CPU at 12 % [E1], and the log shows “could not connect to payments-db:5432: Connection refused” [E2]. "
    "The restart was not carried out [E3]: it was restarted within its cooldown of 600 s. Ask again in 532 s. "
    "(Concluded by rules, not by a language model.)"
)
EARLIER = (
    f"By Firstline's own record no restart was done in this triage. rules says, unverified: {quoted(COOLING, 8_000)}"
)


@pytest.mark.parametrize(
    ("ending", "around"),
    [
        (Ending.ESCALATED_BY_MODEL, "{}"),
        (Ending.MODEL_UNAVAILABLE, "No model answered. The rules finished, without the right to restart: {}"),
        (Ending.HOSTILE_TEXT, "{}"),
    ],
)
def test_the_rules_words_are_checked_as_their_own_out_of_the_frame_of_earlier_versions(
    ending: Ending, around: str
) -> None:
    now, earlier = (card_of(result(ending=ending, summary=around.format(word))) for word in (COOLING, EARLIER))
    assert now == earlier
    assert [sentence.doubt for sentence in earlier.cause] == [None]


def test_control_a_language_model_s_frame_in_the_name_of_the_rules_makes_its_words_no_more_certain() -> None:
    told = card_of(result(model="rules", is_llm=True, summary=EARLIER))
    assert told.said_by == "by rules, a language model"
    assert told.confidence is not Confidence.HIGH


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


SEEN = "CPU at 12 % [E1], and the log shows “could not connect to payments-db:5432: Connection refused” [E2]."


@pytest.mark.parametrize(
    "deed",
    [
        "The restart was not carried out [E3]: a dependency fails. Ask again in 5 s.",
        f"The restart did not bring {SERVER} back [E3]: it hangs.",
        f"The restart of {SERVER} has an unknown outcome [E3]: it hangs.",
        f"The restart brought {SERVER} back, but not for long [E3]: it hangs.",
        "But restarts were not available to the rules.",
    ],
)
def test_what_became_of_a_restart_is_told_as_a_deed_and_not_behind_the_cause(deed: str) -> None:
    assert texts(card_of(result(summary=f"{SEEN} {deed}")).cause) == (SEEN,)


def test_a_log_line_that_tells_of_a_restart_does_not_cut_the_cause() -> None:
    line = "ERROR gave up. The restart was done"
    logs = LOGS.model_copy(update={"quotations": (line,)})
    summary = f"The log shows “{line}” [E2]; CPU at 12 % [E1]: a restart is unlikely to help."
    assert texts(card_of(result(summary=summary, evidence=(HEALTH, logs))).cause) == (summary,)


@pytest.mark.parametrize(
    ("changes", "confidence"),
    [
        ({"findings": LogFindings(scanned_lines=9, other_errors=("ERROR x509",))}, "high"),
        ({"findings": CLEAN, "last_health": FULL_DISK}, "high"),
        ({"restart": restart(RestartOutcome.NOT_RESTORED)}, "medium"),
        ({"findings": CLEAN}, None),
        ({"findings": None, "last_health": None}, None),
    ],
)
def test_the_rules_name_a_cause_only_where_a_fault_was_seen_and_trust_less_what_a_restart_did_not_cure(
    changes: dict[str, Any], confidence: str | None
) -> None:
    card = card_of(result(summary="CPU at 12 % [E1].", **changes))
    assert card.confidence == confidence
    not_known = () if confidence else ("The cause is not known.",)
    assert texts(card.cause) == (*not_known, "CPU at 12 % [E1].")


RECOVERED: dict[str, Any] = {
    "disposition": Disposition.RECOVERED,
    "ending": Ending.CONCLUDED,
    "restart": restart(RestartOutcome.RESTORED, "health good for 30 s without a break"),
    "evidence": (HEALTH, LOGS, REFUSED_RESTART.model_copy(update={"statement": RESTORED})),
    "refusals": (),
}


def test_a_recovery_is_told_by_the_desk_s_record_and_the_rules_word_for_it_is_not_called_unverified() -> None:
    summary = f"Restarted once, health good for 30 s. rules says, unverified: “{SERVER} is well again. {SIGNATURE}”"
    card = card_of(result(**RECOVERED, summary=summary))
    assert texts(card.cause) == ("Health was proven good after one restart [E3]; why it was needed is not known.",)
    assert card.cause[0].doubt is None
    assert "How it ended (Firstline's record)" in as_text(card, 100)
    assert "has been well since" not in card.stakeholder_note


def test_what_a_language_model_says_to_a_recovery_follows_the_record_and_is_checked() -> None:
    summary = "Restarted once, health good for 0.5 s. gpt-4o says, unverified: “CPU is at 12 % [E1]. An intern did it.”"
    card = card_of(result(**RECOVERED, summary=summary, model="gpt-4o", is_llm=True))
    assert [(sentence.text, sentence.doubt) for sentence in card.cause[1:]] == [
        ("CPU is at 12 % [E1].", None),
        ("An intern did it.", Doubt.UNCITED),
    ]
    assert card.said_by == "Firstline's record; then by gpt-4o, a language model"


def test_where_nothing_was_wrong_the_card_says_what_was_read_and_urges_nobody() -> None:
    logs = LOGS.model_copy(update={"statement": "400 log lines, 0 with errors", "quotations": ()})
    told = result(
        disposition=Disposition.NO_ACTION, ending=Ending.CONCLUDED, evidence=(HEALTH, logs), findings=CLEAN, refusals=()
    )
    card = card_of(told)
    assert texts(card.cause) == ("Health was read good [E1], and the log shows no fault [E2].",)
    assert card.cause[0].doubt is None
    assert card.next_steps[0].startswith("Nothing for now; if the alert comes again, read the log")


def test_of_an_alert_that_was_over_before_anybody_looked_no_check_is_told_or_asked_for() -> None:
    over = result(
        disposition=Disposition.NO_ACTION,
        ending=Ending.RESOLVED_BEFORE_TRIAGE,
        summary="The alert was over before a triage began, as the source says; nobody looked at the server.",
        **NOTHING,
    )
    card = card_of(over)
    assert card.next_steps == (
        f"Nothing for now; if the alert comes again, read the log of {SERVER} around 02:58 UTC.",
    )
    assert "over before anything was checked" in card.stakeholder_note


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
