"""`firstline show`: one incident whole, from the registry: the transcript is the audit log.

It is shown masked, the alert too, which the registry keeps as it came. A person who says why sees addresses and hosts
again, and that is written down first; secrets nobody sees.
"""

import json
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from redis import Redis

from worker.bootstrap import connect, make_placeholder_store
from worker.cli.shown import detector_to_show, entry_to_show
from worker.cli.words import folded, one_line
from worker.contract.incident import Incident
from worker.contract.proposal import follow_up_id
from worker.contract.transcript import Observation, Step
from worker.errors import ContractError
from worker.registry.follow_ups import told_of_end
from worker.registry.view import RegistryEntry, RegistryView
from worker.settings import Settings

__all__ = ["show_incident"]

_ALERT_CHARACTERS: Final = 100


def show_incident(settings: Settings, incident_id: str, *, as_json: bool, reveal_why: str | None = None) -> None:
    """Print the incident, masked; with `reveal_why` with real addresses and hosts, once that is written down.

    Raises `FirstlineError` when the registry does not have it, and `ConfigurationError` when nothing can be revealed.
    """
    connection = connect(settings)
    vault = make_placeholder_store(settings, connection)
    told = entry_to_show(
        connection, incident_id, vault=vault, detector=detector_to_show(settings), reveal_why=reveal_why
    )
    follow_up = _follow_up_of(connection, incident_id)
    sys.stdout.write(_as_json(told, follow_up) if as_json else f"{_as_text(told)}{_followed(follow_up)}")


def _follow_up_of(connection: Redis, incident_id: str) -> RegistryEntry | None:
    """Return the incident in which an approved restart of this one is carried out; None where it can't be read."""
    with suppress(ContractError):
        return RegistryView(connection).find(follow_up_id(incident_id))
    return None


def _followed(follow_up: RegistryEntry | None) -> str:
    if follow_up is None:
        return ""
    if follow_up.result is None:
        return f"  approved   its restart is under way: {follow_up.incident.incident_id}\n"
    return f"  approved   {folded(told_of_end(follow_up.result))}\n"


def _as_json(entry: RegistryEntry, follow_up: RegistryEntry | None = None) -> str:
    return (
        json.dumps(
            {
                "incident": entry.incident.model_dump(mode="json"),
                "state": entry.state,
                "epoch": entry.epoch,
                "deliveries": entry.deliveries,
                "worker": entry.worker,
                "steps": [step.model_dump(mode="json", exclude_none=True, exclude={"frame"}) for step in entry.steps],
                "result": entry.result and entry.result.model_dump(mode="json", exclude_none=True),
                "occurrences": entry.occurrences.model_dump(mode="json", exclude_none=True),
                "follow_up": follow_up
                and {
                    "incident_id": follow_up.incident.incident_id,
                    "state": follow_up.state,
                    "disposition": follow_up.result and follow_up.result.disposition,
                },
                "alerts": [alert.model_dump(mode="json", exclude_none=True) for alert in entry.alerts],
            }
        )
        + "\n"
    )


def _as_text(entry: RegistryEntry) -> str:
    incident = entry.incident
    head = [
        f"{incident.incident_id}  {entry.state}  {incident.severity}",
        f"  alert      {folded(incident.text)}",
        f"  server     {folded(incident.server_id or 'to be found in the text')}",
        f"  since      {_time(incident.started_at)}, accepted {_time(entry.accepted_at)}",
        f"  source     {one_line(incident.source)}",
        f"  claims     {entry.epoch} of {entry.deliveries} deliveries, by {one_line(entry.worker or 'nobody yet')}",
    ]
    if (approval := incident.approval) is not None:
        head.append(f"  approved   by {one_line(approval.person)} for {approval.incident_id}: {folded(approval.why)}")
    if entry.occurrences.count > 1 or entry.occurrences.resolved:
        head += _alerts(entry)
    return "\n".join([*head, *(_step(step) for step in entry.steps), _ending(entry), ""])


def _alerts(entry: RegistryEntry) -> list[str]:
    counts = entry.occurrences
    last = f", last seen {_time(counts.last_seen_at)}" if counts.last_seen_at else ""
    told = [f"  alerts     {counts.count} in all, {counts.resolved} of them over{last}; the newest:"]
    for alert in entry.alerts:
        if isinstance(alert, Incident):
            told.append(f"    {_time(alert.started_at)} {alert.severity:<8} {one_line(alert.text)[:_ALERT_CHARACTERS]}")
        else:
            told.append(f"    {_time(alert.resolved_at)} over     {one_line(alert.text)[:_ALERT_CHARACTERS]}")
    return told


def _step(step: Step) -> str:
    lines = [f"\nstep {step.number}, {one_line(step.model)}"]
    if step.news:
        lines.append(f"  news       {folded(step.news.content)}")
    if step.reply.text:
        lines.append(f"  said       {folded(step.reply.text)}")
    answers = {seen.call_id: seen for seen in step.observations}
    for call in step.reply.tool_calls:
        lines.append(f"  called     {folded(call.name)} {folded(call.arguments)}")
        lines.append(_observation(answers.get(call.call_id)))
    if step.notice:
        lines.append(f"  told       {folded(step.notice)}")
    return "\n".join(lines)


def _observation(seen: Observation | None) -> str:
    if seen is None:
        return "  not run    the triage had ended"
    return f"  {seen.outcome:<10} {_time(seen.observed_at)} {folded(seen.content)}"


def _ending(entry: RegistryEntry) -> str:
    result = entry.result
    if result is None:
        return "\nno result yet"
    kind = "a language model" if result.is_llm else "rules, no language model"
    spent = result.spent
    tokens = spent.input_tokens + spent.output_tokens
    cost = f"{spent.steps} steps, {tokens} tokens, {spent.seconds:.1f} s, {spent.us_dollars:.4f} US dollars"
    return "\n".join(
        [
            f"\n{result.disposition.upper()} ({result.ending}), {_time(result.finished_at)}",
            f"  summary    {folded(result.summary)}",
            f"  model      {one_line(result.model)} ({kind}), prompts {one_line(result.prompt_hash)}",
            f"  spent      {cost}",
        ]
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
