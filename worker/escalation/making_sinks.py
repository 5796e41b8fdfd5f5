"""From the routes file's tables and the environment to sinks, each behind its gates. Called by `firstline escalations`.

Nothing connects before something is sent. Secrets go from the environment into the sink, and nowhere else.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

import httpx2

from worker.errors import ConfigurationError
from worker.escalation.revealing import Vault, gated, gated_follower
from worker.escalation.routes_file import RoutesFile
from worker.escalation.sending import SinkInUse
from worker.escalation.sink_tables import (
    AnySink,
    AppriseTable,
    ChatTable,
    JiraTable,
    MailTable,
    PagerDutyTable,
    ServiceNowTable,
    SlackTable,
    WebhookTable,
)
from worker.escalation.sinks.apprise_sink import AppriseSink
from worker.escalation.sinks.jira import JiraSink
from worker.escalation.sinks.mail import MailSink
from worker.escalation.sinks.mattermost import MattermostSink
from worker.escalation.sinks.pagerduty import PagerDutySink
from worker.escalation.sinks.posting import posting_client
from worker.escalation.sinks.servicenow import ServiceNowSink
from worker.escalation.sinks.slack import SlackBotSink, SlackWebhookSink
from worker.escalation.sinks.teams import TeamsSink
from worker.escalation.sinks.webhook import WebhookSink
from worker.ports import Clock

__all__ = ["make_sinks"]

_Sink = (
    PagerDutySink
    | MailSink
    | SlackWebhookSink
    | SlackBotSink
    | TeamsSink
    | MattermostSink
    | WebhookSink
    | JiraSink
    | ServiceNowSink
    | AppriseSink
)


def make_sinks(
    file: RoutesFile, *, environment: Mapping[str, str], vault: Vault | None, clock: Clock
) -> list[SinkInUse]:
    """Return all sinks of a valid file. Raises `ConfigurationError` that lists every secret and file that is no good.

    `vault` is None without a key: then nobody sees more than the stream has.
    """
    made, mistakes = [], []
    for name, table in file.sinks.items():
        try:
            bare = _Maker(file.folder, environment, clock).made(table)
        except ConfigurationError as mistake:
            mistakes.append(f"  sinks.{name}: {mistake}")
            continue
        made.append(
            SinkInUse(
                name=name,
                notifier=gated(bare, name, is_trusted=table.trusted, vault=vault),
                follower=gated_follower(bare, name, is_trusted=table.trusted, vault=vault),
                backup=table.backup,
            )
        )
    if mistakes:
        raise ConfigurationError("These sinks can't be made:\n" + "\n".join(mistakes))
    return made


class _Maker:
    """Makes sinks of tables; a client each, so that one that hangs holds no connection of another's."""

    def __init__(self, folder: Path, environment: Mapping[str, str], clock: Clock) -> None:
        self._folder = folder
        self._environment = environment
        self._clock = clock

    def made(self, table: AnySink) -> _Sink:
        """Return the sink of a table. Raises `ConfigurationError`."""
        if isinstance(table, MailTable):
            return self._mail(table)
        if isinstance(table, AppriseTable):
            return AppriseSink(url=self._environment[table.url_env])
        client = posting_client(ca_file=None if table.ca_file is None else self._folder / table.ca_file)
        if isinstance(table, JiraTable | ServiceNowTable):
            return self._tickets(table, client)
        return self._messages(table, client)

    def _messages(self, table: PagerDutyTable | SlackTable | ChatTable | WebhookTable, client: httpx2.Client) -> _Sink:
        match table:
            case PagerDutyTable():
                return PagerDutySink(routing_key=self._environment[table.routing_key_env], url=table.url, client=client)
            case SlackTable(bot_token_env=str(token), channel=str(channel)):
                return SlackBotSink(bot_token=self._environment[token], channel=channel, url=table.url, client=client)
            case SlackTable():
                return SlackWebhookSink(webhook_url=self._environment[table.webhook_url_env or ""], client=client)
            case ChatTable():
                chat = TeamsSink if table.kind == "teams" else MattermostSink
                return chat(webhook_url=self._environment[table.webhook_url_env], client=client)
            case WebhookTable():
                secrets = [each.strip() for each in self._environment[table.secrets_env].split(",") if each.strip()]
                return WebhookSink(url=table.url, secrets=secrets, client=client, clock=self._clock)

    def _tickets(self, table: JiraTable | ServiceNowTable, client: httpx2.Client) -> _Sink:
        if isinstance(table, JiraTable):
            return JiraSink(
                url=table.url,
                user=table.user,
                api_token=self._environment[table.api_token_env],
                project=table.project,
                issue_type=table.issue_type,
                resolve_transition=table.resolve_transition,
                client=client,
            )
        return ServiceNowSink(
            url=table.url,
            user=table.user,
            password=self._environment[table.password_env],
            table=table.table,
            resolved_fields=table.resolved_fields,
            client=client,
        )

    def _mail(self, table: MailTable) -> MailSink:
        login = None
        if table.username is not None and table.password_env is not None:
            login = (table.username, self._environment[table.password_env])
        return MailSink(
            host=table.host,
            port=table.port,
            sender=table.sender,
            recipients=table.recipients,
            security=table.security,
            login=login,
            trusted=self._trusted(table.ca_file),
        )

    def _trusted(self, ca_file: Path | None) -> ssl.SSLContext | None:
        if ca_file is None:
            return None
        try:
            return ssl.create_default_context(cafile=str(self._folder / ca_file))
        except OSError as error:  # what is no certificate is one too
            raise ConfigurationError(f"The ca_file {ca_file} is no file of certificates (PEM): correct it.") from error
