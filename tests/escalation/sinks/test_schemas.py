"""The schemas that the stand-ins hold messages against are schemas, and say whose documentation they follow."""

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.escalation.sinks.stand_ins import SCHEMAS, fits


@pytest.mark.parametrize("name", sorted(path.stem for path in SCHEMAS.glob("*.json")))
def test_a_schema_is_valid_and_names_its_source(name: str) -> None:
    document = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$comment"].startswith("https://")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("pagerduty_event", {"routing_key": "x" * 32, "event_action": "trigger"}),
        ("pagerduty_event", {"routing_key": "x" * 32, "event_action": "resolve"}),
        ("slack_webhook", {"text": "x", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}),
        ("slack_message", {"text": "x"}),
        ("mattermost_message", {"text": "x" * 16_384}),
        ("teams_message", {"type": "message", "attachments": []}),
        ("jira_issue", {"fields": {"project": {"key": "OPS"}, "summary": "two\nlines", "issuetype": {"name": "Task"}}}),
        ("servicenow_record", {"short_description": "x" * 161}),
    ],
)
def test_control_what_a_system_does_not_document_does_not_fit(name: str, body: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        fits(name, body)
