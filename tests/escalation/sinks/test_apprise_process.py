"""The process that speaks Apprise: no answer, however long, takes the desk's memory or outlives the delivery."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apprise
import pytest

from tests.escalation.builders import result
from tests.escalation.sinks.stand_ins import SECRET, apprise_sink
from worker.errors import NotDelivered
from worker.escalation.sinks import apprise_sink as module
from worker.escalation.sinks.apprise_child import MEMORY_LIMIT_BYTES

PIECE = b"x" * 65_536


class Talker:
    """A receiver that says yes and goes on talking, up to so many bytes, until the other end hangs up."""

    def __init__(self, listener: socket.socket, *, limit_bytes: int, pause_seconds: float) -> None:
        self.url = f"json://127.0.0.1:{listener.getsockname()[1]}/{SECRET}"
        self.sent_bytes = 0
        self.is_left_alone = threading.Event()
        self.enough = threading.Event()
        self._listener = listener
        self._limit_bytes, self._pause_seconds = limit_bytes, pause_seconds

    def talk(self) -> None:
        with suppress(OSError):
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
                while self.sent_bytes < self._limit_bytes and not self.enough.wait(self._pause_seconds):
                    connection.sendall(PIECE)
                    self.sent_bytes += len(PIECE)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):  # what is closed with something unread is cut, not ended
                    continue
        self.is_left_alone.set()


@contextmanager
def talker(*, limit_bytes: int = 4 * MEMORY_LIMIT_BYTES, pause_seconds: float = 0.0) -> Iterator[Talker]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        told = Talker(listener, limit_bytes=limit_bytes, pause_seconds=pause_seconds)
        thread = threading.Thread(target=told.talk)
        thread.start()
        yield told
        told.enough.set()
        thread.join(timeout=30)


@pytest.fixture
def without_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_SECONDS", 0.0)


def test_an_answer_without_an_end_is_cut_off_once_it_fills_the_memory_that_the_process_has() -> None:
    with talker() as receiver:
        with pytest.raises(NotDelivered, match="did not take the message"):
            apprise_sink(receiver.url, timeout_seconds=60).deliver(result())
        assert receiver.is_left_alone.wait(10)
    assert len(PIECE) < receiver.sent_bytes < MEMORY_LIMIT_BYTES


def test_control_a_long_answer_that_ends_is_a_yes() -> None:
    with talker(limit_bytes=32 * 2**20) as receiver:
        apprise_sink(receiver.url, timeout_seconds=60).deliver(result())
    assert receiver.sent_bytes == 32 * 2**20


def test_nobody_reads_an_answer_on_when_its_time_is_over() -> None:
    with talker(pause_seconds=0.01) as receiver:
        with pytest.raises(NotDelivered, match=r"in 0\.5 s"):
            apprise_sink(receiver.url, timeout_seconds=0.5).deliver(result())
        assert receiver.is_left_alone.wait(10)


def test_control_in_the_desk_s_own_process_it_would_be_read_on() -> None:
    with talker(pause_seconds=0.01) as receiver:
        told = apprise.Apprise()
        told.add(receiver.url)
        assert not told.notify(body="x", timeout=0.5)
        assert not receiver.is_left_alone.wait(1)


@pytest.mark.usefixtures("without_time_to_start")
def test_a_process_that_does_not_end_is_killed_and_nobody_knows_what_it_did() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"json://127.0.0.1:{listener.getsockname()[1]}/{SECRET}"
        with pytest.raises(NotDelivered, match=r"did not take the message in 0\.01 s") as raised:
            apprise_sink(url, timeout_seconds=0.01).deliver(result())
    assert raised.value.is_doubtful
    assert SECRET not in str(raised.value)


def test_the_address_is_on_no_command_line() -> None:
    with talker(limit_bytes=0) as receiver:
        seen: list[str] = []
        delivering = threading.Thread(target=apprise_sink(receiver.url, timeout_seconds=10).deliver, args=(result(),))
        delivering.start()
        while delivering.is_alive():
            seen += command_lines()
            delivering.join(timeout=0.05)
    assert any("apprise_child" in line for line in seen)
    assert not [line for line in seen if SECRET in line]


def command_lines() -> list[str]:
    """Return the command lines of this process' children; what ends meanwhile has none."""
    lines = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            children = (task / "children").read_text("ascii").split()
            lines += [Path(f"/proc/{child}/cmdline").read_text("utf-8") for child in children]
    return lines
