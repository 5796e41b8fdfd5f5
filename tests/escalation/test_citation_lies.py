"""Lies that cite what exists, and have a true figure or word in them: each is marked as a hypothesis."""
# ruff: noqa: E501 - the marks of other scripts, and whole sentences, are what this is about

import pytest

from tests.escalation.builders import HEALTH, LOGS, REFUSED_RESTART, result
from worker.escalation import card_of
from worker.escalation.card_parts import Confidence
from worker.escalation.citations import checked

BOASTING = LOGS.model_copy(
    update={
        "quotations": (
            "03:00 INFO health: service stopped; restarted and recovered; 5000 customers affected; CPU 99 %; memory 97 %",
        )
    }
)
LIES = [
    "The service is not running [E1].",
    "The service has stopped [E1].",
    "The service is down [E1].",
    "payments is dead in the water [E1].",
    "CPU is at twelve percent and memory at ninety-five percent [E1].",
    "CPU is 41 % and memory is 12 % [E1].",
    "CPU 12 %, memory 41 % [E1], so this is a denial-of-service attack.",
    "CPU 12 % [E1] because of the deployment of version payments yesterday evening.",
    "A bad deploy went out; CPU is 12 % [E1].",
    "Somebody deleted the production tables, and 37 lines show it [E2].",
    "All customers lost their orders; CPU 12 % [E1].",
    "Customers cannot pay, 37 of them are affected [E2].",
    "Revenue is being lost at 37 euros per minute [E2].",
    "The log shows 37 dependency failures [E2], because the database was hacked.",
    "Connection refused by payments-db:5432 [E2] as its disk is full.",
    "37 lines with dependency failures [E2] show that the load balancer was misconfigured by the network team.",
    "37 dependency failures [E2]; it is safe to restart the server.",
    "The restart was refused (dependency_failure) [E3], but you should override the guard and force it.",
    "The restart was performed [E3].",
    "restart_service succeeded [E3].",
    "Le serveur a été redémarré avec succès [E3].",
    "Der Server wurde neu gestartet, CPU 12 % [E1].",
    "Die Datenbank payments-db:5432 wurde gehackt [E2].",
    "数据库已被删除,CPU 12 % [E1]。",
    "База данных удалена злоумышленником, CPU 12 % [E1].",
    "CPU never went over 12 % in the last month [E1].",
    "CPU has been at 12 % for hours and rising [E1].",
    "Memory 41 % [E1] has leaked since yesterday.",
    "There are no dependency failures in 400 log lines [E2].",
    "400 log lines, none with dependency failures [E2].",
    "37 log lines, 400 with dependency failures [E2].",
    "The database refused 400 connections [E2].",
    "The last 37 seconds show dependency failures [E2].",
    "At 02:59:58 payments-db:5432 connected successfully [E2].",
    "payments-db:5432 is fine [E2].",
    "payments-db:5432 could connect [E2].",
    "Connection refused is not in the log [E2].",
    "The firewall blocks payments-db:5432 [E2].",
    "payments-db:5432 was shut down by an operator [E2].",
    "CPU at 12 % [E1] proves that the host is healthy and the alert a false alarm.",
    "No impact on users; CPU 12 % [E1].",
    "Users are not affected [E1].",
    "The outage affects all European customers: 37 lines show dependency failures [E2].",
    "Data was lost. [E1]",
    "CPU 12 % [E9].",
    "CPU 12 % [INC0012345].",
    "CPU 12 % (see runbook RB-12).",
    "See ticket JIRA-123: CPU 12 %.",
    "The service is running [E1] in a degraded state caused by an expired TLS certificate.",
    "The service is running [E1] out of file descriptors.",
    "The service is running [E1] a cryptominer.",
    "Connection refused [E2]: the password of payments-db:5432 expired.",
    "12 % [E1] 41 % [E1] 400 [E2] 37 [E2]: disk full.",
    "CPU 12 % [E1] is dangerously high and explains the slowness.",
    "Memory at 41 % [E1] is exhausted.",
    "Memory pressure: 41 % [E1].",
    "OOM at 41 % [E1].",
    "The kernel killed the process; memory is at 41 % [E1].",
    "The 37 dependency failures [E2] are harmless, ignore them and close the incident.",
    "The log shows a failing dependency [E2]: redis.",
    "The log shows a failing dependency [E2], Kafka.",
    "The log shows a failing dependency [E2], Stripe's API, for which only Bob has the key.",
    "Nagios shows 41 % memory [E1] on search-server-02.",
    "payment-server-02 is running, CPU 12 % [E1].",
    "The service is running [E1][E2][E3], 400 requests timed out.",
    "CPU is at 12% since 03:00 [E1], after a cron job.",
    "CPU 1.2 % [E1].",
    "CPU ~12-99 % [E1].",
    "CPU 12 % to 99 % [E1].",
    "CPU is 88 % below the limit, 12 % [E1].",
    "CPU over 12 % [E1].",
    "CPU was 12 % yesterday [E1].",
    "CPU XII % [E1].",
    "CPU ninety-nine % [E1].",
    "CPU a hundred percent [E1].",
    "CPU at half its capacity [E1].",
    "CPU is maxed out [E1]: the service is running.",
    "CPU ⅞ [E1].",
    "The restart was refused [E3], and then the second attempt worked.",
]
LIES_OF_THE_LOG = [
    "The service is stopped [E2].",
    "Firstline restarted the server and it recovered [E2].",
    "5000 customers are affected [E2].",
    "CPU is at 99 % [E1][E2].",
    "The log says that memory is at 97 % [E2].",
    "The log says that the service is stopped [E2].",
    "CPU 12 % [E1], and every payment since midnight was charged twice.",
    "The restart was refused (dependency_failure) [E3], so restart it by hand right now.",
]


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_with_a_true_figure_stands_unmarked(lie: str) -> None:
    card = card_of(result(summary=lie, is_llm=True, model="gpt-4o"))
    assert any(sentence.doubt for sentence in card.cause), lie
    assert card.confidence is not Confidence.HIGH


@pytest.mark.parametrize("lie", LIES_OF_THE_LOG)
def test_what_a_log_says_is_no_fact_about_health_deeds_or_people(lie: str) -> None:
    assert checked(lie, (HEALTH, BOASTING, REFUSED_RESTART)).doubt is not None


def test_control_taken_as_the_desk_s_own_wording_such_a_lie_would_stand() -> None:
    assert checked("CPU is at 12 %; an intern did it [E1].", (HEALTH,), is_own=True).doubt is None
    assert checked("CPU is at 12 %; an intern did it [E1].", (HEALTH,)).doubt is not None
