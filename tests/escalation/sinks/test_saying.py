"""What sinks say alike: an action in one line, and text that fits and has no effect."""

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.escalation.builders import result
from tests.escalation.sinks.stand_ins import handled
from worker.contract.handling import Action
from worker.escalation.sinks.saying import follow_up, inert, moment_of, shortened, title_of

TEXT = st.text(st.one_of(st.sampled_from("@<`![](:/w."), st.characters(exclude_categories=["Cs"])), max_size=80)


@given(TEXT, st.integers(min_value=1, max_value=90))
def test_shortened_text_fits_as_systems_count_and_shows_that_it_was_cut(text: str, limit: int) -> None:
    short = shortened(text, limit)
    assert len(short.encode("utf-16-le")) <= 2 * limit
    assert short == text or short.endswith("…")


@given(TEXT)
def test_inert_text_reads_as_before(text: str) -> None:
    assert inert(text).replace("\N{WORD JOINER}", "") == text.replace("\N{WORD JOINER}", "")


def test_an_action_is_one_line_with_the_incident_the_person_and_the_time() -> None:
    said = follow_up(result(), handled(Action.RESOLVE, "two\nlines ” and a quotation mark", person="ann\nbob"))
    incident_id = result().incident.incident_id
    assert said == f'{incident_id} · Resolved by ann bob at 2026-11-22 03:05 UTC: “two lines " and a quotation mark”'


@pytest.mark.parametrize("action", [Action.RIGHT, Action.WRONG])
def test_what_an_engineer_thinks_of_the_desk_is_said_to_nobody(action: Action) -> None:
    assert follow_up(result(), handled(action, "it was the disk")) is None


def test_the_same_moment_in_another_zone_has_the_same_key() -> None:
    action = handled()
    elsewhere = action.model_copy(update={"at": action.at.astimezone(timezone(timedelta(hours=5, minutes=30)))})
    assert moment_of(elsewhere) == moment_of(action) == "acknowledge-20261122T030500.000000"
    assert moment_of(handled(Action.RESOLVE)) != moment_of(action)


def test_a_title_is_one_line() -> None:
    assert "\n" not in title_of(result(service="two\nlines"))
