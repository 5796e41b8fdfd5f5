"""The files that people copy agree with the code: .env.example, compose, and the shipped TOML."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from producers.intake_file import read_intake_file
from producers.polling.settings import PollSettings
from producers.settings import ProducerSettings
from worker.bootstrap import check_configuration
from worker.errors import ConfigurationError
from worker.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[1]


def variables_of_settings() -> dict[str, object]:
    of_worker = {
        name.upper() if name.startswith(("openai", "model_name")) else f"{PREFIX}{name}".upper(): field.default
        for name, field in Settings.model_fields.items()
    }
    of_producers = {f"{PREFIX}{name}".upper(): field.default for name, field in ProducerSettings.model_fields.items()}
    of_polling = {f"{PREFIX}POLL_{name}".upper(): field.default for name, field in PollSettings.model_fields.items()}
    return of_worker | of_producers | of_polling


def variables_of_example() -> dict[str, str]:
    lines = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(lines)


def test_every_setting_stands_in_the_example_and_the_other_way_round() -> None:
    assert set(variables_of_example()) == set(variables_of_settings())


def test_the_example_shows_the_defaults() -> None:
    defaults = {name: value for name, value in variables_of_example().items() if value}
    shown = Settings.model_validate({_field_of(name): value for name, value in defaults.items()})
    assert shown == Settings.model_validate({"worker_name": shown.worker_name})
    of_producers = ProducerSettings.model_validate({_field_of(name): value for name, value in defaults.items()})
    assert of_producers == ProducerSettings.model_validate({})


def test_the_example_of_an_intake_file_shows_the_defaults(tmp_path: Path) -> None:
    example = (ROOT / "deploy" / "intake.example.toml").read_text()
    assert read_intake_file(ROOT / "deploy" / "intake.example.toml") == read_intake_file(None)
    shown = tmp_path / "intake.toml"
    shown.write_text(re.sub(r"^# (?=\w+ = |\[)", "", example, flags=re.MULTILINE))
    read = read_intake_file(shown)
    assert (read.fields, read.storms) == (read_intake_file(None).fields, read_intake_file(None).storms)
    assert {"alertmanager", "pagerduty", "grafana", "plain"} == set(read.sources)


def test_all_wrong_settings_are_listed_at_once_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_MAX_STEPS", "many")
    monkeypatch.setenv("FIRSTLINE_REDIS_URL", "amqp://somewhere")
    monkeypatch.setenv("OPENAI_BASE_URL", "not a url")
    with pytest.raises(ConfigurationError) as failure:
        load_settings()
    for variable in ("FIRSTLINE_MAX_STEPS", "FIRSTLINE_REDIS_URL", "OPENAI_BASE_URL"):
        assert variable in str(failure.value)


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert not load_settings(_env_file=None).uses_llm


def check_compose(path: Path) -> subprocess.CompletedProcess[str]:
    checker = str(Path(sys.executable).parent / "check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_is_valid() -> None:
    done = check_compose(ROOT / "docker-compose.yml")
    assert done.returncode == 0, done.stdout


def test_the_compose_check_can_fail(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("service_healthy", "service_helthy"))
    assert check_compose(wrong).returncode == 1


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        pins = re.findall(r"^[a-z0-9-]+==", text, re.MULTILINE)
        assert len(pins) > 20
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z])", text.strip()))


def test_the_locks_pin_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[>=<]", requirement)[0] for requirement in project["dependencies"]}
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert names <= pinned


def test_the_contract_imports_fast_and_without_the_queue_or_the_model_sdk() -> None:
    code = "import sys, json, worker.contract; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert loaded.isdisjoint({"celery", "kombu", "redis", "openai", "httpx2", "structlog", "worker.tasks"})


def _field_of(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower()


def test_a_deadline_in_which_no_restart_ever_fits_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "replay" / "orders-server-07").mkdir(parents=True)
    inventory = tmp_path / "inventory.toml"
    text = '[systems.recorded]\nkind = "replay"\nfolder = "replay"\n[servers.orders-server-07]\n'
    inventory.write_text(text + 'service = "orders"\nsystem = "recorded"\nrestart_policy = "auto"\n')
    settings = load_settings(_env_file=None).model_copy(update={"inventory_file": inventory, "max_seconds": 65})
    with pytest.raises(ConfigurationError, match=r"FIRSTLINE_MAX_SECONDS must be at least 70: .* 10 s, .* 60 s"):
        check_configuration(settings)
    check_configuration(settings.model_copy(update={"max_seconds": 70}))
