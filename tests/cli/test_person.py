"""Whose word a command writes down: the account's, whatever its environment says."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakeredis import FakeRedis

from tests.registry.test_handling import closed, escalation
from worker.bootstrap import make_guard
from worker.cli import restarts
from worker.cli.audit import write_audit
from worker.cli.person import person
from worker.cli.queue_actions import QueueActions
from worker.contract.handling import Action
from worker.contract.queue import AUDIT_STREAM
from worker.guardrails.policy import Policy
from worker.registry.audit_entry import AuditAction, AuditEntry, account
from worker.registry.handling import Handlings

ME = account()


@pytest.fixture(autouse=True)
def liar(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "grace")


@pytest.fixture
def redis() -> Iterator[Any]:
    with FakeRedis(decode_responses=True) as client:
        yield client


def test_a_variable_of_the_environment_names_nobody() -> None:
    assert person() == ME


def test_an_account_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2_000_000_017)
    assert person() == "uid-2000000017"


@pytest.mark.parametrize("told", ["1 65534 1\n", "0 1000 1\n1 100000 65536\n", "0 0 1\n", ""])
def test_who_numbers_himself_has_no_accounts_name(tmp_path: Path, told: str) -> None:
    (tmp_path / "uid_map").write_text(told)
    assert account(tmp_path / "uid_map") == f"uid-{os.getuid()}-in-a-namespace"


def test_where_every_account_is_as_it_is_and_where_there_are_no_namespaces_the_name_is_told(tmp_path: Path) -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    assert account(tmp_path / "none") == name
    (tmp_path / "uid_map").write_text("         0          0 4294967295\n")
    assert account(tmp_path / "uid_map") == name


def test_the_name_of_a_person_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ev\x1b[31mil\nresumed by root" + "x" * 1_000
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name=name))
    assert person().startswith(r"ev\x1b[31mil resumed by root")
    assert len(person()) == 500


def test_the_audit_of_what_is_revealed_names_the_account(redis: Any) -> None:
    write_audit(redis, action=AuditAction.REVEAL, why="a look")
    ((_, fields),) = redis.xrange(AUDIT_STREAM)
    assert fields["person"] == ME


def test_an_entry_whose_person_nobody_names_has_the_account_too() -> None:
    assert AuditEntry(action=AuditAction.REVEAL).person == ME


def test_the_kill_switch_names_the_account(redis: Any) -> None:
    guard = make_guard(redis, Policy(), worker="w1")
    restarts.halt(guard, "a drill")
    assert guard.halted() == f"{ME}: a drill"


def test_the_queue_names_the_account(redis: Any) -> None:
    result = escalation()
    incident_id = closed(redis, result)
    Handlings(redis).open(result)
    QueueActions(redis).act_on([incident_id], Action.CLAIM)
    handling = Handlings(redis).find(incident_id)
    assert handling is not None
    assert handling.person == ME
