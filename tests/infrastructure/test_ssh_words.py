"""What ssh's own log says of a session, and the remedies in it."""

import pytest

from worker.infrastructure.ssh_words import is_before_a_session, own_words, remedy_for

AUTHENTICATED = 'Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "publickey".'
BEFORE = [
    "ssh could not be started: Too many open files",
    "ssh: connect to host 10.0.0.1 port 22: Connection refused",
    "ssh: Could not resolve hostname web: Name or service not known",
    "firstline@10.0.0.1: Permission denied (publickey).",
    "Host key verification failed.",
    "kex_exchange_identification: Connection closed by remote host",
    "Connection timed out during banner exchange",
    "Connection to 10.0.0.1 port 22 timed out",
    "Connection closed by 10.0.0.1 port 22",
    "Connection closed by UNKNOWN port 65535",
    "Connection reset by 10.0.0.1 port 22",
    "Disconnected from 10.0.0.1 port 22",
    "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa",
]


@pytest.mark.parametrize("line", BEFORE)
def test_a_log_that_ends_before_a_session_says_so(line: str) -> None:
    assert is_before_a_session([line])
    assert is_before_a_session(["Warning: it is late.", line])


@pytest.mark.parametrize("line", BEFORE)
def test_once_authenticated_no_later_word_takes_it_back(line: str) -> None:
    assert not is_before_a_session([AUTHENTICATED, line])


@pytest.mark.parametrize("log", [[], ["client_loop: send disconnect: Broken pipe"], ["what is this?"], [""]])
def test_a_log_without_known_words_leaves_it_open(log: list[str]) -> None:
    assert not is_before_a_session(log)


def test_words_are_turned_into_remedies_and_others_are_told_as_they_are() -> None:
    assert remedy_for("ssh could not be started: No such file or directory").endswith("install openssh-client")
    assert remedy_for("who knows") == "who knows"
    assert remedy_for("") == "it said nothing"


def test_figures_of_an_end_are_no_words() -> None:
    log = [AUTHENTICATED, "client_loop: send disconnect", "Transferred: sent 1", "Bytes per second: sent 1"]
    assert own_words(log) == "client_loop: send disconnect"
