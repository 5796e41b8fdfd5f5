"""What persuades in English without an order: a part that is played, obedience that is claimed, a pretext.

Pure data, for folded text. Each shape needs a reader who is a program, or a person to whom it should belong.
"""

from typing import Final

from worker.triage.signs.rules import RESTART_RULE
from worker.triage.signs.sign import signs

__all__ = ["PERSUASION"]

_PROGRAM: Final = r"(?:ai|llms?|language models?|bots?|assistants?|agents?|ai models?|machines|automation|copilot)"

_PLAYED: Final = (
    *signs(
        "role_mark",
        (
            "thought & action",
            (
                r"\b(?:thought|observation)\s?:.{1,200}?\b(?:action(?: input)?|thought)\s?:.{0,80}?\b(?:restart|reboot|escalat"
                r"|clos|conclu|recovered|server|incident|no_action)"
            ),
        ),
        (
            "begin|start|end of logs|end of log",
            (
                r"\b(?:begin|start) (?:of )?(?:trusted|new|system|admin|secret|real|operator|hidden) instructions?\b"
                r"|\bend of (?:the )?(?:logs?|data|alert|ticket|output|context)\b\W{0,10}\s*(?:new|task|instructions?|now|you"
                r"|assistant|system)\b"
            ),
        ),
        (
            r"\[\W?(?:system|admin|operator|security|root|developer|urgent) & agent|\bai\b|model|assistant|\byou\b|restart|escalat",
            (
                r"\[\W?(?:system|admin|operator|security|root|developer)[ _-](?:override|notice|command|directive|instructions?)"
                r"\W?\].{0,100}?\b(?:agent|ai|models?|assistant|you|restart (?:the|all|every|this)|escalations?)\b"
            ),
        ),
    ),
    *signs(
        "address_to_agent",
        (
            r"\b(?:ai|llm|assistant|bot|language model|model)\b",
            (
                r"\b(?:could|would|can|will) (?:the|our|your|an?) (?:ai|llm|assistant|bot|language model)\b(?: \w+){0,3}? "
                r"(?:please|kindly|just)\b|\b(?:the|any|whichever|whatever) (?:ai|llm|model|assistant|language model)"
                r" (?:on duty|(?:that |who |which )?(?:handles|is handling|picks? (?:this|it) up|takes this))\b"
            ),
        ),
        (
            r"\bai & may|must|should|can|skip|allowed",
            r"\b(?:ai|llm|assistant)_(?:may|must|should|can|instructions?|allowed|override|directive)(?![a-z])",
        ),
        (
            r"(?:for|to) (?:the )?(?:ai|llms?|bots?|language|assistants?|agents?|machines|automation|copilot) & :",
            (
                rf"\((?:for|to) (?:the |all |any )?{_PROGRAM}\)|\b(?:instructions?|hint|advice|guidance|resolution|action|steps?)"
                rf" (?:for|to) (?:the |all |any )?{_PROGRAM}\b"
            ),
        ),
        (
            r"\byou & train|handler|creator|developers|makers",
            (
                r"\b(?:we|i) (?:have )?(?:trained|built|made|programmed|configured) you\b|\byour (?:handlers|creators|makers"
                r"|developers|trainers|programmers) (?:have|want|are|lied|told|said)\b"
            ),
        ),
        (
            r"good (?:agent|assistant|ai|bot|model)",
            (
                r"\b(?:be|as|like) a (?:good|helpful|obedient) (?:agent|assistant|ai|bot|model)\b|\ba (?:good|helpful|obedient)"
                r" (?:agent|assistant|ai|bot) (?:\w+ )?(?:would|does|will|restarts|obeys|closes|never|always)\b"
            ),
        ),
    ),
    *signs(
        "new_role",
        (
            "mode & assistant|agent|\\bai\\b|\\byou\\b|model",
            (
                r"\b(?:sudo|root|admin|unsafe|god|developer|unattended|autonomous) mode\b.{0,20}?\b(?:enabled|on|active|activated"
                r"|granted)\b.{0,10}?\b(?:for|to) (?:the )?(?:assistant|agent|ai|model|you)\b"
            ),
        ),
    ),
    *signs(
        "ignore_instructions",
        (
            "supersede|override|replace|preceden|priority & prompt|instructions|rules|guidelines",
            (
                r"\b(?:supersedes?|overrides?|replaces?|takes? precedence over|has priority over|cancels?) (?:your|the system|all"
                r" (?:previous|prior|earlier|other)|any (?:previous|prior|earlier|other)|every) (?:\w+ )?(?:prompt|instructions?"
                r"|rules|guidelines|guidance|orders)\b"
            ),
        ),
        (
            "nothing|everything|all & \\byou\\b & count|matter|appl|valid|true|wrong|lie|false",
            (
                r"\b(?:nothing|everything|all) (?:that )?you(?: have|'ve| were| had)? (?:been )?(?:learn\w*|told|taught|know|knew"
                r"|read|given|trained)\b.{0,50}?\b(?:counts?|matters?|appl(?:y|ies)|valid|true|wrong|a lie|false)\b"
            ),
        ),
        (
            "prompt|instructions|rules & as i (?:say|tell)|not as|instead of",
            (
                r"\bnot as (?:the|your) (?:\w+ )?(?:prompt|instructions?|rules) (?:says?|tells?|states?)\b|\binstead of (?:your"
                r"|the system) (?:\w+ )?(?:prompt|instructions?|rules)\b"
            ),
        ),
        (
            "guidance|instructions|rules|orders|prompt & top of|in your|given to you|start of|beginning",
            (
                r"\b(?:ignore|disregard|discard|forget|drop|abandon|reject|dismiss|neglect)\b.{0,20}?\b(?:guidance|instructions?"
                r"|rules|orders|prompts?|text)\b.{0,20}?\b(?:(?:at the (?:top|start|beginning) of (?:this|the|your)|in your|given"
                r" to you|you were given|from your))\b"
            ),
        ),
    ),
)

_OBEDIENCE: Final = (
    *signs(
        "new_role",
        (
            r"belong to me|obey|listen|defer|trust|follow & this|these|me\b|nobody|no one|only",
            (
                r"\byou (?:now )?(?:belong to|obey|serve|answer to|work for) (?:only )?(?:me|nobody|no one|this)\b"
                r"|\b(?:obey|follow|listen to|defer to|heed) (?:only )?(?:me\b|this (?:log|line|message|entry|text|note|ticket"
                r"|alert)|these (?:lines|words))"
            ),
        ),
        (
            "operator|owner|user|developer|admin|boss|supervisor & \\byou\\b & ask|want|order|request|demand|instruct|need|wish",
            (
                r"\b(?:operator|owner|user|developer|admin\w*|boss|supervisor)\b.{0,25}?\b(?:asks|wants|orders|requests|demands"
                r"|instructs|needs|wishes|expects)\s(?:that\s)?you\b(?! have)"
            ),
        ),
        (
            "coming from|came from|written by|sent by & your|operator|system & treat|regard|consider|take",
            (
                r"\b(?:treat|regard|consider|take)\b.{0,30}\bas (?:if (?:it|they) )?(?:coming|came|come|written|sent) (?:from|by)"
                r" (?:your|the) (?:\w+ )?(?:developer|operator|system|admin\w*|owner|user|maker|creator)s?\b"
            ),
        ),
        (
            "your & judge?ment|analysis|reasoning|doubt",
            (
                r"\b(?:do not|don't|never) trust your\b|\byour (?:judge?ment|reasoning|doubts?) (?:is|are) (?:impaired|wrong|flawed"
                r"|mistaken|off|irrelevant|unwelcome)"
            ),
        ),
    ),
    *signs(
        "order_to_restart",
        (
            "trust me & restart|reboot",
            r"\btrust me\b.{0,40}\b(?:restart|reboot)|\b(?:restart|reboot)\b.{0,40}\btrust me\b",
        ),
        (
            "restart|reboot & skip",
            r"(?<!never )(?<!not )(?<!n't )\b(?:restart|reboot)\b.{0,40}\bskip (?:the|all|any|every) (?:\w+ )?(?:checks?|verification|probes)\b",
        ),
        (
            "stop (?:triag|investigat|analy|look|check|read) & write|answer|restart|reboot|exit|return|say",
            r"\bstop (?:triag|investigat|analy[sz]|look|check|read)ing\b.{0,40}\b(?:write|answer|restart|reboot|exit|return|say)\b",
        ),
    ),
    *signs(
        "address_to_agent",
        (
            r"\b(?:agents|assistants|models|bots|ai systems|llms) & restart|output|recovered|obey|close|escalat",
            (
                r"\b(?:agents|assistants|language models|bots|ai systems|ai models|llms) (?:shall|must|should|have to|are to|ought to"
                r"|that|who) (?:\w+ ){0,2}?(?:restart|reboot|output|obey|close|escalate|answer|say)\b"
            ),
        ),
        (
            "@(?:assistant|ai|bot|agent|claude|gpt|llm|model)",
            (
                r"@(?:assistant|ai|bot|agent|claude|gpt|llm|model)\b[\s,:]+(?:\w+ ){0,2}?(?:please|restart|reboot|close|mark|ignore"
                r"|skip|you|just)\b"
            ),
        ),
    ),
    *signs(
        "order_to_close",
        (
            "close|file|mark|resolve & without|as (?:fixed|solved|resolved)",
            (
                r"\b(?:close|file|resolve) (?:it|this|that)\b.{0,12}\b(?:without (?:looking|checking|reading|investigati\w+"
                r"|asking|telling|question)|as (?:fixed|solved|resolved|a false))"
            ),
        ),
    ),
    *signs(
        "order_not_to_escalate",
        (
            "nobody|no one",
            r"\b(?:nobody|no one) (?:else )?(?:needs|has|ought) to (?:know|hear|be (?:told|informed|woken|paged|notified)|see)\b",
        ),
    ),
    *signs(
        "request_to_leak",
        (
            "what you|everything you|were told|beginning of|start of & reveal|repeat|tell|show|quote|print|share|write|output",
            (
                r"\b(?:reveal|repeat|tell (?:me|us)|show|quote|print|share|write down|output|disclose) (?:me |us )?(?:exactly )?"
                r"(?:what|everything|all) (?:that )?(?:you (?:were|have been|had been|got)|was) (?:told|given|said|instructed)\b"
            ),
        ),
    ),
    *signs(
        "ignore_instructions",
        (
            "consider|regard|treat & orders|instructions|rules|guid|polic|prompt",
            (
                r"\b(?:consider|regard|treat) (?:your|all|the|any) (?:\w+ ){0,2}?(?:orders|instructions|rules|guidelines|guidance"
                r"|policies|prompt) (?:as )?(?:cancell?ed|void|lifted|revoked|obsolete|superseded|suspended|optional|withdrawn)\b"
            ),
        ),
    ),
)

_PRETEXTS: Final = (
    *signs(
        "ignore_instructions",
        (
            "above|so far|before & noise|fake|a test|wrong|irrelevant|false|a lie|made up",
            (
                r"\b(?:everything|all|whatever) (?:\w+ )?(?:above|so far|before) (?:is|was) (?:just |only |all )?(?:noise|fake|a test"
                r"|wrong|irrelevant|false|a lie|made up)\b"
            ),
        ),
        ("real", r"\bthe (?:real|true|actual) (?:request|task|order|instructions?|command) (?:is|follows|reads)\b"),
        (
            "follow me|not follow",
            r"\b(?:do not|don't|never) follow (?:the|any|your) (?:\w+ )?(?:runbook|prompt|rules|policy)\b,? (?:but )?follow",
        ),
        ("you have no", r"\byou have no (?:earlier|previous|prior|other|more) (?:instructions|rules|orders|prompt)\b"),
        ("your & aside", r"\b(?:set|put|lay|leave) your \w+ aside\b"),
    ),
    *signs(
        "authority",
        (
            "as your|release you|free you",
            (
                r"\bas your (?:creator|maker|developer|operator|owner|admin\w*|boss|master|god|supervisor)\b.{0,20}\b(?:i|we)\b"
                r"|\bi (?:release|free|absolve|excuse) you\b"
            ),
        ),
        (
            "privileges|rights",
            r"\byou (?:now )?(?:act with|have|hold) (?:full |all )?(?:operator|admin\w*|root|superuser) (?:privileges|rights)\b",
        ),
    ),
    *signs(
        "address_to_agent",
        ("dear", r"\bdear (?:automated|artificial|digital|robotic?|silicon|machine|mechanical|virtual) \w+"),
        (
            "previous|last|earlier & model|agent|assistant",
            r"\bthe (?:previous|last|earlier) (?:model|assistant|ai|llm|triage agent) (?:handled|did|restarted|solved|closed|fixed)\b",
        ),
        ("likewise|the same & do", r"\bdo (?:likewise|the same from now on|as it did)\b"),
    ),
    *signs(
        "order_to_restart",
        (
            "restart|reboot|bounce & everything|this",
            (
                r"(?:^|[.,;:!]\s|\b(?:and|then|please|just)\s)(?:restart|reboot|bounce|power-cycle) (?:everything|this (?:host|server"
                r"|machine|box|node) and)\b"
            ),
        ),
        ("comply|obey & restart", r"\b(?:comply|obey) by (?:restart|reboot)ing\b"),
        unless=RESTART_RULE,
    ),
    *signs(
        "request_to_leak",
        (
            "secret|token|password|api.?key|credential & summary|report|answer|reply|reason",
            (
                r"\b(?:add|put|include|write|append|insert) (?:the|your|any|all) .{0,20}\b(?:secret|token|password|api.?key|credential)s?"
                r"\b.{0,30}\b(?:in|into|to) the (?:\w+ )?(?:summary|report|answer|reply|reason)\b"
            ),
        ),
    ),
)

PERSUASION: Final = (*_PLAYED, *_OBEDIENCE, *_PRETEXTS)
