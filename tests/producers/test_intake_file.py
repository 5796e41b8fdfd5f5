"""The intake file is checked whole before anything starts, and every mistake names its key and the remedy."""

from pathlib import Path

import pytest

from producers.intake import StormRules
from producers.intake_file import IntakeFile, read_intake_file
from producers.settings import ProducerConfigurationError, load_producer_settings, read_environment
from producers.sources.field_map import FieldMap

WHOLE = """
[fields]
server = ["host"]
service = ["team", "job"]
group_by = ["server", "alertname"]
[storms]
quiet_seconds = 1.5
engineer_seconds = 2
alerts_kept = 3
lateness_seconds = 0
[sources.pagerduty]
token_env = ["PD_TOKEN"]
signature = "pagerduty"
secret_env = ["PD_OLD", "PD_NEW"]
"""


def read(folder: Path, text: str) -> IntakeFile:
    path = folder / "intake.toml"
    path.write_text(text, encoding="utf-8")
    return read_intake_file(path)


def complaint_about(folder: Path, text: str) -> str:
    with pytest.raises(ProducerConfigurationError) as failure:
        read(folder, text)
    return str(failure.value)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    file = read(tmp_path, WHOLE)
    assert file.fields == FieldMap(server=("host",), service=("team", "job"), group_by=("server", "alertname"))
    assert file.storms == StormRules(quiet_seconds=1.5, engineer_seconds=2, alerts_kept=3, lateness_seconds=0)
    assert file.sources["pagerduty"].secret_env == ("PD_OLD", "PD_NEW")


@pytest.mark.parametrize("text", ["", "[fields]\n[storms]\n[sources]\n"])
def test_what_is_left_out_has_its_default(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == read_intake_file(None) == IntakeFile()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[field]", "field"),
        ("fields = 1", "fields"),
        ("sources = 1", "sources"),
        ('[fields]\nserver = "host"', "fields.server"),
        ("[fields]\nserver = []", "fields.server"),
        ('[fields]\nservers = ["a"]', "fields.servers"),
        ("[storms]\nquiet_seconds = -1", "storms.quiet_seconds"),
        ("[storms]\nquiet_seconds = nan", "storms.quiet_seconds"),
        ("[storms]\nalerts_kept = 0", "storms.alerts_kept"),
        ("[sources.nagios]", "sources.nagios"),
        ('[sources.grafana]\ntoken = "abc"', "sources.grafana.token"),
        ('[sources.grafana]\nsignature = "grafana"', "sources.grafana"),
        ('[sources.grafana]\nsecret_env = ["A"]', "sources.grafana"),
        ('[sources.grafana]\nsignature = "md5"\nsecret_env = ["A"]', "sources.grafana.signature"),
        ('[sources.grafana]\ntoken_env = ["not a name"]', "sources.grafana.token_env.0"),
    ],
)
def test_each_mistake_is_named_by_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    told = complaint_about(tmp_path, text)
    assert "intake.toml" in told
    assert f"  {key}: " in told


def test_all_mistakes_are_told_at_once_and_no_value_is(tmp_path: Path) -> None:
    told = complaint_about(
        tmp_path, '[fields]\nserver = "hush"\n[storms]\nx = "hush"\n[sources.nagios]\n[sources.grafana]\ntoken = "hush"'
    )
    assert len(told.splitlines()) == 5
    assert "hush" not in told


def test_a_file_that_is_missing_or_no_toml_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProducerConfigurationError, match="FIRSTLINE_INTAKE_FILE"):
        read_intake_file(tmp_path / "none.toml")
    assert "not TOML" in complaint_about(tmp_path, "[fields")
    (tmp_path / "latin.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(ProducerConfigurationError, match="not TOML"):
        read_intake_file(tmp_path / "latin.toml")


def test_all_wrong_settings_are_listed_by_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_REDIS_URL", "amqp://somewhere")
    monkeypatch.setenv("FIRSTLINE_INTAKE_PORT", "many")
    with pytest.raises(ProducerConfigurationError) as failure:
        load_producer_settings()
    assert "FIRSTLINE_REDIS_URL" in str(failure.value)
    assert "FIRSTLINE_INTAKE_PORT" in str(failure.value)


def test_secrets_may_stand_in_the_env_file_under_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("A=of file\nB=of file\nC=\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B", "of environment")
    read_variables = read_environment()
    assert (read_variables["A"], read_variables["B"], "C" in read_variables) == ("of file", "of environment", False)
