"""The routes file: the example is valid, every mistake is told at once with its key, and no secret is."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.escalation.builders import result
from tests.fakes import FakeClock
from worker.contract import Severity
from worker.contract.result import Occurrences
from worker.errors import ConfigurationError
from worker.escalation.making_sinks import make_sinks
from worker.escalation.revealing import RevealingNotifier, SecretFreeNotifier
from worker.escalation.routes_file import RoutesFile, read_routes_file
from worker.escalation.sink_tables import variables_of

EXAMPLE = Path(__file__).parents[2] / "deploy" / "routes.example.toml"
SECRETS = {
    "PAGERDUTY_ROUTING_KEY": "a" * 32,
    "SMTP_PASSWORD": "hunter2",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/secret",
    "SLACK_BOT_TOKEN": "xoxb-secret",
    "TEAMS_WEBHOOK_URL": "https://example.com/workflow?sig=secret",
    "DESK_SECRETS": "0123456789abcdef,fedcba9876543210",
    "JIRA_API_TOKEN": "secret",
    "SERVICENOW_PASSWORD": "secret",
    "APPRISE_URL": "json://localhost/secret",
}
PAGER = '[sinks.pager]\nkind = "pagerduty"\nrouting_key_env = "PAGERDUTY_ROUTING_KEY"\n'


class Empty:
    def values_of(self, incident_id: str) -> dict[str, str]:
        return {}

    def note_reveal(self, incident_id: str, *, sink: str, digest: str) -> None:
        pass


def read(folder: Path, text: str, **environment: str) -> RoutesFile:
    path = folder / "routes.toml"
    path.write_text(text)
    return read_routes_file(path, environment=SECRETS | environment)


def complaints(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigurationError) as failure:
        read(folder, text, **environment)
    return [line.strip() for line in str(failure.value).splitlines()[1:]]


def test_the_example_is_valid_and_goes_where_it_says() -> None:
    routes = read_routes_file(EXAMPLE, environment=SECRETS).routes
    monday_noon = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert routes.sinks_for(result(owner="payments-team"), monday_noon) == {"pager": None, "chat": None}
    warning = result(occurrences=Occurrences(severity=Severity.WARNING))
    night = datetime(2026, 6, 1, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    assert routes.sinks_for(warning, night) == {"chat": datetime(2026, 6, 2, 5, tzinfo=UTC)}
    assert routes.sinks_for(result(), night) == {"pager": None}


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of Apprise's, when imported
def test_every_kind_of_the_example_can_be_made(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[sinks\.|[a-z_]+ = )|^# ca_file.*$", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^ca_file.*$", "", text, flags=re.MULTILINE)
    file = read(tmp_path, text)
    assert {table.kind for table in file.sinks.values()} == {
        "pagerduty", "mail", "slack", "teams", "webhook", "jira", "servicenow", "apprise",
    }  # fmt: skip
    made = {sink.name: sink for sink in make_sinks(file, environment=SECRETS, vault=Empty(), clock=FakeClock())}
    assert set(made) == set(tomllib.loads(text)["sinks"])
    assert all(sink.follower is not None for sink in made.values())
    assert made["chat"].backup == "mail"
    assert isinstance(made["pager"].notifier, RevealingNotifier)
    assert isinstance(made["chat"].notifier, SecretFreeNotifier)


def test_the_variables_of_all_sinks_are_known() -> None:
    file = read_routes_file(EXAMPLE, environment=SECRETS)
    assert dict(variables_of(file.sinks["pager"])) == {"routing_key_env": "PAGERDUTY_ROUTING_KEY"}


def test_every_mistake_is_told_at_once_with_its_key_and_what_to_do(tmp_path: Path) -> None:
    text = """
default = ["nobody"]
time_zone = "Europe/Nowhere"
extra = 1
[sinks.pager]
kind = "pagerduty"
routing_key_env = "UNSET_KEY"
backup = "pager"
tea = true
[sinks.mail]
kind = "mail"
host = "smtp.example.com"
sender = "a@example.com"
recipients = []
username = "a"
[sinks."Bad Name"]
kind = "pagerduty"
routing_key_env = "PAGERDUTY_ROUTING_KEY"
[sinks.one]
kind = "teams"
webhook_url_env = "UNSET_URL"
backup = "two"
ca_file = "gone.pem"
[sinks.two]
kind = "teams"
webhook_url_env = "TEAMS_WEBHOOK_URL"
backup = "one"
[sinks.pigeon]
kind = "pigeon"
[sinks.slack]
kind = "slack"
[[routes]]
severity = "urgent"
sinks = ["pager"]
[[routes]]
sinks = ["gone"]
days = ["mon"]
[[routes]]
sinks = []
between = ["22:00"]
"""
    told = complaints(tmp_path, text)
    for start in (
        "extra: unknown key",
        "time_zone: there is no 'Europe/Nowhere'",
        "default: there is no [sinks.nobody]",
        "sinks.pager.tea: unknown key",
        "sinks.mail.recipients: ",
        "sinks.Bad Name: is no name of a sink",
        "sinks.one.webhook_url_env: the environment variable UNSET_URL is not set",
        "sinks.one.ca_file: there is no file",
        "sinks.one.backup: leads back to itself (one → two → one)",
        "sinks.pigeon: has a kind that is none: write one of apprise, jira, mail",
        "sinks.slack: give either webhook_url_env, or bot_token_env",
        "routes.1.severity.",
        "routes.2.sinks: there is no [sinks.gone]",
        "routes.2.between: is missing",
        "routes.3.sinks: ",
        "routes.3.between.1: is missing",
    ):
        assert any(line.startswith(start) for line in told), (start, told)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('default = ["pager"]', "sinks: has no entry"),
        (PAGER, "default: is missing"),
        (f'default = "pager"\n{PAGER}[routes]\n', "routes: is no list"),
        ('default = "pager"\nsinks = 1\n', "sinks: has no entry"),
    ],
)
def test_a_part_that_is_missing_is_asked_for(tmp_path: Path, text: str, complaint: str) -> None:
    assert any(line.startswith(complaint) for line in complaints(tmp_path, text))


def test_what_is_not_there_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"copy deploy/routes\.example\.toml there"):
        read_routes_file(tmp_path / "gone.toml", environment={})
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read(tmp_path, "default = ")


def test_a_secret_that_is_no_good_is_told_without_itself(tmp_path: Path) -> None:
    file = read(tmp_path, f'default = "pager"\n{PAGER}', PAGERDUTY_ROUTING_KEY="hun ter2")
    environment = SECRETS | {"PAGERDUTY_ROUTING_KEY": "hun ter2"}
    with pytest.raises(ConfigurationError, match=r"sinks\.pager: The routing key of PagerDuty") as failure:
        make_sinks(file, environment=environment, vault=None, clock=FakeClock())
    assert "ter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("quiet = [{between = [22, 7]}]", "is no time of day"),
        ('quiet = [{between = ["22:00Z", "07:00"]}]', "is no time of day"),
        ('quiet = [{between = ["22:00", "07:00"], days = []}]', ".days: "),
        ('quiet = [{between = ["00:00", "00:00"]}]', "never ends"),
        ('quiet = [{between = ["07:00", "22:00"]}, {between = ["22:00", "07:00"]}]', "never ends"),
        ('url = "https://events.pagerduty.com/v2/enqueue"', "has a path"),
        ('url = "https://events.pagerduty.com:70000"', "is no address"),
    ],
)
def test_what_would_stop_pages_is_a_mistake(tmp_path: Path, line: str, complaint: str) -> None:
    told = complaints(tmp_path, f'default = "pager"\n{PAGER}{line}\n')
    assert told
    assert all(complaint in each for each in told)


def test_a_secret_never_crosses_a_network_unencrypted(tmp_path: Path) -> None:
    file = read(tmp_path, f'default = "pager"\n{PAGER}url = "http://pager.example.com"\n')
    with pytest.raises(ConfigurationError, match=r"sinks\.pager: .*unencrypted: write https"):
        make_sinks(file, environment=SECRETS, vault=None, clock=FakeClock())
