"""The redaction file and the commands: each obeys it, each refuses a wrong one, and none that stops restarts does."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import running_valkey
from worker.cli.main import app
from worker.contract.queue import DEAD_LETTERS
from worker.registry.letter import letter_fields

pytestmark = pytest.mark.integration

_NOWHERE: Final = "redis://127.0.0.1:1/0"
_WRONG: Final = "denied = ['bluebird']"
_TRENDS: Final = str(Path(__file__).parents[2] / "deploy" / "trends.example.toml")
_CELERY: Final = (sys.executable, "-m", "celery", "-A", "worker", "worker", "--loglevel=INFO")

REFUSING: Final = {
    "submit": ["it is slow"],
    "intake": ["--insecure", "--port", "0"],
    "worker": [],
    "poll": ["--alertmanager", "http://127.0.0.1:1", "--once"],
    "watch": ["--prometheus", "http://127.0.0.1:1", "--trends", _TRENDS, "--once"],
    "escalations": ["--once"],
    "show": ["inc-1"],
    "redact": ["-"],
    "status": [],
    "approve": ["inc-1", "--why", "a test"],
    "reject": ["inc-1", "--why", "a test"],
    "proposals": [],
    "dead-letters": ["list"],
}
GOING_ON: Final = {
    "halt": ["--why", "a test"],
    "resume": ["--why", "a test"],
    "resolve": ["web-1", "--why", "a test"],
}


@dataclass
class Desk:
    folder: Path
    environment: dict[str, str]

    def told(self, *arguments: str) -> str:
        done = firstline(*arguments, environment=self.environment)
        return (done.stdout + done.stderr).decode()


def with_rules(folder: Path, text: str, **settings: str) -> dict[str, str]:
    file = folder / "redaction.toml"
    file.write_text(text, encoding="utf-8")
    return environment_of({"redaction_file": file, "redis_url": _NOWHERE, **settings})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    record(tmp_path / "web-server-03", WELL, "INFO 200 GET /\n")
    house = write_house(tmp_path, {"web-server-03": "web"})
    with running_valkey(tmp_path) as port:
        redis_url = f"redis://127.0.0.1:{port}/0"
        yield Desk(tmp_path, with_rules(tmp_path, "deny = ['bluebird']", **house | {"redis_url": redis_url}))


def test_these_are_all_commands() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert names | {"dead-letters"} == {*REFUSING, *GOING_ON, "demo"}


@pytest.mark.parametrize("command", REFUSING)
def test_a_wrong_file_is_refused_before_anything_is_done(tmp_path: Path, command: str) -> None:
    done = firstline(command, *REFUSING[command], environment=with_rules(tmp_path, _WRONG))
    told = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert told.startswith(f"firstline: The redaction file {tmp_path / 'redaction.toml'} is wrong")
    assert "denied: Extra inputs" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("command", GOING_ON)
def test_no_wrong_file_keeps_anybody_from_a_word_on_restarts(tmp_path: Path, command: str) -> None:
    done = firstline(command, *GOING_ON[command], environment=with_rules(tmp_path, _WRONG))
    note, failure = done.stderr.decode().splitlines()
    assert "the default rules of redaction are in force" in note
    assert "denied: Extra inputs" in note
    assert (done.returncode, "Redis did not answer" in failure) == (3, True)


@pytest.mark.parametrize("arguments", [["--help"], ["submit", "--help"], ["dead-letters", "list", "--help"]])
def test_help_goes_on_and_says_so(tmp_path: Path, arguments: list[str]) -> None:
    done = firstline(*arguments, environment=with_rules(tmp_path, _WRONG))
    assert (done.returncode, b"Usage" in done.stdout) == (0, True)
    assert done.stderr.count(b"\n") == done.stderr.count(b"the default rules of redaction are in force") == 1


def test_a_plain_celery_worker_does_not_start_with_a_wrong_file(desk: Desk) -> None:
    (desk.folder / "redaction.toml").write_text(_WRONG, encoding="utf-8")
    log = desk.folder / "worker.log"
    with running(*_CELERY, environment=desk.environment, log=log) as worker:
        assert worker.wait(60) == 2
    assert "redaction.toml is wrong" in log.read_text()


def test_what_people_and_sources_said_is_shown_without_denied_words(desk: Desk) -> None:
    assert "rejected" in (rejected := desk.told("submit", '{"text": "x", "server_id": "a bluebird"}'))
    assert "“a [DENIED]”" in rejected
    desk.told("halt", "--why", "bluebird is down")
    assert "[DENIED] is down" in (status := desk.told("status"))
    fields = letter_fields("odd", content=b"the bluebird", found_in="a", detail="the bluebird", incident_id="inc-1")
    with Redis.from_url(desk.environment["FIRSTLINE_REDIS_URL"]) as redis:
        entry_id = str(redis.xadd(DEAD_LETTERS, dict(fields)).decode())
    assert (letter := desk.told("dead-letters", "show", entry_id)).count("the [DENIED]") == 2
    assert "bluebird" not in rejected + status + letter


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("intake", "--insecure", "--host", "localhost", "--port", "0"), '"host": "[DENIED]"'),
        (("poll", "--alertmanager", "http://localhost:1"), "//[DENIED]:1"),
        (("watch", "--prometheus", "http://localhost:1", "--trends", _TRENDS), "//[DENIED]:1"),
    ],
)
def test_the_log_of_what_takes_alerts_in_names_no_denied_word(
    tmp_path: Path, command: tuple[str, ...], said: str
) -> None:
    environment = with_rules(tmp_path, "deny = ['localhost']")
    log = tmp_path / "command.log"
    with running(sys.executable, "-m", "worker.cli", *command, environment=environment, log=log):
        wait_until(lambda: said in log.read_text(), seconds=40, log=log)
    assert "localhost" not in log.read_text()


def test_what_failed_is_told_with_addresses_and_without_denied_words(tmp_path: Path) -> None:
    environment = with_rules(tmp_path, "deny = ['bluebird']")
    assert b"127.0.0.1:1" in firstline("status", environment=environment).stderr
    told = firstline("submit", "--file", "bluebird.jsonl", environment=environment).stderr
    assert (b"[DENIED].jsonl" in told, b"bluebird" in told) == (True, False)


def test_the_log_of_a_plain_celery_worker_names_no_denied_word(desk: Desk) -> None:
    away = with_rules(desk.folder, "deny = ['localhost']")
    log = desk.folder / "worker.log"
    with running(
        *_CELERY, environment=desk.environment | away | {"FIRSTLINE_REDIS_URL": "redis://localhost:1"}, log=log
    ):
        wait_until(lambda: b"consumer: Cannot connect" in log.read_bytes(), seconds=40, log=log)
    lines = [line for line in log.read_text().splitlines() if "Cannot connect" in line]
    assert all("[DENIED]" in line and "localhost" not in line for line in lines)
