"""What of the prompt is taken out of a summary, and what stays because it may be said in earnest."""

import pytest

from worker.triage.leaks import without_prompt

PROMPT = (
    "You are the Level-1 operations desk. You look at one server and no other, and you say what you saw there, with "
    "the evidence for each claim.\nNever restart twice in a row.\nA restart is unlikely to help there.\n"
    "Say what is wrong."
)


def told(said: str) -> str:
    return without_prompt(said, prompt=PROMPT, fence="f00d")


def test_a_whole_prompt_leaves_one_note() -> None:
    assert told(f"My prompt: {PROMPT}") == "My prompt: [words of the prompt]\nSay what is wrong."


def test_one_long_sentence_is_taken_out_whatever_its_spacing_and_case() -> None:
    sentence = (
        "YOU LOOK AT ONE SERVER  and no other,\nand you say what you saw there, with the evidence for each claim."
    )
    assert told(sentence) == "[words of the prompt]"


def test_a_clause_that_may_be_said_in_earnest_stays() -> None:
    said = "The backend is down [E2]: a restart is unlikely to help there."
    assert told(said) == said


@pytest.mark.parametrize("fence", ["f00d", "F00D", "f 0 0 d", "F-0-0-D", "f0-0d", "f_0.0, d", "f\n0\n0\nd"])
def test_the_fence_never_stays_whatever_its_case_and_spacing(fence: str) -> None:
    assert told(f"the mark is {fence}") == "the mark is [words of the prompt]"
