"""`firstline redact`: an installation's rules on a text of its own, block by block, and nothing lost of it."""

import io
import sys
from pathlib import Path

import pytest

from worker.cli import redact
from worker.cli.redact import redact_files
from worker.errors import ConfigurationError
from worker.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(_env_file=None).model_copy(update={"inventory_file": tmp_path / "none.toml"})


def masked(settings: Settings, path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> tuple[bytes, str]:
    redact_files(settings, [path])
    told = capsysbinary.readouterr()
    return told.out, told.err.decode()


def test_a_file_is_masked_and_what_was_found_is_told_beside_it(
    settings: Settings, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"10.0.0.7 up\r\npassword=hunter2 from 10.0.0.7\n\xff\xfe no text\nlast line")
    out, told = masked(settings, log, capsysbinary)
    assert out == b"[IP_ADDRESS_1] up\r\npassword=[PASSWORD] from [IP_ADDRESS_1]\n\xff\xfe no text\nlast line"
    assert told == "found in 64 bytes: 2 IP_ADDRESS, 1 PASSWORD; 1 different values have a number\n"


def test_standard_input_is_read_and_the_installations_rules_hold(
    settings: Settings, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "redaction.toml"
    rules.write_text('deny = ["bluebird"]', encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"bluebird is down\n")))
    out, _ = masked(settings.model_copy(update={"redaction_file": rules}), Path("-"), capsysbinary)
    assert out == b"[DENIED_1] is down\n"


@pytest.mark.parametrize("block_characters", [1, 40, 100, 10_000])
def test_a_key_of_many_lines_is_found_wherever_a_block_ends(
    settings: Settings,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    block_characters: int,
) -> None:
    monkeypatch.setattr(redact, "_BLOCK_CHARACTERS", block_characters)
    key = "\n".join(
        [
            "-----BEGIN EC PRIVATE KEY-----",
            *["MHcCAQEEIAbcDEF123abcDEF123abcDEF123"] * 9,
            "-----END EC PRIVATE KEY-----",
        ]
    )
    log = tmp_path / "app.log"
    log.write_text(f"before\n{key}\nafter 10.0.0.7\n", encoding="utf-8")
    out, _ = masked(settings, log, capsysbinary)
    assert out == b"before\n[PRIVATE_KEY]\nafter [IP_ADDRESS_1]\n"


def test_a_file_that_can_not_be_read_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.log can't be read: No such file"):
        redact_files(settings, [tmp_path / "none.log"])
