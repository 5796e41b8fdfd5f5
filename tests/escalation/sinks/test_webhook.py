"""The signed webhook: the verification that its module documents takes what it sends, and nothing else."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.builders import result
from tests.escalation.sinks.stand_ins import Systems, handled
from tests.fakes import FakeClock
from worker.clock import SystemClock
from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.errors import ConfigurationError
from worker.escalation.making_sinks import make_sinks
from worker.escalation.routes_file import read_routes_file
from worker.escalation.sinks import webhook
from worker.escalation.sinks.webhook import WebhookSink
from worker.ports import Clock

OLD, NEW = "the-old-secret-of-2025", "the-new-secret-of-2026"

Verify = Callable[[Mapping[str, str], bytes, str], bool]


def documented_verification() -> Verify:
    """Return the function that stands in the module's documentation, as a reader would copy it."""
    assert webhook.__doc__ is not None
    code = "\n".join(line[4:] for line in webhook.__doc__.splitlines() if line.startswith("    ") or not line)
    assert len(code.strip().splitlines()) <= 15
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own documentation
    verify: Verify = names["is_from_firstline"]
    return verify


def sent(httpserver: HTTPServer, client: httpx2.Client, *, secrets: list[str], clock: Clock) -> tuple[Any, bytes]:
    WebhookSink(url=httpserver.url_for("/firstline"), secrets=secrets, client=client, clock=clock).deliver(result())
    request = httpserver.log[-1][0]
    return request.headers, request.get_data()


def test_what_is_sent_passes_the_documented_verification(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    headers, body = sent(httpserver, client, secrets=[NEW], clock=SystemClock())
    assert documented_verification()(headers, body, NEW)


def test_a_changed_body_another_secret_and_another_time_do_not_pass(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    verify = documented_verification()
    headers, body = sent(httpserver, client, secrets=[NEW], clock=SystemClock())
    later = {**dict(headers), "X-Firstline-Timestamp": str(int(headers["X-Firstline-Timestamp"]) + 1)}
    assert not verify(headers, body.replace(b"payments", b"pavments"), NEW)
    assert not verify(headers, body, OLD)
    assert not verify(later, body, NEW)
    assert not verify({**later, "X-Firstline-Timestamp": "now"}, body, NEW)


def test_an_old_message_does_not_pass(httpserver: HTTPServer, systems: Systems, client: httpx2.Client) -> None:
    headers, body = sent(httpserver, client, secrets=[NEW], clock=FakeClock())
    assert not documented_verification()(headers, body, NEW)


def test_while_a_secret_is_rotated_both_pass(httpserver: HTTPServer, systems: Systems, client: httpx2.Client) -> None:
    verify = documented_verification()
    headers, body = sent(httpserver, client, secrets=[NEW, OLD], clock=SystemClock())
    assert verify(headers, body, NEW)
    assert verify(headers, body, OLD)
    assert not verify(headers, body, "a-secret-of-nobody's")


def test_the_body_holds_the_card_the_result_and_what_was_done(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = WebhookSink(url=httpserver.url_for("/firstline"), secrets=[NEW], client=client, clock=FakeClock())
    sink.deliver(result())
    sink.follow(result(), handled(Action.WRONG, "it was the disk"))
    page, action = (body for _, body in systems.posted)
    assert page["event"] == "result"
    assert TriageResult.model_validate_json(json.dumps(page["result"])) == result()
    assert page["card"]["incident_id"] == result().incident.incident_id
    assert Handled.model_validate_json(json.dumps(action["handled"])) == handled(Action.WRONG, "it was the disk")


def test_each_message_has_one_key_however_often_it_is_sent(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = WebhookSink(url=httpserver.url_for("/firstline"), secrets=[NEW], client=client, clock=SystemClock())
    for _ in range(2):
        sink.deliver(result(1))
        sink.deliver(result(2))
        sink.follow(result(1), handled(Action.NOTE, "one"))
        sink.follow(result(1), handled(Action.NOTE, "two", minutes=6))
    assert len(systems.keys) == 4
    assert f"{result().incident.incident_id}:result" in systems.keys


@pytest.mark.parametrize("secrets", [[], [""], ["short"], [NEW, "short"], ["with a space in the middle"]])
def test_secrets_that_protect_nothing_are_refused(secrets: list[str], client: httpx2.Client) -> None:
    with pytest.raises(ConfigurationError, match=r"webhook .*: (set them|correct it)\.$") as raised:
        WebhookSink(url="https://example.com/", secrets=secrets, client=client, clock=FakeClock())
    assert "short" not in str(raised.value)


@pytest.mark.parametrize("is_trusted", ["false", "true"])
@pytest.mark.parametrize(
    "host", ["desk.example.com", "169.254.169.254", "localhost.example.com", "127.0.0.1.example.com"]
)
def test_no_card_crosses_a_network_unencrypted(host: str, is_trusted: str, tmp_path: Path) -> None:
    path, environment = tmp_path / "routes.toml", {"DESK_SECRETS": NEW}
    table = f'kind = "webhook"\nurl = "http://{host}/firstline"\nsecrets_env = "DESK_SECRETS"\ntrusted = {is_trusted}'
    path.write_text(f'default = "own"\n[sinks.own]\n{table}\n')
    file = read_routes_file(path, environment=environment)
    with pytest.raises(ConfigurationError, match=r"sinks\.own: .* secrets and cards unencrypted: write https\.$"):
        make_sinks(file, environment=environment, vault=None, clock=FakeClock())


@pytest.mark.parametrize(
    "url", ["https://desk.example.com/", "http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/"]
)
def test_control_an_encrypted_address_and_one_of_this_machine_are_taken(url: str, client: httpx2.Client) -> None:
    WebhookSink(url=url, secrets=[NEW], client=client, clock=FakeClock())
