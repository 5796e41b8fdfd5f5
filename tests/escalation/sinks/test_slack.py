"""Slack: its yes stands in the body, and a bot finds its own message again."""

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.builders import result
from tests.escalation.sinks.stand_ins import SECRET, Systems, handled, said
from worker.contract.handling import Action
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.sinks import slack
from worker.escalation.sinks.slack import SlackBotSink, SlackWebhookSink

INCIDENT_ID = result().incident.incident_id


@pytest.fixture
def bot(httpserver: HTTPServer, client: httpx2.Client) -> SlackBotSink:
    return SlackBotSink(bot_token=SECRET, channel="C1", url=httpserver.url_for("/api"), client=client)


def test_a_bots_actions_go_into_the_thread_of_the_incident(bot: SlackBotSink, systems: Systems) -> None:
    bot.deliver(result(2))
    bot.deliver(result(1))
    bot.follow(result(1), handled(Action.RESOLVE, "the pool was full"))
    assert [message.get("thread_ts") for message in systems.messages] == [None, None, systems.messages[1]["ts"]]
    assert systems.messages[-1]["text"].startswith(INCIDENT_ID)


def test_a_bot_looks_further_back_than_one_page(bot: SlackBotSink, systems: Systems) -> None:
    systems.messages += [{"text": "hello", "ts": f"1{number}.0"} for number in range(20)]
    bot.deliver(result())
    bot.deliver(result())
    assert sum("metadata" in message for message in systems.messages) == 1


def test_control_past_its_pages_a_bot_posts_again(bot: SlackBotSink, systems: Systems) -> None:
    systems.messages += [{"text": "hello", "ts": f"1{number}.0"} for number in range(24)]
    bot.deliver(result())
    bot.deliver(result())
    assert sum("metadata" in message for message in systems.messages) == 2


def test_another_apps_message_about_the_incident_is_not_taken_for_the_bots(bot: SlackBotSink, systems: Systems) -> None:
    payload = {"incident_id": INCIDENT_ID}
    systems.messages.append({"ts": "1.0", "metadata": {"event_type": "other", "event_payload": payload}})
    bot.deliver(result())
    assert systems.pages == 2


def test_a_bot_that_may_not_read_the_channel_posts_and_says_so(
    httpserver: HTTPServer, client: httpx2.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    httpserver.expect_request("/api/conversations.history").respond_with_json({"ok": False, "error": "missing_scope"})
    httpserver.expect_request("/api/chat.postMessage").respond_with_json({"ok": True, "ts": "1.0"})
    SlackBotSink(bot_token=SECRET, channel="C1", url=httpserver.url_for("/api"), client=client).deliver(result())
    assert [request.path for request, _ in httpserver.log] == ["/api/conversations.history", "/api/chat.postMessage"]
    assert "missing_scope" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "is_final"),
    [
        *((word, True) for word in ("invalid_auth", "channel_not_found", "not_in_channel", "invalid_blocks")),
        *((word, False) for word in ("ratelimited", "internal_error", "service_unavailable")),
    ],
)
def test_a_status_of_200_that_says_no_is_a_failure_with_slacks_own_word(
    word: str, is_final: bool, httpserver: HTTPServer, bot: SlackBotSink
) -> None:
    httpserver.expect_request("/api/chat.postMessage").respond_with_json({"ok": False, "error": word})
    with pytest.raises(NotDelivered, match=rf"Slack .*\({word}\).*\.$") as no:
        bot.deliver(result())
    assert no.value.is_final == is_final


@pytest.mark.parametrize(
    "answer", [{}, {"ok": 1}, {"ok": "true"}, {"ok": False}, {"ok": False, "error": f"no\n{SECRET}"}]
)
def test_what_is_no_yes_of_slacks_is_none(answer: object, httpserver: HTTPServer, bot: SlackBotSink) -> None:
    httpserver.expect_request("/api/chat.postMessage").respond_with_response(said(answer))
    with pytest.raises(NotDelivered) as no:
        bot.deliver(result())
    assert SECRET not in str(no.value)


def test_of_too_many_blocks_the_first_are_sent() -> None:
    block: dict[str, object] = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}
    assert len(slack._fitting([block] * 7)) == 4
    assert len(slack._fitting([block] * 2)) == 2


def test_a_webhooks_action_is_a_message_of_its_own_with_the_incidents_id(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = SlackWebhookSink(webhook_url=httpserver.url_for(f"/services/T0/B0/{SECRET}"), client=client)
    sink.deliver(result())
    sink.follow(result(), handled(Action.CLAIM))
    assert systems.messages[-1]["text"].startswith(f"{INCIDENT_ID} · Claimed by ann")
    assert all(message["unfurl_links"] is message["unfurl_media"] is False for message in systems.messages)


@pytest.mark.parametrize("channel", ["", "#ops", "ops", "C1 "])
def test_a_channel_is_given_by_its_id(channel: str, client: httpx2.Client) -> None:
    with pytest.raises(ConfigurationError, match="is no channel's id"):
        SlackBotSink(bot_token=SECRET, channel=channel, client=client)
