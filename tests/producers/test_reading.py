"""The readers that the sources share: what is not there, or is of another kind, is absent."""

import pytest

from producers.sources.bounds import quoted
from producers.sources.reading import flattened, list_in, mapping_in, tags_in, text_in


@pytest.mark.parametrize("value", [None, [], {}, True, [1], {"a": 1}])
def test_what_is_no_text_reads_as_none(value: object) -> None:
    assert text_in({"key": value}, "key") == text_in(value) == ""


def test_texts_are_stripped_and_made_visible_and_numbers_are_their_digits() -> None:
    assert text_in({"outer": {"inner": " a\x1b\ud800 "}}, "outer", "inner") == "a\\x1b\\ud800"
    assert (text_in(7), text_in(1.5)) == ("7", "1.5")


def test_a_level_that_is_no_object_ends_the_way() -> None:
    document = {"outer": [{"inner": "text"}]}
    assert text_in(document, "outer", "inner") == ""
    assert mapping_in(document, "outer") == {}
    assert list_in(document, "outer", "inner") == []


@pytest.mark.parametrize(
    "document", [{"event_id": 1}, {"EVENT.ID": 1}, {"eventId": 1}, {"event": {"id": 1}}, {"Event": {"event_id": 1}}]
)
def test_names_are_the_same_however_they_are_written(document: object) -> None:
    assert flattened(document)["eventid"] == 1


def test_what_stands_at_the_top_wins_over_what_is_nested() -> None:
    assert flattened({"event": {"id": 1}, "event_id": 2})["eventid"] == 2


@pytest.mark.parametrize(
    "value",
    [
        "env:prod, canary",
        ["env:prod", "canary"],
        {"env": "prod", "canary": ""},
        [{"tag": "env", "value": "prod"}, {"tag": "canary", "value": ""}],
        '[{"tag": "env", "value": "prod"}, {"tag": "canary", "value": ""}]',
        '{"env": "prod", "canary": ""}',
    ],
)
def test_tags_are_the_same_however_they_are_written(value: object) -> None:
    assert tags_in(value) == {"env": "prod", "canary": ""}


@pytest.mark.parametrize("value", [None, 3, "", "[", ",,", [None, [], True], "{"])
def test_what_is_no_tags_has_none(value: object) -> None:
    assert tags_in(value) == {}


def test_of_a_tag_that_comes_twice_the_first_counts_and_a_value_may_have_colons() -> None:
    assert tags_in("url:http://a,team:a,team:b") == {"url": "http://a", "team": "a"}


def test_a_quotation_is_one_line_of_80_characters() -> None:
    assert quoted("a\nb\x00") == "“a b\\x00”"
    assert len(quoted("x" * 1_000_000)) == 82
