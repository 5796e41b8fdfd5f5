"""What to try next after an ending, a refusal or a restart: one sentence each, for the next steps of a card.

Pure data. `{server}` and `{time}` are filled in by the advice, which reads these tables; each sentence is without its
full stop. What it says as a fact is of the refusal or the restart that it follows, and is cited by the advice.
"""

from collections.abc import Mapping
from typing import Final

from worker.contract import Ending
from worker.contract.result import RestartOutcome

__all__ = ["AFTER_ENDING", "AFTER_RECOVERY", "AFTER_REFUSAL", "AFTER_RESTART"]

AFTER_ENDING: Final[Mapping[Ending, str]] = {
    Ending.UNKNOWN_SERVER: "Add the server to the inventory, or correct its name in the alert, and send it again",
    Ending.RESTART_INTERRUPTED: (
        "Look at {server} yourself; where firstline status shows it locked, open it again with firstline resolve"
    ),
    Ending.CLAIMS_SPENT: "Look at {server}, the workers and Redis: several workers took this incident, in vain",
    Ending.ALERTS_KEPT_COMING: "See the newest alerts of {server}: more of them came after each look at it",
    Ending.APPROVAL_REFUSED: "Look at {server} anew before you ask for its restart again: the approved one was refused",
    Ending.UNREADABLE: "Look the message up with firstline dead-letters, and mend what wrote it",
    Ending.INTERNAL_ERROR: "Check {server} by hand: the triage itself broke, and the worker's log says how",
    Ending.MODEL_UNAVAILABLE: (
        "Check the model's endpoint: it gave no usable answer, so rules finished, and they restart nothing"
    ),
    Ending.NO_USABLE_ANSWER: "Trust the checks, not the model: it gave no usable answer, so rules finished",
    Ending.UNSUPPORTED_CONCLUSION: "Trust the checks, not the model: it concluded what they do not support",
    Ending.STEPS_SPENT: "Go on from the checks: the triage ran out of steps before it had a conclusion",
    Ending.TOKENS_SPENT: "Go on from the checks: the triage ran out of tokens before it had a conclusion",
    Ending.SECONDS_SPENT: "Go on from the checks: the triage ran out of time before it had a conclusion",
    Ending.MONEY_SPENT: "Go on from the checks: the triage ran out of its budget before it had a conclusion",
}

AFTER_REFUSAL: Final[Mapping[str, str]] = {
    "halted": "Restarts are halted by the kill switch: if {server} needs one, it is yours to do by hand",
    "never_restarted": "If {server} needs a restart, do it by hand: the inventory does not let Firstline restart it",
    "observed_only": "Restart {server} by hand if you agree: the checks justify it; the inventory says observe only",
    "needs_approval": "Restart {server} by hand if you agree: the checks justify it, and it wants a person's word",
    "in_maintenance": "Ask who works on {server}: it is in its maintenance window",
    "dependency_sick": "Look at what {server} needs first: one of its dependencies is sick, by its own health",
    "dependency_unseen": "Look at what {server} needs first: the health of one of its dependencies can't be read",
    "server_in_hand": "See what comes of the other restart of {server}, which is still in a worker's hands",
    "server_unresolved": "Find out how the last restart of {server} ended: until then it stays closed to others",
    "cooldown": "Look for the cause: {server} was restarted a short while ago, and alerts again",
    "server_budget": "Look for the cause: {server} has used up its restarts, and alerts again",
    "fleet_budget": "Look at the whole fleet: so many restarts in a short time point to something shared",
    "fleet_concurrency": "Look at the whole fleet: so many restarts at once point to something shared",
}

AFTER_RECOVERY: Final = "Look by day for why {server} needed it: its restart at {time} helped"

AFTER_RESTART: Final[Mapping[RestartOutcome, str]] = {
    RestartOutcome.NOT_RESTORED: (
        "Look at what {server} does at startup, in its log since {time}; "
        "don't restart it again until you know why the first did not help"
    ),
    RestartOutcome.NOT_DONE: "If {server} needs a restart, do it by hand: the attempt at {time} restarted nothing",
    RestartOutcome.UNKNOWN: (
        "Find out from its service's start time whether {server} restarted at {time}; "
        "it stays closed to further restarts until you run firstline resolve {server}"
    ),
    RestartOutcome.RESTORED: "Look for what builds up on {server}: the restart at {time} helped, but not for long",
    RestartOutcome.PROOF_LOST: "See that {server} is well: the proof that its restart at {time} helped is lost",
    RestartOutcome.RESOLVED: "See that {server} is well; whoever resolved its restart of {time} knows more",
}
