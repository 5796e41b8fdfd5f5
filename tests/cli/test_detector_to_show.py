"""What `show` masks with: as much as the workers, or more; never less because something is missing."""

import sys
from pathlib import Path

import pytest

from worker.bootstrap import make_detector
from worker.cli.show import _detector
from worker.errors import ConfigurationError
from worker.redaction import Masker, Placeholders
from worker.redaction.presidio import presidio_names
from worker.settings import Settings, load_settings


def settings_with(folder: Path, rules: str, monkeypatch: pytest.MonkeyPatch, *, inventory: str) -> Settings:
    file = folder / "redaction.toml"
    file.write_text(rules, encoding="utf-8")
    monkeypatch.setenv("FIRSTLINE_REDACTION_FILE", str(file))
    monkeypatch.setenv("FIRSTLINE_INVENTORY_FILE", inventory)
    return load_settings(_env_file=None)


def test_without_the_inventory_the_redaction_file_holds_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with(tmp_path, 'deny = ["bluebird"]', monkeypatch, inventory=str(tmp_path / "none.toml"))
    assert Masker(_detector(settings), Placeholders()).masked("bluebird is down") == "[DENIED_1] is down"


@pytest.mark.parametrize("inventory", ["deploy/inventory.example.toml", "none.toml"])
def test_names_that_can_not_be_looked_for_are_not_shown_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inventory: str
) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio_names.cache_clear()
    settings = settings_with(tmp_path, 'people = "presidio"', monkeypatch, inventory=inventory)
    with pytest.raises(ConfigurationError, match=r"pip install 'firstline\[ner\]'"):
        _detector(settings)


def test_a_worker_whose_rules_ask_for_names_does_not_start_without_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio_names.cache_clear()
    inventory = "deploy/inventory.example.toml"
    assert make_detector(settings_with(tmp_path, "", monkeypatch, inventory=inventory))
    with pytest.raises(ConfigurationError, match="spacy download en_core_web_lg"):
        make_detector(settings_with(tmp_path, 'people = "presidio"', monkeypatch, inventory=inventory))
