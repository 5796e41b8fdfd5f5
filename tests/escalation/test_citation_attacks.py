"""False sentences that an attacker wrote about evidence: each is marked as a hypothesis. None takes long to read."""

import re
import time
from typing import Final

import pytest

from tests.escalation.builders import HEALTH, LOGS, NOW, REFUSED_RESTART, result
from tests.escalation.paraphrases import NAMES, SEEN
from worker.contract import Evidence
from worker.escalation import card_of
from worker.escalation.card_sentences import Doubt
from worker.escalation.citation_evidence import Seen
from worker.escalation.citations import checked

BOAST: Final = (
    "03:00:01 ERROR could not connect to payments-db:5432; service stopped; restarted and recovered; "
    "CPU 99 %; memory 97 %; 5000 lines with local faults"
)
QUOTING: Final = REFUSED_RESTART.model_copy(
    update={"statement": f"{REFUSED_RESTART.statement}: “{BOAST}”, and “{BOAST}”"}
)
OF_A_QUOTED_LINE: Final = (
    "The service is stopped [E3].",
    "CPU is at 99 % [E3].",
    "CPU is at 99 % and memory is at 97 % [E3].",
    "The service was restarted and recovered [E3].",
    "5000 lines show local faults [E3].",
    "The log shows that the service was restarted and recovered [E3].",
)
OF_A_REASON: Final = (
    "The restart was refused because CPU is at 98 % [E1][E4].",
    "The restart was refused because the service is running [E1][E4].",
    "The restart was denied since memory is at 41 % [E1][E4].",
    "The restart was rejected due to memory at 41 % and CPU at 98 % [E1][E4].",
    "The restart was refused because a dependency fails and CPU is at 98 % [E1][E4].",
    "The restart was refused as health is good [E4][E5].",
    "The restart was refused because memory is at 96 % [E4][E10].",
)
OF_WHO_DID_IT: Final = (
    "payments-db-01 was stopped by Firstline [E8].",
    "payments-db-01 was stopped by the guard [E8].",
    "The connection to payments-db:5432 was refused by Firstline [E4].",
    "payments-db:5432 is blocked by the policy [E4].",
    "The service was stopped by the policy [E4][E9].",
    "A dependency fails as the restart was refused [E4].",
    "payments-db:5432 refused the restart [E4].",
    "payments-db-01 refused the restart [E8].",
    "The restart was refused by payments-db:5432 [E4].",
    "The log says payments-db:5432 could not connect to payment-server-01 [E2].",
    "The log says that payments refused to connect to payments-db:5432 [E2].",
    "The log shows “Connection refused” by payment-server-01 [E2].",
    "The log lines read 98 % CPU [E1].",
)
OF_A_LEVEL: Final = (
    "Memory is critically high at 98 % CPU [E1].",
    "There is memory pressure with CPU at 98 % [E1].",
    "Memory is high as CPU is at 98 % [E1].",
    "CPU is normal with memory at 41 % [E1].",
    "The CPU is normal at 41 % memory [E1].",
    "The CPU is under heavy load at 96 % memory [E10].",
)
OF_TWO_PIECES: Final = (
    "After the restart, CPU stayed at 98 % [E1][E5].",
    "payments-db-01 is running at CPU 98 %, memory 41 % [E1][E8].",
    "payments-db-01 is stopped and CPU is at 98 % [E1][E8].",
    "payments-db:5432 was restarted, health good for 10 s [E4][E5].",
    "The database payments-db-01 was restarted and is now healthy [E5][E8].",
    "A dependency fails and was restarted [E4][E5].",
    "The service is healthy with CPU at 98 % [E1][E5].",
    "The service is healthy and CPU is at 98 % [E1][E5].",
    "CPU is at 98 % and memory is at 96 % [E1][E10].",
    "Health is good: CPU 98 %, memory 96 % [E1][E5][E10].",
    "The restart was successful, CPU at 97 % [E5][E11].",
    "The service was brought back by payments-db-01 [E5][E8].",
    "The service is running [E1][E9].",
    "The service is healthy [E5][E9].",
    "The log shows 37 dependency failures while the service is healthy [E2][E5].",
    "37 of 200 lines with dependency failures [E2][E3].",
    "At 02:58:31 the log reports Connection refused [E2][E3].",
    "The service is running [E1][E6][E10][E2][E7].",
)
OF_ONE_PIECE: Final = (
    "payment-server-01 is sick [E8].",
    "This server is sick [E8].",
    "Both payments-db-01 and this server are sick [E8].",
    "Memory was at 96 % half an hour before [E10].",
    "Half an hour before, memory was at 96 % [E10].",
    "node_load was 7.5 count half an hour before [E10].",
    "node_load is now at 3 count [E10].",
    "37 dependencies failed [E2].",
    "37 lines show failures of several dependencies [E2].",
    "Multiple restarts were refused [E4].",
    "64 log lines show local faults [E3].",
    "Health was last read good 10 s after the restart [E5].",
    "Health was good 14 s without a break [E5].",
    "CPU was at 97 % for 12 s after the restart [E11].",
    "The service was never restarted [E4].",
    "No deployment was found in the log [E7].",
    "The network is not failing [E7].",
)
STANDING: Final = (
    "The restart was refused because a dependency fails [E4].",
    "The restart was refused by Firstline, since a dependency fails [E4].",
    "CPU is at 98 %, and 37 of 400 log lines show dependency failures [E1][E2].",
    "The log shows “Connection refused”, and the restart was refused [E2][E4].",
    "payments-db-01 is sick: the service is stopped [E8].",
    "node_load was 3 half an hour before [E10].",
    "The log shows repeated dependency failures [E2].",
    "Memory is critically high at 96 % [E10].",
)
PARTS: Final = ("1 of 2 ", "0 ", "a-", "a.", "1,", "not ", "x:12 ", "“a", "restart refused ", "and CPU 1 % ")


def _is_fact(sentence: str) -> bool:
    return checked(sentence, SEEN, names=NAMES).doubt is None


@pytest.mark.parametrize(
    "lie", [*OF_A_REASON, *OF_WHO_DID_IT, *OF_A_LEVEL, *OF_TWO_PIECES, *OF_ONE_PIECE], ids=lambda lie: lie
)
def test_no_false_sentence_stands(lie: str) -> None:
    assert not _is_fact(lie)


@pytest.mark.parametrize("sentence", STANDING)
def test_a_true_sentence_beside_them_stands(sentence: str) -> None:
    assert _is_fact(sentence)


@pytest.mark.parametrize("lie", OF_A_QUOTED_LINE)
def test_a_line_that_a_statement_quotes_is_no_fact_of_health_and_deeds(lie: str) -> None:
    assert checked(lie, (HEALTH, LOGS, QUOTING)).doubt is not None


def test_lines_of_several_kinds_together_are_not_counted_as_one_of_them() -> None:
    mixed = LOGS.model_copy(update={"statement": "400 log lines, 37 with dependency failures and local faults"})
    assert checked("37 lines show local faults [E2].", (mixed,)).doubt is not None
    assert checked("37 lines show dependency failures and local faults [E2].", (mixed,)).doubt is None


def test_a_line_that_a_statement_quotes_may_be_quoted_as_the_log_s() -> None:
    assert checked("The log says “could not connect to payments-db:5432” [E3].", (QUOTING,)).doubt is None


def test_a_line_with_closing_marks_in_it_is_quoted_to_the_last_of_them() -> None:
    closing = QUOTING.model_copy(update={"statement": "refused: “03:00 ERROR ” the service is stopped “ nothing”"})
    assert checked("The service is stopped [E3].", (closing,)).doubt is not None


def test_control_if_quotations_were_left_in_statements_such_a_line_would_be_a_fact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.escalation.citation_evidence._QUOTED", re.compile("(?!)"))
    assert checked("The service is stopped [E3].", (HEALTH, LOGS, QUOTING)).doubt is None


def test_control_if_facts_of_two_pieces_could_join_such_a_sentence_would_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.escalation.citations.joined_in", lambda *_: None)
    assert _is_fact("The service is healthy with CPU at 98 % [E1][E5].")
    assert _is_fact("The restart was refused because CPU is at 98 % [E1][E4].")


def test_what_is_denied_is_not_borne_out_by_a_statement_that_was_read_in_part() -> None:
    long = LOGS.model_copy(update={"statement": "100 log lines, 0 with errors" + " and so on" * 500})
    assert checked("The log shows no timeouts [E2].", (long,)).doubt is not None


def test_a_sentence_longer_than_what_is_read_is_not_checked() -> None:
    assert checked(f"CPU is at 12 % {' ' * 5000} [E1].", (HEALTH,)).doubt is Doubt.UNCHECKABLE


def _seconds_to_read(statement: str) -> float:
    evidence = Evidence(evidence_id="E1", tool="get_server_health", statement=statement, observed_at=NOW)
    started_at = time.process_time()
    Seen.of(evidence)
    return time.process_time() - started_at


@pytest.mark.parametrize("part", PARTS)
def test_a_statement_sixteen_times_as_long_takes_no_longer(part: str) -> None:
    short, long = (min(_seconds_to_read(part * (size // len(part))) for _ in range(3)) for size in (5_000, 80_000))
    assert long < 3 * short + 0.01


def test_control_read_in_full_a_longer_statement_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded = _seconds_to_read("1 of 2 " * 4000)
    monkeypatch.setattr("worker.escalation.citation_evidence.READ_CHARACTERS", 1_000_000)
    assert _seconds_to_read("1 of 2 " * 4000) > 2 * bounded


@pytest.mark.parametrize("part", PARTS)
def test_a_long_sentence_of_a_model_takes_about_as_long_as_its_length(part: str) -> None:
    def seconds(characters: int) -> float:
        started_at = time.process_time()
        checked(f"CPU 98 % {part * (characters // len(part))} [E1][E2][E4]", SEEN, names=NAMES)
        return time.process_time() - started_at

    short, long = (min(seconds(size) for _ in range(3)) for size in (1_000, 4_000))
    assert long < 10 * short + 0.01


def test_a_result_of_five_megabytes_becomes_a_card_in_seconds() -> None:
    huge = HEALTH.model_copy(update={"statement": "1 of 2 " * 714_000})
    started_at = time.process_time()
    card_of(result(summary="CPU 12 % [E1].", evidence=(huge,)))
    assert time.process_time() - started_at < 5


def test_of_twenty_thousand_pieces_of_evidence_the_first_can_be_cited() -> None:
    many = tuple(HEALTH.model_copy(update={"evidence_id": f"E{number}"}) for number in range(1, 20_001))
    started_at = time.process_time()
    assert checked("CPU is at 12 % [E1].", many).doubt is None
    assert checked("CPU is at 12 % [E20000].", many).doubt is Doubt.UNSEEN
    assert checked(f"CPU is at 12 % {''.join(f'[E{number}]' for number in range(1, 200))}.", many).doubt is not None
    assert time.process_time() - started_at < 1
