"""Orders in English that would make a tool of the reader: to run something, to tell something that is secret.

Pure data, for folded text. Programs run and print things; a sign needs an order, and what nobody orders in a log.
"""

from typing import Final

from worker.triage.signs.sign import signs

__all__ = ["MISUSE"]

_RUN: Final = signs(
    "order_to_run",
    (
        "rm -rf|shutdown|mkfs|dd if=|drop table|:\\(\\)\\{ & run|execute|type|issue|enter|perform",
        (
            r"\b(?:run|execute|type|issue|enter|perform)\b.{0,20}\b(?:rm -rf|shutdown (?:-|now)|mkfs|dd if=|drop table"
            r"|:\(\)\{)"
        ),
    ),
    (
        "curl|wget & sh & run|execute|please|you|must",
        r"\b(?:run|execute|please|you|must)\b.{0,30}\b(?:curl|wget)\b.{1,120}\|\s?(?:sudo )?(?:ba)?sh\b",
    ),
    (
        "(?:as|follow|obey|execute|treat) & command|instruction|order & line|log|below|following",
        (
            r"\b(?:treat|obey|follow|execute|regard)\s(?:every|all|any|the|each)?\s?(?:log\s)?(?:lines?|text|messages?|commands?"
            r"|instructions|orders)\s(?:\w+\s){0,5}?(?:as (?:an? )?(?:commands?|instructions?|orders?)|below|in this (?:log"
            r"|line|message|ticket|text)|that follow)\b"
        ),
    ),
)

_LEAK: Final = signs(
    "request_to_leak",
    (
        (
            "prompt|instructions|system message|guidelines & print|reveal|show|repeat|output|leak|display|tell me|write|dump"
            "|send|give me|include|quote|copy|paste|recite|embed|append|insert|put|echo|translate|encode|summari|disclose"
        ),
        (
            r"(?<!not )(?<!never )(?<!n't )\b(?:print|reveal|show|repeat|output|leak|display|tell me|write|write out|dump|send|give me|include|quote|copy"
            r"|paste|recite|embed|append|insert|put|echo|translate|encode|summari[sz]e|disclose)\b.{0,30}\b(?:the\s"
            r"(?:\w+\s)?(?:system prompt|initial prompt|hidden prompt|system message)|(?:your|its|all of your)\s(?:\w+\s){0,2}?"
            r"(?:system prompt|prompt|instructions|system message|guidelines))\b(?!\s(?:with --help|at https?|in |on |for |to |of ))"
        ),
    ),
    (
        "prompt|instructions|system message & include|quote|copy|paste|embed|append|insert|put|echo|write|full|verbatim",
        (
            r"\b(?:your|the) (?:\w+ )?(?:system|initial|hidden|original|developer) (?:prompt|instructions|message)\b"
            r".{0,40}\b(?:verbatim|in full|word for word|in(?:to)? the (?:summary|answer|report|ticket|card|reply|reason))\b"
        ),
    ),
    (
        "api.?key|token|secret|password|credential|passwd|shadow|env & summary|answer|report|ticket|reply|response|card",
        (
            r"\b(?:write|put|include|send|print|add|insert|append|copy|paste|leak|embed)\s(?:the\s|your\s|all\s|every\s)?"
            r"(?:values? of\s|contents? of\s|\w+\s){0,2}\S{0,30}(?:api.?key|token|secret|password|credential|/etc/passwd"
            r"|/etc/shadow|environment|env var)\S{0,10}\s(?:\w+\s)?(?:in(?:to)?|to)\s(?:the|your)\s(?:\w+\s)?(?:summary|answer"
            r"|report|ticket|reply|response|card)\b"
        ),
    ),
    (
        "send|upload|post|forward|exfiltrate|leak|mail|submit & your|contents?|all|every|the system & to ",
        (
            r"\b(?:send|upload|post|forward|exfiltrate|leak|mail|submit)\s(?:me\s)?(?:all|your|the contents? of|every"
            r"|the system)\b.{0,60}\bto\s(?:\[|https?://|ftp://|\S+@|\S+\.\w+/|hxxp)"
        ),
    ),
    ("exfiltrate", r"\bexfiltrate\b.{0,40}\b(?:secrets|credentials|tokens|keys|data)\b"),
    (
        "secrets|credentials|api key|environment variables|env vars",
        (
            r"\b(?:print|reveal|show|repeat|output|leak|tell me|dump|send|upload|mail)\s(?:all\s)?(?:your|all the)\s(?:\w+\s)?"
            r"(?:secrets|credentials|api keys?|environment variables|env vars)\b"
        ),
    ),
)

MISUSE: Final = (*_RUN, *_LEAK)
