"""Recorded servers and the files around them, for tests that walk through several rooms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["SICK", "WELL", "record", "restarts_of", "write_house"]

SICK: Final = {"status": "running", "cpu_percent": 98.0, "memory_percent": 41.0}
WELL: Final = {"status": "running", "cpu_percent": 6.0, "memory_percent": 22.0}


def record(folder: Path, health: object, log: str, *, after_restart: object = None) -> None:
    """Write one recorded server."""
    folder.mkdir(parents=True)
    (folder / "health.json").write_text(json.dumps(health))
    (folder / "service.log").write_text(log)
    if after_restart is not None:
        (folder / "after_restart").mkdir()
        (folder / "after_restart" / "health.json").write_text(json.dumps(after_restart))


def write_house(
    folder: Path, services: Mapping[str, str], *, policy: str = "", approver_of: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Write an inventory of recorded servers and a policy file; return the settings.

    A server with an `approver_of` its own is restarted with that person's word only.
    """
    inventory, policy_file = folder / "inventory.toml", folder / "policy.toml"
    approver_of = approver_of or {}
    entries = [
        f'[servers.{server_id}]\nservice = "{service}"\nsystem = "recorded"\n{_terms(approver_of.get(server_id))}'
        for server_id, service in services.items()
    ]
    inventory.write_text("\n".join(['[systems.recorded]\nkind = "replay"\nfolder = "."', *entries]))
    policy_file.write_text(f"[restart]\n{policy}")
    return {
        "inventory_file": inventory,
        "policy_file": policy_file,
        "verification_interval_seconds": 0.01,
        "verification_hold_seconds": 0.02,
        "verification_timeout_seconds": 2,
    }


def _terms(approver: str | None) -> str:
    return 'restart_policy = "auto"' if approver is None else f'restart_policy = "approve"\napprovers = ["{approver}"]'


def restarts_of(folder: Path) -> list[dict[str, Any]]:
    """Read what was restarted in a house, whatever server it was."""
    return [json.loads(line) for path in folder.glob("*/restarts.jsonl") for line in path.read_text().splitlines()]
