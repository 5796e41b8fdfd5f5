"""The demo's story: an embedded Valkey, a fleet in real trouble, a worker, the escalation desk, and seven incidents.

Everything is started here and ended here, whatever happens; each part is the same program that runs in production.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from rich.console import Console
from rich.live import Live

from producers.intake import connect as connect_producer
from producers.intake import take_in
from producers.sources.plain import parse_text
from worker.bootstrap import connect
from worker.contract.incident import Incident
from worker.contract.result import Disposition, TriageResult
from worker.demo.interrupts import Interrupted, Interrupts
from worker.demo.scoreboard import Scoreboard
from worker.embedded import EmbeddedValkey, end_program
from worker.errors import FirstlineError
from worker.escalation.card import as_text, card_of
from worker.lab import LabFleet
from worker.registry.view import RegistryView
from worker.settings import load_settings

__all__ = ["INCIDENTS", "run_demo"]

INCIDENTS: Final = (
    "The payment-server-01 is extremely slow and timing out.",
    "The search-index-09 is failing to serve results and seems broken.",
    '{"server_id": "srv-prod-04", "error_msg": "502 Bad Gateway - Connection Refused", "timestamp": "2025-12-27T03:14:00Z"}',  # noqa: E501 - one alert, one line
    '{"server_id": "auth-server-02", "error_msg": "Memory usage above 90 %", "severity": "warning"}',
    '{"server_id": "report-server-04", "error_msg": "CPU above 95 % for ten minutes", "severity": "warning"}',
    "A customer says that web-server-03 might be down.",
    '{"server_id": "cache-server-05", "error_msg": "process exited unexpectedly", "severity": "critical"}',
)

_TIMEOUT_SECONDS: Final = 150.0
_POLL_SECONDS: Final = 0.25
_POLICY: Final = """\
[restart]
fleet_restarts = 20
fleet_concurrency = 6
"""


def run_demo(*, keep_running: bool = False) -> int:
    """Run it all; return the shell's exit code. Ctrl-C and SIGTERM end it at any moment, with everything it started."""
    console = Console()
    interrupts = Interrupts()
    try:
        with ExitStack() as stack:
            _play(console, interrupts, stack, keep_running=keep_running)
            interrupts.ignore()
    except Interrupted as interrupted:
        console.print(f"\nStopped by {interrupted}; everything that was started has been ended.")
        return interrupted.exit_code
    return 0


def _play(console: Console, interrupts: Interrupts, stack: ExitStack, *, keep_running: bool) -> None:
    started = time.monotonic()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstline-demo-")))
    console.print("[bold]Firstline[/], the first line of an operations desk: everything below is real.\n")
    with interrupts.deferred():
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        console.print("[green]●[/] Valkey with an append-only file, on loopback")
        fleet = stack.enter_context(LabFleet(folder / "lab"))
        console.print("[green]●[/] six servers under supervisord")
        environment = _environment(folder, valkey, fleet)
        stack.enter_context(_program(folder, environment, "worker"))
        desk = stack.enter_context(_program(folder, environment, "escalations", "--json"))
    fleet.make_trouble()
    console.print("[green]●[/] five of them are now in trouble: real load, real leaks, a real crash")
    settings = load_settings(redis_url=valkey.url)
    board = Scoreboard(RegistryView(connect(settings)), _submit(valkey.url))
    _wait_for_worker(board.registry, folder)
    model = (
        f"the model {settings.model_name}"
        if settings.uses_llm
        else "rules, no language model (set OPENAI_API_KEY for one)"
    )
    console.print(f"[green]●[/] a worker investigates with {model}; an escalation desk listens\n")
    _watch(console, board)
    delivered = _delivered(desk, expected=len(board.incidents))
    _sum_up(console, delivered, seconds=time.monotonic() - started)
    if keep_running:
        _keep_running(console, environment)


def _environment(folder: Path, valkey: EmbeddedValkey, fleet: LabFleet) -> Mapping[str, str]:
    policy = folder / "policy.toml"
    policy.write_text(_POLICY, encoding="utf-8")
    rules = folder / "redaction.toml"
    rules.touch()
    return {
        **fleet.environment,
        "FIRSTLINE_REDIS_URL": valkey.url,
        "FIRSTLINE_INVENTORY_FILE": str(fleet.inventory_file),
        "FIRSTLINE_POLICY_FILE": str(policy),
        "FIRSTLINE_REDACTION_FILE": str(rules),
        "FIRSTLINE_WORKER_NAME": "demo-worker",
        "FIRSTLINE_WORKER_CONCURRENCY": "8",
        "FIRSTLINE_VERIFICATION_INTERVAL_SECONDS": "1",
        "FIRSTLINE_VERIFICATION_HOLD_SECONDS": "6",
        "FIRSTLINE_VERIFICATION_TIMEOUT_SECONDS": "14",
    }


@contextmanager
def _program(folder: Path, environment: Mapping[str, str], *arguments: str) -> Iterator[Path]:
    """Run a command of our own in a session of its own; give the file that its standard output goes to."""
    output = folder / f"{arguments[0]}.out"
    with output.open("wb") as out, (folder / f"{arguments[0]}.log").open("wb") as log:
        program = subprocess.Popen(  # noqa: S603 - our own interpreter and package
            [sys.executable, "-m", "worker.cli", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield output
    finally:
        end_program(program, timeout_seconds=1)


def _submit(url: str) -> tuple[Incident, ...]:
    redis = connect_producer(url)
    incidents = tuple(parse_text(text, received_at=datetime.now(UTC), unique=uuid4().hex) for text in INCIDENTS)
    list(take_in(redis, incidents))
    return incidents


def _wait_for_worker(registry: RegistryView, folder: Path) -> None:
    deadline = time.monotonic() + 30
    while not registry.workers():
        if time.monotonic() > deadline:
            log = (folder / "worker.log").read_text(encoding="utf-8", errors="replace")[-2000:]
            raise FirstlineError(f"The demo's worker did not start. Its log ends with:\n{log}")
        time.sleep(_POLL_SECONDS)


def _watch(console: Console, board: Scoreboard) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    with Live(board, console=console, auto_refresh=False) as live:
        while not board.is_complete() and time.monotonic() < deadline:
            live.refresh()
            time.sleep(_POLL_SECONDS)
        live.refresh()


def _delivered(output: Path, *, expected: int) -> list[TriageResult]:
    deadline = time.monotonic() + 10
    while (lines := output.read_text(encoding="utf-8").splitlines()) and len(lines) < expected:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    return [TriageResult.model_validate(json.loads(line)) for line in lines]


def _sum_up(console: Console, delivered: list[TriageResult], *, seconds: float) -> None:
    escalated = [result for result in delivered if result.disposition is Disposition.ESCALATED]
    counts = {word: sum(result.disposition is word for result in delivered) for word in Disposition}
    words = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in counts.items() if count)
    console.print(f"\n{len(delivered)} results reached the escalation desk: {words}. {seconds:.0f} s in all.")
    example = next((result for result in escalated if result.server_id == "search-index-09"), None)
    if example is not None:
        console.print("One of the cards, as an engineer gets it:\n")
        console.print(as_text(card_of(example), width=min(console.width, 100)), markup=False, highlight=False)


def _keep_running(console: Console, environment: Mapping[str, str]) -> None:
    console.print("\nEverything keeps running until Ctrl-C. In another terminal:\n", highlight=False)
    for name, value in environment.items():
        console.print(f"  export {name}='{value}'", markup=False, highlight=False, soft_wrap=True)
    console.print("  firstline status; firstline submit 'auth-server-02 feels slow'\n", highlight=False)
    while True:
        time.sleep(1)
