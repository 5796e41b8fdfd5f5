"""The watch cuts what takes too long, the newest socket only, and leaves alone what ends in time."""

import socket

from worker.escalation.sinks.watching import Watch


def test_a_socket_that_waits_past_the_time_is_cut() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Watch(0.05) as watch:
        watch.over(ours)
        assert ours.recv(1) == b""
        assert watch.is_over


def test_a_socket_that_comes_too_late_is_cut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Watch(0) as watch:
        watch._timer.join()
        watch.over(ours)
        assert ours.recv(1) == b""


def test_what_ends_in_time_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Watch(60) as watch:
            watch.over(ours)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        assert not watch.is_over


def test_a_socket_that_is_closed_already_is_no_failure() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    with Watch(60) as watch:
        watch.is_over = True
        watch.over(ours)
