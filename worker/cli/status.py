"""`firstline status`: the desk at a glance, read from Redis; it changes nothing."""

import json
import sys
from dataclasses import asdict
from typing import Any

from worker.bootstrap import connect, make_guard
from worker.guardrails.policy import Policy
from worker.registry.dead_letters import DeadLetters
from worker.registry.view import RegistryView
from worker.settings import Settings

__all__ = ["show_status"]


def show_status(settings: Settings, *, as_json: bool) -> None:
    """Print queues, open incidents, restart locks, the kill switch and workers."""
    connection = connect(settings)
    registry = RegistryView(connection)
    guard = make_guard(connection, Policy.load(settings.policy_file), worker="status")
    found: dict[str, Any] = {
        "queues": registry.queue_lengths(),
        "open_incidents": registry.open_count(),
        "oldest_open_seconds": registry.oldest_open_age_seconds(),
        "restarts_halted": guard.halted(),
        "restart_locks": [asdict(attempt) for attempt in guard.open_attempts()],
        "dead_letters": DeadLetters(connection).count(),
        "workers": [{"name": beat.name, **beat.fields} for beat in registry.workers()],
        "oldest_incidents": [asdict(incident) for incident in registry.open_incidents(10)],
    }
    sys.stdout.write(json.dumps(found, default=str) + "\n" if as_json else _as_text(found))


def _as_text(found: dict[str, Any]) -> str:
    waiting = ", ".join(f"{name} {length}" for name, length in found["queues"].items())
    oldest = found["oldest_open_seconds"]
    lines = [
        f"queues     {waiting} (messages waiting)",
        f"open       {found['open_incidents']} incidents" + (f", the oldest for {oldest:.0f} s" if oldest else ""),
        f"restarts   {f'HALTED: {why}' if (why := found['restarts_halted']) else 'not halted'}",
        f"locks      {len(found['restart_locks'])} servers",
        *(
            f"  {lock['server_id']}  {lock['state']}  fence {lock['fence']}  {lock['incident_id']}  by {lock['worker']}"
            f"  lease {lock['lease_seconds_left']:.0f} s"
            for lock in found["restart_locks"]
        ),
        f"dead       {found['dead_letters']} letters (firstline dead-letters)",
        f"workers    {len(found['workers'])} alive",
        *(f"  {beat['name']}  {beat.get('model')}  concurrency {beat.get('concurrency')}" for beat in found["workers"]),
        *(["oldest"] if found["oldest_incidents"] else []),
        *(
            f"  {incident['incident_id']}  {incident['state']}  {incident['age_seconds']:.0f} s"
            f"  deliveries {incident['deliveries']}  {incident['worker'] or ''}".rstrip()
            for incident in found["oldest_incidents"]
        ),
    ]
    return "\n".join(lines) + "\n"
