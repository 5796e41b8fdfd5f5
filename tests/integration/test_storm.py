"""A storm over real parts: two Alertmanagers that both send everything, intake, a worker, and twenty sick servers.

5,000 alerts from 20 causes within a minute: 20 triages, 20 escalations at the most, and every occurrence counted.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from producers.intake import Answer
from tests.house import WELL, record, write_house
from tests.integration.monitoring import RunningAlertmanager, free_port, post_json, running_alertmanager_pair
from tests.programs import environment_of, running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract import Disposition, TriageResult
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM, incident_key
from worker.registry.view import RegistryView

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CAUSES: Final = 20
ALERTS: Final = 5_000
AT_ONCE: Final = 500
TOKEN: Final = "a-token-that-is-long-enough"
FIRSTLINE: Final = (sys.executable, "-m", "worker.cli")
ROUTE: Final = {
    "receiver": "desk",
    "group_by": ["instance"],
    "group_wait": "1s",
    "group_interval": "2s",
    "repeat_interval": "10s",
}


def server(number: int) -> str:
    return f"web-server-{number:02}"


def waves(alerts: int) -> Iterator[Sequence[object]]:
    """Alerts as Prometheus posts them: each cause shows itself in 250 ways, a few more each time."""
    starts_at = datetime.now(UTC)
    for first in range(0, alerts, AT_ONCE):
        yield [
            {
                "labels": {
                    "alertname": f"Symptom{number // CAUSES}",
                    "instance": f"{server(number % CAUSES)}:9100",
                    "severity": "warning",
                },
                "annotations": {"summary": f"symptom {number // CAUSES} of {server(number % CAUSES)}"},
                "startsAt": (starts_at + timedelta(milliseconds=first)).isoformat(),
                "endsAt": (starts_at + timedelta(hours=1)).isoformat(),
            }
            for number in range(first, first + AT_ONCE)
        ]


def results(redis: Any) -> list[TriageResult]:
    return [TriageResult.model_validate_json(fields["result"]) for _, fields in redis.xrange(RESULTS_STREAM)]


@dataclass(frozen=True, slots=True)
class Storm:
    """Redis, the environment of the product's processes, and the pair."""

    redis: Any
    environment: Mapping[str, str]
    pair: Sequence[RunningAlertmanager]
    folder: Path

    def rage(self, alerts: int) -> None:
        for wave in waves(alerts):
            for alertmanager in self.pair:
                post_json(f"{alertmanager.url}/api/v2/alerts", wave)

    def answers(self) -> Counter[str]:
        """Sum up what intake has answered, by its own log."""
        lines = map(json.loads, (self.folder / "intake.log").read_text().splitlines())
        return sum((Counter({word: line.get(word, 0) for word in Answer}) for line in lines), Counter())


@contextmanager
def storm(folder: Path, **settings: object) -> Iterator[Storm]:
    services = {server(number): "web" for number in range(CAUSES)}
    for name in services:
        record(folder / name, WELL, "ERROR connect to 10.0.0.7:5432: Connection refused\n" * 5)
    port = free_port()
    with running_valkey(folder) as redis_port, client_of(redis_port) as redis:
        house = write_house(folder, services) | {"redis_url": f"redis://127.0.0.1:{redis_port}/0", **settings}
        environment = environment_of({**house, "intake_port": port, "intake_tokens": TOKEN})
        url = f"http://127.0.0.1:{port}/v1/alerts/alertmanager"
        with (
            running(*FIRSTLINE, "intake", environment=environment, log=folder / "intake.log"),
            running_alertmanager_pair(folder, webhook_url=url, token=TOKEN, route=ROUTE) as pair,
        ):
            yield Storm(redis, environment, pair, folder)


def test_a_storm_from_a_pair_of_alertmanagers_is_one_triage_a_cause_and_hides_nothing(tmp_path: Path) -> None:
    with (
        storm(tmp_path) as site,
        running(*FIRSTLINE, "worker", environment=site.environment, log=tmp_path / "worker.log"),
    ):
        view = RegistryView(site.redis)
        site.rage(ALERTS)
        wait_until(lambda: _occurrences(view, site.redis) == ALERTS, seconds=120, log=tmp_path / "intake.log")
        wait_until(lambda: _due(site.redis) == [], seconds=60, log=tmp_path / "worker.log")
        wait_until(lambda: site.answers()[Answer.DUPLICATE] >= ALERTS, seconds=60, log=tmp_path / "intake.log")
        ends = results(site.redis)
        assert _occurrences(view, site.redis) == ALERTS

    assert Counter(result.server_id for result in ends) == Counter(server(number) for number in range(CAUSES))
    assert {result.disposition for result in ends} == {Disposition.ESCALATED}


def test_control_where_nothing_is_grouped_the_same_storm_is_an_incident_for_each_alert(tmp_path: Path) -> None:
    (tmp_path / "intake.toml").write_text('[fields]\ngroup_by = ["server", "alertname"]\n')
    with storm(tmp_path, intake_file=tmp_path / "intake.toml") as site:
        site.rage(AT_ONCE)
        wait_until(lambda: site.redis.zcard(OPEN_INCIDENTS) == AT_ONCE, seconds=60, log=tmp_path / "intake.log")


def _due(redis: Any) -> list[str]:
    """Return the open incidents but those that follow an escalation, and wait."""
    return [
        incident_id
        for incident_id in redis.zrange(OPEN_INCIDENTS, 0, -1)
        if not redis.hexists(incident_key(incident_id), "not_before")
    ]


def _occurrences(view: RegistryView, redis: Any) -> int:
    ids = {result.incident.incident_id for result in results(redis)} | set(redis.zrange(OPEN_INCIDENTS, 0, -1))
    entries = [view.find(incident_id) for incident_id in ids]
    return sum(entry.occurrences.count for entry in entries if entry is not None)
