"""The consumers that engineers copy: killed in their work, or robbed of their group, they lose nothing."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from tests.escalation import builders
from tests.programs import running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract.queue import AUDIT_STREAM, RESULTS_STREAM
from worker.contract.result import TriageResult
from worker.registry.trimming import ResultsTrimmer

pytestmark = pytest.mark.integration

EXAMPLES: Final = Path(__file__).parents[2] / "deploy" / "consumer"
COUNT: Final = 8
SECONDS: Final = 40

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

    def goes_on(self, name: str) -> None:
        with self.consuming(name):
            self.wait_until_done()

    @contextmanager
    def consuming(self, name: str) -> Iterator[None]:
        command, environment = self.command(name, (EXAMPLES / name).read_text()), self._environment
        if name.endswith(".py") and self.address_of_account:
            environment = environment | {"FIRSTLINE_REDIS_URL": self.address_of_account}
        with running(*command, environment=environment | {"CONSUMER_NAME": "b"}, log=self.output):
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


@pytest.fixture
def site(tmp_path: Path) -> Any:
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        yield Site(redis, port, tmp_path)


EVERY: Final = {builders.result(number).incident.incident_id for number in range(COUNT)}
NAMES: Final = [
    "consumer.py",
    pytest.param(
        "consumer.sh", marks=pytest.mark.skipif(shutil.which("redis-cli") is None, reason="redis-cli is not installed")
    ),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_consumer_that_is_killed_in_the_middle_of_its_work_loses_nothing(site: Site, name: str) -> None:
    site.dies(name, acknowledges_first=False)
    assert len(site.handled()) == 4
    site.goes_on(name)
    assert site.handled() == EVERY


@pytest.mark.parametrize("name", NAMES)
def test_one_that_acknowledges_before_its_work_loses_what_it_had_in_hand(site: Site, name: str) -> None:
    """The control of the test above."""
    site.dies(name, acknowledges_first=True)
    site.goes_on(name)
    assert len(site.handled()) == COUNT - 1


def rights_of_readme() -> list[str]:
    """What the README's command gives: the account's name first."""
    command = (EXAMPLES / "README.md").read_text().partition("redis-cli ACL SETUSER ")[2].partition("```")[0]
    return shlex.split(command.replace("\\\n", ""))


def destroy_the_group(redis: Any) -> None:
    redis.xgroup_destroy(RESULTS_STREAM, "my-team")


def empty_redis(redis: Any) -> None:
    redis.flushall()
    publish(redis)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rob", [destroy_the_group, empty_redis])
def test_one_whose_group_is_gone_makes_it_again_and_goes_on(site: Site, name: str, rob: Callable[[Any], None]) -> None:
    with site.consuming(name):
        site.wait_until_done()
        site.output.write_text("")
        rob(site.redis)
        wait_until(lambda: site.handled() == EVERY, seconds=SECONDS, log=site.output)


@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_picked_by_the_name_of_its_field_wherever_that_stands(site: Site, name: str) -> None:
    site.redis.delete(RESULTS_STREAM)
    result = builders.result(1)
    incident_id, told = result.incident.incident_id, result.model_dump_json()
    site.redis.xadd(RESULTS_STREAM, {"result": told, "version": "1", "incident_id": "x"})
    site.redis.xadd(RESULTS_STREAM, {"version": "2", "new": "two\nlines", "result": told, "last": "x"})
    site.goes_on(name)
    assert [line for line in site.output.read_text().splitlines() if incident_id in line] == site.lines(
        name, result
    ) * 2


@pytest.mark.parametrize("name", NAMES)
def test_the_rights_of_the_readme_are_enough(site: Site, name: str) -> None:
    site.use_account(rights_of_readme())
    bad = site.redis.xadd(RESULTS_STREAM, {"result": "no JSON"})
    site.goes_on(name)
    assert site.handled() == EVERY
    aside = [fields["entry_id"] for _, fields in site.redis.xrange("my-team:aside")]
    assert aside == ([bad] if name == "consumer.py" else [])


def test_with_them_nothing_else_can_be_done(site: Site) -> None:
    """The control of the test above, and why the account is worth having."""
    site.use_account(rights_of_readme())
    site.redis.xadd(AUDIT_STREAM, {"action": "halt"})
    site.redis.xgroup_create(AUDIT_STREAM, "my-team", id="0")
    with Redis.from_url(site.address_of_account, decode_responses=True) as account:
        for order in (
            f"XADD {RESULTS_STREAM} * result forged",
            f"XGROUP DESTROY {RESULTS_STREAM} escalation",
            f"XREADGROUP GROUP my-team a STREAMS {AUDIT_STREAM} >",
            f"XREAD STREAMS {RESULTS_STREAM} 0",
            f"DEL {RESULTS_STREAM}",
        ):
            with pytest.raises(NoPermissionError):
                account.execute_command(*order.split())


def test_what_a_group_has_not_acknowledged_is_not_forgotten(site: Site) -> None:
    redis: Redis = site.redis
    redis.xgroup_create(RESULTS_STREAM, "my-team", id="0")
    redis.xgroup_create(RESULTS_STREAM, "escalation", id="$")
    assert ResultsTrimmer(redis, retention_seconds=-3600).trim() == 0
    assert redis.xlen(RESULTS_STREAM) == COUNT


def test_the_python_example_is_short_enough_to_be_read() -> None:
    lines = (EXAMPLES / "consumer.py").read_text().splitlines()
    assert len([line for line in lines if line and not line.lstrip().startswith('"""')]) <= 30


def test_one_bad_entry_is_put_aside_and_holds_up_no_other(site: Site) -> None:
    bad = site.redis.xadd(RESULTS_STREAM, {"result": "no JSON"})
    worse = site.redis.xadd(RESULTS_STREAM, {"another": "field"})
    site.redis.xgroup_create(RESULTS_STREAM, "my-team", id="0")
    site.goes_on("consumer.py")
    assert len(site.handled()) == COUNT
    assert [fields["entry_id"] for _, fields in site.redis.xrange("my-team:aside")] == [bad, worse]
