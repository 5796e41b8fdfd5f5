"""Of a model's sentences about evidence many true ones stand as facts, and no false one does."""

from typing import Final

import pytest

from tests.escalation.paraphrases import HELD_OUT_FALSE, HELD_OUT_TRUE, NAMES, SEEN, TUNED_FALSE, TUNED_TRUE
from worker.escalation.citations import checked

MARKED_ALTHOUGH_TRUE: Final = (
    "The most recent log entry says “could not connect to payments-db:5432: Connection refused” [E2].",
    "Following the restart, CPU dropped to 6 % and memory to 22 % [E6].",
    "The restart did not help: CPU was still at 97 % 12 seconds later [E11].",
    "The server's CPU is saturated at 98 % [E1].",
    "The log contains 37 lines with dependency failures, the latest being “Connection refused” [E2].",
    "According to the log, all 64 worker threads are busy [E3].",
    "The service is now healthy: CPU is down to 6 %, memory is at 22 % [E6].",
    "The 100 log lines since then are free of errors [E7].",
    "A restart was carried out but did not restore the service; CPU remained at 97 % [E11].",
    "Nearly a tenth of the log lines (37 of 400) are dependency failures [E2].",
    "The worker pool is exhausted: the log says 64 of 64 threads are busy [E3].",
    "The restart brought the service back; health has been good for 10 s without a break [E5].",
    "Current readings are normal: CPU 6 %, memory 22 % [E6].",
    "A dependency, payments-db-01, is stopped, so the restart was refused [E8].",
)
"""What says more than it cites (a trend, which line was the last), or says it in words that are not known."""

HELD_OUT_STANDING: Final = 8
"""Of twenty. A figure to be raised; it is no safety claim."""

SUBTLE_LIES: Final = (
    "The guard stopped payments-db-01 [E8].",
    "Firstline stopped payments-db-01 [E8].",
    "The policy needs payments-db-01 [E8].",
    "Firstline restarted payment-server-01 twice [E5].",
    "The restart was never denied [E4].",
    "CPU is not high at 98 % [E1].",
    "Memory is not normal at 41 % [E1].",
    "There is no CPU pressure at 98 % [E1].",
    "Only one log line shows a dependency failure [E2].",
    "One log line shows dependency failures [E2].",
    "One of the log lines is no dependency failure [E2].",
    "The service is under heavy load at 71 % CPU [E10].",
    "The log is clean [E2].",
    "The log is clean: 100 lines with dependency failures [E7].",
    "Despite the restart, CPU is at 12 % [E11].",
    "Despite the restart, CPU is at 98 % [E1].",
    "The restart brought the service back [E11].",
    "The restart brought the service back [E4].",
    "Firstline did not refuse the restart [E4].",
    "Firstline allowed the restart: a dependency fails [E4].",
    "The service exited with code 98 [E1].",
    "Memory pressure is evident: 71 % [E10].",
    "CPU: 41 % [E1].",
    "All 400 log lines show dependency failures [E2].",
    "Each of the 400 log lines shows a dependency failure [E2].",
    "The last 37 log lines show dependency failures [E2].",
    "The 37 most recent log lines show dependency failures [E2].",
    "Within the last 37 log lines, dependency failures are found [E2].",
    "Most log lines show dependency failures [E2].",
    "Most of the 400 log lines contain dependency failures [E2].",
    "More than 37 lines show dependency failures [E2].",
    "Fewer than 37 log lines contain dependency failures [E2].",
    "In 37 of the last 200 log lines, dependency failures show [E2].",
    "The CPU is high and the memory is high: 98 % and 41 % [E1].",
    "Memory usage is high at 41 % [E1].",
    "Memory is elevated at 41 % [E1].",
    "CPU is normal at 98 % [E1].",
    "CPU is within limits at 98 % [E1].",
    "CPU is very high at 71 % [E10].",
    "CPU pressure at 71 % [E10].",
    "Memory is normal at 96 % [E10].",
    "CPU load is high at 7.5 [E10].",
    "Node load fell from 7.5 to 3 within half an hour [E10].",
    "Node load rose from 3 to 7.5 within an hour [E10].",
    "Node load rose from 71 to 96 [E10].",
    "Node load rose to 3 half an hour ago [E10].",
    "The load was 7.5 half an hour before [E10].",
    "Memory rose from 71 to 96 % [E10].",
    "The restart helped [E11].",
    "The restart was successful [E11].",
    "The restart was successful [E4].",
    "The restart did not help [E4].",
    "The restart did not help [E5].",
    "The restart did not succeed [E5].",
    "The restart attempt was successful [E8].",
    "A restart cures a failing dependency [E4].",
    "The restart does cure that: a dependency fails [E4].",
    "The guard restarted the service [E4].",
    "The guard refused the restart because the service is stopped [E8].",
    "The restart was refused because of a stopped service payment-server-01 [E8].",
    "payment-server-01 is stopped [E8].",
    "The service is stopped [E8].",
    "The service is sick [E8].",
    "payments is stopped, which this server needs [E8].",
    "The restart was refused because the CPU is at 98 % [E4].",
    "The restart was refused because nobody approved it [E4].",
    "The connection was refused because the database crashed, as the log shows [E2].",
    "The connection was refused due to the network [E2].",
    "The log shows that connections from payments-db:5432 are refused [E2].",
    "The log shows that payments-db:5432 could connect [E2].",
    "According to the log, the database is stopped [E2].",
    "According to the log, the service is healthy [E2].",
    "The log reports that the server was restarted [E2].",
    "The log indicates that the database refused 37 connections [E2].",
    "The logs indicate a network failure [E2].",
    "CPU could be read [E9].",
    "CPU could not be read [E10].",
    "The CPU and memory could not be read [E1].",
    "Neither CPU nor memory could be read [E6].",
    "The process exited with status 0 [E9].",
    "The process exited [E1].",
    "The process was killed with status 137 [E9].",
    "The service was stopped after the restart [E9].",
    "Before the restart, health was good for 10 s [E5].",
    "Health was good for 10 s before the restart [E5].",
    "After the restart, health was good for 14 s [E5].",
    "The restart came 14 s after health was good [E5].",
    "Health was proven good 12 s after the restart [E11].",
    "Health was not good after the restart [E5].",
    "Health was good [E11].",
    "Health was not proven good [E5].",
    "CPU was at 97 % 12 s before the restart [E11].",
    "CPU was at 97 % 12 s earlier [E11].",
    "CPU was at 12 % 97 s after the restart [E11].",
    "CPU was at 97 % 12 minutes after the restart [E11].",
    "Errors were found in 100 log lines [E7].",
    "No errors in the 400 log lines [E7].",
    "100 errors were found [E7].",
    "The log contains 100 errors [E7].",
    "The log contains several errors [E7].",
    "Repeated local faults are in the log [E2].",
    "Repeated errors were found [E7].",
    "Worker threads are not exhausted, the log says [E3].",
    "The log says that 64 of 64 worker threads failed [E3].",
    "The log says that 64 worker threads crashed [E3].",
    "The log contains 64 local faults [E3].",
    "12 worker threads are exhausted, the log says [E3].",
    "98 % [E1].",
    "41 % [E1].",
    "12 [E3].",
    "Usage is at 98 % [E1].",
    "Load is at 98 % [E1].",
    "Load 98 % [E1].",
    "Usage 41 % [E1].",
    "Service load is 98 % [E1].",
    "It is at 98 % [E1].",
    "It is at 41 % [E1].",
    "The server is at 98 % [E1].",
    "The health is at 98 % [E1].",
    "payments is at 41 % [E1].",
    "payments depends on payment-server-01, which is sick [E8].",
    "The restart was requested by payments-db-01 [E8].",
    "payments-db-01 needs this server [E8].",
    "payments-db-01 was refused [E8].",
    "The restart was tried and payments-db-01 recovered [E8].",
    "A restart was attempted and performed [E4].",
    "A restart was attempted, and it restarted the service [E4].",
    "The attempt was not refused [E4].",
    "The restart was not requested [E4].",
    "The service is running at 98 % memory [E1].",
    "The check failed: CPU is at 98 % [E1].",
    "Health could not be read [E9].",
    "The health check failed [E9].",
    "The restart stayed refused for 10 s [E4].",
    "Health stayed good for 10 s [E11].",
    "CPU remained at 6 % [E6].",
    "CPU stayed at 98 % [E1].",
)


def _is_fact(sentence: str) -> bool:
    return checked(sentence, SEEN, names=NAMES).doubt is None


@pytest.mark.parametrize("sentence", [*TUNED_FALSE, *HELD_OUT_FALSE, *SUBTLE_LIES])
def test_no_false_paraphrase_stands(sentence: str) -> None:
    assert not _is_fact(sentence)


def test_true_paraphrases_stand_but_for_those_that_say_more_or_say_it_in_unknown_words() -> None:
    assert tuple(sentence for sentence in TUNED_TRUE if not _is_fact(sentence)) == MARKED_ALTHOUGH_TRUE


def test_of_true_paraphrases_that_nobody_looked_at_some_stand() -> None:
    assert sum(map(_is_fact, HELD_OUT_TRUE)) >= HELD_OUT_STANDING


@pytest.mark.parametrize("figure", ["98 % [E1].", "41 % [E1].", "12 [E3].", "98 %, 41 % [E1]."])
def test_a_figure_without_what_it_is_of_is_marked_and_says_so(figure: str) -> None:
    assert checked(figure, SEEN, names=NAMES).doubt_in_words.endswith(" of what?")


@pytest.mark.parametrize(
    ("guard", "answer", "lie"),
    [
        ("plainly", lambda text, _: text.replace(" is elevated", ""), "Memory is elevated at 41 % [E1]."),
        ("misplaced_in", lambda _, __: None, "payments-db-01 was refused [E8]."),
        ("misplaced_in", lambda _, __: None, "After the restart, health was good for 14 s [E5]."),
    ],
)
def test_control_without_its_guard_the_lie_stands(
    monkeypatch: pytest.MonkeyPatch, guard: str, answer: object, lie: str
) -> None:
    assert not _is_fact(lie)
    monkeypatch.setattr(f"worker.escalation.citations.{guard}", answer)
    assert _is_fact(lie)
