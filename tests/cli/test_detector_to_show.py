"""What `show` masks with: as much as the workers, or more; never less because something is missing."""

import sys
from pathlib import Path

import pytest

from worker.bootstrap import make_detector
from worker.cli.shown import detector_to_show
from worker.errors import ConfigurationError
from worker.redaction import Masker, Placeholders
from worker.redaction.presidio import presidio_names
from worker.settings import Settings, load_settings

INVENTORY = """
[systems.recorded]
kind = "replay"
folder = "replay"

[servers.orders-server-07]
service = "orders"
system = "recorded"
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    (tmp_path / "replay" / "orders-server-07").mkdir(parents=True)
    file = tmp_path / "inventory.toml"
    file.write_text(INVENTORY, encoding="utf-8")
    return file


@pytest.fixture
def without_presidio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio_names.cache_clear()


def settings_with(folder: Path, rules: str, inventory: Path) -> Settings:
    file = folder / "redaction.toml"
    file.write_text(rules, encoding="utf-8")
    return load_settings(_env_file=None).model_copy(update={"redaction_file": file, "inventory_file": inventory})


def test_without_the_inventory_the_redaction_file_holds_all_the_same(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, 'deny = ["bluebird"]', tmp_path / "none.toml")
    assert Masker(detector_to_show(settings), Placeholders()).masked("bluebird is down") == "[DENIED_1] is down"


@pytest.mark.usefixtures("without_presidio")
def test_names_that_can_not_be_looked_for_are_not_shown_instead(tmp_path: Path, inventory: Path) -> None:
    for file in (inventory, tmp_path / "none.toml"):
        with pytest.raises(ConfigurationError, match=r"pip install 'firstline\[ner\]'"):
            detector_to_show(settings_with(tmp_path, 'people = "presidio"', file))


@pytest.mark.usefixtures("without_presidio")
def test_a_worker_whose_rules_ask_for_names_does_not_start_without_the_package(tmp_path: Path, inventory: Path) -> None:
    with pytest.raises(ConfigurationError, match="spacy download en_core_web_lg"):
        make_detector(settings_with(tmp_path, 'people = "presidio"', inventory))


@pytest.mark.usefixtures("without_presidio")
def test_a_worker_whose_rules_ask_for_none_starts_without_the_package(tmp_path: Path, inventory: Path) -> None:
    masker = Masker(make_detector(settings_with(tmp_path, "", inventory)), Placeholders())
    assert masker.masked("Ada Lovelace at 10.1.2.3") == "Ada Lovelace at [IP_ADDRESS_1]"
