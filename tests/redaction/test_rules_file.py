"""The redaction file is read whole, or not at all, with every mistake named."""

from pathlib import Path

import pytest
import re2

from worker.errors import ConfigurationError
from worker.redaction import Masker, PatternDetector, Placeholders, RedactionRules
from worker.redaction.rules_file import read_rules

EXAMPLE = Path("deploy/redaction.example.toml")


def written(folder: Path, text: str) -> Path:
    path = folder / "redaction.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_example_shows_every_key() -> None:
    rules = read_rules(EXAMPLE, kept=frozenset())
    empty = RedactionRules()
    assert rules.domains != empty.domains
    assert rules.kept != empty.kept
    assert rules.denied != empty.denied
    assert rules.users != empty.users
    assert rules.national_ids != empty.national_ids
    assert "mask_uuids" in EXAMPLE.read_text(encoding="utf-8")
    assert '# people = "presidio"' in EXAMPLE.read_text(encoding="utf-8")
    assert rules.people_language is None  # the example must start without the extra


def test_the_rules_of_the_example_take_effect() -> None:
    masker = Masker(PatternDetector(read_rules(EXAMPLE, kept=frozenset())), Placeholders())
    text = "ada.lovelace on db-1.corp.example.com: project-bluebird, 078-05-1120, 10.0.0.53"
    assert masker.masked(text) == "[USER_1] on [HOST_1]: [DENIED_1], [NATIONAL_ID], 10.0.0.53"


def test_an_empty_file_leaves_the_defaults_and_what_the_inventory_names(tmp_path: Path) -> None:
    rules = read_rules(written(tmp_path, ""), kept=frozenset({"payment-server-01"}))
    assert rules == RedactionRules(kept=frozenset({"payment-server-01"}))


def test_what_the_file_keeps_is_kept_beside_what_the_inventory_names(tmp_path: Path) -> None:
    rules = read_rules(written(tmp_path, 'keep = ["10.0.0.53"]'), kept=frozenset({"payment-server-01"}))
    assert rules.kept == {"payment-server-01", "10.0.0.53"}


@pytest.mark.parametrize(
    ("text", "language"),
    [("", None), ('people = "presidio"', "en"), ('people = "presidio"\npeople_language = "de"', "de")],
)
def test_names_of_people_are_looked_for_where_the_file_says_so(tmp_path: Path, text: str, language: str | None) -> None:
    assert read_rules(written(tmp_path, text), kept=frozenset()).people_language == language


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('domain = ["corp.example.com"]', "domain"),
        ('deny = "project-bluebird"', "deny"),
        ("users = [7]", "users.0"),
        ('users = ["x"]', "users.0"),
        ('mask_uuids = "yes"', "mask_uuids"),
        ("[national_ids]\nssn = 7", "national_ids.ssn"),
        ('people = "stanza"', "people: Input should be 'presidio'"),
        ("people = true", "people"),
        ('people = "presidio"\npeople_language = "English"', "people_language"),
        ('people_language = "de"', 'people = "presidio"'),
        ("[national_ids]\nssn = '('", "national_ids.ssn"),
        ("[national_ids]\nssn = '(?=1)'", "national_ids.ssn"),
        ("[national_ids]\nssn = '[0-9]*'", "national_ids.ssn"),
        ("[national_ids]\nssn = '1\\Q2'", "national_ids.ssn"),
        ("[national_ids\n", "no TOML"),
        ("deny = " + "[" * 100_000, "no TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as failure:
        read_rules(path, kept=frozenset())
    assert str(path) in str(failure.value)
    assert named in str(failure.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as failure:
        read_rules(written(tmp_path, 'domain = []\nmask_uuids = "yes"'), kept=frozenset())
    assert "domain" in str(failure.value)
    assert "mask_uuids" in str(failure.value)


def test_a_mistake_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"redaction\.example\.toml"):
        read_rules(written(tmp_path, "domain = []"), kept=frozenset())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        read_rules(tmp_path / "none.toml", kept=frozenset())


def test_a_pattern_that_is_none_is_told_in_the_exception_and_nowhere_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError, match=r"national_ids\.ssn"):
        read_rules(written(tmp_path, "[national_ids]\nssn = '(?=1)'"), kept=frozenset())
    assert capfd.readouterr() == ("", "")
    with pytest.raises(re2.error):
        re2.compile("(?=1)")
    assert "(?=1)" in capfd.readouterr().err


def test_patterns_that_are_too_large_together_are_a_mistake_of_the_file(tmp_path: Path) -> None:
    shapes = [rf"n{number} = '(?:\pL{{80}}){{3}}{number}'" for number in range(20)]
    with pytest.raises(ConfigurationError, match=r"redaction\.toml is wrong: its national_ids"):
        read_rules(written(tmp_path, "\n".join(["[national_ids]", *shapes])), kept=frozenset())
