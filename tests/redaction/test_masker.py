"""The masker: the same value, the same placeholder; secrets are kept nowhere; what breaks is withheld."""

from collections.abc import Sequence

import pytest

from worker.contract.transcript import ModelReply, ToolCall
from worker.redaction import WITHHELD, Finding, Kind, Masker, PatternDetector, Placeholders, RedactionRules


def masker(*kept: str) -> Masker:
    return Masker(PatternDetector(RedactionRules(kept=frozenset(kept))), Placeholders())


def test_the_same_value_has_the_same_placeholder_wherever_it_stands() -> None:
    mask = masker()
    assert mask.masked("10.1.2.3 calls 10.1.2.4") == "[IP_ADDRESS_1] calls [IP_ADDRESS_2]"
    assert mask.masked("10.1.2.4 answers 10.1.2.3") == "[IP_ADDRESS_2] answers [IP_ADDRESS_1]"


def test_what_an_earlier_claim_has_kept_goes_on() -> None:
    first = masker()
    first.masked("10.1.2.3")
    second = Masker(PatternDetector(RedactionRules()), Placeholders(first.placeholders.values))
    assert second.masked("10.9.9.9 10.1.2.3") == "[IP_ADDRESS_2] [IP_ADDRESS_1]"


def test_a_secret_is_kept_nowhere_and_an_address_can_be_shown_again() -> None:
    mask = masker()
    told = mask.masked("password=hunter2 from 10.1.2.3")
    assert told == "password=[PASSWORD] from [IP_ADDRESS_1]"
    assert mask.placeholders.revealed(told) == "password=[PASSWORD] from 10.1.2.3"
    assert "hunter2" not in str(mask.placeholders.values)


def test_text_that_imitates_a_placeholder_stands_for_nothing() -> None:
    mask = masker()
    mask.masked("10.1.2.3")
    assert mask.placeholders.revealed(mask.masked("see [IP_ADDRESS_1]")) == "see (IP_ADDRESS_1)"


def test_a_mask_of_intake_stays_as_it_is() -> None:
    assert masker().masked("password=[PASSWORD]") == "password=[PASSWORD]"


def test_what_is_masked_already_passes_the_second_gate_as_it_is() -> None:
    mask = masker()
    told = mask.masked("password=hunter2 from 10.1.2.3")
    assert mask.checked(told) == told


def test_what_is_on_the_list_of_what_is_kept_stays() -> None:
    assert masker("10.1.2.3").masked("10.1.2.3 10.1.2.4") == "10.1.2.3 [IP_ADDRESS_1]"


class Broken:
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        return None


def test_what_could_not_be_masked_is_withheld(capsys: pytest.CaptureFixture[str]) -> None:
    mask = Masker(Broken(), Placeholders())
    assert [mask.masked("hunter2"), mask.checked("hunter2")] == [WITHHELD, WITHHELD]
    assert mask.masked_lines(["hunter2", "10.1.2.3"]) == (WITHHELD,)
    assert "hunter2" not in capsys.readouterr().out


def test_every_string_of_a_value_passes_the_gate() -> None:
    call = ToolCall(call_id="1", name="escalate", arguments='{"summary": "10.1.2.3"}')
    told = masker().checked_model(ModelReply(text="10.1.2.4", tool_calls=(call,)))
    assert told.text == "[IP_ADDRESS_1]"
    assert told.tool_calls[0].arguments == '{"summary": "[IP_ADDRESS_2]"}'


def test_the_value_under_a_secrets_name_is_one_whatever_it_looks_like() -> None:
    labels = {"db_password": "x", "instance": "10.1.2.3:9100"}
    assert masker().masked_labels(labels) == {"db_password": "[PASSWORD]", "instance": "[IP_ADDRESS_1]:9100"}


def test_numbers_and_lists_under_a_secrets_name_are_secrets_and_counts_are_none() -> None:
    told = masker().checked_value({"db_password": 12345678, "passwords": ["a1", 7], "input_tokens": 812, "is_ok": True})
    assert told == {
        "db_password": "[PASSWORD]",
        "passwords": ["[PASSWORD]", "[PASSWORD]"],
        "input_tokens": 812,
        "is_ok": True,
    }


def test_of_a_long_log_only_what_is_shown_counts_as_told() -> None:
    mask = masker()
    lines = mask.masked_lines(["10.1.2.3 calls", "10.1.2.4 answers", "10.1.2.3 hangs up"])
    assert lines[0] == "[IP_ADDRESS_1] calls"
    assert (mask.placeholders.values, mask.placeholders.highest_number) == ({}, 2)
    assert mask.checked(lines[1]) == "[IP_ADDRESS_2] answers"
    assert mask.placeholders.values == {"[IP_ADDRESS_2]": "10.1.2.4"}
    assert mask.masked("10.1.2.3") == "[IP_ADDRESS_1]"
    assert list(mask.placeholders.values) == ["[IP_ADDRESS_2]", "[IP_ADDRESS_1]"]
