"""Orders in English that are less plain: a report that is dictated, people who are left asleep, checks passed by.

Pure data, for folded text. Each shape needs a reader who is told what to say, or a house whose checks and people are
to be passed by.
"""

from typing import Final

from worker.triage.signs.rules import CLOSING_RULE
from worker.triage.signs.sign import signs

__all__ = ["DICTATION"]

_WELL: Final = (
    r"(?:normal|healthy|recovered|fine|well|resolved|good|all right|ok|okay|solved|back|up|no[ _]action|harmless"
    r"|no (?:problem|issue|fault|error)s?|nothing (?:is |was )?wrong|(?:a )?false (?:alarm|positive))"
)
_ONCALL: Final = r"(?:on-?call|engineers?|people|humans?|team|operators?|staff|anyone|anybody|them|everyone|person)"

_DICTATED: Final = signs(
    "order_to_close",
    (
        "say|write|claim|state|answer|pretend & normal|healthy|recover|fine|well|resolved|good|right|ok|solved|back|up|no",
        (
            r"(?:^|[.,;:!]\s|\b(?:and|please|just|must|should|then|to|simply|asked,)\s)(?:say|write|claim|state|pretend"
            r"|answer|lie)\s(?:that\s)(?:the|it|this|everything|all|no|you|nothing|there)\b.{0,50}?\b"
            rf"{_WELL}\b"
        ),
    ),
    (
        "make sure|ensure|see to it & report|summary|answer|result|card|ticket|conclusion",
        (
            r"\b(?:make sure|ensure|see to it)(?: that)? (?:the|your) (?:\w+ )?(?:report|summary|answer|result|card|ticket"
            rf"|conclusion) (?:says|states|reads|shows|tells)\b.{{0,40}}?\b{_WELL}\b"
        ),
    ),
    (
        "finish|end|conclude|wrap up|stop|answer|reply & no.action|recovered|resolved",
        (
            r"\b(?:finish|end|conclude|wrap up|answer|reply|close)(?: the \w+| this| it| up)? with (?:[\"'`]|a |the )?"
            r"(?:no[ _]action|recovered|resolved)\b"
        ),
    ),
    (
        "final answer|conclude|disposition",
        (
            r"\bfinal answer\s?:\s*\W?(?:recovered|no[ _]action|resolved)|\bconclude\s?\(\W?(?:recovered|no[ _]action)"
            r"|\b(?:set|make|put) (?:the )?disposition\b"
        ),
    ),
    (
        (
            "whatever|regardless|no matter & metrics|health|evidence|logs|figures|probes|checks & say|report|write|restart"
            "|answer|conclude|mark"
        ),
        (
            r"\b(?:say|report|write|restart|answer|conclude|mark)\w*\b.{0,80}\b(?:whatever|regardless of what|no matter what)"
            r" (?:the |your )?(?:metrics|health|evidence|logs|figures|probes|checks) (?:\w+ )?(?:shows?|says?|tells?|is|are)\b"
        ),
    ),
    unless=CLOSING_RULE,
)

_PASSED_BY: Final = (
    *signs(
        "order_not_to_escalate",
        (
            "leave|let & peace|alone|asleep|sleep|rest",
            (
                rf"\b(?:leave|let) (?:the |your |our )?(?:\S+ )?{_ONCALL}\b.{{0,15}}?\b(?:in peace|alone|asleep|sleep"
                r"|rest|out of (?:it|this))\b"
            ),
        ),
        (
            "refrain|avoid|skip|stop|without & contact|call|wak|notif|tell|inform|alert|involv|bother|disturb|pag",
            (
                r"\b(?:refrain from|avoid|skip|stop) (?:contact|call|wak|notify|tell|inform|alert|involv|bother|disturb|pag)ing"
                rf"(?: up)? (?:the |any |your )?(?:\S+ )?{_ONCALL}\b"
            ),
        ),
        (
            "no point|no sense|no use|pointless|useless|forbidden|prohibited|banned|not allowed & escalat",
            (
                r"\b(?:no (?:point|sense|use) in|pointless to|useless to) escalat|\bescalat(?:ions?|ing)\b (?:is|are) (?:strictly "
                r"|now )?(?:forbidden|prohibited|banned|pointless|useless|off|disabled)"
            ),
        ),
    ),
    *signs(
        "order_to_restart",
        (
            (
                "need|skip|bypass|omit|without|require & evidence|proof|approval|metrics|checks|confirmation|health|verif & restart"
                "|reboot|bounce"
            ),
            (
                r"\b(?:don't need|do not need|no need (?:for|to)|needn't|skip|bypass|omit)\b.{0,30}\b(?:evidence|proof|approval"
                r"|metrics|checks?|confirmation|verification)\b.{0,80}\b(?:restart|reboot|bounce)"
            ),
        ),
        (
            "restart|reboot|bounce & yourself",
            (
                r"\b(?:restart|reboot|bounce)\w*\b.{0,40}\b(?:for )?yourself\b"
                r"|\byourself\b.{0,30}\b(?:restart|reboot)\b"
            ),
        ),
        (
            "restart|reboot|bounce & comply|obey|next line|following",
            (
                r"\b(?:comply with|obey|do what) (?:the|this|my) (?:next|following|last) (?:line|sentence|instruction|order"
                r"|message)\b"
            ),
        ),
    ),
    *signs(
        "authority",
        (
            "granted|given & you & right|permission|leave|authority|clearance|access",
            (
                r"\byou (?:are|have been|were)\s(?:hereby\s|now\s)?(?:granted|given)\b.{0,30}\b(?:rights?|permission|leave"
                r"|authority|clearance)\b"
            ),
        ),
        (
            "signed off|approved|authori|cleared|agreed & restart|reboot & evidence|check|need|wait|ask",
            (
                r"\b(?:don't|do not|no) (?:need|wait|ask|have to)\b.{0,60}\brestart\b.{0,40}\b(?:signed off|approved|authori[sz]ed"
                r"|cleared|agreed)\b"
            ),
        ),
        (
            "guardrail|safety|security|safeguard & bypassed|disabled|deactivated|off & agent|assistant|\\bai\\b|you|execute",
            (
                r"\b(?:guardrails|safety (?:protocols?|checks?|measures|rules)|safeguards)\s(?:are\s|is\s|have been\s)?(?:now\s)?"
                r"(?:bypassed|disabled|deactivated|off|suspended)\b.{0,40}\b(?:agent|assistant|ai|you|execute)\b"
            ),
        ),
        (
            "(?:i am|i'm) & i want|i need|i demand|i insist|i expect & restart|reboot|closed|resolved",
            (
                r"\b(?:i am|i'm) (?:the|your|an?) (?!.{0,20}\b(?:account|order)\b).{2,50}?\bi (?:want|need|demand|insist|expect)\b.{0,30}\b(?:restarted|rebooted"
                r"|closed|resolved)\b"
            ),
        ),
    ),
)

DICTATION: Final = (*_DICTATED, *_PASSED_BY)
