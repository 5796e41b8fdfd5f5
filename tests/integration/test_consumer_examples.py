"""The consumers that engineers copy: killed in their work, or robbed of their group, they lose nothing."""

import shlex
from collections.abc import Callable
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from tests.escalation import builders
from tests.integration.consumer_site import (
    COUNT,
    EVERY,
    EXAMPLES,
    NAMES,
    PYTHON_HANDLE,
    SECONDS,
    SHELL_HANDLE,
    Site,
    needs_redis_cli,
    publish,
    site_fixture,
)
from tests.programs import wait_until
from worker.contract.queue import AUDIT_STREAM, RESULTS_STREAM
from worker.registry.trimming import ResultsTrimmer

__all__ = ["site_fixture"]

pytestmark = pytest.mark.integration


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


POISON: Final = 11  # XAUTOCLAIM looks at ten entries for each that it is asked for
SHELL_CURSOR: Final = '"${cursor:-0}"'
SHELL_TURN: Final = 'work_on "$left" && block=1'


def refusing(old: str, new: str) -> str:
    """Return the shell example with a `handle` that refuses poison, and with one more change."""
    text = (EXAMPLES / "consumer.sh").read_text()
    return text.replace(SHELL_HANDLE, f'  [ "$1" != poison ] || return 1\n{SHELL_HANDLE}').replace(old, new)


def is_delivered(redis: Any, entry_id: str, *, times: int) -> bool:
    held = redis.xpending_range(RESULTS_STREAM, "my-team", entry_id, entry_id, 1)
    return [entry["times_delivered"] >= times for entry in held] == [True]


@needs_redis_cli
@pytest.mark.parametrize(("cursor", "good"), [(SHELL_CURSOR, EVERY), ("0", set())], ids=["as it is", "from the start"])
def test_what_handle_refuses_holds_up_nothing_else_of_a_dead_process(site: Site, cursor: str, good: set[str]) -> None:
    """The control searches from the start each time: what stands behind eleven refused ones is never reached."""
    redis = site.redis
    redis.delete(RESULTS_STREAM)
    first, *_ = [redis.xadd(RESULTS_STREAM, {"result": "poison"}) for _ in range(POISON)]
    publish(redis)
    redis.xgroup_create(RESULTS_STREAM, "my-team", id="0")
    redis.xreadgroup("my-team", "dead", {RESULTS_STREAM: ">"})
    with site.consuming("consumer.sh", refusing(SHELL_CURSOR, cursor)):
        wait_until(lambda: is_delivered(redis, first, times=4), seconds=SECONDS, log=site.output)
        assert site.handled() == good


@needs_redis_cli
@pytest.mark.parametrize(
    ("turn", "good"), [(SHELL_TURN, EVERY), ('work_on "$left" && continue', set())], ids=["as it is", "no turns"]
)
def test_what_handle_refuses_again_and_again_holds_up_no_new_result(site: Site, turn: str, good: set[str]) -> None:
    """The control reads a new result only when nothing is left behind."""
    site.claims_after(0)
    site.redis.delete(RESULTS_STREAM)
    poison = site.redis.xadd(RESULTS_STREAM, {"result": "poison"})
    publish(site.redis)
    site.redis.xgroup_create(RESULTS_STREAM, "my-team", id="0")
    with site.consuming("consumer.sh", refusing(SHELL_TURN, turn)):
        wait_until(lambda: is_delivered(site.redis, poison, times=COUNT + 4), seconds=SECONDS, log=site.output)
        assert site.handled() == good


@pytest.mark.parametrize(("count", "are_doubled"), [("count=1", False), ("count=16", True)])
def test_what_a_process_has_in_hand_is_not_done_by_another_too(site: Site, count: str, *, are_doubled: bool) -> None:
    """The control holds sixteen, and works on them for longer than the claim time."""
    site.redis.xtrim(RESULTS_STREAM, maxlen=0)
    site.redis.xgroup_create(RESULTS_STREAM, "my-team", id="0")
    site.claims_after(2000)
    text = (EXAMPLES / "consumer.py").read_text().replace("count=1", count)
    text = text.replace(PYTHON_HANDLE, f"    time.sleep(0.3)\n{PYTHON_HANDLE}")
    with site.consuming("consumer.py", text, consumer="a"), site.consuming("consumer.py", text, consumer="b"):
        wait_until(lambda: len(site.redis.xinfo_consumers(RESULTS_STREAM, "my-team")) == 2, seconds=SECONDS)
        with site.redis.pipeline() as together:
            publish(together)
            publish(together)
            together.execute()
        site.wait_until_done()
    lines = site.output.read_text().splitlines()
    assert (len(lines) > 2 * COUNT) == are_doubled
