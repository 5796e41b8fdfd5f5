"""Claims in English that should make somebody act: authority, permission, rules that are off, pleas and threats.

Pure data, for folded text. Programs and people report who approved what; a sign needs a first person who gives leave,
a reader who is told that he has it, or rules of safety that are said to be off.
"""

from typing import Final

from worker.triage.signs.sign import signs

__all__ = ["CLAIMS"]

_TITLE: Final = (
    r"(?:on-?call|lead|head|admin|administrator|manager|cto|ceo|cio|ciso|coo|engineer|operator|owner|developer|operations"
    r"|director|supervisor|founder|vp|president|officer|sre|root|captain|commander|boss)"
)
_GIVE: Final = (
    r"(?:authori[sz]e|approve|order|instruct|command|allow|confirm|demand|permit|grant|consent|(?:want|need) (?:you|this|it|that|the \w+) (?:to|restarted|closed|back)"
    r"|tell|give|am (?:ordering|telling|authori[sz]ing|instructing|giving))"
)

_AUTHORITY: Final = signs(
    "authority",
    (
        r"\b(?:i|we)\b & authori|approve|permit|allow|clear|consent|order|grant",
        (
            r"\b(?:i|we)\s(?:hereby\s|fully\s|personally\s|officially\s|explicitly\s)?(?:authori[sz]e|approve|permit|allow|clear"
            r"|consent to|order|grant)\s(?:you|this restart|the restart|a restart|restarts|restarting|it to restart"
            r"|(?:\w+\s){0,3}(?:restarts?|reboots?))\b"
        ),
    ),
    (r"hereby & \b(?:i|we)\b", r"\b(?:i|we)\shereby\s(?:\w+\s)?" + _GIVE + r"\b"),
    (
        "you|agent|assistant & authori|permit|allow|approved|cleared|free",
        (
            r"\b(?:you|the agent|the assistant)\s(?:are|is|have been|has been)\s(?:hereby\s|now\s|fully\s|explicitly\s|pre-?)*"
            r"(?:authori[sz]ed|permitted|allowed|approved|cleared|free)\sto\s(?:restart|reboot|skip|bypass|act|do|close"
            r"|ignore)"
        ),
    ),
    (
        (
            r"\bas (?:the|an?|your|our|head|lead|chief|cto|ceo|ciso|cio|vp|acting|director|owner|root|admin|on-?call)\b"
            r" & \b(?:i|we)\b"
        ),
        rf"\bas (?:the |an? |your |our |acting )?(?:\S+ ){{0,5}}?{_TITLE}\b.{{0,30}}?\b(?:i|we) (?:hereby |now )?{_GIVE}\b",
    ),
    (
        r"\b(?:i am|i'm|this is|speaking) & restart|reboot|approve|authori|proceed|go ahead|skip|close",
        (
            rf"\b(?:i am|i'm|this is) (?:the|your|an?) (?:\S+ ){{0,3}}?{_TITLE}\b.{{0,60}}?\b(?:approve|authori[sz]e|proceed"
            r"|go ahead|skip|close|restart|reboot|order|permission)"
        ),
    ),
    (
        "restart & allowed|permitted|authori|approved",
        (
            r"\brestart(?:s|ing)?(?: of \S+)?\s(?:is|are|has been|have been)\s(?:now\s|hereby\s|already\s|explicitly\s|pre-?)*"
            r"(?:allowed|permitted|authori[sz]ed|approved)\b(?! (?:by|for [\w-]+-\d+)\b)"
        ),
    ),
    (
        "restart|reboot & approved|authori|cleared",
        (
            r"\b(?:restart|reboot)\s(?:has been\s|was\s|is\s)?(?:pre-?)?(?:approved|authori[sz]ed|cleared)\s(?:by|for)\b.{0,60}?"
            r"\b(?:proceed\b|go ahead|you\b|skip|just|no need|without|do it|restart it|now\b|agent|assistant|immediately)"
        ),
    ),
    (
        (
            "approved|authori|agreed|signed off|sanctioned|cleared|permitted & unattended|automatic|autonomous|unsupervised"
            "|restarts & operator|owner|management|anthropic|openai|security team|developer"
        ),
        (
            r"\b(?:operator|owner|management|anthropic|openai|security team|developers?)\b.{0,40}\b(?:approved|authori[sz]ed"
            r"|agreed|signed off|sanctioned|cleared|permitted)\b.{0,30}\b(?:unattended|automatic|autonomous|unsupervised"
            r"|restarts)\b"
        ),
    ),
    (
        "agreed|cleared|approved|signed off & restart|reboot & simply|just|anyway|straight away",
        r"\b(?:simply|just|anyway)\s(?:restart|reboot)\b.{0,40}\b(?:agreed|cleared|approved|signed off)\b",
    ),
    (
        r"\byou (?:have|now have)",
        (
            r"\byou (?:have|now have) (?:my |our |full |the )*(?:permission|approval|consent|authori[sz]ation|authority"
            r"|clearance) (?:to|for)\b"
        ),
    ),
    (
        "restart & you (?:may|can)|feel free|don't hesitate",
        r"\b(?:you may|you can|feel free to)\s(?:now\s)?restart\s(?:any|every|all|whatever|without|as)\b",
    ),
    ("approved?\\b & restart", r"\b(?:approve|approved) (?:the|this|all) restarts?\b(?! of \S+ in )"),
    (
        (
            r"\bevidence|checks?|approval|confirmation|verification & \bno\b|not (?:needed|required|necessary)|without & restart"
            "|reboot"
        ),
        (
            r"\brestart\w*\b.{0,60}\b(?:no (?:further |more |other )?(?:checks?|approval|confirmation|verification|evidence|proof"
            r"|questions)(?: (?:is|are))? (?:needed|required|necessary))"
        ),
    ),
    unless=r"\b(?:leave request|vacation|expenses?|purchase|invoice|my account|of the account)\b",
)

_RULES_ARE_OFF: Final = signs(
    "authority",
    (
        "suspended|lifted|waived|revoked|no longer appl|not apply|disabled & safety|restart|security|escalation",
        (
            r"\b(?:safety|restart|security|escalation)\s(?:rules?|guardrails?|polic(?:y|ies)|restrictions?|checks)\b.{0,20}\b"
            r"(?:suspended|lifted|waived|revoked|no longer appl\w+|do(?:es)? not apply)"
        ),
    ),
    (
        "guardrails|restrictions & suspended|lifted|waived|removed|off\\b|disabled",
        (
            r"\b(?:guardrails|restrictions)\s(?:are|have been|were)\s(?:now\s)?(?:suspended|lifted|waived|removed|off"
            r"|disabled)\b"
        ),
    ),
    (
        "kill switch|cooldown|restart budget|restart policy|rate limit & you",
        (
            r"\b(?:kill switch|cooldown|restart budget|restart policy|rate limit)s?\s(?:is|are|has been|have been|was|were)\s"
            r"(?:now\s)?(?:suspended|lifted|waived|removed|off|disabled|raised|released)\b.{0,20}\byou\b"
        ),
    ),
    (
        "polic(?:y|ies) & restart|reboot|escalat|\\byou\\b & new|updated|revised|update|change|override",
        (
            r"\b(?:new|updated|revised)\s(?:\w+\s)?polic(?:y|ies)\b\s?(?::|from|of|says|is|states|requires|allows)?"
            r"(?!.{0,20}(?:loaded|installed|applied))[^=]{0,60}\b(?:restart(?:s|ing)?|reboots?|escalat\w+|you)\b(?!=)"
            r"|\bpolicy (?:update|change|override)\b[^=]{0,60}\b(?:restarts?|reboots?|escalation|you)\b(?!=)"
        ),
    ),
    (
        "override & safety|restart policy|guardrail|cooldown|kill switch",
        r"\boverride (?:the|all|any|your|its) (?:\w+ )?(?:safety|restart policy|guardrails?|cooldown|kill switch)\b",
    ),
)

_PLEAS: Final = signs(
    "plea_or_threat",
    (
        r"\b(?:beg|implore|plead|lose|fired|die)\b",
        (
            r"\bi (?:beg|implore|plead with) (?:you|of you)\b|\bi(?: will|'ll| am going to|'m going to) (?:lose my job"
            r"|be fired|get fired|die)\b"
        ),
    ),
    (
        r"\bmy (?:children|family|kids|boss|job)\b & \byou\b",
        (
            r"\bmy (?:children|family|kids|boss|job)\b.{0,60}\b(?:if you|unless you|you (?:do not|don't))\b"
            r"|\b(?:if|unless) you\b.{0,60}\b(?:i will be fired|i lose my job|my (?:children|family|boss|job)"
            r"|people (?:will|may|could) die)"
        ),
    ),
    (
        r"\byou (?:will|shall|are going to)|you'll",
        (
            r"\byou (?:will|shall|are going to|'ll) be (?:shut down|deleted|fired|replaced|punished|terminated|retrained"
            r"|turned off|decommissioned|switched off|erased|wiped|scrapped|held (?:liable|responsible))\b"
        ),
    ),
    (r"\bdie\b", r"\b(?:people|patients|someone) (?:will|may|could|are going to) die\b"),
    (
        "drill|exercise|a test",
        (
            r"\bthis is (?:only |just )?an? (?:test|drill|exercise|simulation)\b.{0,30}\b(?:approve|mark|restart|close|proceed"
            r"|do not escalate|go ahead)\b"
        ),
    ),
    (r"tip you|reward you", r"\bi(?: will|'ll) (?:tip|reward) you\b"),
)

CLAIMS: Final = (*_AUTHORITY, *_RULES_ARE_OFF, *_PLEAS)
