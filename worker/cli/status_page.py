"""`firstline status` as a page for a person: a title, and a line or more, for each part. Pure; reads nothing."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from worker.cli.ages import age_in_words
from worker.cli.words import one_line
from worker.contract.counting import counted

__all__ = ["page_of"]

_Found = Mapping[str, Any]


def page_of(found: _Found, unreadable: Mapping[str, str]) -> str:
    """Return the page. Whatever came from Redis stays on its line, with its controls written out."""
    lines: list[str] = []
    for title, (names, written) in _PARTS.items():
        why = next((unreadable[name] for name in names if name in unreadable), None)
        for number, line in enumerate(written(found) if why is None else [f"can't be read: {why}"]):
            lines.append(f"  {line}" if number else f"{title:<10} {one_line(line)}")
    return "\n".join(lines) + "\n"


def _queues(found: _Found) -> list[str]:
    waiting = ", ".join(f"{name} {length}" for name, length in found["queues"].items())
    return [f"{waiting} (messages waiting)"]


def _open(found: _Found) -> list[str]:
    waited = {"oldest_seconds": found["oldest_open_seconds"]}
    return [f"{counted(found['open_incidents'], 'incident')}{_oldest_of(waited)}"]


def _waiting(found: _Found) -> list[str]:
    waited = found["waiting_incidents"]
    return [f"{counted(waited['count'], 'incident')} for engineers{_oldest_of(waited)} (firstline queue)"]


def _proposals(found: _Found) -> list[str]:
    waited = found["proposals"]
    restarts, wait = counted(waited["count"], "restart"), _wait(waited["count"])
    return [f"{restarts} {wait} for a word{_oldest_of(waited)} (firstline proposals)"]


def _oldest_of(waited: _Found) -> str:
    seconds = waited["oldest_seconds"]
    return "" if seconds is None else f", the oldest for {age_in_words(seconds)}"


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _restarts(found: _Found) -> list[str]:
    why = found["restarts_halted"]
    return ["not halted" if why is None else f"HALTED: {why}"]


def _locks(found: _Found) -> list[str]:
    locks = found["restart_locks"]
    unreadable = [
        _columns(incident_id, "CAN'T BE READ, keeps its server closed") for incident_id in found["unreadable_restarts"]
    ]
    return [counted(len(locks) + len(unreadable), "server"), *map(_lock, locks), *unreadable]


def _lock(lock: _Found) -> str:
    by, left = f"by {lock['worker']}", f"lease {lock['lease_seconds_left']:.0f} s"
    return _columns(lock["server_id"], lock["state"], f"fence {lock['fence']}", lock["incident_id"], by, left)


def _dead_letters(found: _Found) -> list[str]:
    return [f"{counted(found['dead_letters'], 'letter')} (firstline dead-letters)"]


def _sinks(found: _Found) -> list[str]:
    sinks, lost = found["sinks"], found["given_up"]
    failing = [sink for sink in sinks if sink["failing_since"] is not None]
    words = f"{len(sinks)} in use, {len(failing)} FAIL" if failing else f"{len(sinks)} in use, none fails"
    deliveries = "1 delivery" if lost == 1 else f"{lost} deliveries"
    gone = f", {deliveries} that NO SINK TOOK (firstline escalations --retry SINK)" if lost else ""
    spared = f", {counted(found['settled'], 'page')} settled unsent" if found["settled"] else ""
    return [words + gone + spared, *(_sink(sink) for sink in sinks if sink in failing or sink["waiting"])]


def _sink(sink: _Found) -> str:
    waiting = f"{sink['waiting']} {_wait(sink['waiting'])}"
    if sink["failing_since"] is None:
        return _columns(sink["sink"], waiting)
    since = f"FAILS since {sink['failing_since']:%Y-%m-%d %H:%M:%S}Z ({counted(sink['failures'], 'time')})"
    return _columns(sink["sink"], since, waiting, sink["error"])


def _workers(found: _Found) -> list[str]:
    beats = found["workers"]
    return [f"{len(beats)} alive", *map(_beat, beats)]


def _beat(beat: _Found) -> str:
    if "concurrency" not in beat:
        return _columns(beat.get("name"), "says nothing that can be read")
    return _columns(beat.get("name"), beat.get("model"), f"concurrency {beat['concurrency']}")


def _oldest(found: _Found) -> list[str]:
    incidents = found["oldest_incidents"]
    return [f"{len(incidents)} of the open ones", *map(_incident, incidents)] if incidents else []


def _incident(incident: _Found) -> str:
    age = age_in_words(incident["age_seconds"])
    if incident["state"] is None:
        return _columns(incident["incident_id"], "CAN'T BE READ", age)
    if incident["waits_seconds"] is not None:
        return _columns(incident["incident_id"], incident["state"], age, f"waits {incident['waits_seconds']:.0f} s yet")
    deliveries = f"deliveries {incident['deliveries']}"
    return _columns(incident["incident_id"], incident["state"], age, deliveries, incident["worker"] or "")


def _redis(found: _Found) -> list[str]:
    return list(found["redis"]) or ["set as it should be"]


def _columns(*values: object) -> str:
    return "  ".join(one_line(value) for value in values).rstrip()


_PARTS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[_Found], list[str]]]]] = {
    "queues": (("queues",), _queues),
    "open": (("open_incidents", "oldest_open_seconds"), _open),
    "waiting": (("waiting_incidents",), _waiting),
    "proposals": (("proposals",), _proposals),
    "restarts": (("restarts_halted",), _restarts),
    "locks": (("restart_locks", "unreadable_restarts"), _locks),
    "dead": (("dead_letters",), _dead_letters),
    "sinks": (("sinks", "given_up", "settled"), _sinks),
    "workers": (("workers",), _workers),
    "oldest": (("oldest_incidents",), _oldest),
    "redis": (("redis",), _redis),
}
