"""Redaction without memory: kinds without numbers, secrets alone where the rest is needed, and nothing is kept."""

from collections.abc import Sequence

from worker.redaction import (
    STATELESS_MASKER,
    WITHHELD,
    Finding,
    Kind,
    Masker,
    PatternDetector,
    Placeholders,
    RedactionRules,
    stateless_masker,
)

_SAID = "password=hunter2 from 10.1.2.3"


def test_a_stateless_masker_tells_kinds_apart_and_keeps_no_value() -> None:
    assert STATELESS_MASKER.masked(_SAID) == "password=[PASSWORD] from [IP_ADDRESS]"
    assert STATELESS_MASKER.placeholders.values == {}
    assert (
        STATELESS_MASKER.checked("password=[PASSWORD] from [IP_ADDRESS_1]") == "password=[PASSWORD] from [IP_ADDRESS_1]"
    )


def test_secrets_only_leaves_what_a_diagnosis_needs() -> None:
    masker = stateless_masker(PatternDetector(RedactionRules(), finds_secrets_only=True))
    assert masker.masked(_SAID) == "password=[PASSWORD] from 10.1.2.3"
    assert masker.masked_labels({"db_password": "x", "instance": "10.1.2.3:9100"}) == {
        "db_password": "[PASSWORD]",
        "instance": "10.1.2.3:9100",
    }


class NameBreaks:
    def find(self, text: str) -> Sequence[Finding]:
        return []

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


def test_a_label_whose_name_could_not_be_judged_is_withheld() -> None:
    assert Masker(NameBreaks(), Placeholders()).masked_labels({"region": "hunter2"}) == {"region": WITHHELD}
