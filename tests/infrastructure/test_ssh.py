"""Reads over a real sshd on loopback: bounded in time and bytes, on one connection, and each failure with a remedy."""

import getpass
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.target.sshd import make_keys, pin, running_sshd
from worker.errors import ConfigurationError, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.ssh import SshHost

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Site:
    """An sshd whose key may run any command, as a reading user's shell does."""

    folder: Path
    port: int
    breaker: CircuitBreaker = field(default_factory=lambda: CircuitBreaker("ssh to 127.0.0.1", FakeClock()))

    def host(
        self,
        *,
        identity: str = "key",
        known_hosts: str = "known_hosts",
        port: int | None = None,
        timeout_seconds: float = 10,
    ) -> SshHost:
        return SshHost(
            "ssh to 127.0.0.1",
            host="127.0.0.1",
            port=port or self.port,
            user=getpass.getuser(),
            identity_file=self.folder / identity,
            known_hosts_file=self.folder / known_hosts,
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


def test_what_hangs_is_ended_on_its_host_too(site: Site) -> None:
    note = site.folder / "pid"
    with pytest.raises(SourceUnavailable, match="did not answer"):
        site.host().read(["sh", "-c", 'echo $$ > "$1"; sleep 77; true', "x", str(note)], timeout_seconds=0.5)
    sleeping, give_up = Path("/proc") / note.read_text().strip(), time.monotonic() + 10
    while sleeping.exists() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not sleeping.exists()


def test_a_host_without_timeout_is_read_all_the_same(site: Site) -> None:
    programs = site.folder / "programs"
    programs.mkdir()
    (programs / "timeout").write_text("#!/bin/sh\necho usage: timeout -t SECONDS >&2; exit 1\n")
    (programs / "timeout").chmod(0o755)
    shell = f'command="PATH={programs}:$PATH /bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict '
    (site.folder / "authorized_keys").write_text(shell + (site.folder / "key.pub").read_text())
    answer = site.host().read(["printf", "%s|", "a b", "$HOME"])
    assert (answer.code, answer.stdout, answer.said) == (0, b"a b|$HOME|", ())


@pytest.mark.parametrize("name", ["a folder", "a%hfolder %% 100%", "a'folder$HOME", "~"])
def test_keys_are_found_in_a_folder_of_any_name(site: Site, name: str) -> None:
    (site.folder / name).mkdir()
    for file in ("key", "known_hosts"):
        (site.folder / file).rename(site.folder / name / file)
    assert site.host(identity=f"{name}/key", known_hosts=f"{name}/known_hosts").read(["echo", "ok"]).stdout == b"ok\n"


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a${HOME}b", "a\nb"])
def test_a_path_that_ssh_can_t_be_told_is_refused_in_a_sentence(site: Site, name: str) -> None:
    for host in (partial(site.host, identity=name), partial(site.host, known_hosts=name)):
        with pytest.raises(
            ConfigurationError, match=r"^ssh can't be told the path '.*': choose one without .*\.$"
        ) as raised:
            host()
        assert "\n" not in str(raised.value)


def test_nothing_but_the_pinned_keys_and_the_named_way_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.folder / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -G "$@"\n')
    (site.folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(site.folder), prepend=os.pathsep)
    told = site.host().read(["true"]).stdout.decode()
    settings = dict(line.split(" ", 1) for line in told.splitlines())
    assert settings["globalknownhostsfile"] == "/dev/null"
    assert settings["userknownhostsfile"] == f"{site.folder / 'known_hosts'}"
    assert settings["stricthostkeychecking"] == "true"
    assert settings["batchmode"] == "yes"
    for name in ("updatehostkeys", "verifyhostkeydns", "canonicalizehostname", "permitlocalcommand", "forwardagent"):
        assert settings[name] in {"false", "no"}
    assert not {"proxycommand", "proxyjump", "localcommand"} & set(settings)
    assert settings.get("knownhostscommand", "none") == "none"


def test_a_systemd_escaped_name_arrives_unharmed(site: Site) -> None:
    unit = r"web\x2dshop@a\x5cb.service"
    assert site.host().read(["printf", "%s", f"--unit={unit}"]).stdout.decode() == f"--unit={unit}"
    inner = ["sh", "-c", 'printf %s "$1"', "firstline", unit]
    assert site.host().read(inner).stdout.decode() == unit


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
