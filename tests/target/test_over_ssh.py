"""The restart command behind a real sshd on loopback: a pinned host key, a restricted key, a forced command."""

import getpass
import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.target.rig import Target, order
from tests.target.sshd import make_keys, pin, running_sshd

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A client's way to one sshd."""

    folder: Path
    port: int

    def command(self, *arguments: str) -> list[str]:
        """Return ssh with this door's key and pinned host key, and nothing of this machine's own configuration."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "5",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": self.folder / "key",
            "SendEnv": "PYTHONPATH PYTHONINSPECT SSH_ORIGINAL_COMMAND BASH_ENV",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": self.folder / "known_hosts",
        }
        given = [f"-o{name}={value}" for name, value in options.items()]
        return ["ssh", "-F", "none", *given, "-p", str(self.port), *arguments]

    def ask(
        self, request: str, *options: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Send one command through the door."""
        return subprocess.run(
            [*self.command(*options), f"{getpass.getuser()}@127.0.0.1", *([request] if request else [])],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(folder=tmp_path).install()


@pytest.fixture
def door(tmp_path: Path, target: Target) -> Iterator[Door]:
    make_keys(tmp_path, "key", "host_key", "other_host_key")
    forced = f'command="{shlex.join(target.command())}",restrict {(tmp_path / "key.pub").read_text()}'
    (tmp_path / "authorized_keys").write_text(forced)
    with running_sshd(tmp_path) as port:
        pin(tmp_path, port, "host_key")
        yield Door(folder=tmp_path, port=port)


def test_an_order_goes_through_once_and_its_answers_come_back(door: Door, target: Target) -> None:
    first, second = door.ask(order()), door.ask(order("inc-1", 2))
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("restarted ")
    assert (second.returncode, second.stderr) == (11, "incident_seen: inc-1 was ordered before\n")
    assert target.notes("start") == 1


@pytest.mark.parametrize(
    ("request_text", "options"),
    [("", ()), ("/bin/sh -c id", ()), ("sftp", ("-s",)), (f"{order()}; id", ()), ("id", ("-tt",))],
    ids=["a shell", "a command", "a subsystem", "a second command", "a terminal"],
)
def test_the_key_opens_nothing_else(door: Door, target: Target, request_text: str, options: tuple[str, ...]) -> None:
    done = door.ask(request_text, *options)
    assert done.returncode in {10, 255}
    assert "uid=" not in done.stdout
    assert not target.effects.exists()


def test_the_key_forwards_nothing(door: Door) -> None:
    done = door.ask("", "-W", f"127.0.0.1:{door.port}")
    assert done.returncode == 255
    assert "SSH-" not in done.stdout


def test_the_variables_that_a_client_sends_change_nothing(door: Door, target: Target) -> None:
    (target.folder / "json.py").write_text(f"open({str(target.folder / 'trap')!r}, 'w')")
    hostile = {"PYTHONPATH": str(target.folder), "PYTHONINSPECT": "1", "SSH_ORIGINAL_COMMAND": order("inc-2", 9)}
    done = door.ask(order(), environment=hostile)
    assert done.returncode == 0, done.stderr
    assert not (target.folder / "trap").exists()
    assert json.loads(target.ledger.read_text().splitlines()[0])["incident"] == "inc-1"


def test_a_server_with_another_host_key_is_not_spoken_to(door: Door, target: Target) -> None:
    pin(door.folder, door.port, "other_host_key")
    assert door.ask(order()).returncode == 255
    assert not target.effects.exists()


def test_a_connection_cut_during_the_restart_neither_stops_nor_repeats_it(door: Door, target: Target) -> None:
    target.hold.touch()
    asked = subprocess.Popen(
        [*door.command(), f"{getpass.getuser()}@127.0.0.1", order()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    target.wait_for("start")
    asked.kill()
    asked.wait()
    target.hold.unlink()
    target.wait_for("end")
    give_up = time.monotonic() + 10
    while (again := door.ask(order("inc-1", 2))).returncode == 14:
        assert time.monotonic() < give_up
    assert again.returncode == 11
    assert json.loads(target.ledger.read_text().splitlines()[0])["outcome"] == "done"
    assert target.notes("start") == 1
