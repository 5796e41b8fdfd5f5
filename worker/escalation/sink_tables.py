"""The routes file's tables as types: one a kind of sink, one for a route, one for hours.

Forms only: what one table says of another is checked in `routes_file.py`. A secret never stands in the file: each
`*_env` key names the environment variable that holds it, in the environment or in `.env`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from worker.contract import Disposition, Severity
from worker.infrastructure.inventory_forms import Url, WallTime, in_form
from worker.infrastructure.inventory_systems import Table

__all__ = ["AnySink", "HoursTable", "RouteTable", "SinkTable", "variables_of"]

_Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Variable = Annotated[str, in_form(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "is no name of an environment variable")]
_Server = Annotated[Url, in_form(r"https?://[^/]+/?", "has a path: write http(s)://HOST[:PORT] alone")]
_Days = Annotated[frozenset[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)]


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Names = Annotated[frozenset[_Name], BeforeValidator(_several), Field(min_length=1)]
_Sinks = Annotated[tuple[_Name, ...], BeforeValidator(_several), Field(min_length=1)]


class HoursTable(Table):
    """A time of the week, over midnight if it ends before it begins; without `days` it comes every day."""

    between: tuple[WallTime, WallTime]
    days: _Days | None = None
    time_zone: _Name | None = None


class RouteTable(Table):
    """One route: what a result must be to take it, and the sinks that it leads to. One value, or a list of several."""

    sinks: _Sinks
    severity: Annotated[frozenset[Severity], BeforeValidator(_several), Field(min_length=1)] | None = None
    team: _Names | None = None
    service: _Names | None = None
    server: _Names | None = None
    disposition: Annotated[frozenset[Disposition], BeforeValidator(_several), Field(min_length=1)] | None = None
    between: tuple[WallTime, WallTime] | None = None
    days: _Days | None = None
    time_zone: _Name | None = None
    quiet: tuple[HoursTable, ...] = ()
    goes_on: Annotated[bool, Field(alias="continue")] = False


class SinkTable(Table):
    """What every sink has: who gets its pages when it fails, whether people there see real addresses, quiet hours."""

    backup: _Name | None = None
    trusted: bool = False
    quiet: tuple[HoursTable, ...] = ()


class WebSinkTable(SinkTable):
    """A sink over HTTP; `ca_file` is relative to the file's own folder."""

    ca_file: Path | None = None


class PagerDutyTable(WebSinkTable):
    """A service of PagerDuty's, by its integration's routing key."""

    kind: Literal["pagerduty"]
    routing_key_env: _Variable
    url: _Server = "https://events.pagerduty.com"


class MailTable(SinkTable):
    """A mail server, and who is written to."""

    kind: Literal["mail"]
    host: _Name
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    sender: _Name
    recipients: Annotated[tuple[_Name, ...], BeforeValidator(_several), Field(min_length=1)]
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: _Name | None = None
    password_env: _Variable | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _login_is_whole(self) -> "MailTable":
        if (self.username is None) != (self.password_env is None):
            raise ValueError("username goes with password_env: give both or none")
        return self


class SlackTable(WebSinkTable):
    """A channel of Slack's, by its webhook's address, or by a bot's token and the channel's id."""

    kind: Literal["slack"]
    webhook_url_env: _Variable | None = None
    bot_token_env: _Variable | None = None
    channel: _Name | None = None
    url: Url = "https://slack.com/api"

    @model_validator(mode="after")
    def _way_is_one(self) -> "SlackTable":
        if (self.webhook_url_env is None) == (self.bot_token_env is None):
            raise ValueError("give either webhook_url_env, or bot_token_env with channel")
        if (self.bot_token_env is None) != (self.channel is None):
            raise ValueError("channel goes with bot_token_env: give both or none")
        return self


class ChatTable(WebSinkTable):
    """A channel of Microsoft Teams' or Mattermost's, by its webhook's address, which is the secret."""

    kind: Literal["teams", "mattermost"]
    webhook_url_env: _Variable


class WebhookTable(WebSinkTable):
    """An address of your own; the variable holds the secrets to sign with, separated by commas, the newest first."""

    kind: Literal["webhook"]
    url: Url
    secrets_env: _Variable


class JiraTable(WebSinkTable):
    """A project of Jira Cloud's."""

    kind: Literal["jira"]
    url: _Server
    user: _Name
    api_token_env: _Variable
    project: _Name
    issue_type: _Name = "Task"
    resolve_transition: _Name | None = None


class ServiceNowTable(WebSinkTable):
    """A table of a ServiceNow instance."""

    kind: Literal["servicenow"]
    url: _Server
    user: _Name
    password_env: _Variable
    table: _Name = "incident"
    resolved_fields: Mapping[str, str] = Field(default_factory=dict)


class AppriseTable(SinkTable):
    """One address of Apprise's, which is the secret."""

    kind: Literal["apprise"]
    url_env: _Variable


AnySink = (
    PagerDutyTable | MailTable | SlackTable | ChatTable | WebhookTable | JiraTable | ServiceNowTable | AppriseTable
)


def variables_of(sink: SinkTable) -> Mapping[str, str]:
    """Return the environment variables that a sink needs, by the key that names each."""
    return {key: value for key, value in sink if key.endswith("_env") and value is not None}
