"""What one line of a list says of an incident: what is wrong comes first, and no fact is made up or turned around."""

import pytest

from worker.cli.queue_summary import cut_to_words, in_short
from worker.contract.quoting import quoted
from worker.contract.text import cut_to_bytes

SIGNATURE = " (Concluded by rules, not by a language model.)"
NOT_DONE = (
    "CPU at 98 % [E1], and the log shows “2026-11-27T12:34:08Z WARNING request threads hung” [E2]. The restart was not "
    "carried out [E3]: the inventory wants an engineer's approval."
)
IN_SHORT = "request threads hung · CPU at 98 %. Not restarted: the inventory wants an engineer's approval."


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        (NOT_DONE + SIGNATURE, IN_SHORT),
        (
            f"No model answered. The rules finished, without the right to restart: {NOT_DONE}",
            f"{IN_SHORT} · No model answered. The rules finished, without the right to restart.",
        ),
        (
            "Alerts kept coming after each look; the last one said: CPU at 98 % [E1].",
            "CPU at 98 %. · Alerts kept coming after each look.",
        ),
        ("The restart of web-01 was not carried out [E1, E2]: it is sick.", "Not restarted: it is sick."),
        (
            "No local pressure on disk-01 [E1], but the log shows “ERROR write failed” [E2]: a restart is unlikely.",
            "write failed · No local pressure on disk-01, but the log shows …: a restart is unlikely.",
        ),
        (
            "The log shows a failing dependency, “connection refused” [E2]; CPU at 98 % [E1].",
            "connection refused · The log shows a failing dependency, …; CPU at 98 %.",
        ),
        ('The inventory (/etc/a.toml) has no server "x": add it.', 'The inventory has no server "x": add it.'),
    ],
)
def test_what_is_wrong_stands_in_front(summary: str, told: str) -> None:
    assert in_short(summary) == told


@pytest.mark.parametrize("around", ["{}", "No model answered. The rules finished, without the right to restart: {}"])
def test_the_rules_words_are_told_the_same_out_of_the_frame_of_earlier_versions(around: str) -> None:
    record = "By Firstline's own record no restart was done in this triage. rules says, unverified: "
    framed = record + quoted(NOT_DONE + SIGNATURE, 8_000)
    assert in_short(around.format(framed)) == in_short(around.format(NOT_DONE))
    assert in_short(cut_to_bytes(around.format(framed), 250)).startswith("request threads hung · CPU at 98 %")


@pytest.mark.parametrize(
    "summary",
    [
        "By Firstline's own record no restart was done in this triage. gpt-x says, unverified: “it was restarted”.",
        "The log shows “ERROR write failed”, but not of late; CPU at 98 %: a restart is unlikely to help.",
        "No restart was done. gpt-x says, unverified: “the log shows nothing”.",
        "Handed over because text in E2 tries to give instructions; without it, this would have ended well: ok.",
        "DNS is down (see the log); nothing was changed.",
        "",
    ],
)
def test_what_was_long_ago_and_words_that_nobody_verified_come_no_further_to_the_front(summary: str) -> None:
    assert in_short(summary) == summary


@pytest.mark.parametrize(
    "head",
    [
        "2026-11-27T12:34:08Z WARNING ",
        "2026-11-27 12:34:08,123+01:00 [ERROR] ",
        "02:59:58 ERROR: ",
        "Nov  7 02:59:58 ",
        "FATAL ",
        "",
    ],
)
def test_a_line_of_a_log_is_told_without_its_time_and_level(head: str) -> None:
    assert in_short(f"CPU at 98 %, and the log shows “{head}threads hung”.") == "threads hung · CPU at 98 %."


def test_a_line_that_is_all_time_is_told_as_it_is() -> None:
    assert in_short("The log shows “02:59:58 ”.").startswith("02:59:58 ")


@pytest.mark.parametrize("limit_bytes", range(20, 330, 7))
def test_a_summary_that_was_cut_shows_no_bracket_of_the_cut(limit_bytes: int) -> None:
    told = in_short(cut_to_bytes(NOT_DONE + SIGNATURE, limit_bytes))
    assert "bytes cut" not in told
    assert "(Conc" not in told


@pytest.mark.parametrize(
    ("text", "told"),
    [("one two three", "one two three"), ("one two, three four", "one two…"), ("a" * 20, "a" * 12 + "…"), ("", "")],
)
def test_a_cut_comes_behind_a_word(text: str, told: str) -> None:
    assert cut_to_words(text, 13) == told
