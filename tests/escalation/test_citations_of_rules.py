"""What the rules, the real ones, conclude of recorded servers: their card denies nothing that its evidence says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from fakeredis import FakeRedis

from producers.intake import take_in
from tests.escalation.builders import incident
from tests.house import SICK, WELL, record, write_house
from worker.bootstrap import make_worker
from worker.contract import TriageResult
from worker.contract.incident import identity
from worker.duty import Worker
from worker.escalation import as_text, card_of
from worker.escalation.card_facts import ruled_out_of
from worker.escalation.card_sentences import Sentence
from worker.settings import load_settings

SEEN_AT: Final = datetime.now(UTC) - timedelta(seconds=40)
STOPPED: Final = {"status": "stopped", "cpu_percent": 0.0, "memory_percent": 3.0}
QUIET: Final = "".join(f"INFO request {number} in {20 + number % 7} ms\n" for number in range(20))
SERVERS: Final[Mapping[str, tuple[object, str, object]]] = {
    "hung": (SICK, "WARNING request threads hung", SICK),
    "cured": (SICK, "WARNING request threads hung", WELL),
    "crashed": (STOPPED, "ERROR Unhandled exception\nTraceback (most recent call last):\nKeyError: 'user'", STOPPED),
    "killed": (STOPPED, "kernel: Out of memory: Killed process 4211 (java) total-vm:8123456kB", WELL),
    "leaking": ({**WELL, "memory_percent": 97.0}, "WARNING heap usage 97%, GC overhead limit exceeded", SICK),
    "misconfigured": (STOPPED, "FATAL invalid configuration: unknown key 'size' in /etc/gateway.toml line 12", STOPPED),
    "cut-off": (SICK, "ERROR could not connect to server: Connection refused: orders-db-01:5432", WELL),
    "exhausted": (WELL, "ERROR pool-1: Connection is not available, request timed out after 30000ms.", WELL),
    "full": (WELL, "ERROR write failed: No space left on device: /var/lib/mail/spool", WELL),
    "degraded": ({**WELL, "status": "degraded"}, "INFO ready", WELL),
    "failing": (WELL, "ERROR NullPointerException at com.acme.billing.Invoice.total(Invoice.java:7)", WELL),
    "coded": (SICK, 'ERROR E404 caused by main() [E9]: "it\'s stuck". Giving up! (really?) So it ends.', SICK),
    "unread": ({**WELL, "figures": {"disk_percent": 99.0}}, "INFO ready", WELL),
    "silent": (SICK, "", WELL),
    "well": (WELL, "INFO ready", WELL),
}


def worker_over(folder: Path, policy: str) -> Worker:
    """Return a worker over all the servers, each of them under one policy of restarts."""
    for name, (health, line, after) in SERVERS.items():
        log = f"{QUIET}{SEEN_AT:%Y-%m-%dT%H:%M:%SZ} {line}\n" if line else ""
        record(folder / name, health, log, after_restart=after)
    approvers = dict.fromkeys(SERVERS, "nadia") if policy == "approve" else {}
    house = write_house(folder, dict.fromkeys(SERVERS, "payments"), approver_of=approvers)
    house["verification_timeout_seconds"] = 0.1
    inventory: Path = house["inventory_file"]
    inventory.write_text(inventory.read_text().replace('"auto"', f'"{policy}"'))
    return make_worker(load_settings(_env_file=None, **house), FakeRedis(decode_responses=True))


def triaged(worker: Worker, server_id: str) -> TriageResult:
    redis: Any = worker.registry._redis
    now = datetime.now(UTC)
    alert = incident(
        incident_id=identity(server_id, "1"),
        fingerprint=server_id,
        server_id=server_id,
        started_at=now,
        received_at=now,
    )
    list(take_in(redis, [alert]))
    with worker.registry.claim(alert.incident_id) as claim:
        assert claim is not None
        result = worker.triage(claim)
        claim.finish(result)
    return result


def doubts_on(result: TriageResult) -> list[str]:
    card = card_of(result)
    sentences: tuple[Sentence, ...] = (*card.impact, *card.cause, *card.done, *card.checked, *card.ruled_out)
    return [f"{one.doubt_in_words}: {one.text}" for one in sentences if one.doubt]


@pytest.mark.parametrize("policy", ["auto", "approve", "observe", "never"])
def test_no_sentence_of_the_rules_is_denied_by_its_own_evidence_or_cut_off(tmp_path: Path, policy: str) -> None:
    worker = worker_over(tmp_path, policy)
    results = {name: triaged(worker, name) for name in SERVERS}
    worker.close()
    assert {name: doubts for name, result in results.items() if (doubts := doubts_on(result))} == {}
    for name, result in results.items():
        cause = " ".join(one.text for one in card_of(result).cause)
        assert not cause.removesuffix("”").endswith("…"), (name, cause)
        assert cause.count("“") == cause.count("”"), (name, cause)
        assert '{"' not in as_text(card_of(result), 100), name


def test_a_card_of_the_rules_tells_one_thing_that_is_ruled_out_before_longer_quotations(tmp_path: Path) -> None:
    worker = worker_over(tmp_path, "auto")
    results = [triaged(worker, name) for name in ("hung", "exhausted", "full")]
    worker.close()
    for result in results:
        assert card_of(result).ruled_out[:1] == tuple(ruled_out_of(result))[:1] != (), result.server_id
