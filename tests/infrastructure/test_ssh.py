"""Reads over a real sshd on loopback: bounded in time and bytes, on one connection, and each failure with a remedy."""

import getpass
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.target.sshd import make_keys, pin, running_sshd
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.ssh import SshHost

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Site:
    """An sshd whose key may run any command, as a reading user's shell does."""

    folder: Path
    port: int
    breaker: CircuitBreaker = field(default_factory=lambda: CircuitBreaker("ssh to 127.0.0.1", FakeClock()))

    def host(self, *, identity: str = "key", port: int | None = None, timeout_seconds: float = 10) -> SshHost:
        return SshHost(
            "ssh to 127.0.0.1",
            host="127.0.0.1",
            port=port or self.port,
            user=getpass.getuser(),
            identity_file=self.folder / identity,
            known_hosts_file=self.folder / "known_hosts",
            breaker=self.breaker,
            timeout_seconds=timeout_seconds,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    make_keys(tmp_path, "key", "stranger", "host_key", "other_host_key")
    shell = 'command="/bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict '  # root may come by a forced command only
    (tmp_path / "authorized_keys").write_text(shell + (tmp_path / "key.pub").read_text())
    with running_sshd(tmp_path) as port:
        pin(tmp_path, port, "host_key")
        yield Site(folder=tmp_path, port=port)


def test_arguments_arrive_as_they_are_and_no_shell_reads_them(site: Site) -> None:
    words = ["a b", "$HOME", "`id`", "; id", "'", '"', "*", "-n", "\\n"]
    answer = site.host().read(["printf", "%s|", *words])
    assert (answer.code, answer.stdout.decode()) == (0, "|".join(words) + "|")


def test_an_exit_code_and_its_words_are_the_command_s_own(site: Site) -> None:
    answer = site.host().read(["sh", "-c", "echo out; echo no such thing >&2; exit 3"])
    assert (answer.code, answer.stdout, answer.stderr) == (3, b"out\n", "no such thing")


def test_a_flood_of_complaints_is_kept_in_part(site: Site) -> None:
    answer = site.host().read(["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo out"])
    assert answer.stdout == b"out\n"
    assert len("".join(answer.said)) == 4096
    assert len(answer.stderr.encode()) < 400


def test_reads_share_a_connection(site: Site) -> None:
    host = site.host()
    sources = {host.read(["sh", "-c", "echo $SSH_CONNECTION"]).stdout for _ in range(3)}
    assert len(sources) == 1


def test_megabytes_are_read_up_to_the_limit(site: Site) -> None:
    answer = site.host().read(["head", "-c", "5000000", "/dev/zero"], limit_bytes=100_000)
    assert (len(answer.stdout), answer.is_cut) == (100_000, True)


def test_a_command_that_hangs_is_left_after_its_time(site: Site) -> None:
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match=r"^ssh to 127\.0\.0\.1 did not answer in 0\.5 s\.$"):
        site.host().read(["sleep", "60"], timeout_seconds=0.5)
    assert time.monotonic() - began < 10


def test_a_host_that_hangs_is_left_after_its_time(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = site.host(port=server.getsockname()[1], timeout_seconds=1)
        with pytest.raises(SourceUnavailable, match=r"did not answer in 1 s|it did not answer in time"):
            host.read(["true"])


def test_an_unpinned_host_key_is_refused(site: Site) -> None:
    pin(site.folder, site.port, "other_host_key")
    with pytest.raises(SourceUnavailable, match="host key is none of those that are pinned"):
        site.host().read(["true"])


def test_a_key_that_is_refused_is_named_with_its_remedy(site: Site) -> None:
    with pytest.raises(SourceUnavailable, match="the key is refused: correct user or identity_file"):
        site.host(identity="stranger").read(["true"])


def test_a_port_where_nothing_listens_is_named_and_then_spared(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for _ in range(3):
        with pytest.raises(SourceUnavailable, match="nothing listens there"):
            site.host(port=port).read(["true"])
    with pytest.raises(SourceUnavailable, match="was not asked"):
        site.host(port=port).read(["true"])


def test_this_machine_s_environment_does_not_travel(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTLINE_REDIS_URL", "redis://secret")
    assert b"secret" not in site.host().read(["env"]).stdout


def test_a_name_that_ssh_would_take_for_an_option_is_impossible(tmp_path: Path) -> None:
    for host, user in (("-oProxyCommand=id", "me"), ("host", "-oProxyCommand=id")):
        with pytest.raises(ValueError, match="option"):
            SshHost(
                "ssh",
                host=host,
                port=22,
                user=user,
                identity_file=tmp_path,
                known_hosts_file=tmp_path,
                breaker=CircuitBreaker("ssh", FakeClock()),
                timeout_seconds=1,
            )
