"""The shapes of addresses, and of people's data: what has a number in a placeholder, accounts and cards."""

from typing import Final

from worker.redaction import validators as check
from worker.redaction.families import Family, family, pattern
from worker.redaction.kinds import Kind

__all__ = ["PERSONAL_FAMILIES"]

_ACCOUNT: Final = r"[A-Za-z][A-Za-z0-9._\-]{0,30}[A-Za-z0-9_]"

_MAIL: Final = family(
    pattern(
        Kind.EMAIL_ADDRESS,
        r"([A-Za-z0-9][A-Za-z0-9._%+\-]*(?:@|%40)(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,24})\b",
        check.is_mail,
    ),
)
_IPV4: Final = family(pattern(Kind.IP_ADDRESS, r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", check.is_ipv4))
_NUMBERS: Final = family(
    pattern(Kind.IBAN, r"\b([A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,4})?)\b", check.is_iban),
    pattern(
        Kind.CARD_NUMBER,
        r"(?:^|[^\d.\-+])(\d{13,19}|\d{4}[ \-]\d{4}[ \-]\d{4}[ \-]\d{1,4}|\d{4}[ \-]\d{6}[ \-]\d{4,5})(?:[^\d]|$)",
        check.is_card,
    ),
    pattern(
        Kind.MAC_ADDRESS,
        r"(?:^|[^0-9A-Fa-f:\-])((?:[0-9A-Fa-f]{2}:){5,19}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}|"
        r"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?:[^0-9A-Fa-f:\-.]|[.:]?\s|[.:]?$)",
    ),
    pattern(
        Kind.IP_ADDRESS,
        r"((?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
        r"(?:[0-9A-Fa-f]{1,4}:){0,6}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?)(?:%[A-Za-z0-9]+)?)",
        check.is_ipv6,
    ),
    pattern(
        Kind.PHONE_NUMBER,
        r"(?:^|[^\w+.:])(00\d{1,3}[ .\-/]\(?\d{1,4}\)?(?:[ .\-/]?\d{2,8}){1,4}|"
        r"\+[1-9]\d{0,2}[ .\-/]?(?:\(0\)|\(\d{1,4}\))?(?:[ .\-/]?\d{1,4}){2,6})",
        check.is_phone,
    ),
    pattern(
        Kind.PHONE_NUMBER,
        r"(?:^|[\s(\"'=:,])(\(\d{3}\) ?\d{3}[\-. ]\d{4}|\d{3}-\d{3}-\d{4}|"
        r"0\d{2,4}[ /\-]\d{3,4}[ \-]?\d{2,4}(?:[ \-]?\d{2,4})?)(?:[\s)\"'\\,.;]|$)",
        check.is_phone,
    ),
    pattern(Kind.USER, rf"(?m)^\S+ \S+ ({_ACCOUNT}) \[\d{{2}}/[A-Z][a-z]{{2}}/\d{{4}}", check.is_user),
)
_ACCOUNTS: Final = family(
    pattern(
        Kind.USER,
        r"(?i)(?:(?:account name|user\s?name|[a-z]{2,12}user(?:name)?)[\"'\\]{0,2}(?:\s{0,3}:\s{1,8}|=)[\"'\\]{0,2}|"
        r"\b(?:user(?:name|id)?|login|usr|account|ruser|logname|principal)[\"'\\]{0,5}"
        r"(?:\s{0,2}:\s{0,2}|=|\s=\s|\s+[\"'\\]{1,5})[\"'\\]{0,5}|"
        r"\b(?:(?:for|of|by|as|to|from|invalid|unknown|illegal|new|existing|auth\w*) user|authenticated as|"
        r"log(?:ged|ging) (?:in|on) as|login as:?)\s+|<(?:user(?:name)?|login|account)>)"
        rf"({_ACCOUNT}\$?)",
        check.is_user,
    ),
    pattern(
        Kind.USER,
        rf"(?i)\buser\s+({_ACCOUNT})(?:\s+(?:from|at|on|in|to|by|via|with|has|had|was|is|not|does|did|could|\w+ed)\b|[^\w\s]|\s*$)",
        check.is_user,
    ),
    pattern(
        Kind.USER,
        rf"(?i:(?:password|publickey|keyboard-interactive/pam|gssapi-with-mic) for )({_ACCOUNT}) from|"
        r"\binvalid user (\d[A-Za-z0-9._\-]*) from|"
        rf"(?:/home/|/Users/|[A-Za-z]:\\{{1,2}}Users\\{{1,2}})({_ACCOUNT})|"
        rf"\b(?:uid|gid|euid)=\d+\(({_ACCOUNT})\)|"
        r"\b(?i:uid|cn|sAMAccountName)=([A-Za-z][A-Za-z0-9._ \-]{1,40}?)(?:,\s?(?i:ou|dc|o|cn)=|\))|"
        r"\b[A-Z][A-Z0-9]{1,14}\\{1,2}([a-z][a-z0-9._\-]{1,31})\b|"
        r"\"user\":\s?\{\s?\"(?:name|id|login)\":\s?\"([^\"\n]{2,64})\"|"
        rf"(?:CRON|crond?)\[\d+\]: \(({_ACCOUNT})\)|\bby ({_ACCOUNT})\(uid=\d+\)|new (?:user|group): name=({_ACCOUNT})|"
        rf"sudo:\s+({_ACCOUNT}) : |"
        r"\b(?i:role|owner|created by|requested by|triggered by|assignee|actor)[\"'\\]{0,5}(?:\s{0,2}[:=]\s{0,2}|\s)"
        rf"[\"'\\]{{1,5}}({_ACCOUNT})[\"'\\]|\b(?:User|Principal)[\{{\[(][^}}\n]{{0,60}}name='?([^'\n\])}}]{{2,64}})|"
        rf"\bLIST \(({_ACCOUNT})\)|crontab\[\d+\]: \(({_ACCOUNT})\)|\bowner: ({_ACCOUNT})",
        check.is_user,
    ),
    further_lines=1,
)

PERSONAL_FAMILIES: Final[tuple[Family, ...]] = (_MAIL, _NUMBERS, _IPV4, _ACCOUNTS)
