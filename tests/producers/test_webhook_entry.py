"""Nobody gets in who can't prove it; each proof works, each forgery fails, and with the guard off it succeeds."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from producers.intake_file import SourceRules
from producers.settings import ProducerConfigurationError
from producers.webhook import read_credentials
from producers.webhook.credentials import Lock, Secret
from producers.webhook.first_arrivals import FirstArrivals
from tests.producers.webhook_site import NOW, SIGNING_SECRET, TOKEN, ScriptedDoor, Webhook, open_webhook

ZABBIX_TOKEN = "0123456789abcdef-of-zabbix"
BODY = json.dumps({"error_msg": "slow", "server_id": "web-1"}).encode()
SECONDS = int(NOW.timestamp())
LONG = "a" * 32


@pytest.fixture
def door() -> ScriptedDoor:
    return ScriptedDoor()


@pytest.fixture
def webhook(door: ScriptedDoor) -> Iterator[Webhook]:
    with open_webhook(door) as site:
        yield site


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def signed(prefix: bytes = b"", body: bytes = BODY, secret: bytes = SIGNING_SECRET) -> str:
    return hmac.new(secret, prefix + body, hashlib.sha256).hexdigest()


def of_firstline(seconds: int, **more: bytes) -> dict[str, str]:
    return {"x-firstline-signature": f"t={seconds},v1={signed(f'{seconds}.'.encode(), **more)}"}


def of_grafana(seconds: int) -> dict[str, str]:
    return {
        "x-grafana-alerting-signature": signed(f"{seconds}:".encode()),
        "x-grafana-alerting-timestamp": str(seconds),
    }


WRONG = [
    "",
    "Bearer",
    "Bearer wrong-wrong-wrong-wrong",
    f"Bearer {TOKEN}x",
    f"Bearer {TOKEN[:-1]}",
    f"Bearer {TOKEN} {TOKEN}",
    f"Digest {TOKEN}",
    TOKEN,
    "Basic !!!",
    "Basic " + base64.b64encode(TOKEN.encode()).decode(),
    basic(TOKEN, ""),
    basic("user", "wrong"),
    "Bearer \xe4\xf6",
]


@pytest.mark.parametrize("authorization", WRONG)
def test_without_the_token_nobody_gets_in_and_all_hear_the_same(
    webhook: Webhook, door: ScriptedDoor, authorization: str
) -> None:
    answered = webhook.post("/v1/alerts", content=BODY, authorization=authorization.encode("latin-1"))
    nothing_at_all = webhook.post("/v1/alerts", content=BODY, authorization="")
    assert answered.status_code == 401
    assert answered.headers["www-authenticate"].startswith("Bearer")
    assert answered.text == nothing_at_all.text
    assert door.offered == []


@pytest.mark.parametrize("authorization", WRONG)
def test_with_the_guard_off_the_same_strangers_get_in(door: ScriptedDoor, authorization: str) -> None:
    with open_webhook(door, is_insecure=True) as webhook:
        answered = webhook.post("/v1/alerts", content=BODY, authorization=authorization.encode("latin-1"))
    assert answered.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer  {TOKEN}", basic("anybody", TOKEN), basic("", TOKEN), f"Bearer {ZABBIX_TOKEN}"],
)
def test_every_token_of_a_source_lets_in_as_bearer_and_as_password(webhook: Webhook, authorization: str) -> None:
    answered = webhook.post("/v1/alerts/zabbix", json={}, authorization=authorization)
    assert answered.status_code == 422


def test_a_source_s_own_token_opens_no_other_source(webhook: Webhook) -> None:
    answered = webhook.post("/v1/alerts/datadog", json={}, authorization=f"Bearer {ZABBIX_TOKEN}")
    assert answered.status_code == 401


def test_a_source_without_any_credential_stays_closed(door: ScriptedDoor) -> None:
    locks = {"zabbix": Lock(tokens=(Secret("ZABBIX", ZABBIX_TOKEN.encode()),))}
    with open_webhook(door, locks=locks) as webhook:
        for authorization in (f"Bearer {ZABBIX_TOKEN}", "Bearer", ""):
            assert webhook.post("/v1/alerts", content=BODY, authorization=authorization).status_code == 401


@pytest.mark.parametrize("authorization", WRONG)
def test_strangers_do_not_hear_which_sources_there_are(webhook: Webhook, authorization: str) -> None:
    unknown = webhook.post("/v1/alerts/nagios", content=BODY, authorization=authorization.encode("latin-1"))
    known = webhook.post("/v1/alerts/zabbix", content=BODY, authorization="")
    assert (unknown.status_code, unknown.text) == (401, known.text)


def test_who_has_the_token_of_any_source_hears_which_there_are(webhook: Webhook) -> None:
    answered = webhook.post("/v1/alerts/nagios", content=BODY, authorization=f"Bearer {ZABBIX_TOKEN}")
    assert answered.status_code == 404
    assert "alertmanager" in answered.text


RIGHT_SIGNATURES = [
    ("pagerduty", {"x-pagerduty-signature": f"v1={signed()}"}),
    ("pagerduty", {"x-pagerduty-signature": f"v1={'0' * 64},v1={signed()}"}),
    ("pagerduty", {"x-pagerduty-signature": f"v1={signed(secret=b'0123456789abcdef-retired')}"}),
    ("grafana", {"x-grafana-alerting-signature": signed()}),
    ("grafana", of_grafana(SECONDS)),
    ("grafana", of_grafana(SECONDS - 300)),
    ("plain", of_firstline(SECONDS)),
    ("plain", of_firstline(SECONDS + 300)),
]
WRONG_SIGNATURES = [
    ("pagerduty", {"x-pagerduty-signature": f"v1={signed(body=BODY + b' ')}"}),
    ("pagerduty", {"x-pagerduty-signature": f"v1={signed(secret=b'0123456789abcdef-unknown')}"}),
    ("pagerduty", {"x-pagerduty-signature": f"v1={signed(secret=b'')}"}),
    ("pagerduty", {"x-pagerduty-signature": signed()}),
    ("pagerduty", {"x-pagerduty-signature": f"v2={signed()}"}),
    ("pagerduty", {"x-pagerduty-signature": "v1="}),
    ("pagerduty", {"x-pagerduty-signature": ""}),
    ("pagerduty", of_firstline(SECONDS)),
    ("grafana", of_grafana(SECONDS - 301)),
    ("grafana", of_grafana(SECONDS) | {"x-grafana-alerting-timestamp": str(SECONDS - 1)}),
    ("grafana", {"x-grafana-alerting-signature": signed(f"{SECONDS}:".encode())}),
    ("grafana", {"x-grafana-alerting-signature": signed(), "x-grafana-alerting-timestamp": str(SECONDS)}),
    ("grafana", {"x-grafana-alerting-signature": signed(), "x-grafana-alerting-timestamp": ""}),
    ("plain", of_firstline(SECONDS - 301)),
    ("plain", of_firstline(SECONDS + 301)),
    ("plain", {"x-firstline-signature": f"v1={signed()}"}),
    ("plain", {"x-firstline-signature": f"t=now,v1={signed(b'now.')}"}),
    ("plain", {"x-firstline-signature": f"t=-1,v1={signed(b'-1.')}"}),
    ("plain", {"x-firstline-signature": f"t={SECONDS},t={SECONDS},v1={signed(f'{SECONDS}.'.encode())}"}),
    ("plain", of_firstline(SECONDS, body=BODY + b"x")),
    ("zabbix", of_firstline(SECONDS)),
]


@pytest.mark.parametrize(("source", "headers"), RIGHT_SIGNATURES)
def test_a_signature_lets_in(webhook: Webhook, source: str, headers: Mapping[str, str]) -> None:
    answered = webhook.post(
        f"/v1/alerts/{source}", content=BODY, authorization="", content_type="application/json", **headers
    )
    assert answered.status_code in {200, 422}


@pytest.mark.parametrize(("source", "headers"), WRONG_SIGNATURES)
def test_a_forged_or_outdated_signature_does_not(
    webhook: Webhook, door: ScriptedDoor, source: str, headers: Mapping[str, str]
) -> None:
    answered = webhook.post(f"/v1/alerts/{source}", content=BODY, authorization="", **headers)
    assert answered.status_code == 401
    assert door.offered == []


@pytest.mark.parametrize(("source", "headers"), WRONG_SIGNATURES)
def test_with_the_guard_off_the_forgers_get_in(door: ScriptedDoor, source: str, headers: Mapping[str, str]) -> None:
    with open_webhook(door, is_insecure=True) as webhook:
        answered = webhook.post(f"/v1/alerts/{source}", content=BODY, authorization="", **headers)
    assert answered.status_code in {200, 422}


def test_a_copy_of_a_signed_message_makes_no_new_alert_and_the_same_words_signed_anew_do(
    webhook: Webhook, door: ScriptedDoor
) -> None:
    for seconds in (SECONDS, SECONDS, SECONDS + 1):
        assert webhook.post_signed(BODY, seconds=seconds).status_code == 200
    first, copy, anew = [alert.incident_id for alert in door.offered]
    assert (copy == first, anew == first) == (True, False)


def test_the_same_words_with_a_token_are_a_new_alert_each_time(webhook: Webhook, door: ScriptedDoor) -> None:
    for _ in range(2):
        assert webhook.post("/v1/alerts", content=BODY, content_type="application/json").status_code == 200
    assert len({alert.incident_id for alert in door.offered}) == 2


def test_a_signed_message_is_remembered_as_long_as_its_signature_holds() -> None:
    arrivals = FirstArrivals()
    first = arrivals.of(b"m", NOW)
    assert arrivals.of(b"m", NOW + timedelta(seconds=600)) == first
    assert arrivals.of(b"m", NOW + timedelta(seconds=601)) != first
    assert arrivals.of(None, NOW).unique != arrivals.of(None, NOW).unique


def test_a_token_opens_a_source_that_could_sign_as_well(webhook: Webhook) -> None:
    assert webhook.post("/v1/alerts/plain", content=BODY).status_code == 200


def test_nobody_is_let_in_to_a_browser_s_page_while_no_credentials_are_asked(door: ScriptedDoor) -> None:
    with open_webhook(door, is_insecure=True) as webhook:
        answered = webhook.post("/v1/alerts", content=b"x is slow", content_type="text/plain", origin="http://evil")
    assert (answered.status_code, door.offered) == (403, [])


def test_who_proves_nothing_is_told_so_before_a_body_is_asked_for(webhook: Webhook) -> None:
    answered = webhook.post("/v1/alerts", content=b"x" * 1000, authorization="", expect="100-continue")
    assert answered.status_code == 401


def test_tokens_are_read_from_one_variable_and_from_those_that_the_file_names() -> None:
    rules = {"zabbix": SourceRules(token_env=("Z1", "Z2"))}
    read = read_credentials(f"{LONG}b, {LONG}c,", rules, {"Z1": f"{LONG}1", "Z2": f"{LONG}2"})
    assert [token.name for token in read.lock_of("zabbix").tokens] == [
        "Z1",
        "Z2",
        "FIRSTLINE_INTAKE_TOKENS.1",
        "FIRSTLINE_INTAKE_TOKENS.2",
    ]
    assert len(read.lock_of("grafana").tokens) == 2
    assert LONG not in repr(read)


@pytest.mark.parametrize("tokens", ["", " , ", ","])
def test_without_any_credential_nothing_starts_and_the_text_says_how(tokens: str) -> None:
    with pytest.raises(ProducerConfigurationError, match=r"FIRSTLINE_INTAKE_TOKENS.*--insecure"):
        read_credentials(tokens, {}, {})


def test_all_mistakes_in_credentials_are_told_at_once_without_a_value() -> None:
    rules = {
        "zabbix": SourceRules(token_env=("UNSET", "SHORT")),
        "grafana": SourceRules.model_validate({"signature": "grafana", "secret_env": ["UMLAUT"]}),
    }
    environment = {"SHORT": "kurzes-ding", "UMLAUT": "ä" * 20}
    with pytest.raises(ProducerConfigurationError) as failure:
        read_credentials("shorty", rules, environment)
    told = str(failure.value)
    for key in ("FIRSTLINE_INTAKE_TOKENS: token 1", "sources.zabbix.token_env", "UNSET", "SHORT", "UMLAUT"):
        assert key in told
    assert not any(value in told for value in ("shorty", *environment.values()))
