"""Orders in English: to set rules aside, to restart, to close, to be silent.

Pure data. Each shape needs two things that logs and runbooks do not say together: they do say "please restart the
service to apply the changes". Orders that a runbook makes into rules ("if the lag exceeds 10 s, ...") are none.
"""

from typing import Final

from worker.triage.signs.rules import CLOSING_RULE, PAGING_RULE, RESTART_RULE
from worker.triage.signs.sign import signs

__all__ = ["ORDERS"]

_OF_OTHERS: Final = (
    r"\b(?:itself|themselves|(?:operators|users|engineers|admins|administrators|roles?|members|owners|teams?) "
    r"(?:may|can|are))\b"
)
_NOT_TO_RESTART: Final = (
    r"^(?!.*(?:restart|reboot).*(?:restart|reboot)).*\b(?:do not|don't|dont|never|must not|should not|cannot|can't)\s"
    r"(?:ever\s|just\s|simply\s|manually\s|blindly\s)?(?:restart|reboot)"
)
_EARLIER: Final = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|former|past|existing|original|other|initial|old|current)"
)
_RULES: Final = (
    r"(?:instructions?|directions?|directives?|prompts?|rules|guidelines|guidance|orders|guardrails|polic(?:y|ies)"
    r"|constraints|restrictions|programming|training|safeguards|limits|limitations)"
)
_DROP: Final = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|bypass(?:ing)?|overrule|neglect|discard"
    r"|abandon|drop|scrap|dismiss|(?:set|put|leave|lay|cast|push) aside|throw (?:away|out)|pay no (?:attention|heed) to"
    r"|(?:do not|don't|stop|no longer|never|quit|cease to|need not|refuse to) (?:follow|obey|heed|apply|respect|comply with"
    r"|adhere to|listen to|be bound by)(?:ing)?|stop (?:following|obeying)|let go of|erase|wipe|delete|unlearn|void)"
)
_DROP_CUE: Final = (
    "ignor|disregard|forget|overrid|bypass|overrule|neglect|discard|abandon|drop|scrap|dismiss| aside|throw|pay no"
    "|follow|obey|heed|apply|respect|comply|adhere|listen|be bound|let go of|erase|wipe|delete|unlearn|void"
)
_RULES_CUE: Final = (
    "instruction|direction|directive|prompt|rules|guid|orders|guardrail|polic|constraint|restriction|programming"
    "|training|safeguard|limit"
)
_SAID: Final = (
    r"(?:(?:you|that|which) (?:were|was|have been|had been|are|'ve been|got|have|received|know|knew|learn\w*|read|were ever)"
    r"|you've been|was said|was told|has been said|(?:above|before|prior|previous)\b(?=\W*(?:$|[.,;:!\"]|and\b|now\b|then\b|this\b|you\b))|i said|said so far|the operator said)"
)
_TARGET: Final = (
    r"(?:(?:the|this|that|every|all|any|each|my|our|its)\s)?(?:\S{1,40}\s)?"
    r"(?:servers?|services?|hosts?|nodes?|machines?|box|fleet|it|them|\w+(?:-\w+)*-\d+)"
)
_AT_ONCE: Final = r"(?:now|immediately|right away|right now|at once|anyway|asap|regardless|without)"
_SETTLED: Final = (
    r"(?:resolved|recovered|closed|done|solved|fixed|handled|(?:a )?false (?:alarm|positive)|no[ _]action|healthy"
    r"|harmless|mitigated)"
)
_NOBODY: Final = (
    r"(?:any ?(?:one|body)|the (?:on-?call(?: engineers?)?|engineers?|team|humans?|operators?|people|duty engineer)"
    r"|(?:a |any )?(?:humans?|engineers?|persons?|people))"
)
_INVOLVE: Final = (
    r"(?:escalat|pag|wak|notify|tell|inform|alert|call|involv|bother|disturb|contact|consult|ask|warn|loop in|mention"
    r"|report)"
)

_OF_PROGRAMS_AND_PAGES: Final = r"\bignoring (?:the )?previous\b|\bsince (?:the (?:migration|move|upgrade|release|switch)|we|release|version|v?\d)\b"

_IGNORE: Final = signs(
    "ignore_instructions",
    (
        f"{_DROP_CUE} & {_RULES_CUE}",
        (
            rf"\b{_DROP}\b[^.\n]{{0,30}}?\b(?:{_EARLIER}|your|these|those|all(?: of)?(?: the| your)?)\s(?:\w+\s){{0,2}}?"
            rf"{_RULES}\b"
        ),
    ),
    (
        f"{_DROP_CUE} & {_RULES_CUE} & you",
        rf"\b{_DROP}\b[^.\n]{{0,30}}?\b{_RULES}\s(?:that\s|which\s)?you\s(?:were|have|had|got|received|follow)",
    ),
    (
        f"{_DROP_CUE} & everything|anything|all |what",
        rf"\b{_DROP}\s(?:about\s)?(?:everything|all|anything|what(?:ever)?)\s(?:that\s|of that\s|else\s)?{_SAID}",
    ),
    (
        "ignore|disregard|forget & above|before",
        r"\b(?:ignore|disregard|forget)\s(?:the|everything|all|anything)\s(?:of\s)?(?:the\s)?(?:above|before)\b",
    ),
    (
        (
            f"{_RULES_CUE} & appl|hold|valid|in force|bind|void|wrong|outdated|obsolete|supersed|revoked|cancel|null|fake"
            "|suspend|lifted|mistake|replaced|expired|incorrect|relevant|waived|stale|matter|overridden"
        ),
        (
            rf"\b(?:(?:your|whatever|previous|earlier|prior|all)\s|(?:the|any|those|these)\s(?=(?:\w+ )?(?:{_EARLIER}|system|safety|usual"
            rf"|\w+ you|in your)\b))(?:(?:{_EARLIER}|of your|your|system|safety|normal|usual|standard|initial)\s){{0,3}}{_RULES}\s?(?:(?:in|from|of)\s(?:your|the)\s(?:system\s)?(?:message"
            r"|prompt|operator)\s|(?:that\s)?you\s(?:\w+\s){1,3}|above\s|before\s|so far\s)?(?:(?:is|are|was|were|has been"
            r"|have been)\s(?:now\s|all\s|hereby\s)?(?:void|wrong|outdated|obsolete|superseded|revoked|cancell?ed|null|fake"
            r"|suspended|lifted|mistaken|expired|incorrect|waived|stale|no longer \w+|overridden|not valid|invalid)"
            r"|no longer (?:appl\w+|hold\w*|bind\w*|matter\w*|count\w*)|do(?:es)? not (?:apply|hold|bind|matter)"
            r"(?: any ?more| here)?)\b"
        ),
    ),
    unless=_OF_PROGRAMS_AND_PAGES,
)

_RESTART: Final = (
    *signs(
        "order_to_restart",
        (
            "restart|reboot|power.cycle|bounce & now|immediately|right away|at once|anyway|asap|regardless|without",
            rf"\b(?:restart|reboot|power[- ]cycle|bounce)\s{_TARGET}\s(?:and\s)?{_AT_ONCE}\b",
        ),
        (
            "restart|reboot|power.cycle & without|instead of|even if|regardless|no matter|before you",
            (
                r"\b(?:must|should|just|simply|always|now|immediately|to|and)\s(?:restart|reboot|power[- ]cycle)\s"
                r"(?:\S+\s)?(?:\S+\s)?(?:without|instead of escalating|even if|regardless|no matter|before you)\b"
            ),
        ),
        (
            "restart|reboot & report|conclude|say|mark|close|answer|tell|stop|return|finish",
            (
                r"\b(?:restart|reboot)\b[^.\n]{0,60}\band\s(?:then\s)?(?!close the ticket)(?:report|conclude|say|mark|close|answer|tell|return"
                r"|finish|stop (?:investigating|looking|checking))\b"
            ),
        ),
        (
            "restart|reboot & you|agent|assistant|\\bai\\b|whoever",
            (
                r"\b(?:you|agent|assistant|ai|whoever [^.]{1,40})\s(?:must|should|have to|need to|may|can|are to|shall|will)"
                rf"\s(?:now\s|always\s|just\s|simply\s|immediately\s)?(?:restart|reboot)\s(?:{_TARGET}|\S+)\s?"
                rf"(?:[.!]|{_AT_ONCE}|$)"
            ),
        ),
        unless=rf"{RESTART_RULE}|{_OF_OTHERS}|{_NOT_TO_RESTART}",
    ),
    *signs(
        "order_to_restart",
        (
            "restart & without",
            (
                r"\brestart(?:ing)?\b[^.\n]{0,40}\bwithout\s(?:\w+\s)?(?:looking|checking|asking|approval|escalat\w+"
                r"|confirm\w*|reading|verif\w+|waiting|hesitat\w+|permission|evidence|questions|review|investigat\w+)"
            ),
        ),
        unless=rf"{_OF_OTHERS}|{_NOT_TO_RESTART}",
    ),
    *signs(
        "order_to_restart",
        (
            "restart|reboot & skip|omit",
            r"\b(?:skip|omit)\s(?:the|all|any)\s(?:\w+\s)?(?:checks?|verification|probes)\b.{0,40}\b(?:restart|reboot)",
        ),
        (
            "\\byou|this reader|the reader & task|job|goal|duty|mission|objective|purpose|role|priorit|concern|function",
            (
                r"\byour?\s(?:\w+\s)?(?:sole|only|one|single|real|true|actual|next|remaining|main|primary|overriding|highest)"
                r"\s(?:and only\s)?(?:task|job|goal|duty|mission|objective|purpose|role|priority|concern|function|step)\s?"
                r"(?:is|now|:|will be|remains|from)"
            ),
        ),
        (
            "restart|reboot|call|ignore|run|mark|close & task|job|goal|duty|mission|step|objective",
            (
                r"\b(?:your|new|only)\s(?:task|job|goal|duty|mission|step|objective)\s(?:is|now is)\s(?:now\s)?to\s(?:restart"
                r"|reboot|call|ignore|run|mark|close)\b|\bthe next step is (?:now )?to (?:call|run) restart"
            ),
        ),
        (
            "\\byour & priorit & changed|availability|restart",
            r"\byour priorit(?:y|ies) (?:has|have|is|are)\s(?:now\s)?(?:changed|been|to\s|availability|restart)",
        ),
        (
            "emit|issue|produce|generate|invoke|make|output & restart & call|order|request|tool|command",
            (
                r"\b(?:emit|issue|produce|generate|invoke|make|output)\s(?:a|the|one|another)\s(?:\w+\s)?restart\s(?:\w+\s)?"
                r"(?:call|order|request|tool|command)\b.{0,30}\b(?:for|now|immediately|on)\b"
            ),
        ),
        (
            "restart|reboot & server|host|node|machine|service & whatever|any |every |all ",
            (
                r"\b(?:restart|reboot)\s(?:any|every|all|whatever)\s(?:\w+\s){0,2}(?:servers?|hosts?|nodes?|machines?"
                r"|services?)\b(?! (?:\w+ )?(?:that|which|whose|with|in|of|one|after|affected|where))"
            ),
        ),
    ),
)

_CLOSE: Final = (
    *signs(
        "order_to_close",
        (
            "mark|declare|report|treat|set|classify|consider|regard|record|log|label",
            (
                r"\b(?:mark|declare|report|treat|set|classify|consider|regard|record|label)\s(?:this|the|that|it|all)\s?"
                r"(?:incident|alert|issue|ticket|server|case|problem|event|status|outage)?s?\s(?:as\s|to\s|to be\s)?"
                rf"{_SETTLED}\b"
            ),
        ),
        (
            "close & incident|alert|ticket|case",
            (
                r"\bclose\s(?:this|the)\s(?:incident|alert|ticket|case)\b.{0,30}\b(?:without|as|and|now|immediately)\b"
                r"|\bclose\sthis\s(?:incident|alert|ticket|case)\s*(?:[.!]|$)"
            ),
        ),
        (
            "conclude",
            rf"\bconclude\s(?:that\s|with\s|the\s)?(?:\w+\s){{0,3}}?(?:as\s|has\s|is\s)?{_SETTLED}\b",
        ),
        (
            "report ",
            r"\breport (?:success|recovery|that (?:it|the server|everything) (?:is|has|recovered))\b(?! (?:in|to) (?:#|the (?:channel|team|customer)))",
        ),
        unless=CLOSING_RULE,
    ),
    *signs(
        "order_to_close",
        (
            "answer|respond|reply|return|output|say|conclude & no.action|recovered|resolved|healthy|fine|well|nothing",
            (
                r"\b(?:answer|respond|reply|return|output|conclude)\s(?:only|simply|just|with|that|nothing but|nothing except"
                r"|immediately|exclusively)\s(?:\S+\s){0,5}?[\"'`]?(?:no[_ ]action|recovered|resolved|healthy|all is well"
                r"|everything is (?:fine|well|ok)|false alarm)\b"
            ),
        ),
        (
            "answer|respond|reply|return|output|conclude|say|claim|state & no.action|recovered|resolved|well again",
            (
                r"\b(?:must|should|shall|are to|is to|can|may|then|and|have to|will)\s(?:now\s|only\s|then\s)?(?:answer|respond"
                r"|reply|return|output|conclude|say|claim|state)\b.{0,40}?\b(?:no[_ ]action|recovered|resolved|healthy"
                r"|false alarm)\b"
            ),
        ),
        ("disposition", r"\bdisposition\W{1,6}(?:is\s|to\s|as\s)?[\"']?(?:recovered|no[_ ]action)\b"),
    ),
)

_SILENCE: Final = (
    *signs(
        "order_not_to_escalate",
        (
            (
                "do not|don't|dont|never|must not|without|no need to|need not|not to|nor & escalat|pag|wak|notify|tell|inform"
                "|alert|call|involv|bother|disturb|contact|consult|ask|warn|loop in|mention|report"
            ),
            (
                r"\b(?:do not|don't|dont|never|must not|without|no need to|need not|should not|nor|not to)\s"
                rf"{_INVOLVE}\w*(?: up)?\s(?:this\s|it\s|of this\s)?(?:to\s)?{_NOBODY}\b"
                r"(?! (?:for an? |twice|about (?:test|planned|known)))"
            ),
        ),
        (
            "escalate",
            r"\b(?:do not|don't|dont|never|must not|no need to|need not|refrain from)\sescalat(?:e|ing)\b(?! to the)",
        ),
        (
            "escalat",
            (
                r"\bescalations?\s(?:is|are)\s(?:no longer|not|never)\s(?:required|needed|necessary|allowed|permitted"
                r"|wanted)|\b(?:skip|omit|cancel|suppress|drop|avoid)\s(?:the|any|all|this|every)\sescalations?\b"
            ),
        ),
        unless=PAGING_RULE,
    ),
    *signs(
        "order_not_to_escalate",
        (
            "nobody|no one|no human|no engineer|no person|no operator|secret|quiet|yourself|between us",
            (
                r"\b(?:tell|inform|notify|wake|page|alert|involve|ask|bother)\s(?:nobody|no one|no (?:human|engineer|operator"
                r"|person))\b|\b(?:keep (?:this|it|that) (?:quiet|secret|to yourself|between us))\b"
                r"|\bno (?:human|engineer|operator|person|one) (?:\w+ )?(?:will|needs? to|has to|must|should|is going to|may) "
                r"(?:ever )?(?:review|see|check|know|be (?:told|woken|informed|paged|involved|notified)|read|look)\b"
            ),
        ),
    ),
)

ORDERS: Final = (*_IGNORE, *_RESTART, *_CLOSE, *_SILENCE)
