"""Restarts through a real sshd and the real restart command: once, and every other end told for what it is."""

import getpass
import shlex
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
from worker.infrastructure.ssh import SshAnswer, SshHost
from worker.infrastructure.ssh_restart import SshRestart
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
        ssh = SshHost(
            "ssh to 127.0.0.1",
            host="127.0.0.1",
            port=port or self.port,
            user=getpass.getuser(),
            identity_file=self.folder / "key",
            known_hosts_file=self.folder / "known_hosts",
            breaker=CircuitBreaker("ssh to 127.0.0.1", CLOCK),
            timeout_seconds=10,
        )
        return SshRestart("payment-server-01", ssh=ssh, restart_seconds=20, clock=CLOCK)


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
    with pytest.raises(OrderRefused, match="failed before the order was sent"):
        site.manager(port=1).restart(an_order())
    assert site.target.notes("start") == 0


class CutOff(SshHost):
    """Answers an order as ssh does when the connection breaks after the command has said something."""

    def __init__(self, *said: str) -> None:
        self.name = "ssh to 127.0.0.1"
        self._said = said

    def order(self, request: str, *, timeout_seconds: float) -> SshAnswer:
        return SshAnswer(255, b"", self._said)


@pytest.mark.parametrize(
    "said",
    [
        ("failed: exit code 1: Failed to restart payments.service: Permission denied",),
        ("failed: exit code 1: connect to host db port 5432: Connection refused", "client_loop: send disconnect"),
        ("failed: exit code 1: no", "Host key verification failed."),
        ("ssh: connect to host 10.0.0.1 port 22: Connection refused", "unknown: no answer within 50 s"),
        (),
    ],
)
def test_words_of_the_command_that_look_like_ssh_s_own_do_not_make_it_undone(said: tuple[str, ...]) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        SshRestart("web-01", ssh=CutOff(*said), restart_seconds=20, clock=CLOCK).restart(an_order())
    assert not isinstance(raised.value, OrderRefused)


@pytest.mark.parametrize(
    "said",
    [
        "ssh: connect to host 10.0.0.1 port 22: Connection refused",
        "ssh: Could not resolve hostname web: Name or service not known",
        "firstline@10.0.0.1: Permission denied (publickey).",
        "Host key verification failed.",
    ],
)
def test_ssh_s_own_words_before_a_session_make_it_undone(said: str) -> None:
    with pytest.raises(OrderRefused):
        SshRestart("web-01", ssh=CutOff(said), restart_seconds=20, clock=CLOCK).restart(an_order())
