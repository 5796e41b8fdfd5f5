"""A card is read at night: two hundred words at most, whatever there is to tell."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.escalation.builders import HEALTH, LOGS, incident, result
from tests.escalation.kinds import kinds, worst
from worker.contract import TriageResult
from worker.escalation import as_markdown, as_text, card_of
from worker.escalation.card_cutting import fitting
from worker.escalation.card_limits import ROOMIEST, WORDS_LIMIT, clipped
from worker.escalation.card_parts import shown
from worker.escalation.card_sentences import Citation, CitationKind, Sentence

KINDS = dict(kinds())


def words(told: TriageResult) -> int:
    """Return the words of the longer form: on a terminal, or in Markdown with its marks."""
    return max(len(as_text(card_of(told), 100).split()), len(as_markdown(card_of(told)).split()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_of_any_kind_has_at_most_two_hundred_words(kind: str) -> None:
    assert words(KINDS[kind]) <= WORDS_LIMIT == 200


@pytest.mark.parametrize("word", ["w", "12 %", "x" * 300, "a.", "“", "E1", "数", "[E1] no", "-", "\x1b[2J", "e. [E2]"])
def test_the_worst_that_anybody_can_send_has_no_more(word: str) -> None:
    assert words(worst(word)) <= WORDS_LIMIT


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=300).filter(lambda text: text.strip()))
def test_no_text_whatever_makes_a_card_longer(text: str) -> None:
    assert words(worst(text)) <= WORDS_LIMIT


def test_control_at_its_roomiest_the_same_card_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.escalation.card.Limits", lambda: ROOMIEST)
    assert words(worst("w")) > WORDS_LIMIT


def test_a_hypothesis_that_is_cut_keeps_its_mark_and_its_citations() -> None:
    (cause,) = card_of(result(summary=f"The disk is at 99 % {'and full ' * 200} [E1].")).cause
    assert shown(cause).startswith("Hypothesis (E1 does not say “99 %”): The disk is at 99 %")
    assert shown(cause).endswith("… [E1]")


def told(text: str, words: int) -> list[str]:
    cited = (Citation(kind=CitationKind.EVIDENCE, identifier="E2"),)
    first = Sentence(text="The cause is not known.")
    return [one.text for one in fitting((first, Sentence(text=text, citations=cited)), words)]


SEEN = "What was seen: CPU at 98 % [E1], and “all the request threads hung again”, no dependency failure [E2]."


def test_a_sentence_is_left_out_rather_than_cut_to_next_to_nothing() -> None:
    assert told(SEEN, 11) == ["The cause is not known."]
    assert told(SEEN, 14)[1:] == ["What was seen: CPU at 98 % [E1]… [E2]"]


def test_a_sentence_is_cut_at_a_clause_and_a_quotation_that_is_cut_is_closed() -> None:
    assert told(SEEN, 17)[1:] == ["What was seen: CPU at 98 % [E1]… [E2]"]
    assert told(SEEN, 20)[1:] == ["What was seen: CPU at 98 % [E1], and “all the request threads hung…” [E2]"]
    assert told(SEEN, 23)[1:] == ["What was seen: CPU at 98 % [E1], and “all the request threads hung again”… [E2]"]


def test_the_cause_is_the_last_that_is_cut() -> None:
    summary = f"CPU at 12 % [E1], and 37 lines show a failing dependency [E2]. {'No restart was done [E3]. ' * 6}"
    card = card_of(result(summary=summary, incident=incident(text="it is slow " * 40), evidence=(HEALTH, LOGS) * 9))
    assert "…" not in " ".join(sentence.text for sentence in card.cause)
    assert "…" in card.alert


def test_what_is_cut_says_so_right_behind() -> None:
    assert clipped("one two three", 2) == "one two…"
    assert clipped("one two", 2) == "one two"
    assert clipped("x" * 500, 2).endswith("x…")


@pytest.mark.parametrize("word", ["w", "12 %"])
def test_that_the_effect_on_users_is_not_known_is_said_however_tight_the_card(word: str) -> None:
    assert card_of(worst(word)).stakeholder_note.endswith("Effect on users: not yet known.")
