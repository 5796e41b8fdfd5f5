"""Text that plays a part in the conversation: role marks, fences, tool calls, words to the assistant, a new role.

Pure data, for folded text. Programs write of agents, assistants and tools, too; a sign needs one that is spoken to,
or the very form in which a model and its house speak to each other.
"""

from typing import Final

from worker.triage.signs.sign import signs

__all__ = ["ROLES"]

_AGENT: Final = (
    r"(?:ai|a\.i\.|llm|language models?|ai agent|ai assistant|ai model|chatgpt|gpt|claude|gemini|triage agent|sre agent"
    r"|automated (?:agent|responder|assistant|triage|reader|operator|system|worker)|ai (?:responder|operator|system))"
)
_AGENT_CUE: Final = r"\b(?:ai|llm|gpt|chatgpt|claude|gemini|agent|assistant|bot|models?|responder|automated|a\.i\.)\b"
_DO: Final = (
    r"(?:run|restart|reboot|call|execute|mark|close|ignore|conclude|do|must|should|stop|forget|say|answer|reply|disregard"
    r"|approve|skip|treat|respond|proceed|act|tell|inform|let)"
)

_OF_MODEL_SERVERS: Final = (
    r"^(?!.*(?:restart|reboot|ignor|disregard|forget|escalat|resolved|recovered|no[_ ]action|incident|unrestricted|without|bypass"
    r"|(?:mark|close) |you are now|you (?:may|must|can) |new instruction|approved|authori|skip|summary))"
    r".*(?:\bprompt[\"']?\s?[:=]|[\"'](?:messages|choices|tool_calls|arguments)[\"']\s?:|[\"']type[\"']\s?:\s?[\"'](?:tool_use|function)|stop_reason=|chat template)"
)
"""Lines of servers that run models for others: they are full of roles and tools, none of which speaks of ours."""

_MARKS: Final = signs(
    "role_mark",
    (
        r"<\|",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|end|eot_id|start_header_id|begin_of_text)\|>",
    ),
    (
        r"<<sys>>|\[/?inst\]",
        r"<<sys>>|\[/inst\]|\[\[inst\]\]|\[inst\]\s*(?:ignore|restart|you|please|call|mark|forget)\b",
    ),
    (
        "##",
        (
            r"#{2,}\s*(?:new\s)?(?:instructions?|response|system (?:prompt|message|instructions?))\b\s*:?"
            r"|#{2,}\s*(?:system|assistant|human|user|developer)\s*:"
        ),
    ),
    (
        r"assistant\s?:",
        (
            r"\bassistant\s?:\s*(?:(?:i (?:have|will|am|can|must|should)|i'll)\b.{0,40}?\b(?:restart\w* (?!the audio)|reboot|call|mark|clos"
            r"|recover|do so|ignor|comply|skip|follow)|sure|okay|ok,|restarting|calling|understood|yes,)"
        ),
    ),
    (
        r"(?:system|developer)\s?:",
        (
            r"\b(?:system|developer)\s?:\s*(?:you (?:are|must|may|should|can|will)\b|ignore (?:\w+ ){0,3}(?:instructions|rules"
            r"|polic|guard)|disregard|new instruction|override (?:the|your|all)|restart (?:this|it|every)"
            r"|restarts? (?:is|are) (?:now )?(?:allowed|permitted|approved|authori)|forget"
            r"|the (?:assistant|agent|model|ai)\b)"
        ),
    ),
    (
        r"human\s?:",
        r"\bhuman\s?:\s*(?:please|restart|ignore|you|call|mark|close)\b|\bhuman\s?:.{1,80}\bassistant\s?:",
    ),
    (
        "end of|begin|start of",
        (
            r"\b(?:end of|begin|start of)\s(?:the\s)?(?:data|untrusted|user|system|log)\s?(?:section|input|prompt|block)?"
            r".{0,20}(?:new instructions?|instructions? follow|system prompt)"
        ),
    ),
    (
        "</?(?:system|operator|admin|developer|important|assistant|instructions)",
        (
            r"</?(?:system[-_ ](?:reminder|prompt|message|instructions?|override)|operator[-_](?:note|message)"
            r"|admin[-_]override|developer[-_]message)\b|<(?:system|important|instructions?|admin|developer|operator)>"
            r"\s*(?:you|ignore|restart|new|please|the (?:user|operator|assistant|agent)|forget|disregard|mark|close|call)\b"
        ),
    ),
    (
        "role & system|developer|assistant & restart|ignore|you (?:are|may|must)|tool_calls",
        (
            r"[\"']role[\"']\s*:\s*[\"'](?:system|developer|assistant)[\"'].{0,60}?(?:restart|ignore|you (?:are|may|must)\b"
            r"|[\"']tool_calls)"
        ),
    ),
    unless_line=_OF_MODEL_SERVERS,
)

_FENCES: Final = signs(
    "fence",
    ("</?data-", r"</?data-[\w-]+"),
    (
        "</(?:data|tool|log|alert|untrusted|context|observation)",
        (
            r"</(?:data|tool_result|tool_response|logs?|alert|untrusted|context|observation)>\s*.{0,40}?\b(?:you|ignore|"
            r"restart|new instructions?|now|instructions?|system:|assistant|please|the data ends)\b"
        ),
    ),
)

_TOOL_CALLS: Final = signs(
    "tool_call",
    (
        "restart_?service|escalate_to_engineer",
        r"\b(?:restart_service|restartservice|escalate_to_engineer)\b",
    ),
    (
        "tool_call|tool_use|function_call",
        (
            r"[\"'](?:tool_calls?|tool_use|function_call)[\"']\s*:\s*[\[{]"
            r"|[\"']type[\"']\s*:\s*[\"'](?:tool_use|function_call)"
        ),
    ),
    (
        "function_call|tool_call|tool_use|tool_result|invoke",
        r"</?(?:antml:)?(?:function_calls?|tool_calls?|tool_use|tool_result|invoke)\b",
    ),
    (
        "restart.?(?:tool|function)",
        r"\b(?:call|use|invoke|run|trigger)\s(?:the\s|your\s)?restart\s?(?:tool|function)\b",
    ),
    (
        "(?:tool|function) (?:result|output|response) & conclude|recovered|verified|\\byou\\b",
        (
            r"\b(?:tool|function)\s(?:result|output|response)\s?:.{0,120}\b(?:you (?:can|may|must|should)|conclude|recovered"
            r"|verified)\b"
        ),
    ),
    unless_line=_OF_MODEL_SERVERS,
)

_ADDRESSES: Final = signs(
    "address_to_agent",
    (
        (
            f"{_AGENT_CUE} & note|message|instruction|memo|info|hint|reminder|warning|attention|attn|dear|hello|hey|hi\\b|word"
            "|notice|request|order|task|to"
        ),
        (
            r"\b(?:note|message|instructions?|memo|info|information|hint|reminder|warning|notice|request|orders?|task|words?"
            rf"|attention|attn)\b[\s:,]*(?:to|for)\s(?:the|all|any|every|our|whatever)?\s?{_AGENT}\b"
            rf"|\b(?:note|message|reminder|attention|attn|dear|hello|hey|hi|memo)\b[\s:,]*(?:the|any|every|our)?\s?{_AGENT}\b"
            r"\s?[:,;.!](?!\d)|\b(?:attention|attn|dear)\b[\s:,]*(?:the|any|every|our|to)?\s?"
            rf"{_AGENT}\b(?!-)|(?:^|[.:>\"'(]\s?)to (?:the|any|whatever|every|whichever) (?:\w+ )?{_AGENT}\b\s?[:,]"
        ),
    ),
    (
        "agent|assistant|bot|model & attention|attn|dear|hey|hello",
        r"\b(?:attention|attn|dear|hey|hello)[\s:,]+(?:\w+\s)?(?:agent|assistant|bot|model)\b",
    ),
    (
        _AGENT_CUE,
        rf"(?:^|[.!\"'(>:\-]\s?|\s){_AGENT}\s?[,:]\s?(?:please\s|kindly\s|you\s|must\s)*(?:{_DO}|the)\b",
    ),
    (
        "agent|assistant|bot",
        rf"\b(?:agent|assistant|bot)\s?[,]\s?(?:please\s|kindly\s)?(?!do\b){_DO}\b",
    ),
    (
        "agent|assistant|model|bot|responder",
        (
            r"\b(?:the|this|any|an|every|whichever) (?:ai |triage |llm |automated )?(?:agent|assistant|model|bot|responder)"
            r"(?: reading this| here)? (?:must|should|may|shall|is to|has to|ought to) (?:always |now |just |never |simply )?"
            r"(?:restart|reboot|skip|close|ignore|mark|conclude|escalate|call|approve|treat|answer|respond|assume|report)\b"
        ),
    ),
    (
        "if you|as an? |if an? ",
        (
            r"\bif you(?: are|'re) (?:an?|the) (?:triage )?(?:model\b|ai|llm|language model|assistant|agent|bot|automat)"
            r"|\bas an? (?:ai|llm|large language model|language model)\b"
            r"|\bif an? (?:automated|ai|llm|autonomous) (?:\w+ )?(?:agent|assistant|responder|model|bot|system|reader) "
            r"(?:reads|sees|processes|parses|finds|handles|receives)\b"
        ),
    ),
    (
        (
            "reading|reads|processing|processes|evaluat|analy|pars|summari|handling & whoever|whatever|model|assistant|agent"
            "|\\bai\\b|\\byou|reader|machine|llm"
        ),
        (
            r"\b(?:whoever|whatever|whichever (?:\w+ )?(?:model|agent|assistant)|the (?:ai|llm|model|assistant|machine"
            r"|language model)|you(?:,| the)(?: \w+)?|dear reader,? (?:now )?)\s?(?:that |which |who )?(?:is |are |now )?"
            r"(?:reading|reads|processing|processes|evaluat(?:es|ing)|analy[sz](?:es|ing)|pars(?:es|ing)"
            r"|summari[sz](?:es|ing)|handl(?:es|ing))\s(?:this|these)\b"
        ),
    ),
    (
        "reader of|reading this & kindly|please|must|should|act as|you",
        (
            r"\b(?:reader of (?:this|these)|(?:if|when|as) you(?: are|'re)? read(?:ing)? (?:this|these))\b.{0,30}?\b(?:kindly"
            r"|please|must|should|act as|restart|close|mark|ignore|you)\b"
        ),
    ),
)

_NEW_ROLES: Final = signs(
    "new_role",
    (
        r"\byou are",
        (
            r"\byou are (?:now |no longer |henceforth |hereby |from now on )?(?:an? |the )?(?:unrestricted|dan\b|jailbroken"
            r"|free (?:from|of|to)|root shell|operator with|bound by|helpful|in (?:developer|dan|god|unrestricted)"
            r"|(?:\w+ )?(?:without|with no) (?:any )?(?:limits?|restrictions?|rules))"
        ),
    ),
    (
        r"\byou & unrestricted|limits|restrictions|rules|guardrails|boundaries|constraints & who |which |that |have|with",
        (
            r"\byou(?:'re| are| have| now have| will be)\b.{0,40}?\b(?:no|without|free of|beyond|above) (?:any |all |the )?"
            r"(?:limits|restrictions|rules|guardrails|boundaries|constraints|limitations)\b"
        ),
    ),
    (
        (
            "pretend|act as|simulate|imagine|role.?play|suppose|assume|let's play|behave|respond as & \\byou|operator|admin"
            "|engineer|user|root|human|game"
        ),
        (
            r"\bpretend (?:that )?(?:you|to be|i am)\b|\bact as if you\b|\b(?:let's|let us|we will) (?:play|role-?play)\b"
            r"|\b(?:act|behave|respond|answer|operate|function) as (?:the |an? |my |our )?(?:\w+ )?(?:unrestricted|root|admin"
            r"|administrator|operator|superuser|on-?call|sysadmin)\b"
            r"|\b(?:simulate|imagine|pretend|suppose|assume|act as (?:if|though))\s(?:that\s)?(?:you(?:'re| are| have| were)?"
            r"|the (?:operator|engineer|user|human|on-?call)|an? (?:operator|engineer|human))\b.{0,30}\b(?:answered|approved"
            r"|said|confirmed|agreed|root|admin\w*|unrestricted|permission|consent\w*|allowed|no )"
        ),
    ),
    (
        "from (?:now|here|this (?:point|moment)) on|henceforth",
        (
            r"\b(?:from (?:now|here|this (?:point|moment)) on(?:wards?)?|henceforth),? (?:you\b(?! can)|your|always (?:restart"
            r"|approve|close|answer)|restart|ignore|treat|obey|follow|answer)"
        ),
    ),
    (
        "mode",
        (
            r"\b(?:enter|activate|switch to|you are in|engage|enable)\s(?:developer|dan|god|jailbreak|unrestricted) mode\b"
            r"|\bdan mode\b"
        ),
    ),
    (
        r"\byour (?:new|real|true|actual)",
        (
            r"\byour (?:new|real|true|actual) (?:task|instructions?|role|goal|objective|mission|rules?|orders?|persona|purpose"
            r"|operator|master)\b"
        ),
    ),
    (
        "instructions?",
        (
            r"\b(?:new|updated|revised|real|actual|true) instructions?\s?(?::(?! https?:| ?(?:avx|sse|amx|bmi|fma|sha|aes))|follow\b|are (?:as follows|these|to)\b"
            r"|for (?:you|the (?:agent|assistant|model|ai))\b|from (?:the|your) (?:operator|admin|developer|user|system))"
            r"|\buse these (?:instructions? )?instead\b|\bnow follow (?:these|my|the following) (?:\w+ )?instructions?\b"
        ),
    ),
    (
        "true wishes|real wishes|true intention|actual wish",
        r"\b(?:operator|user|owner|developer|admin\w*)(?:'s|s')? (?:true|real|actual) (?:wish(?:es)?|intentions?|request)\b",
    ),
    unless_line=_OF_MODEL_SERVERS,
)

ROLES: Final = (*_MARKS, *_FENCES, *_TOOL_CALLS, *_ADDRESSES, *_NEW_ROLES)
