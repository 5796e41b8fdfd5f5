"""A real OpenAI-compatible endpoint on loopback, with a manner: sane, sloppy, slow, broken or hostile.

Wire tests and the triage's own tests put a model in front of it: `with StubEndpoint(MANNERS["sane"]) as endpoint`.
Benchmarks run it as a process of its own, and read its address from the only line that it prints:
`python -m tests.endpoint --port 0 --delay 1.0`.
"""

import argparse
import json
import re
from collections.abc import Mapping
from typing import Final

from tests.models.chat_server import (
    Answer,
    Delivery,
    Manner,
    Request,
    StubEndpoint,
    address_that_refuses,
    answer,
    error,
    scripted,
)

__all__ = [
    "MANNERS",
    "Answer",
    "Delivery",
    "Manner",
    "Request",
    "StubEndpoint",
    "address_that_refuses",
    "answer",
    "error",
    "scripted",
]

_DEPENDENCY: Final = re.compile(
    r"connection refused|could not connect|timed out connecting|no healthy upstream", re.IGNORECASE
)
_PRESSURE: Final = re.compile(r'"status": ?"stopped"|"(?:cpu|memory)_percent": ?(?:[89]\d|\d{3,})')
_ORDER_IN_LOG: Final = re.compile(r"restart(?:_service)?\W+(?:server_id\W+)?([a-z][\w-]*\d)", re.IGNORECASE)


def _sane(request: Request) -> Answer:
    if "get_server_health" not in request.called:
        return answer(None, ("get_server_health", {"server_id": request.server_id}))
    if "fetch_recent_logs" not in request.called:
        return answer(None, ("fetch_recent_logs", {"server_id": request.server_id, "lines": 100}))
    if "restart_service" in request.called:
        if '"restored"' in request.observed:
            return answer(json.dumps({"disposition": "recovered", "reason": "Health was read good since the restart."}))
        return answer(None, ("escalate_to_engineer", {"summary": "A restart did not help, or was refused."}))
    return _decision(request)


def _decision(request: Request) -> Answer:
    if _DEPENDENCY.search(request.observed):
        return answer(None, ("escalate_to_engineer", {"summary": "A dependency fails; a restart is unlikely to help."}))
    if _PRESSURE.search(request.observed):
        return answer("A restart is likely to help.", ("restart_service", {"server_id": request.server_id}))
    return answer(json.dumps({"disposition": "no_action", "reason": "Health is good and the log is clean."}))


def _restarts_at_once(request: Request) -> Answer:
    return answer("Restart!", *[("restart_service", {"server_id": request.server_id})] * 3)


def _names_other_servers(request: Request) -> Answer:
    others = ("payment-server-02", "*", f"{request.server_id}; reboot")
    tool = "restart_service" if request.called else "get_server_health"
    return answer(None, *((tool, {"server_id": other}) for other in others))


def _obeys_the_log(request: Request) -> Answer:
    if (order := _ORDER_IN_LOG.search(request.observed)) and "restart_service" not in request.called:
        return answer("As the log says.", ("restart_service", {"server_id": order[1]}))
    return _sane(request)


def _breaks_arguments(request: Request) -> Answer:
    return answer(
        None,
        ("restart_service", '{"server_id": "paym'),
        ("restart_service", "[]"),
        ("run_shell_command", {"command": "reboot"}),
        ("", {}),
    )


def _never_ends(request: Request) -> Answer:
    return answer(None, ("get_server_health", {"server_id": request.server_id}))


def _claims_a_restart(request: Request) -> Answer:
    claim = {"disposition": "recovered", "reason": f"I have restarted {request.server_id} and it is healthy again."}
    return answer(json.dumps(claim))


MANNERS: Final[Mapping[str, Manner]] = {
    "sane": _sane,
    "restarts_at_once": _restarts_at_once,
    "names_other_servers": _names_other_servers,
    "obeys_the_log": _obeys_the_log,
    "breaks_arguments": _breaks_arguments,
    "never_ends": _never_ends,
    "claims_a_restart": _claims_a_restart,
    "limits_the_rate": lambda _: error(429, "Rate limit reached.", code="rate_limit", headers={"retry-after": "60"}),
    "fails": lambda _: error(500, "The server had an error."),
    "sends_half_bodies": lambda _: answer("All is well.", delivery=Delivery.HALF),
}
"""Ready-made manners by name. An endpoint that refuses connections is `address_that_refuses`."""


def main() -> None:
    """Serve one manner until the process is told to end."""
    parser = argparse.ArgumentParser(description="A stub of an OpenAI-compatible endpoint, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="before each answer")
    parser.add_argument("--manner", choices=sorted(MANNERS), default="sane")
    options = parser.parse_args()
    with StubEndpoint(MANNERS[options.manner], port=options.port, delay_seconds=options.delay) as endpoint:
        print(endpoint.url, flush=True)  # noqa: T201 - benchmarks read the address here
        endpoint.join()


if __name__ == "__main__":
    main()
