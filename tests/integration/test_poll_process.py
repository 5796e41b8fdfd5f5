"""`firstline poll` against a real Prometheus and Alertmanager: what the webhook would have said, and said once."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from producers.polling import AlertmanagerAlerts, JsonApi, PrometheusAlerts
from producers.polling.settings import PollSettings
from producers.sources.alert import Arrival
from producers.sources.alertmanager import parse
from tests.integration.exporter import running_exporter
from tests.integration.monitoring import (
    free_port,
    get_json,
    post_json,
    running_alertmanager,
    running_prometheus,
)
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract import Incident
from worker.contract.queue import incident_key, occurrence_key

pytestmark = pytest.mark.integration

TOKEN = "polling-in-a-test"
RULES = [
    {
        "alert": "Sick",
        "expr": "sick == 1",
        "for": hold,
        "labels": {"severity": "critical", "kind": name},
        "annotations": {"summary": "{{ $labels.host }} is sick"},
    }
    for name, hold in (("at-once", "0s"), ("held", "2s"), ("uneven", "1500ms"))
]
RULES.append({"alert": "Never", "expr": "sick == 1", "for": "1h"})


@dataclass
class Lab:
    """A Prometheus that finds servers sick as a test says, its Alertmanager, and what that one sent to its webhook."""

    sick: dict[str, float] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    prometheus: str = ""
    alertmanager: str = ""

    def values(self, _: float) -> Mapping[str, float]:
        return {f'sick{{host="{host}"}}': value for host, value in self.sick.items()} | {"lab_is_up": 1}

    def ids_sent(self) -> set[str]:
        arrival = Arrival(received_at=datetime.now(UTC), unique="sent", source="alertmanager")
        outcomes = [outcome for document in self.sent for outcome in parse(document, arrival)]
        return {outcome.incident_id for outcome in outcomes if isinstance(outcome, Incident)}

    def firing(self) -> int:
        return len(get_json(f"{self.alertmanager}/api/v2/alerts"))


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    lab = Lab()

    def note(request: Request) -> Response:
        lab.sent.append(request.get_json())
        return Response(status=200)

    with HTTPServer(host="127.0.0.1", threaded=True) as webhook:
        webhook.expect_request("/").respond_with_handler(note)
        with (
            running_exporter(lab.values) as address,
            running_alertmanager(folder / "alertmanager", webhook_url=webhook.url_for("/")) as alertmanager,
            running_prometheus(
                folder / "prometheus", rules=RULES, alertmanagers=[alertmanager.url], scrape=[address]
            ) as prometheus,
        ):
            lab.prometheus, lab.alertmanager = prometheus, alertmanager.url
            yield lab


def environment(redis_port: int) -> dict[str, str]:
    return environment_of({"redis_url": f"redis://127.0.0.1:{redis_port}/0", "poll_token": TOKEN})


def poll_once(redis_port: int, *source: str) -> subprocess.CompletedProcess[bytes]:
    return firstline("poll", *source, "--once", "--json", environment=environment(redis_port))


def verdicts_in(output: bytes) -> list[dict[str, Any]]:
    return [said for line in output.splitlines() if "incident_id" in (said := json.loads(line))]


def answers_in(log: Path) -> list[tuple[str, str]]:
    return [(verdict["answer"], verdict["server_id"]) for verdict in verdicts_in(log.read_bytes())]


def occurrences(redis_port: int) -> set[str]:
    """Return the ids under which alerts were offered: those of incidents, and those that were attached to one."""
    with client_of(redis_port) as redis:
        keys = [*redis.scan_iter(incident_key("*")), *redis.scan_iter(occurrence_key("*"))]
    return {str(key).rpartition(":")[2] for key in keys}


def test_webhook_alertmanager_and_prometheus_agree_on_every_occurrence(tmp_path: Path) -> None:
    with running_lab(tmp_path) as lab, running_valkey(tmp_path) as port:
        lab.sick |= {"web-01": 1, "web-02": 1}
        wait_until(lambda: len(lab.ids_sent()) == 6, seconds=30)
        for number, source in enumerate((("--alertmanager", lab.alertmanager), ("--prometheus", lab.prometheus))):
            done = poll_once(port, *source)
            assert done.returncode == 0, done.stderr.decode()
            answers = sorted(verdict["answer"] for verdict in verdicts_in(done.stdout))
            assert answers == ([] if number else ["accepted"] * 2 + ["attached"] * 4)
            assert occurrences(port) == lab.ids_sent()


def test_both_tell_since_when_they_are_up(tmp_path: Path) -> None:
    with (
        running_lab(tmp_path) as lab,
        JsonApi(lab.alertmanager, PollSettings.model_construct()) as alertmanager,
        JsonApi(lab.prometheus, PollSettings.model_construct()) as prometheus,
    ):
        for source in (AlertmanagerAlerts(alertmanager), PrometheusAlerts(prometheus)):
            began_at = datetime.fromisoformat(source.began_at() or "")
            assert timedelta(0) < datetime.now(UTC) - began_at < timedelta(minutes=1)


def test_what_fires_is_told_once_and_its_end_once_and_a_silence_is_no_end(tmp_path: Path) -> None:
    log = tmp_path / "poll.log"
    with running_lab(tmp_path) as lab, running_valkey(tmp_path) as port:
        lab.sick |= {"web-01": 1, "web-02": 1}
        command = (sys.executable, "-m", "worker.cli", "poll", "--alertmanager", lab.alertmanager, "--interval", "0.5")
        with running(*command, "--json", environment=environment(port), log=log) as poller:
            wait_until(lambda: len(answers_in(log)) == 6, seconds=30, log=log)
            now = datetime.now(UTC)
            post_json(
                f"{lab.alertmanager}/api/v2/silences",
                {
                    "matchers": [{"name": "host", "value": "web-02", "isRegex": False, "isEqual": True}],
                    "startsAt": now.isoformat(),
                    "endsAt": (now + timedelta(hours=1)).isoformat(),
                    "createdBy": "test",
                    "comment": "test",
                },
            )
            lab.sick["web-01"] = 0
            wait_until(lambda: len(answers_in(log)) == 9, seconds=30, log=log)
        assert poller.returncode == 0
        told = answers_in(log)
        assert sorted(told[6:]) == [("resolved", "web-01")] * 3
        assert {server for answer, server in told[:6]} == {"web-01", "web-02"}
        again = poll_once(port, "--alertmanager", lab.alertmanager)
        assert (again.returncode, verdicts_in(again.stdout)) == (0, [])


def test_what_fired_while_redis_refused_is_taken_in_afterwards_with_its_end(tmp_path: Path) -> None:
    log = tmp_path / "poll.log"
    with running_lab(tmp_path) as lab, running_valkey(tmp_path) as port, client_of(port) as redis:
        lab.sick["web-01"] = 1
        wait_until(lambda: lab.firing() == 3, seconds=30)
        assert poll_once(free_port(), "--alertmanager", lab.alertmanager).returncode == 3
        redis.config_set("maxmemory", 1)
        command = (sys.executable, "-m", "worker.cli", "poll", "--alertmanager", lab.alertmanager, "--interval", "0.5")
        with running(*command, "--json", environment=environment(port), log=log):
            wait_until(lambda: "poll.intake_failed" in log.read_text(), seconds=30, log=log)
            lab.sick["web-01"] = 0
            wait_until(lambda: '"owed": 6' in log.read_text(), seconds=30, log=log)
            redis.config_set("maxmemory", 0)
            wait_until(lambda: len(answers_in(log)) == 6, seconds=30, log=log)
    assert [answer for answer, _ in answers_in(log)] == ["accepted", "attached", "attached", *["resolved"] * 3]
    assert TOKEN not in log.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "either --alertmanager or --prometheus"),
        (("--alertmanager", "http://a", "--prometheus", "http://b"), 2, "not both"),
        (("--alertmanager", "http://desk:secret@127.0.0.1"), 2, "FIRSTLINE_POLL_USER"),
        (("--alertmanager", "nonsense"), 2, "http(s)://host:port"),
        (("--alertmanager", "http://127.0.0.1:9", "--once"), 1, "http://127.0.0.1:9/api/v2/alerts can't be reached"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_an_exit_code(
    arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = firstline("poll", *arguments, environment=environment(9))
    said = " ".join(done.stderr.decode().split())
    assert done.returncode == code, said
    assert words in said
    assert "Traceback" not in said
    assert "secret" not in said
