"""The patterns, by kind: each an RE2 pattern on UTF-8 bytes whose group 1 is the value, and a check of what it found.

RE2 reads in linear time whatever a text holds; it has no look-around, so a pattern names what stands beside the value.
Sources of the token formats: the providers' documentation, and the rule ideas of secret scanners.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import re2

from worker.redaction import validators as check
from worker.redaction.kinds import Kind

__all__ = ["PATTERNS", "SECRET_NAME", "Pattern", "quiet_options"]

_MEMORY_BYTES: Final = 64 * 1024 * 1024

Check = Callable[[str, str, str], bool]
"""Whether a value is believed, given up to 24 characters before and after it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One shape. Where two shapes overlap, the earlier in `PATTERNS` wins."""

    kind: Kind
    compiled: Any
    is_believed: Check


def quiet_options() -> Any:  # noqa: ANN401
    """Return options with room for large patterns; out of it RE2 goes on more slowly, and need not say so."""
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    return options


def _pattern(kind: Kind, pattern: str, is_believed: Check = check.always) -> Pattern:
    return Pattern(kind, re2.compile(pattern.encode(), quiet_options()), is_believed)


_KEY_WORD: Final = r"(?:RSA |DSA |EC |OPENSSH |ENCRYPTED |PGP |SSH2 ENCRYPTED |ANY )?PRIVATE KEY(?: BLOCK)?"
_KEY_TEXT: Final = r'(?:[A-Za-z0-9+/=_\-:,.()" \t\r\n>#|]|\\[nrt\\"])'
SECRET_NAME: Final = (
    r"(?i:[a-z0-9_.\-]{0,60}(?:pass(?:word|wd|phrase|code|wort)?s?|pwd|secrets?|tokens?|credentials?|"
    r"cookie|apikey|authkey|connection[_.\-]?string|bearer|jwt|otp|"
    r"(?:api|access|account|app|auth|client|db|deploy|encryption|host|license|master|private|secret|service|session|"
    r"shared|signing|ssh|storage|webhook)[_.\- ]?(?:key|pass|pwd)|session[_.\-]?id)(?:[_.\-][a-z0-9]{1,20}){0,2})"
)
_SHORT_NAME: Final = r"(?i:_?auth|sid|sig|signature|pin|psk|pw)"
_PAIR: Final = r"""(?:\\{0,7}["'`»”\]]|%22|&quot;)?\s{0,3}(?:=>|=&gt;|==|:=|->|→|[:=]|%3D|%3A)(?:\s{0,2}(?:[|>]|&gt;)?-?(?:\r?\n|\\n)\s{2,12}|\s{0,4})"""
_QUOTED: Final = (
    r"""\[?(?:u?"((?:[^"\\\n]|\\[^\n])+)|\\{1,7}"((?:[^"\\\n]|\\\\\\"|\\[^"\n])+)|u?'([^'\n]+)|`([^`\n]+)|“([^”\n]+)|"""
    r"""«([^»\n]+)|\[([^\]\[\s"']+)\]|%22([^%\n&]+)|&quot;([^&\n]+))"""
)
_BARE: Final = r"""([^\s"'`,;&<>(){}\[\]“”]+)"""

PATTERNS: Final = (
    _pattern(
        Kind.PRIVATE_KEY,
        rf"(-----BEGIN {_KEY_WORD}-----{_KEY_TEXT}*?-----END {_KEY_WORD}-----)",
    ),
    _pattern(Kind.PRIVATE_KEY, rf"(-----BEGIN {_KEY_WORD}-----(?:[A-Za-z0-9+/=\r\n\t ]|\\[nr])*)"),
    _pattern(
        Kind.PRIVATE_KEY, rf"((?:[A-Za-z0-9+/=]{{20,}}(?:[\r\n\t ]|\\[nr])+)*[A-Za-z0-9+/=]*-----END {_KEY_WORD}-----)"
    ),
    _pattern(Kind.PRIVATE_KEY, r"(PuTTY-User-Key-File-[23]:[^\x00]*?Private-MAC: [0-9a-f]+)"),
    _pattern(Kind.JWT, r"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)"),
    _pattern(
        Kind.AUTHORIZATION,
        r"(?i)authorization[\"'\\]{0,4}\s{0,3}[:=]?\s{0,3}[\[\"'\\]{0,4}digest\s+([^\r\n]{4,400}?response=[\\\"']{0,4}[0-9a-f]{16,64})",
    ),
    _pattern(
        Kind.AUTHORIZATION,
        r"(?i)authorization[\"'\\]{0,2}\s{0,3}[:=]\s{0,3}[\"'\\]{0,2}(?:(?:basic|bearer|digest|token|apikey|negotiate|aws4-hmac-sha256)\s+)([^\"'\\\r\n]+)",
    ),
    _pattern(Kind.AUTHORIZATION, r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/=._~\-]{12,})", check.is_mixed),
    _pattern(
        Kind.AUTHORIZATION,
        r"(?i)\bauthorization[\"'\\]{0,4}\s{0,3}[:= ]\s{0,3}[\[\"'\\]{0,4}(?:[A-Za-z0-9\-]{2,24}\s+)?([A-Za-z0-9+/=._~\-]{12,})",
        check.is_mixed,
    ),
    _pattern(
        Kind.PASSWORD, rf"(?i)(?:key|name)=[\"']{SECRET_NAME}[\"']\s+value=[\"']([^\"'\n]+)", check.is_secret_value
    ),
    _pattern(Kind.PASSWORD, r"://([A-Za-z0-9_\-]{16,})@"),
    _pattern(Kind.PASSWORD, r"(?i)set password for \S{1,80}\s*=\s*(?:password\()?['\"]([^'\"\n]+)"),
    _pattern(
        Kind.PASSWORD,
        rf"(?:^|[^A-Za-z0-9]){SECRET_NAME}\s+(?:for|of)\s+\S{{1,64}}(?:\s*[:=]\s*|\s+is\s+)(?:{_QUOTED}|{_BARE})",
        check.is_mixed_secret,
    ),
    _pattern(Kind.COOKIE, r"(?i)\b(?:set-)?cookie[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}[\[\"'\\]{0,4}([^\"'\r\n]+)"),
    _pattern(
        Kind.PASSWORD,
        r"(?:://|%3A%2F%2F)[^\s/:@\"'<>]{0,128}(?::|%3A)([^\s/@\"'<>]{1,256})(?:@|%40)",
    ),
    _pattern(Kind.API_KEY, r"\b((?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{8,16})\b"),
    _pattern(Kind.API_KEY, r"\b(AIza[0-9A-Za-z_\-]{20,35}|ya29\.[0-9A-Za-z_\-.]{20,}|GOCSPX-[0-9A-Za-z_\-]{10,})"),
    _pattern(
        Kind.API_KEY,
        r"\b((?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl[a-z]{2,6}-[A-Za-z0-9_\-.]{10,})",
    ),
    _pattern(
        Kind.API_KEY,
        r"\b(xox[abeoprs]-[A-Za-z0-9\-]{8,}|xapp-[A-Za-z0-9\-]{8,})|(https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_\-]+)",
    ),
    _pattern(
        Kind.API_KEY,
        r"\b((?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}|sk-(?:proj-|ant-|svcacct-|or-|admin-)?[A-Za-z0-9_\-]{16,})",
    ),
    _pattern(
        Kind.API_KEY,
        r"\b(hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_\-]{20,}|do[opr]_v1_[a-f0-9]{20,}|SG\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}|hv[sbr]\.[A-Za-z0-9_\-]{16,}|key-[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}|sq0(?:atp|csp)-[A-Za-z0-9_\-]{16,}|lin_api_[A-Za-z0-9]{20,}|(?:secret|ntn)_[A-Za-z0-9]{40,}|dckr_pat_[A-Za-z0-9_\-]{16,}|NRAK-[A-Z0-9]{16,}|EAAC[A-Za-z0-9]{20,}|AC[0-9a-f]{32}|SK[0-9a-f]{32}|\d{8,10}:AA[A-Za-z0-9_\-]{30,})",
    ),
    _pattern(
        Kind.SECRET,
        r"(?i)(?:AccountKey|SharedAccessKey|SharedAccessSignature|[?&]sig|X-Amz-Signature|X-Amz-Security-Token|Signature)=([A-Za-z0-9+/%=_\-]{16,})",
    ),
    _pattern(Kind.SECRET, r"\b([A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34})"),
    _pattern(Kind.PASSWORD, rf"(?:^|[^A-Za-z0-9]){SECRET_NAME}{_PAIR}{_QUOTED}", check.is_secret_value),
    _pattern(Kind.PASSWORD, rf"(?:^|[^A-Za-z0-9]){SECRET_NAME}{_PAIR}{_BARE}", check.is_secret_value),
    _pattern(Kind.PASSWORD, rf"(?:^|[^A-Za-z0-9_.\-]){_SHORT_NAME}{_PAIR}(?:{_QUOTED}|{_BARE})", check.is_random),
    _pattern(
        Kind.PASSWORD, rf"<(?:[A-Za-z0-9]+:)?{SECRET_NAME}(?:\s[^>\n]{{0,80}})?>([^<\n]+)<", check.is_secret_value
    ),
    _pattern(Kind.PASSWORD, rf"(?:^|[\s\"'=(])--?{SECRET_NAME}[ =]+(?:{_QUOTED}|{_BARE})", check.is_secret_value),
    _pattern(
        Kind.PASSWORD,
        rf"(?:^|[^A-Za-z0-9]){SECRET_NAME}(?:\t|\\t|\s\|\s|\s\(|\s(?:'|\")|\s+(?:is\s+|was\s+|has been\s+)?(?:set|changed|reset|updated)\s+to\s+|\s+(?:is|was|to|as|of)\s+)(?:{_QUOTED}|{_BARE})",
        check.is_mixed_secret,
    ),
    _pattern(Kind.PASSWORD, r"(?i)identified by\s+(?:password\s+)?[\"'`]?([^\s\"'`]+)", check.is_secret_value),
    _pattern(
        Kind.PASSWORD,
        r"\bsshpass\s+-p\s*[\"']?([^\s\"']+)|\becho\s+[\"']?([^\s\"']+)[\"']?\s*\|\s*sudo\s+-S|(?:mysql|mysqldump|mariadb)[^\n]{0,80}?\s-p[\"']?([^\s\"']+)|\bcurl[^\n]{0,200}?\s(?:-u|--user)\s*[\"']?[^\s:\"']+:([^\s\"']+)",
    ),
    _pattern(
        Kind.PASSWORD,
        r":(?:thin|oci8?):[^\s/@\"']{1,128}/([^\s@\"']{1,128})@|[A-Za-z0-9._%\-]{1,128}:([^\s@\"'/]{1,128})@(?:tcp|tcp6|unix)\(",
    ),
    _pattern(
        Kind.EMAIL_ADDRESS,
        r"([A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}(?:@|%40)(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62})\.)+[A-Za-z]{2,24})\b",
        check.is_mail,
    ),
    _pattern(Kind.IBAN, r"\b([A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{4}){2,7}(?:[ \-]?[A-Z0-9]{1,4})?)\b", check.is_iban),
    _pattern(Kind.CARD_NUMBER, r"(?:^|[^\d.\-])((?:\d[ \-]?){12,18}\d)(?:[^\d]|$)", check.is_card),
    _pattern(
        Kind.MAC_ADDRESS,
        r"(?:^|[^0-9A-Fa-f:\-])((?:[0-9A-Fa-f]{2}:){5,19}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?:[^0-9A-Fa-f:\-.]|[.:]?\s|[.:]?$)",
    ),
    _pattern(
        Kind.IP_ADDRESS,
        r"((?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){7}|(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::(?:[0-9A-Fa-f]{1,4}:){0,6}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?)(?:%[A-Za-z0-9]+)?)",
        check.is_ipv6,
    ),
    _pattern(Kind.IP_ADDRESS, r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", check.is_ipv4),
    _pattern(
        Kind.PHONE_NUMBER,
        r"(?:^|[^\w+])(00\d{1,3}[ .\-/]\(?\d{1,4}\)?(?:[ .\-/]?\d{2,8}){1,4}|\+\d{1,3}[ .\-/]?(?:\(0\)|\(\d{1,4}\))?(?:[ .\-/]?\d{1,4}){2,6})",
        check.is_phone,
    ),
    _pattern(
        Kind.PHONE_NUMBER,
        r"(?:^|[\s(\"'=:,])(\(\d{3}\) ?\d{3}[\-. ]\d{4}|\d{3}-\d{3}-\d{4}|0\d{2,4}[ /\-]\d{3,4}[ \-]?\d{2,4}(?:[ \-]?\d{2,4})?)(?:[\s)\"'\\,.;]|$)",
        check.is_phone,
    ),
    _pattern(
        Kind.USER,
        r"(?i)(?:\buser(?:name|id)?|\blogin|\busr|\baccount|\bruser|\blogname|\bprincipal|\bauthenticated as|\blogged in as|\bfor user|\bfor invalid user|\binvalid user|\bsession opened for user|\bsession closed for user|\bauthorized user)[\"'\\]{0,5}(?:\s{0,2}:\s{0,2}|=|\s=\s|\s+)[\"'\\]{0,5}([A-Za-z][A-Za-z0-9._\-]{1,31}\$?)",
        check.is_user,
    ),
    _pattern(
        Kind.USER,
        r"(?i)(?:password|publickey|keyboard-interactive/pam|gssapi-with-mic) for (?:invalid user )?([A-Za-z][A-Za-z0-9._\-]{1,31}) from",
        check.is_user,
    ),
    _pattern(
        Kind.USER, r"(?:/home/|/Users/|[A-Za-z]:\\{1,2}Users\\{1,2})([A-Za-z][A-Za-z0-9._\-]{1,31})", check.is_user
    ),
    _pattern(Kind.USER, r"\b(?:uid|gid|euid)=\d+\(([A-Za-z][A-Za-z0-9._\-]{1,31})\)", check.is_user),
    _pattern(
        Kind.USER,
        r"(?i)\b(?:uid|cn|sAMAccountName)=([A-Za-z][A-Za-z0-9._ \-]{1,40}?)(?:,\s?(?:ou|dc|o|cn)=|\))",
        check.is_user,
    ),
    _pattern(Kind.USER, r"\b[A-Z][A-Z0-9]{1,14}\\{1,2}([a-z][a-z0-9._\-]{1,31})\b", check.is_user),
    _pattern(
        Kind.USER,
        r"(?i)(?:account name|user\s?name|[a-z]{2,12}user(?:name)?)[\"'\\]{0,2}(?:\s{0,3}:\s{1,8}|=)[\"'\\]{0,2}([A-Za-z][A-Za-z0-9._\-]{1,31}\$?)",
        check.is_user,
    ),
    _pattern(Kind.USER, r"\"user\":\s?\{\s?\"(?:name|id|login)\":\s?\"([^\"\n]{2,64})\"", check.is_user),
    _pattern(Kind.USER, r"(?m)^\S+ \S+ ([A-Za-z][A-Za-z0-9._\-]{1,31}) \[\d{2}/[A-Z][a-z]{2}/\d{4}", check.is_user),
    _pattern(
        Kind.USER,
        r"(?:CRON|crond?)\[\d+\]: \(([A-Za-z][A-Za-z0-9._\-]{1,31})\)|\bby ([A-Za-z][A-Za-z0-9._\-]{1,31})\(uid=\d+\)|new (?:user|group): name=([A-Za-z][A-Za-z0-9._\-]{1,31})|sudo:\s+([A-Za-z][A-Za-z0-9._\-]{1,31}) : ",
        check.is_user,
    ),
    _pattern(
        Kind.USER,
        r"(?i)\b(?:role|owner|created by|requested by|triggered by|assignee|actor)[\"'\\]{0,5}(?:\s{0,2}[:=]\s{0,2}|\s)[\"'\\]{1,5}([A-Za-z][A-Za-z0-9._\-]{1,31})[\"'\\]|\b(?:User|Principal)[\{\[(][^}\n]{0,60}name='?([^'\n\])}]{2,64})|\bLIST \(([A-Za-z][A-Za-z0-9._\-]{1,31})\)|crontab\[\d+\]: \(([A-Za-z][A-Za-z0-9._\-]{1,31})\)|\bowner: ([A-Za-z][A-Za-z0-9._\-]{1,31})",
        check.is_user,
    ),
)
