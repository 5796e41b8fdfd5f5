"""The HTTP door answers every alert for itself, says yes only to what is kept, and says what is wrong and where."""

import json
from collections.abc import Iterator, Sequence

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from redis import Redis

from producers.door import RedisDoor
from producers.intake import Answer, Verdict
from tests.producers.webhook_site import NOW, TOKEN, ScriptedDoor, Webhook, open_webhook
from tests.redis_servers import SwitchableRedis
from worker.contract import Alert
from worker.contract.queue import incident_key

ALERT = {"server_id": "web-1", "error_msg": "slow", "timestamp": NOW.isoformat()}
FIRING = {
    "status": "firing",
    "labels": {"alertname": "Slow", "instance": "web-2:9100", "severity": "critical"},
    "annotations": {"summary": "web-2 is slow"},
    "startsAt": NOW.isoformat(),
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "0123456789abcdef",
}
ALERTMANAGER = {"version": "4", "status": "firing", "alerts": [FIRING]}
CLOUDEVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/monitor",
    "type": "org.example.alert",
    "subject": "web-3",
    "time": NOW.isoformat(),
    "data": {"server_id": "web-3", "error_msg": "web-3 is slow"},
}
MANY = 10_000


@pytest.fixture
def redis() -> SwitchableRedis:
    return SwitchableRedis()


@pytest.fixture
def webhook(redis: SwitchableRedis) -> Iterator[Webhook]:
    with open_webhook(RedisDoor(redis.client, open_limit=3)) as site:
        yield site


def keys(redis: Redis) -> int:
    return len(list(redis.scan_iter("firstline:incident:*")))


def test_each_alert_of_a_batch_gets_its_answer_in_order_and_a_bad_one_fails_no_other(
    webhook: Webhook, redis: SwitchableRedis
) -> None:
    answered = webhook.post("/v1/alerts", json=[ALERT, {"x": 1}, ALERT, ALERT | {"timestamp": "yesterday"}])
    assert answered.status_code == 200
    said = answered.json()
    assert [each["answer"] for each in said["answers"]] == ["accepted", "rejected", "duplicate", "rejected"]
    assert said["counts"] == {"accepted": 1, "rejected": 2, "duplicate": 1}
    assert "error_msg" in said["answers"][1]["reason"]
    assert redis.client.exists(incident_key(said["answers"][0]["incident_id"]))


def test_lines_words_and_one_object_are_plain_alerts_too(webhook: Webhook) -> None:
    lines = "\n".join(json.dumps(ALERT | {"server_id": f"web-{number}"}) for number in range(2)).encode()
    answered = webhook.post("/v1/alerts", content=lines + b"\n\n{\n", content_type="application/x-ndjson")
    assert (answered.status_code, answered.json()["counts"]) == (200, {"accepted": 2, "rejected": 1})
    said = webhook.post("/v1/alerts/plain", content="web-9 is slow — very".encode(), content_type="text/plain")
    assert said.json()["counts"] == {"accepted": 1}
    assert webhook.post("/v1/alerts", json=ALERT | {"server_id": "web-0"}).json()["counts"] == {"duplicate": 1}


@pytest.mark.parametrize(
    ("path", "media_type", "document"),
    [
        ("/v1/alerts/alertmanager", "application/json", ALERTMANAGER),
        ("/v1/alerts/cloudevents", "application/cloudevents+json", CLOUDEVENT),
        ("/v1/alerts", "application/cloudevents+json; charset=utf-8", CLOUDEVENT),
        ("/v1/alerts", "application/cloudevents-batch+json", [CLOUDEVENT]),
    ],
)
def test_a_source_s_own_form_is_read_by_its_parser(
    webhook: Webhook, path: str, media_type: str, document: object
) -> None:
    content = json.dumps(document).encode()
    first = webhook.post(path, content=content, content_type=media_type)
    again = webhook.post(path, content=content, content_type=media_type)
    assert (first.json().get("counts"), again.json().get("counts")) == ({"accepted": 1}, {"duplicate": 1})


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/alerts/cloudevents"])
@pytest.mark.parametrize(
    ("media_type", "content"), [("application/json", b'{"error_msg": "slow"}'), ("text/plain", b"web-4 is slow")]
)
def test_a_cloudevent_in_binary_form_is_told_by_its_headers(
    webhook: Webhook, path: str, media_type: str, content: bytes
) -> None:
    event = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/m", "ce-type": "alert", "ce-subject": "web-4"}
    answered = webhook.post(path, content=content, content_type=media_type, **event)
    assert (answered.status_code, answered.json().get("counts")) == (200, {"accepted": 1})


def test_when_nothing_is_understood_the_sender_hears_422_and_all_reasons(webhook: Webhook) -> None:
    answered = webhook.post("/v1/alerts", json=[{"x": 1}, 7])
    assert answered.status_code == 422
    assert len(answered.json()["answers"]) == 2
    assert {"error", "where"} <= answered.json().keys()


def test_an_empty_array_is_understood(webhook: Webhook) -> None:
    assert webhook.post("/v1/alerts", json=[]).json() == {"answers": [], "counts": {}}


def test_while_redis_is_away_the_answer_is_503_and_afterwards_yes(webhook: Webhook, redis: SwitchableRedis) -> None:
    redis.goes_away()
    answered = webhook.post("/v1/alerts", json=ALERT)
    assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")
    assert webhook.client.get("/readyz").status_code == 503
    assert webhook.client.get("/healthz").status_code == 200
    redis.comes_back()
    assert webhook.post("/v1/alerts", json=ALERT).json()["counts"] == {"accepted": 1}


def test_an_outage_tells_the_sender_nothing_of_our_network() -> None:
    with open_webhook(ScriptedDoor(is_away=True)) as webhook:
        answered = webhook.post("/v1/alerts", json=ALERT)
    assert answered.status_code == 503
    assert "secret-host" not in answered.text


def test_with_too_many_incidents_open_the_sender_keeps_them_and_hears_which_were_taken(webhook: Webhook) -> None:
    wave = [ALERT | {"server_id": f"web-{number}"} for number in range(5)]
    answered = webhook.post("/v1/alerts", json=wave)
    assert (answered.status_code, answered.json()["counts"]) == (503, {"accepted": 3, "full": 2})
    assert int(answered.headers["retry-after"]) > 0
    assert webhook.client.get("/readyz").status_code == 503


def test_a_spooled_alert_is_a_yes() -> None:
    with open_webhook(ScriptedDoor(answer=Answer.SPOOLED)) as webhook:
        answered = webhook.post("/v1/alerts", json=ALERT)
    assert (answered.status_code, answered.json()["counts"]) == (200, {"spooled": 1})


def test_readiness_says_why_not_to_who_has_a_token_and_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    why = "the disk of /spool is full: make room"
    with open_webhook(ScriptedDoor(why_unready=why)) as webhook:
        told = {
            token: webhook.client.get("/readyz", headers={"authorization": f"Bearer {token}"} if token else {})
            for token in (TOKEN, "", "wrong")
        }
    assert [each.status_code for each in told.values()] == [503, 503, 503]
    assert [why in each.text for each in told.values()] == [True, False, False]
    assert "/spool" not in told[""].text + told["wrong"].text
    assert capsys.readouterr().out.count(why) == 1


def test_with_nobody_asked_for_credentials_everybody_hears_why_nothing_is_taken_in() -> None:
    with open_webhook(ScriptedDoor(why_unready="full"), is_insecure=True) as webhook:
        assert webhook.client.get("/readyz").json()["error"] == "full"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "where"),
    [
        (b'{"error_msg": ', "application/json", 400, "body"),
        (b"hello", "application/json", 400, "body"),
        (b'{"error_msg": "a"}\n{"error_msg": "b"}', "application/json", 400, "body"),
        (b'{"error_msg": "a", "error_msg": "b"}', "application/json", 400, "body"),
        (b'{"error_msg": NaN}', "application/json", 400, "body"),
        (b'{"error_msg": "\xff"}', "application/json", 400, "the body's byte at offset 15"),
        (b'{"x": ' * 40 + b"1" + b"}" * 40, "application/json", 400, "body"),
        (b"[" * 40 + b"]" * 40, "application/json", 422, "every alert"),
        (b"[" * 100_000, "application/json", 400, "body"),
        (b"", "application/json", 400, "body"),
        (b"error_msg=slow", "application/x-www-form-urlencoded", 415, "header Content-Type"),
    ],
)
def test_what_can_not_be_read_is_refused_with_what_and_where(
    webhook: Webhook, redis: SwitchableRedis, content: bytes, media_type: str, status: int, where: str
) -> None:
    answered = webhook.post("/v1/alerts", content=content, content_type=media_type)
    assert (answered.status_code, answered.json()["where"]) == (status, where)
    assert answered.headers["content-type"].startswith("application/json")
    assert keys(redis.client) == 0


def test_only_what_is_nested_too_deeply_is_refused_for_it(webhook: Webhook) -> None:
    deep: object = 1
    for _ in range(31):
        deep = [deep]
    assert webhook.post("/v1/alerts", json=ALERT | {"x": deep}).status_code == 200
    assert webhook.post("/v1/alerts", json=ALERT | {"x": [deep]}).status_code == 400


def nested(levels: int) -> object:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(("levels", "answer"), [(31, "accepted"), (32, "rejected")])
@pytest.mark.parametrize("form", ["plain", "lines", "alertmanager", "grafana", "cloudevents"])
def test_an_alert_that_is_nested_too_deeply_is_rejected_alone(form: str, levels: int, answer: str) -> None:
    alerts: list[dict[str, object]] = [ALERT | {"x": nested(depth)} for depth in (1, levels, 1)]
    content, media_type = json.dumps(alerts), "application/json"
    if form == "lines":
        content, media_type = "\n".join(map(json.dumps, alerts)), "application/x-ndjson"
    elif form == "cloudevents":
        events = [CLOUDEVENT | {"id": str(number)} | alert for number, alert in enumerate(alerts)]
        content = json.dumps(events)
    elif form != "plain":
        content = json.dumps(ALERTMANAGER | {"alerts": [FIRING | {"x": alert["x"]} for alert in alerts]})
    with open_webhook(ScriptedDoor()) as webhook:
        answered = webhook.post(
            f"/v1/alerts/{'plain' if form == 'lines' else form}", content=content.encode(), content_type=media_type
        )
    assert answered.status_code == 200
    assert [each["answer"] for each in answered.json()["answers"]] == ["accepted", answer, "accepted"]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"x":[' + b"[]," * 300_000 + b"[]]}]",
        b'[{"error_msg":"x","labels":{' + b",".join(b'"%d":1' % number for number in range(600_000)) + b"}}]",
    ],
    ids=["arrays", "labels"],
)
@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson", "text/plain"])
def test_a_body_of_more_values_than_memory_bears_is_refused_before_it_is_decoded(body: bytes, media_type: str) -> None:
    door = ScriptedDoor()
    with open_webhook(door) as webhook:
        answered = webhook.post("/v1/alerts", content=body, content_type=media_type)
    assert (answered.status_code, answered.json()["where"]) == (413, "body")
    assert "500000 commas and brackets" in answered.json()["error"]
    assert door.offered == []


def test_a_full_batch_of_alerts_with_forty_labels_each_is_within_the_bound_of_values() -> None:
    alerts = [{"error_msg": "x", "labels": {f"l{label}": "v" for label in range(40)}} for _ in range(MANY)]
    with open_webhook(ScriptedDoor()) as webhook:
        answered = webhook.post("/v1/alerts", json=alerts)
    assert answered.json()["counts"] == {"accepted": MANY}


def test_a_batch_past_the_limit_of_alerts_is_refused_whole(webhook: Webhook, redis: SwitchableRedis) -> None:
    lines = b"x is slow\n" * (MANY + 1)
    answered = webhook.post("/v1/alerts", content=lines, content_type="text/plain")
    assert (answered.status_code, answered.json()["where"]) == (413, "body")
    assert keys(redis.client) == 0


def test_a_batch_at_the_limit_of_alerts_is_taken_in() -> None:
    door = ScriptedDoor()
    with open_webhook(door) as webhook:
        answered = webhook.post("/v1/alerts", content=b"x is slow\n" * MANY, content_type="text/plain")
    assert answered.json()["counts"] == {"accepted": MANY}
    assert len({alert.incident_id for alert in door.offered}) == MANY


def test_wrong_paths_and_methods_are_told_the_right_ones(webhook: Webhook) -> None:
    unknown = webhook.post("/v1/alerts/nagios", json=ALERT)
    assert unknown.status_code == 404
    assert "alertmanager" in unknown.json()["error"]
    assert webhook.client.get("/v2").status_code == 404
    got = webhook.client.get("/v1/alerts", headers={"authorization": f"Bearer {TOKEN}"})
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert webhook.post("/healthz", json={}).headers["allow"] == "GET, HEAD"
    assert webhook.client.head("/healthz").status_code == 200


def test_the_openapi_document_is_valid_and_knows_every_path_and_status(webhook: Webhook) -> None:
    document = webhook.client.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    assert set(document["paths"]) == {"/v1/alerts", "/v1/alerts/{source}", "/healthz", "/readyz", "/openapi.json"}
    statuses = set(document["paths"]["/v1/alerts"]["post"]["responses"])
    assert statuses == {"200", *map(str, (400, 401, 403, 404, 405, 408, 413, 415, 417, 422, 500, 503))}
    names = document["paths"]["/v1/alerts/{source}"]["parameters"][0]["schema"]["enum"]
    assert names == ["alertmanager", "cloudevents", "datadog", "grafana", "pagerduty", "plain", "zabbix"]


@pytest.mark.parametrize(
    ("alerts", "token", "schema"),
    [
        ([ALERT, {"x": 1}], TOKEN, "Answer"),
        ([{"x": 1}], TOKEN, "AnswerWithError"),
        ([ALERT | {"server_id": f"web-{number}"} for number in range(5)], TOKEN, "AnswerWithError"),
        ([ALERT], "wrong", "Error"),
    ],
)
def test_answers_are_as_the_openapi_document_says(webhook: Webhook, alerts: object, token: str, schema: str) -> None:
    document = webhook.client.get("/openapi.json").json()
    answered = webhook.post("/v1/alerts", json=alerts, authorization=f"Bearer {token}").json()
    form = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    OAS31Validator(form).validate(answered)
    assert list(OAS31Validator(form).iter_errors({"answers": [{"answer": "perhaps"}]}))


def test_the_check_of_the_openapi_document_can_fail(webhook: Webhook) -> None:
    document = webhook.client.get("/openapi.json").json()
    del document["paths"]["/healthz"]["get"]["responses"]["200"]["description"]
    assert list(OpenAPIV31SpecValidator(document).iter_errors())


def test_a_fault_of_ours_is_told_without_a_word_of_the_body(capsys: pytest.CaptureFixture[str]) -> None:
    class BrokenDoor(ScriptedDoor):
        def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
            raise KeyError("what the alert said")

    with open_webhook(BrokenDoor()) as webhook:
        answered = webhook.post("/v1/alerts", json=ALERT)
    assert (answered.status_code, answered.json()["where"]) == (500, "intake")
    seen = capsys.readouterr()
    assert "KeyError" in seen.out + seen.err
    assert "what the alert said" not in answered.text + seen.out + seen.err


def test_nothing_of_a_body_or_a_credential_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with open_webhook(ScriptedDoor()) as webhook:
        webhook.post("/v1/alerts", json=[{"hush": "hush-hush"}])
        webhook.post("/v1/alerts", content=b'{"hush-hush": ')
        webhook.post("/v1/alerts", json=ALERT, authorization="Bearer hush-hush-hush-hush")
    seen = capsys.readouterr()
    logged = seen.out + seen.err
    assert logged.count("intake.answered") == 3
    assert "hush" not in logged
    assert TOKEN not in logged
