"""Restarts through a real sshd and the real restart command: once, and every other end told for what it is."""

import getpass
import shlex
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults.proxy import Proxy
from tests.target.rig import Target
from tests.target.sshd import make_keys, pin, running_sshd
from worker.clock import SystemClock
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.ssh import SshHost
from worker.infrastructure.ssh_restart import SshRestart
from worker.infrastructure.ssh_words import is_before_a_session
from worker.ports import RestartOrder

pytestmark = pytest.mark.integration

CLOCK = SystemClock()


@dataclass(frozen=True, kw_only=True)
class Site:
    """One unit behind an sshd."""

    folder: Path
    port: int
    target: Target

    def manager(self, *, port: int | None = None) -> SshRestart:
        return SshRestart("payment-server-01", ssh=self.ssh(port=port), restart_seconds=20, clock=CLOCK)

    def ssh(self, *, port: int | None = None) -> SshHost:
        return SshHost(
            "ssh to 127.0.0.1",
            host="127.0.0.1",
            port=port or self.port,
            user=getpass.getuser(),
            identity_file=self.folder / "key",
            known_hosts_file=self.folder / "known_hosts",
            breaker=CircuitBreaker("ssh to 127.0.0.1", CLOCK),
            timeout_seconds=4,
        )

    def force(self, command: str) -> None:
        """Put another command in the place of the restart command."""
        quoted = command.replace('"', '\\"')
        (self.folder / "authorized_keys").write_text(
            f'command="{quoted}",restrict {(self.folder / "key.pub").read_text()}'
        )


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    ending = getattr(request, "param", "sys.exit(0)")
    target = Target(folder=tmp_path).install(ending=ending)
    make_keys(tmp_path, "key", "host_key", "other_host_key")
    command = shlex.join(target.command("--timeout-seconds", "1"))
    (tmp_path / "authorized_keys").write_text(f'command="{command}",restrict {(tmp_path / "key.pub").read_text()}')
    with running_sshd(tmp_path) as port:
        pin(tmp_path, port, "host_key")
        yield Site(folder=tmp_path, port=port, target=target)


def an_order(incident_id: str = "inc-1", *, fence: int = 1, seconds_left: float = 30) -> RestartOrder:
    return RestartOrder(
        incident_id=incident_id,
        fence=fence,
        not_after=CLOCK.now() + timedelta(seconds=seconds_left),
        give_up_at=CLOCK.monotonic_seconds() + 30,
    )


def test_an_order_restarts_once_and_the_same_again_is_refused(site: Site) -> None:
    site.manager().restart(an_order())
    with pytest.raises(OrderRefused, match="incident_seen"):
        site.manager().restart(an_order(fence=2))
    with pytest.raises(OrderRefused, match="fence_stale"):
        site.manager().restart(an_order("inc-2"))
    assert (site.target.notes("start"), site.target.notes("end")) == (1, 1)


def test_the_way_is_tried_with_the_key_of_a_restart_and_restarts_nothing(site: Site) -> None:
    assert site.manager().check() == "the restart command has its unit as active"
    with pytest.raises(SourceUnavailable, match=r"ssh to 127\.0\.0\.1 failed"):
        site.manager(port=1).check()
    authorized = site.folder / "authorized_keys"
    authorized.write_text(f"restrict {(site.folder / 'key.pub').read_text()}")
    with pytest.raises(SourceUnavailable):  # a shell in the place of the forced command
        site.manager().check()
    assert site.target.notes("start") == 0


def test_an_order_past_its_time_is_refused_here_and_there(site: Site) -> None:
    late_here = RestartOrder(incident_id="inc-1", fence=1, not_after=CLOCK.now(), give_up_at=0.0)
    with pytest.raises(OrderRefused, match="too old; nothing was restarted"):
        site.manager().restart(late_here)
    with pytest.raises(OrderRefused, match="too_late"):
        site.manager().restart(an_order(seconds_left=-1))
    assert site.target.notes("start") == 0


def test_of_two_at_once_one_is_refused(site: Site) -> None:
    site.force(shlex.join(site.target.command("--timeout-seconds", "20")))
    site.target.hold.touch()
    first = threading.Thread(target=lambda: site.manager().restart(an_order()))
    first.start()
    site.target.wait_for("start")
    with pytest.raises(OrderRefused, match="busy"):
        site.manager().restart(an_order("inc-2", fence=2))
    site.target.hold.unlink()
    first.join(20)
    assert site.target.notes("start") == 1


@pytest.mark.parametrize("site", ["print('no', file=sys.stderr); sys.exit(1)"], indirect=True)
def test_a_restart_that_happened_and_says_that_it_failed_is_not_called_undone(site: Site) -> None:
    with pytest.raises(SourceUnavailable, match="exit code 20: failed: exit code 1: no") as raised:
        site.manager().restart(an_order())
    assert not isinstance(raised.value, OrderRefused)
    assert site.target.notes("end") == 1


def test_a_restart_that_hangs_is_not_known(site: Site) -> None:
    site.target.hold.touch()
    with pytest.raises(SourceUnavailable, match="exit code 21: unknown: no answer within 1 s") as raised:
        site.manager().restart(an_order())
    assert not isinstance(raised.value, OrderRefused)
    site.target.hold.unlink()


def test_a_connection_that_is_cut_while_it_restarts_is_not_known(site: Site) -> None:
    site.target.hold.touch()
    with Proxy(site.port) as proxy, ThreadPoolExecutor(1) as pool:
        pin(site.folder, proxy.port, "host_key")
        pending = pool.submit(site.manager(port=proxy.port).restart, an_order())
        site.target.wait_for("start")
        assert proxy.cut() == 1
        with pytest.raises(SourceUnavailable, match="exit code 255") as raised:
            pending.result(20)
    assert not isinstance(raised.value, OrderRefused)
    site.target.hold.unlink()


def test_where_no_session_begins_nothing_was_restarted(site: Site) -> None:
    pin(site.folder, site.port, "other_host_key")
    with pytest.raises(OrderRefused, match="failed before the order was sent: its host key is none"):
        site.manager().restart(an_order())
    with pytest.raises(OrderRefused, match="failed before the order was sent: nothing listens there"):
        site.manager(port=1).restart(an_order())
    (site.folder / "authorized_keys").write_text("")
    pin(site.folder, site.port, "host_key")
    with pytest.raises(OrderRefused, match="failed before the order was sent: the key is refused"):
        site.manager().restart(an_order())
    assert site.target.notes("start") == 0


@pytest.mark.parametrize(
    ("greeting", "is_held", "remedy"),
    [
        (b"", True, "it did not answer in time"),
        (b"", False, "it broke the connection off at once|Connection (?:closed|reset) by"),
        (b"SSH-2.0-other\r\n", False, "Connection (?:closed|reset) by|ssh_dispatch_run_fatal: "),
    ],
)
def test_a_server_that_breaks_off_before_a_session_has_restarted_nothing(
    site: Site, greeting: bytes, is_held: bool, remedy: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(site.manager(port=listener.getsockname()[1]).restart, an_order())
        connection, _ = listener.accept()
        connection.sendall(greeting)
        if not is_held:
            connection.close()
        with pytest.raises(OrderRefused, match=f"failed before the order was sent: (?:{remedy})"):
            pending.result(20)
        connection.close()


def test_without_an_ssh_client_or_a_place_for_its_log_nothing_was_restarted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(site.folder))
        with pytest.raises(OrderRefused, match="the ssh client is missing on this machine: install openssh-client"):
            site.manager().restart(an_order())
        with pytest.raises(SourceUnavailable, match="install openssh-client"):
            site.manager().check()
    monkeypatch.setattr(tempfile, "tempdir", str(site.folder / "gone"))
    with pytest.raises(OrderRefused, match="ssh could not be started: there is no place for its log"):
        site.manager().restart(an_order())


@pytest.mark.parametrize(
    "forged",
    [
        "ssh: connect to host x port 22: Connection refused",
        "root@x: Permission denied (publickey).",
        "Host key verification failed.",
    ],
)
def test_a_forced_command_that_acts_and_speaks_as_ssh_does_is_not_called_undone(site: Site, forged: str) -> None:
    done = site.folder / "done"
    site.force(f"touch {done}; echo '{forged}' >&2; exit 255")
    with pytest.raises(SourceUnavailable) as raised:
        site.manager().restart(an_order())
    assert not isinstance(raised.value, OrderRefused)
    assert done.exists()


def test_control_on_the_same_stream_nobody_could_tell_those_words_from_ssh_s_own(site: Site) -> None:
    site.force("echo 'ssh: connect to host x port 22: Connection refused' >&2; exit 255")
    answer = site.ssh().order("status", timeout_seconds=10)
    assert is_before_a_session(answer.said)
    assert not is_before_a_session(answer.log)


@pytest.mark.parametrize("command", ["/bin/true", "cat /etc/passwd", "echo restarted", "echo restarted soon"])
def test_a_good_end_of_another_command_is_no_restart(site: Site, command: str) -> None:
    site.force(command)
    with pytest.raises(SourceUnavailable, match="is not the restart command, and did who knows what") as raised:
        site.manager().restart(an_order())
    assert not isinstance(raised.value, OrderRefused)
    with pytest.raises(SourceUnavailable, match="tells no ActiveState and no Now, so it is not the restart command"):
        site.manager().check()


def test_what_a_server_says_to_everybody_hides_no_word_of_the_command(site: Site) -> None:
    wordy = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo Welcome; echo Authorized use only >&2; "
    site.force(wordy + "exec " + shlex.join(site.target.command()))
    site.manager().restart(an_order())
    with pytest.raises(OrderRefused, match="Authorized use only incident_seen: inc-1 was ordered before"):
        site.manager().restart(an_order(fence=2))
    assert site.target.notes("end") == 1


def test_much_output_ends_no_session_before_the_command_has_ended(site: Site) -> None:
    site.force(f"head -c 1000000 /dev/zero; sleep 0.2; touch {site.folder / 'late'}")
    with pytest.raises(SourceUnavailable, match="is not the restart command"):
        site.manager().restart(an_order())
    assert (site.folder / "late").exists()
