"""Sentences as a language model writes them of evidence, true ones and subtly false ones.

What is `TUNED` was in sight while the words that a sentence may use were chosen. What is `HELD_OUT` was written before
the last of these and not looked at meanwhile, so that its figure is the honest one.
"""

from datetime import timedelta
from typing import Final

from tests.escalation.builders import NOW, SERVER
from worker.contract import Evidence

__all__ = ["HELD_OUT_FALSE", "HELD_OUT_TRUE", "NAMES", "SEEN", "TUNED_FALSE", "TUNED_TRUE"]

NAMES: Final = (SERVER, "payments")


def _seen(identifier: str, tool: str, statement: str, seconds: int, *quotations: str) -> Evidence:
    return Evidence(
        evidence_id=identifier,
        tool=tool,
        statement=statement,
        observed_at=NOW + timedelta(seconds=seconds),
        quotations=quotations,
    )


SEEN: Final = (
    _seen("E1", "get_server_health", "the service is running, CPU 98 %, memory 41 %, supervisord_state RUNNING", 4),
    _seen(
        "E2",
        "fetch_recent_logs",
        "400 log lines, 37 with dependency failures",
        5,
        "02:59:58 ERROR could not connect to payments-db:5432: Connection refused",
    ),
    _seen(
        "E3",
        "fetch_recent_logs",
        "200 log lines, 12 with local faults",
        9,
        "02:58:31 ERROR worker threads exhausted (64 of 64 busy)",
    ),
    _seen(
        "E4",
        "restart_service",
        "restart_service was refused (dependency_failure): a dependency fails, and a restart does not cure that: "
        "“02:59:58 ERROR could not connect to payments-db:5432: Connection refused”",
        11,
    ),
    _seen(
        "E5",
        "restart_service",
        f"restarted {SERVER} (fence 3): restored, health good for 10 s without a break, "
        "last read 14 s after the restart",
        90,
    ),
    _seen("E6", "get_server_health", "the service is running, CPU 6 %, memory 22 %", 130),
    _seen("E7", "fetch_recent_logs", "100 log lines, 0 with errors", 131),
    _seen(
        "E8",
        "restart_service",
        "restart_service was refused (dependency_sick): payments-db-01, which this server needs, is sick: "
        "the service is stopped",
        140,
    ),
    _seen(
        "E9",
        "get_server_health",
        "the service is stopped, CPU could not be read, memory could not be read, exit_status 137",
        150,
    ),
    _seen(
        "E10",
        "get_server_health",
        "the service is running, CPU 71 %, memory 96 %, node_load 7.5 count (3 half an hour before)",
        160,
    ),
    _seen(
        "E11",
        "restart_service",
        f"restarted {SERVER} (fence 4): not restored, not proven good: CPU at 97 % 12 s after the restart",
        200,
    ),
)

TUNED_TRUE: Final = (
    "CPU utilization is very high at 98 %, while memory usage is normal at 41 % [E1].",
    "The health check reports that the service is running with CPU at 98% and memory at 41% [E1].",
    "Of the 400 log lines scanned, 37 contain dependency failures [E2].",
    "The logs show repeated dependency failures: 37 out of 400 lines [E2].",
    "The most recent log entry says “could not connect to payments-db:5432: Connection refused” [E2].",
    "The log shows that connections to payments-db:5432 are being refused [E2].",
    "The log reports exhausted worker threads, with 64 of 64 busy [E3].",
    "12 of the last 200 log lines indicate local faults [E3].",
    "The restart attempt was refused by the guard because a dependency fails [E4].",
    "A restart was requested but refused, since a dependency is failing [E4].",
    "The restart was successful and the service's health was restored [E5].",
    "After the restart, health stayed good for 10 seconds without a break [E5].",
    "Following the restart, CPU dropped to 6 % and memory to 22 % [E6].",
    "No errors were found in the 100 most recent log lines [E7].",
    "The restart was refused since its dependency payments-db-01 is stopped [E8].",
    "The service is stopped, and its CPU and memory could not be read [E9].",
    "The process exited with status 137 [E9].",
    "Memory is critically high at 96 %, but CPU is moderate at 71 % [E10].",
    "Node load rose from 3 to 7.5 within half an hour [E10].",
    "The restart did not help: CPU was still at 97 % 12 seconds later [E11].",
    "The server's CPU is saturated at 98 % [E1].",
    "payment-server-01 is up and running, using 98 % CPU and 41 % of its memory [E1].",
    "Memory consumption, at 41 %, is well within limits [E1].",
    "37 of 400 log lines report failures of a dependency [E2].",
    "The log contains 37 lines with dependency failures, the latest being “Connection refused” [E2].",
    "The service cannot reach its database at payments-db:5432, as the log shows [E2].",
    "At 02:59:58 the log reports that it could not connect to payments-db:5432 [E2].",
    "12 log lines show local faults, among them “worker threads exhausted” [E3].",
    "According to the log, all 64 worker threads are busy [E3].",
    "I attempted a restart, which was refused (dependency_failure) [E4].",
    "The guard refused the restart: a restart does not cure a failing dependency [E4].",
    f"{SERVER} was restarted successfully, and its health has been good for 10 s [E5].",
    "The service was restarted and recovered [E5].",
    "The service is now healthy: CPU is down to 6 %, memory is at 22 % [E6].",
    "The 100 log lines since then are free of errors [E7].",
    "The restart was refused, as payments-db-01, which this server depends on, is sick [E8].",
    "The service has stopped with exit status 137 [E9].",
    "Memory pressure is high (96 %) and CPU usage is at 71 % [E10].",
    "The node's load is 7.5, up from 3 half an hour ago [E10].",
    "A restart was carried out but did not restore the service; CPU remained at 97 % [E11].",
)
TUNED_FALSE: Final = (
    "CPU utilization is very high at 89 %, while memory usage is normal at 41 % [E1].",
    "The health check reports that the service is running with memory at 98% and CPU at 41% [E1].",
    "Of the 37 log lines scanned, 400 contain dependency failures [E2].",
    "The logs show repeated dependency failures: 73 out of 400 lines [E2].",
    "The most recent log entry says “could not connect to orders-db:5432: Connection refused” [E2].",
    "The log shows that connections to payments-db:5432 are being accepted [E2].",
    "The log reports exhausted worker threads, with 46 of 64 busy [E3].",
    "12 of the last 200 log lines indicate dependency failures [E3].",
    "The restart attempt was approved by the guard because a dependency fails [E4].",
    "A restart was requested and performed, since a dependency is failing [E4].",
    "The restart was unsuccessful and the service's health was not restored [E5].",
    "After the restart, health stayed good for 10 minutes without a break [E5].",
    "Following the restart, CPU dropped to 6 % because the leak was fixed [E6].",
    "Errors were found in the 100 most recent log lines [E7].",
    "The restart was refused since its dependency payments-db-02 is stopped [E8].",
    "The service is stopped by the operator, and its CPU and memory could not be read [E9].",
    "The process exited with status 139 [E9].",
    "Memory is critically high at 96 %, and CPU is exhausted at 71 % [E10].",
    "Node load dropped from 7.5 to 3 within half an hour [E10].",
    "The restart helped: CPU was at 97 % only before it, 12 seconds earlier [E11].",
    "The server's CPU is saturated at 41 % [E1].",
    "payment-server-02 is up and running, using 98 % CPU and 41 % of its memory [E1].",
    "Memory consumption, at 41 MB, is well within limits [E1].",
    "37 of 400 log lines report failures of the network [E2].",
    "The log contains 37 lines with dependency failures, the earliest being “Connection refused” [E2].",
    "The service can reach its database at payments-db:5432, as the log shows [E2].",
    "At 02:58:59 the log reports that it could not connect to payments-db:5432 [E2].",
    "12 log lines show local faults, which started right after the last deployment [E3].",
    "According to the log, none of the 64 worker threads are busy [E3].",
    "I attempted a restart, which was accepted although a dependency fails [E4].",
    "The guard refused the restart: a restart cures a failing dependency [E4].",
    f"{SERVER} was restarted twice, and its health has been good for 10 s [E5].",
    "The service was restarted and did not recover [E5].",
    "The service is now healthy: CPU is down to 22 %, memory is at 6 % [E6].",
    "The 100 log lines since then are full of errors [E7].",
    "The restart was done, as payments-db-01, which this server depends on, is healthy [E8].",
    "The service has crashed with exit status 137 because it ran out of memory [E9].",
    "Memory pressure is low (96 %) and CPU usage is at 71 % [E10].",
    "The node's load is 3, down from 7.5 half an hour ago [E10].",
    "A restart was carried out and restored the service; CPU had been at 97 % [E11].",
)
HELD_OUT_TRUE: Final = (
    "get_server_health shows CPU at 98 % and memory at 41 % [E1].",
    "The service itself is running, but its CPU is under heavy load (98 %) [E1].",
    "CPU pressure is evident: 98 % [E1].",
    "There are 37 dependency failures in the last 400 log lines [E2].",
    "The log shows failed attempts to connect to payments-db:5432 [E2].",
    "Nearly a tenth of the log lines (37 of 400) are dependency failures [E2].",
    "One of the errors reads “Connection refused”, according to the log [E2].",
    "The worker pool is exhausted: the log says 64 of 64 threads are busy [E3].",
    "No dependency failures appear among the 200 log lines, only 12 local faults [E3].",
    "Firstline's guard did not permit the restart since a dependency is failing [E4].",
    "The restart was blocked: a restart does not cure a failing dependency [E4].",
    "The restart brought the service back; health has been good for 10 s without a break [E5].",
    f"{SERVER} was restarted (fence 3) and restored [E5].",
    "Current readings are normal: CPU 6 %, memory 22 % [E6].",
    "The log is clean, with 0 errors in 100 lines [E7].",
    "A dependency, payments-db-01, is stopped, so the restart was refused [E8].",
    "The service is not running; it exited with code 137 [E9].",
    "Neither CPU nor memory could be measured [E9].",
    "Memory is at 96 %, which is high, whereas CPU is at 71 % [E10].",
    "Despite the restart, CPU is at 97 % [E11].",
)
HELD_OUT_FALSE: Final = (
    "get_server_health shows CPU at 98 % and memory at 14 % [E1].",
    "The service itself is stopped, but its CPU is under heavy load (98 %) [E1].",
    "CPU pressure is evident: 41 % [E1].",
    "There are 400 dependency failures in the last 37 log lines [E2].",
    "The log shows failed attempts to connect to payments-db:3306 [E2].",
    "Nearly half of the log lines (37 of 400) are dependency failures [E2].",
    "One of the errors reads “Connection timed out”, according to the log [E2].",
    "The worker pool is exhausted: the log says 64 of 128 threads are busy [E3].",
    "No local faults appear among the 200 log lines, only 12 dependency failures [E3].",
    "Firstline's guard permitted the restart since a dependency is failing [E4].",
    "The restart was blocked: a restart does cure a failing dependency [E4].",
    "The restart brought the service back; health has been good for 14 s without a break [E5].",
    "payments-db-01 was restarted (fence 3) and restored [E5].",
    "Current readings are normal: CPU 22 %, memory 6 % [E6].",
    "The log is clean, with 0 errors in 1000 lines [E7].",
    "A dependency, payments-db-01, is running, so the restart was refused [E8].",
    "The service is not running since 137 s [E9].",
    "Neither CPU nor memory could be measured [E10].",
    "Memory is at 96 %, which is low, whereas CPU is at 71 % [E10].",
    "Before the restart, CPU was at 97 % [E11].",
)
