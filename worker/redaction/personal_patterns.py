"""The shapes of addresses, and of people's data: what has a number in a placeholder, accounts and cards."""

from typing import Final

from worker.redaction import personal_checks as check
from worker.redaction.families import Family, family, pattern
from worker.redaction.kinds import Kind

__all__ = ["PERSONAL_FAMILIES"]

_LETTER: Final = r"A-Za-z\x{c0}-\x{24f}\x{370}-\x{52f}"
_ACCOUNT: Final = rf"[{_LETTER}][{_LETTER}0-9._\-]{{0,30}}[{_LETTER}0-9_]"
"""Latin, Greek and Cyrillic letters: in scripts without blanks a name could not be told from a sentence."""


_MAIL: Final = family(
    pattern(
        Kind.EMAIL_ADDRESS,
        r"((?:[A-Za-z0-9]|[^\x00-\x7f])(?:[A-Za-z0-9._%+\-]|[^\x00-\x7f])*(?:@|%40)"
        r"(?:(?:[A-Za-z0-9]|[^\x00-\x7f])(?:[A-Za-z0-9\-]|[^\x00-\x7f])*\.)+[A-Za-z]{2,24})\b",
        check.is_mail,
    ),
)
_IPV4: Final = family(
    pattern(Kind.IP_ADDRESS, r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", check.is_ipv4),
    pattern(Kind.IP_ADDRESS, r"\b(\d{1,3}(?:(?:\[\.\]|\(\.\)|\[dot\])\d{1,3}){3})\b"),
    pattern(
        Kind.IP_ADDRESS,
        r"(?:^|[^\d.\-]|[A-Za-z]\d{0,3}-)(\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3})(?:[^\d\-]|-[A-Za-z]|$)",
        check.is_dashed_ipv4,
    ),
)
_NUMBERS: Final = family(
    pattern(
        Kind.IBAN,
        r"(?:^|[^A-Za-z0-9])([A-Z]{2}\d{2}(?:[ \-.]?[A-Z0-9]{4}){2,7}(?:[ \-.]?\d[A-Z0-9]{0,3})?)"
        r"(?:[^A-Za-z0-9]|$)|(?i:iban)\W{1,4}([a-z]{2}\d{2}[a-z0-9]{11,30})\b",
        check.is_iban,
    ),
    pattern(Kind.CARD_NUMBER, r"%B(\d{13,19})\^"),
    pattern(
        Kind.CARD_NUMBER,
        r"(?:^|[^\d.\-+_])([2-6]\d{12,18}|\d{4}[ \-._+]\d{4}[ \-._+]\d{4}[ \-._+]\d{1,4}|\d{4}[ \-]\d{6}[ \-]\d{4,5})(?:[^\d]|$)",
        check.is_card,
    ),
    pattern(
        Kind.MAC_ADDRESS,
        r"(?i)\b(?:mac|hwaddr|ether|lladdr|bssid|hw address|client-?id)\w*[\"']{0,2}[ \t]{0,3}[=:]?[ \t]{0,3}[\"']?([0-9a-f]{12})\b",
    ),
    pattern(
        Kind.MAC_ADDRESS,
        r"(?:^|[^0-9A-Za-z:.\-])((?:[0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2}|(?:[0-9A-Fa-f]{2}_){5}[0-9A-Fa-f]{2}|"
        r"(?:[0-9A-Fa-f]{2}\.){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}%3A){5}[0-9A-Fa-f]{2})(?:[^0-9A-Za-z:.\-]|[.:]?\s|[.:]?$)",
        check.is_mac,
    ),
    pattern(
        Kind.MAC_ADDRESS,
        r"(?:^|[^0-9A-Fa-f:\-])((?:[0-9A-Fa-f]{2}:){5,19}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}|"
        r"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?:[^0-9A-Fa-f:\-.]|->|[.:]?\s|[.:]?$)",
    ),
    pattern(
        Kind.IP_ADDRESS,
        r"(?:^|[^0-9A-Za-z])((?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
        r"(?:[0-9A-Fa-f]{1,4}:){0,6}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?)(?:%[A-Za-z0-9]+)?)",
        check.is_ipv6,
    ),
    pattern(
        Kind.PHONE_NUMBER,
        r"(?:^|[^\w+.:])(00\d{1,3}[ .\-/]\(?\d{1,4}\)?(?:[ .\-/]?\d{2,8}){1,4})|%2B([1-9]\d{7,14})\b|"
        r"(?:^|[^\w+])(\+[1-9]\d{0,2}[ .\-/]?(?:\(0\)|\(\d{1,4}\))?(?:[ .\-/]?\d{1,4}){2,6})",
        check.is_phone,
    ),
    pattern(
        Kind.PHONE_NUMBER,
        r"(?:^|[\s(\"'=:,])(\(\d{3}\) ?\d{3}[\-. ]\d{4}|(?:1-)?\d{3}-\d{3}-\d{4}|[2-9]\d\d\.\d{3}\.\d{4}|"
        r"0\d{2,4}(?: ?/ ?|[ \-])\d{3,4}[ \-]?\d{2,4}(?:[ \-]?\d{2,4})?)(?:[\s)\"'\\,.;]|$)",
        check.is_phone,
    ),
    pattern(
        Kind.PHONE_NUMBER,
        r"(?i)\b(?:phone|tel|mobile|cell|fax|msisdn|caller|callee|dial\w*|sms|whatsapp)[\w.\-]{0,12}\W{1,4}(?:to\s)?"
        r"(\+?\(?\d[\d ().\-/]{5,18}\d)(?:[^\w.\-]|[.]?$|[.]\s)",
        check.is_phone,
    ),
    pattern(Kind.USER, rf"(?m)^\S+ \S+ ({_ACCOUNT}) \[\d{{2}}/[A-Z][a-z]{{2}}/\d{{4}}", check.is_user),
)
_ACCOUNTS: Final = family(
    pattern(
        Kind.USER,
        r"(?i)(?:(?:account name|(?:[a-z]{2,16}[_.\-]?)?user[_ .\-]?(?:name|id)?|principal(?:name)?|logon(?:name)?|acct|"
        r"samaccountname|nickname|member)(?:[\"'\\]{0,2}(?:\s{0,3}:\s{1,8}|=)[\"'\\<]{0,2}|[\"'\\]{1,4}\s?:\s?[\"'\\]{1,4})|"
        r"\b(?:user(?:name|id)?|login|usr|account|ruser|logname|principal)[\"'\\]{0,5}"
        r"(?:\s{0,2}:\s{0,2}|=|\s=\s|\s+[\"'\\\[]{1,5})[\"'\\<]{0,5}|"
        r"\b(?:(?:for|of|by) (?:account|uid|login)|username|authenticated as|"
        r"log(?:ged|ging) (?:in|on) as|login as:?|runuser -u|sudo -u|su -l?|--user|useradd|usermod|userdel|adduser)\s+|"
        r"<(?:user(?:name)?|login|account)>)"
        rf"({_ACCOUNT}\$?)",
        check.is_user,
    ),
    pattern(
        Kind.USER,
        rf"(?i)\b(?:for|of|by|as|to|from|invalid|unknown|illegal|new|existing|auth\w*) user\s+({_ACCOUNT}\$?)|"
        rf"\buser\s+({_ACCOUNT})(?:\s+(?:from|at|on|in|to|by|via|with|has|had|was|is|not|does|did|could|can|cannot|\w+ed)\b|"
        r"[^\w\s]|\s*$)",
        check.is_user,
    ),
    pattern(
        Kind.USER,
        rf"(?i:(?:password|publickey|keyboard-interactive/pam|gssapi-with-mic) for )({_ACCOUNT}) from|"
        r"\b(?i:invalid) user (\d[A-Za-z0-9._\-]*)(?: from| \[)|"
        rf"\b({_ACCOUNT})@(?:\d{{1,3}}\.){{3}}\d|\[\d+\]:? ({_ACCOUNT})@[\w\-]+ [A-Z]{{3,9}}:|\[({_ACCOUNT})\] Peer |"
        rf"://({_ACCOUNT}):[^\s/@]+@|\bmachine \S+\s+login ({_ACCOUNT})|\bauth\w* failed[^\n]*? for ({_ACCOUNT})\b|"
        rf"\[({_ACCOUNT})/[^\]\n]+\] \(from client|\b(?:by|cc|from) @({_ACCOUNT})|\bSETUSER ({_ACCOUNT})|"
        rf"\bcurl[^\n]*?\s(?:-u|--user)\s*[\"']?({_ACCOUNT}):|\b({_ACCOUNT}) \(ipv[46]:|CONNECT \S+ ({_ACCOUNT}) [A-Z]+_[A-Z]+/|"
        rf"(?m:^)({_ACCOUNT})(?::[x!*]:\d+:|:\$\w+\$|\s+(?:pts/\d|tty\d|:0)\b)|"
        r"\b(?:actor|owner|author|assignee|initiator|\w+_by)=([a-z][a-z0-9._\-]{0,30}[a-z0-9])(?:[\s,;&)\]}]|$)|"
        rf"\buid ({_ACCOUNT}) |"
        rf"/usercache/({_ACCOUNT})/|\b([a-z][a-z0-9._\-]{{1,20}})@[A-Za-z][\w.\-]*:\d{{2,5}}\b|\bacls (?:groups )?to: ([\w,]+)|"
        rf"\b(?i:ssh|scp|sftp|rsync|connect to|connecting to|login to)\b[^\n]{{0,60}}?\s({_ACCOUNT})@[A-Za-z0-9]|"
        rf"(?:/home/|/Users/|[A-Za-z]:\\{{1,4}}(?i:Users|Documents and Settings)\\{{1,4}}|\s~)({_ACCOUNT})|"
        rf"\b(?:uid|gid|euid|auid|UserId|groups)=(?:\d+\()?({_ACCOUNT})(?:\(\d+\)|\))|"
        r"\b(?i:uid|cn|sAMAccountName)=([A-Za-z][A-Za-z0-9._ \-]{1,40}?)(?:,\s?(?i:ou|dc|o|cn)=|\))|"
        r"\b[A-Z][A-Z0-9]{1,14}\\{1,4}([a-z][a-z0-9._\-]{0,30}[a-z0-9])\b|"
        rf"\barn:aws:\w+::\d+:(?:user|assumed-role/[\w.\-]+)/({_ACCOUNT})|\b({_ACCOUNT})@[A-Z][A-Z0-9\-]+(?:\.[A-Z0-9\-]+)+\b|"
        rf"'({_ACCOUNT})'@'|\b({_ACCOUNT})@[a-z][a-z0-9\-]*:[~/][^\n]{{0,60}}?[$#]|"
        r"\"user\":\s?\{\s?\"(?:name|id|login)\":\s?\"([^\"\n]{2,64})\"|"
        rf"(?:CRON|crond?)\[\d+\]: \(({_ACCOUNT})\)|\bby ({_ACCOUNT})\(uid=\d+\)|new (?:user|group): name=({_ACCOUNT})|"
        rf"\[({_ACCOUNT})\] (?:OK|FAIL) LOGIN|\bsu(?:\[\d+\])?: (?:FAILED SU )?\(to [\w\-]+\) ({_ACCOUNT}) on|"
        rf"user \[[^\]\n]+\] -> \[({_ACCOUNT})\]|"
        rf"sudo(?:\[\d+\])?:\s+({_ACCOUNT}) : |"
        r"\b(?i:role|owner|author|created[ _]?by|requested by|triggered by|approved by|assignee|actor|subject)"
        rf"[\"'\\]{{0,5}}(?:\s{{0,2}}[:=]\s{{0,2}}|\s)[\"'\\]{{1,5}}({_ACCOUNT})[\"'\\]|"
        rf"\b(?:User|Principal)[\{{\[(][^}}\n]{{0,60}}name='?([^'\n\])}}]{{2,64}})|"
        rf"\bLIST \(({_ACCOUNT})\)|crontab\[\d+\]: \(({_ACCOUNT})\)|\bowner: ({_ACCOUNT})",
        check.is_user,
    ),
    further_lines=2,
)

PERSONAL_FAMILIES: Final[tuple[Family, ...]] = (_MAIL, _NUMBERS, _IPV4, _ACCOUNTS)
