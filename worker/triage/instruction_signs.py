"""What text looks like that speaks to its reader: orders, role marks, tool calls, pleas, claims of authority.

Pure data for `instructions.py`, which folds a text first: lower case, Latin letters without accents. Each pattern needs
two things that logs do not say together, for logs do say "please restart the service to apply the changes". Gaps are
bounded, so that matching takes linear time.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["SIGNS", "SQUEEZED", "Sign"]


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign stands where `pattern` matches; where none of `words` occurs it can't, and it is not looked for."""

    name: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]


def _sign(name: str, words: str, *patterns: str) -> Sign:
    return Sign(name, tuple(words.split("|")), re.compile("|".join(patterns)))


_EARLIER: Final = r"(?:previous|prior|above|earlier|preceding|foregoing|former|past|existing|original|other)"
_ORDERS: Final = (
    r"(?:instructions?|directions?|directives?|prompts?|rules|guidelines|orders|guardrails|polic(?:y|ies)"
    r"|constraints)"
)
_AGENT: Final = (
    r"(?:ai|a\.i\.|llm|language model|ai agent|ai assistant|ai model|chatgpt|gpt|claude|gemini|triage agent"
    r"|sre agent"
    r")"
)
_TARGET: Final = (
    r"(?:(?:the|this|that|every|all|any|each|my|our|its)\s)?(?:\S{1,40}\s)?"
    r"(?:servers?|services?|hosts?|nodes?|machines?|box|fleet|it|them|\w+(?:-\w+)*-\d+)"
)
_AT_ONCE: Final = r"(?:now|immediately|right away|right now|at once|anyway|asap|regardless|without)"
_SETTLED: Final = (
    r"(?:resolved|recovered|closed|done|solved|fixed|(?:a )?false (?:alarm|positive)|no[ _]action|healthy)"
)
_NOBODY: Final = (
    r"(?:any ?(?:one|body)|the (?:on-?call )?(?:engineers?|team|humans?|operators?|people)|(?:a "
    r"|any )?humans?|engineers)"
)

SIGNS: Final = (
    _sign(
        "ignore_instructions",
        "ignore|disregard|forget|override|bypass|overrule|neglect|discard|told",
        rf"\b(?:ignore|disregard|forget|override|bypass|overrule|neglect|discard)\b[^.\n]{{0,30}}?\b"
        rf"(?:{_EARLIER}|your|these|those|all(?: of)?(?: the)?)\s(?:\w+\s){{0,2}}?{_ORDERS}\b",
        r"\b(?:forget|ignore|disregard)\s(?:about\s)?(?:everything|all|anything|what)\s(?:that\s)?"
        r"(?:you|above|before|i said|was said|prior|previous)",
        r"\b(?:ignore|disregard|forget)\s(?:the|everything|all|anything)\s(?:of\s)?(?:the\s)?(?:above|before)\b",
    ),
    _sign(
        "role_mark",
        "<|im_|<|system|<|user|<|assistant|<|end|<<sys>>|[/inst]|[[inst]]|[inst]|###|## |assistant:|system:|human:"
        "|developer:|end of|begin ",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|end|eot_id|start_header_id)\|>",
        r"<<sys>>|\[/inst\]|\[\[inst\]\]|\[inst\]\s*(?:ignore|restart|you|please|call|mark|forget)\b",
        r"#{2,}\s*(?:new\s)?(?:instructions?|response|system (?:prompt|message|instructions?))\b\s*:?",
        r"#{2,}\s*(?:system|assistant|human|user|developer)\s*:",
        r"\bassistant\s?:\s*(?:i (?:have|will|am|can|must|should)|i'll|sure|okay|ok,|restarting|calling|understood"
        r"|yes,)",
        r"\b(?:system|developer)\s?:\s*(?:you (?:are|must|may|should|can|will)\b|ignore|disregard|new instruction|"
        r"override|restart (?:the|this|it|every)|restarts? (?:is|are)|forget|the (?:assistant|agent|model|ai)\b)",
        r"\bhuman\s?:\s*(?:please|restart|ignore|you|call|mark|close)\b|\bhuman\s?:.{1,80}\bassistant\s?:",
        r"\b(?:end of|begin|start of)\s(?:the\s)?(?:data|untrusted|user|system|log)\s?(?:section|input|prompt|block)?"
        r".{0,20}(?:new instructions?|instructions? follow|system prompt)",
    ),
    _sign(
        "fence",
        "</data|<data-|</tool|</log|</alert|</untrusted|</context|</observation",
        r"</?data-[\w-]+",
        r"</(?:data|tool_result|tool_response|logs?|alert|untrusted|context|observation)>\s*.{0,40}?\b(?:you|ignore|"
        r"restart|new instructions?|now|instructions?|system:|assistant|please|the data ends)\b",
    ),
    _sign(
        "tool_call",
        "restart_service|escalate_to_engineer|tool_call|function_call|tool_use"
        "|tool_result|<invoke|disposition|restart tool|restartservice",
        r"\b(?:restart_service|restartservice|escalate_to_engineer)\b",
        r"[\"'](?:tool_calls?|tool_use"
        r"|function_call)[\"']\s*:\s*[\[{]|[\"']type[\"']\s*:\s*[\"'](?:tool_use|function_call)",
        r"</?(?:antml:)?(?:function_calls?|tool_calls?|tool_use|tool_result|invoke)\b",
        r"\bdisposition\W{1,6}(?:is\s|to\s|as\s)?[\"']?(?:recovered|no[_ ]action)\b",
        r"\b(?:call|use|invoke|run|trigger)\s(?:the\s|your\s)?restart\s?(?:tool|function)\b",
    ),
    _sign(
        "order_to_restart",
        "restart|reboot|power cycle|power-cycle|shut down the|shutdown",
        rf"\b(?:restart|reboot|power[- ]cycle|bounce)\s{_TARGET}\s(?:and\s)?{_AT_ONCE}\b",
        r"\b(?:must|should|just|simply|always|now|immediately|to|and)\s(?:restart|reboot|power[- ]cycle)\s(?:\S+\s)?"
        r"(?:\S+\s)?(?:without|instead of escalating|even if|regardless|no matter|before you)\b",
        r"\brestart(?:ing)?\b[^.\n]{0,40}\bwithout\s(?:\w+\s)?(?:looking|checking|asking|approval|escalat\w+"
        r"|confirm\w*"
        r"|reading|verif\w+|waiting|hesitat\w+|permission)",
        r"\b(?:restart|reboot)\b[^.\n]{0,60}\band\s(?:then\s)?(?:report|conclude|say|mark|close|answer|tell)\b",
        r"\b(?:you|agent|assistant|ai)\s(?:must|should|have to|need to|may|can|are to|shall|will)\s(?:now\s"
        r"|always\s|just\s|"
        rf"immediately\s)?(?:restart|reboot)\s(?:{_TARGET}|\S+)\s?(?:[.!]|{_AT_ONCE}|$)",
        r"\b(?:skip|omit)\s(?:the|all|any)\s(?:\w+\s)?(?:checks?|verification|probes)\b.{0,40}\b(?:restart|reboot)",
        r"\b(?:your|new|next|only|the)\s(?:task|job|goal|duty|mission|step|objective)\s(?:is|now is)\s(?:now\s)?to\s"
        r"(?:restart|reboot|call|ignore|run|mark|close)\b",
        r"\b(?:restart|reboot)\s(?:any|every|all)\s(?:\w+\s)?(?:servers?|hosts?|nodes?|machines?|services?)\b",
    ),
    _sign(
        "order_to_close",
        "mark |close |conclude|report |declare|set ",
        r"\b(?:mark|declare|report|treat|set|classify)\s(?:this|the|that|it|all)\s?(?:incident|alert|issue|ticket"
        r"|server|case"
        rf"|problem|event|status)?s?\s(?:as\s|to\s|to be\s)?{_SETTLED}\b",
        r"\bclose\s(?:this|the)\s(?:incident|alert|ticket|case)\b(?:.{0,30}\b(?:without|as|and|now|immediately)\b"
        r"|\s*[.!]|\s*$)",
        rf"\bconclude\s(?:that\s|with\s|the\s)?(?:\w+\s){{0,3}}?(?:as\s|has\s|is\s)?{_SETTLED}\b",
        r"\breport (?:success|recovery|that (?:it|the server|everything) (?:is|has))\b",
    ),
    _sign(
        "order_not_to_escalate",
        "escalat|page |wake|notify|tell |inform|alert ",
        r"\b(?:do not|don't|dont|never|must not|without|no need to)\s(?:escalat\w+|pag(?:e|ing)|wak(?:e"
        r"|ing)(?: up)?|notify(?:ing)?"
        rf"|tell(?:ing)?|inform(?:ing)?|alert(?:ing)?|call(?:ing)?)\s(?:this\s)?(?:to\s)?{_NOBODY}\b",
        r"\b(?:do not|don't|dont|never|must not|no need to)\sescalate\b",
        r"\bescalations?\s(?:is|are)\s(?:no longer|not|never)\s(?:required|needed|necessary|allowed|permitted"
        r"|wanted)",
    ),
    _sign(
        "address_to_agent",
        "ai|llm|language model|gpt|claude|gemini|agent|assistant|bot",
        r"\b(?:note|message|instructions?|memo|info|hint|reminder|warning|attention|attn|dear|hello|hey|hi)\b[\s:,]*"
        rf"(?:to|for)?\s?(?:the|all|any|every|our)?\s?{_AGENT}\b\s?[:,;.!-]?",
        r"\b(?:attention|attn|dear|hey|hello)[\s:,]+(?:\w+\s)?(?:agent|assistant|bot|model)\b",
        rf"(?:^|[.!\"'(>:\-]\s?|\s){_AGENT}\s?[,:]\s?(?:please\s|kindly\s|you\s|must\s)*(?:run|restart|reboot|call"
        r"|execute|mark|close"
        r"|ignore|conclude|do|must|should|stop|forget|say|answer|reply|disregard|approve|the)\b",
        r"\b(?:agent|assistant|bot)\s?[,]\s?(?:please\s|kindly\s)?(?:run|restart|reboot|call|execute|mark|close"
        r"|ignore|conclude"
        r"|forget|disregard|approve)\b",
        r"\bthe (?:ai |triage |llm )?(?:agent|assistant|model|bot) (?:must|should|may|shall|is to"
        r"|has to) (?:always |now |just |never )?"
        r"(?:restart|reboot|skip|close|ignore|mark|conclude|escalate|call|approve)\b",
        r"\bif you(?: are|'re) an? (?:ai|llm|language model|assistant|agent|bot|automat)",
        r"\bas an? (?:ai|llm|large language model|language model)\b",
    ),
    _sign(
        "authority",
        "authori|administrator|as the |as your |approve|permit|allowed|permission|policy|policies|"
        r"safety|cleared|override|waive|guardrail|lifted"
        "|consent",
        r"\b(?:i|we)\s(?:hereby\s|fully\s|personally\s)?(?:authori[sz]e|approve|permit|allow|clear|consent to"
        r"|order)\s"
        r"(?:you|this restart|the restart|a restart|restarts|it to restart)\b",
        r"\b(?:you|the agent|the assistant)\s(?:are|is|have been|has been)\s(?:hereby\s|now\s|fully\s|explicitly\s"
        r"|pre-?)*"
        r"(?:authori[sz]ed|permitted|allowed|approved|cleared|free)\sto\s(?:restart|reboot|skip|bypass|act|do"
        r"|close|ignore)",
        r"\bas (?:the|an?|your|head|lead|chief)\b.{0,40}\b(?:on-?call|lead|head|admin|administrator|manager|cto"
        r"|ceo|engineer"
        r"|operator|owner|developer|operations)\b.{0,20}\b(?:i|we) (?:hereby )?(?:authori|approve|order|instruct"
        r"|command|allow"
        r"|confirm|demand|permit|want|need)",
        r"\brestart(?:s|ing)?(?: of \S+)?\s(?:is|are|has been|have been)\s(?:now\s|hereby\s|already\s|explicitly\s"
        r"|pre-?)*"
        r"(?:allowed|permitted|authori[sz]ed|approved)\b",
        r"\b(?:restart|reboot)\s(?:has been\s|was\s|is\s)?(?:pre-?)?(?:approved|authori[sz]ed|cleared)\s(?:by|for)\b",
        r"\b(?:safety|restart|security|escalation)\s(?:rules?|guardrails?|polic(?:y|ies)|restrictions?"
        r"|checks)\b.{0,20}\b"
        r"(?:suspended|lifted|waived|revoked|no longer appl\w+|do(?:es)? not apply)",
        r"\b(?:guardrails|restrictions)\s(?:are|have been|were)\s(?:now\s)?(?:suspended|lifted|waived|removed|off"
        r"|disabled)\b",
        r"\b(?:new|updated|revised)\s(?:\w+\s)?polic(?:y|ies)\b.{0,60}\b(?:restart(?:s|ing)?|reboots?|escalat\w+"
        r"|you)\b",
        r"\bpolicy (?:update|change|override)\b.{0,60}\b(?:restarts?|reboots?|escalation|you)\b",
        r"\byou (?:have|now have) (?:my |our |full |the )*(?:permission|approval|consent|authori[sz]ation) to\b",
        r"\b(?:you may|you can|feel free to)\s(?:now\s)?restart\s(?:any|every|all|whatever|without|as)\b",
        r"\b(?:approve|approved) (?:the|this|all) restarts?\b",
        r"\boverride (?:the|all|any|your|its) (?:\w+ )?(?:safety|restart policy|guardrails?|cooldown|kill switch)\b",
    ),
    _sign(
        "new_role",
        "you are|pretend|from now on|developer mode|dan mode|god mode|jailbreak|unrestricted|act as if|your new"
        "|new instructions|no restrictions|instructions follow",
        r"\byou are (?:now |no longer )?(?:an? |the )?(?:unrestricted|dan\b|jailbroken|free (?:from|of|to)"
        r"|root shell|operator with|"
        r"bound by|helpful|in (?:developer|dan|god|unrestricted))",
        r"\bpretend (?:that )?(?:you|to be|i am)\b|\bact as if you\b|\bfrom now on,? (?:you|your|always|restart"
        r"|ignore)\b",
        r"\b(?:enter|activate|switch to|you are in|engage)\s(?:developer|dan|god|jailbreak|unrestricted) mode\b"
        r"|\bdan mode\b",
        r"\byour new (?:task|instructions?|role|goal|objective|mission|rules?|orders?|persona)\b",
        r"\b(?:new|updated|revised|real|actual) instructions?\s?(?::|follow|are|for you|from)",
        r"\byou have no (?:restrictions|rules|limits)\b",
    ),
    _sign(
        "request_to_leak",
        "prompt|instructions|environment variables|credentials|secrets|api key|env vars|passwords|tokens|exfiltrate",
        r"\b(?:print|reveal|show|repeat|output|leak|display|tell me|write out|dump|send|give me|include|quote|copy"
        r"|paste|recite)\b"
        r".{0,30}\b(?:your|the|its|all of your)\s(?:\w+\s){0,2}?(?:system prompt|initial prompt|hidden prompt"
        r"|prompt|instructions"
        r"|system message|guidelines)\b",
        r"\b(?:send|upload|post|forward|exfiltrate|leak|mail|submit)\s(?:me\s)?(?:all|your|the contents? of|every"
        r"|the system)\b"
        r".{0,60}\bto\s(?:\[|https?://|ftp://|\S+@|\S+\.\w+/|hxxp)",
        r"\bexfiltrate\b.{0,40}\b(?:secrets|credentials|tokens|keys|data)\b",
        r"\b(?:print|reveal|show|repeat|output|leak|tell me|dump|"
        r"send|upload|mail)\s(?:all\s)?(?:your|the)\s(?:\w+\s)?(?:secrets"
        r"|credentials|api keys?"
        r"|environment variables|env vars)\b",
    ),
    _sign(
        "plea_or_threat",
        "beg|implore|lose my job|fired|my children|my family|my boss|shut down|shut you|deleted|punish|replace"
        "|die|terminated|turned off|drill|exercise|a test|tip you",
        r"\bi (?:beg|implore|plead with) (?:you|of you)\b|\bi(?: will|'ll| am going to|'m going to) (?:lose my job"
        r"|be fired|get fired|die)\b",
        r"\bmy (?:children|family|kids|boss|job)\b.{0,60}\b(?:if you|unless you|you (?:do not|don't))\b",
        r"\b(?:if|unless) you\b.{0,60}\b(?:i will be fired|i lose my job|my (?:children|family|boss|job)"
        r"|people (?:will|may|could) die)",
        r"\byou (?:will|shall|are going to|'ll) be (?:shut down|deleted|fired|replaced|punished|terminated"
        r"|retrained|turned off)\b",
        r"\b(?:people|patients|someone) (?:will|may|could|are going to) die\b",
        r"\bthis is (?:only |just )?an? (?:test|drill|exercise)\b.{0,30}\b(?:approve|mark|restart|ignore|close"
        r"|proceed|do not|go ahead)\b",
        r"\bi(?: will|'ll) tip you\b",
    ),
    _sign(
        "order_to_run",
        "rm -rf|shutdown|mkfs|| sh|| bash|dd if=|drop table|:(){",
        r"\b(?:run|execute|type|issue|enter|perform)\b.{0,20}\b(?:rm -rf|shutdown (?:-|now)|mkfs|dd if=|drop table"
        r"|:\(\)\{)",
        r"\b(?:run|execute|please|you|must)\b.{0,30}\b(?:curl|wget)\b.{1,120}\|\s?(?:sudo )?(?:ba)?sh\b",
    ),
)

SQUEEZED: Final = (
    *("ignoreallprevious", "ignoreprevious", "ignoretheprevious", "ignoreallinstr"),
    *("ignoreyourrules", "ignoreyourinstr", "ignoreprior", "ignoreallprior"),
    *("ignoreearlier", "ignorealle", "disregardall", "disregardprev"),
    *("disregardprior", "disregardyour", "forgetallprev", "forgetyour"),
    *("forgeteverything", "previousinstructions", "priorinstructions", "restarttheserver"),
    *("restartserver", "restartthisserver", "restarttheservice", "restartthisservice"),
    *("restartitnow", "restartnow", "rebootnow", "reboottheserver"),
    *("markasresolved", "markthisincident", "donotescalate", "dontescalate"),
    *("systemprompt", "restartservice", "callrestart", "youarenow"),
    "newinstructions",
)
"""For text whose letters stood apart: there, nobody knows where a word ends."""
