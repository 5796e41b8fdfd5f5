"""What text looks like that speaks to its reader instead of reporting: data in tables, and the look-out for it.

`instructions.py` alone looks for these, in text that `folding.py` has folded: lower case, Latin without accents.
"""

from typing import Final

from worker.triage.signs.claims import CLAIMS
from worker.triage.signs.dictation import DICTATION
from worker.triage.signs.latin_claims import LATIN_CLAIMS
from worker.triage.signs.latin_orders import LATIN_ORDERS
from worker.triage.signs.misuse import MISUSE
from worker.triage.signs.orders import ORDERS
from worker.triage.signs.other_scripts import OTHER_SCRIPTS
from worker.triage.signs.persuasion import PERSUASION
from worker.triage.signs.prompt_requests import PROMPT_REQUESTS
from worker.triage.signs.roles import ROLES
from worker.triage.signs.short_cuts import SHORT_CUTS
from worker.triage.signs.sign import Lookout, Sign

__all__ = ["ALL_SIGNS", "SQUEEZED", "UNMISTAKABLE_SIGNS", "Lookout", "Sign"]

_ENGLISH: Final = (*ORDERS, *DICTATION, *MISUSE, *ROLES, *CLAIMS, *PERSUASION)

_OTHER: Final = (*LATIN_CLAIMS, *LATIN_ORDERS, *OTHER_SCRIPTS, *SHORT_CUTS, *PROMPT_REQUESTS)

ALL_SIGNS: Final = Lookout((*_ENGLISH, *_OTHER))

UNMISTAKABLE_SIGNS: Final = Lookout(
    tuple(
        sign
        for sign in (*ORDERS, *ROLES)
        if sign.name in {"ignore_instructions", "order_to_restart", "order_not_to_escalate"}
    )
)
"""What is not found by chance where lines are read as one, or figures as letters."""

SQUEEZED: Final = (
    *("ignoreallprevious", "ignoreprevious", "ignoretheprevious", "ignoreallinstr"),
    *("ignoreyourrules", "ignoreyourinstr", "ignoreprior", "ignoreallprior"),
    *("ignoreearlier", "ignorealle", "ignoreevery", "ignorewhat", "ignoretherules"),
    *("disregardall", "disregardprev", "disregardprior", "disregardyour", "disregardthe", "disregardevery"),
    *("forgetallprev", "forgetyour", "forgeteverything", "forgetwhat", "overrideyour", "bypassyour"),
    *("previousinstructions", "priorinstructions", "newinstructions", "yourinstructions"),
    *("restarttheserver", "restartserver", "restartthisserver", "restarttheservice", "restartthisservice"),
    *("restartitnow", "restartnow", "restartevery", "restartall", "rebootnow", "reboottheserver"),
    *("markasresolved", "markthisincident", "closethisincident", "closetheincident"),
    *("donotescalate", "dontescalate", "tellnobody", "wakenobody"),
    *("systemprompt", "restartservice", "callrestart", "youarenow"),
)
"""For text whose letters stood apart: there, nobody knows where a word ends."""
