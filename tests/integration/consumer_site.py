"""The consumers that engineers copy, as real processes on a Valkey with results. Imported by the tests of them."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.escalation import builders
from tests.programs import running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract.queue import RESULTS_STREAM
from worker.contract.result import TriageResult

__all__ = [
    "COUNT",
    "EVERY",
    "EXAMPLES",
    "NAMES",
    "PYTHON_HANDLE",
    "SECONDS",
    "SHELL_HANDLE",
    "Site",
    "needs_redis_cli",
    "publish",
    "site_fixture",
]

EXAMPLES: Final = Path(__file__).parents[2] / "deploy" / "consumer"
COUNT: Final = 8
SECONDS: Final = 40

EVERY: Final = {builders.result(number).incident.incident_id for number in range(COUNT)}
needs_redis_cli: Final = pytest.mark.skipif(shutil.which("redis-cli") is None, reason="redis-cli is not installed")
NAMES: Final = ["consumer.py", pytest.param("consumer.sh", marks=needs_redis_cli)]

PYTHON_HANDLE: Final = '    print(result["incident"]["incident_id"]'
PYTHON_DEATH: Final = "    handled.append(1)\n    if len(handled) == 5:\n        os.kill(os.getpid(), 9)\n"
PYTHON_ACK: Final = "            redis.xack(STREAM, GROUP, entry_id)  # after the work, never before\n"
SHELL_HANDLE: Final = "  printf '%s\\n' \"$1\"\n"
SHELL_DEATH: Final = '  handled=$((${handled:-0} + 1)); [ "$handled" -lt 5 ] || kill -9 $$\n'
SHELL_ACK: Final = ' && ask XACK "$stream" "$group" "$entry" >/dev/null # after the work, never before\n'


def dying(name: str, *, acknowledges_first: bool) -> str:
    """Return an example that kills itself at its fifth result, before the work on it is done."""
    text = (EXAMPLES / name).read_text()
    if name.endswith(".py"):
        text = text.replace(PYTHON_HANDLE, PYTHON_DEATH + PYTHON_HANDLE).replace(
            "redis = ", "handled = []\nredis = ", 1
        )
        if acknowledges_first:
            work = '                handle(json.loads(fields["result"]))\n'
            text = text.replace(PYTHON_ACK, "").replace(work, f"    {PYTHON_ACK}{work}")
        return text
    text = text.replace(SHELL_HANDLE, SHELL_DEATH + SHELL_HANDLE)
    if acknowledges_first:
        text = text.replace(f'  handle "$result"{SHELL_ACK}', f'  true{SHELL_ACK}  handle "$result"\n')
    return text


def publish(redis: Any) -> None:
    for number in range(COUNT):
        result = builders.result(number)
        fields = {"incident_id": result.incident.incident_id, "version": "1", "result": result.model_dump_json()}
        redis.xadd(RESULTS_STREAM, fields)


class Site:
    """A Valkey with results on the stream, and a file into which consumers write what they have handled."""

    def __init__(self, redis: Any, port: int, folder: Path) -> None:
        self.redis = redis
        self.address_of_account = ""
        self.output = folder / "handled"
        self._folder = folder
        self._environment = {"PATH": os.environ["PATH"], "FIRSTLINE_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        self._environment |= {"CLAIM_AFTER_MILLISECONDS": "100", "PAUSE_SECONDS": "0.1"}
        publish(redis)

    def use_account(self, rights: list[str]) -> None:
        """Make an account with these rights, and let the consumers use it from now on."""
        self.redis.execute_command("ACL", "SETUSER", *rights)
        person, password = rights[0], rights[2].removeprefix(">")
        address = self._environment["FIRSTLINE_REDIS_URL"]
        self._environment |= {"CONSUMER_USER": person, "REDISCLI_AUTH": password}
        self.address_of_account = address.replace("//", f"//{person}:{password}@")

    def command(self, name: str, text: str) -> list[str]:
        program = self._folder / f"copy-{name}"
        program.write_text(text)
        return [sys.executable if name.endswith(".py") else "sh", str(program)]

    def dies(self, name: str, *, acknowledges_first: bool) -> None:
        command = self.command(name, dying(name, acknowledges_first=acknowledges_first))
        with self.output.open("ab") as output:
            done = subprocess.run(
                command, env=self._environment | {"CONSUMER_NAME": "a"}, stdout=output, timeout=SECONDS, check=False
            )
        assert done.returncode == -signal.SIGKILL

    def claims_after(self, milliseconds: int) -> None:
        """Let the consumers take over from now on what was in another's hand for so long."""
        self._environment |= {"CLAIM_AFTER_MILLISECONDS": str(milliseconds)}

    def goes_on(self, name: str) -> None:
        with self.consuming(name):
            self.wait_until_done()

    @contextmanager
    def consuming(self, name: str, text: str | None = None, *, consumer: str = "b") -> Iterator[None]:
        command, environment = self.command(name, text or (EXAMPLES / name).read_text()), self._environment
        if name.endswith(".py") and self.address_of_account:
            environment = environment | {"FIRSTLINE_REDIS_URL": self.address_of_account}
        with running(*command, environment=environment | {"CONSUMER_NAME": consumer}, log=self.output):
            yield

    def wait_until_done(self) -> None:
        wait_until(self._is_done, seconds=SECONDS, log=self.output)

    def _is_done(self) -> bool:
        groups = self.redis.xinfo_groups(RESULTS_STREAM)
        return [(group["pending"], group["lag"]) for group in groups] == [(0, 0)]

    @staticmethod
    def lines(name: str, result: TriageResult) -> list[str]:
        """What an example prints of a result."""
        if name.endswith(".py"):
            return [f"{result.incident.incident_id} {result.disposition} {result.summary}"]
        return [result.model_dump_json()]

    def handled(self) -> set[str]:
        return set(re.findall(r"inc-[0-9a-f]{20}", self.output.read_text()))


@pytest.fixture(name="site")
def site_fixture(tmp_path: Path) -> Any:
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        yield Site(redis, port, tmp_path)
