"""The shapes of secrets, by what stands in or beside them. Sources: the providers' documentation of their tokens."""

from typing import Final

from worker.redaction import validators as check
from worker.redaction.families import Family, family, pattern
from worker.redaction.kinds import Kind

__all__ = ["SECRET_FAMILIES", "SECRET_NAME"]

_KEY_WORD: Final = r"(?:RSA |DSA |EC |OPENSSH |ENCRYPTED |PGP |SSH2 ENCRYPTED |ANY )?PRIVATE KEY(?: BLOCK)?"
_KEY_TEXT: Final = r'(?:[A-Za-z0-9+/=_\-:,.()" \t\r\n>#|]|\\[nrt\\"])'
_CORE: Final = (
    r"(?:pass(?:word|wd|phrase|code|wort)?s?|pwd|secrets?|tokens?|credentials?|"
    r"cookie|apikey|authkey|connection[_.\-]?string|bearer|jwt|otp|"
    r"(?:api|access|account|app|auth|client|db|deploy|encryption|host|license|master|private|secret|service|session|"
    r"shared|signing|ssh|storage|webhook)[_.\- ]?(?:key|pass|pwd)|session[_.\-]?id)"
)
_NAME: Final = rf"(?i:{_CORE}(?:[_.\-][a-z0-9]{{1,20}}){{0,2}})"
"""The end of a secret's name, from the word on that says so."""

SECRET_NAME: Final = rf"(?i:[a-z0-9_.\-]*){_NAME}"
"""The whole of it."""

_SHORT_NAME: Final = r"(?i:_?auth|sid|sig|signature|pin|psk|pw)"
_PAIR: Final = r"""(?:\\{0,7}["'`»”\]]|%22|&quot;)?\s{0,3}(?:=>|=&gt;|==|:=|->|→|[:=]|%3D|%3A)(?:\s{0,2}(?:[|>]|&gt;)?-?(?:\r?\n|\\n)\s{2,12}|\s{0,4})"""
_QUOTED: Final = (
    r"""\[?(?:[bru]?"((?:[^"\\\n]|\\[^\n])+)|\\{1,7}"((?:[^"\\\n]|\\\\\\"|\\[^"\n])+)|[bru]?'([^'\n]+)|`([^`\n]+)|“([^”\n]+)|"""
    r"""«([^»\n]+)|\[([^\]\[\s"']+)\]|%22([^%\n&]+)|&quot;([^&\n]+)|\{([^{}\n"':]*[^{}\n"':\w][^{}\n"':]*)\})"""
)
_BARE: Final = r"""([^\s"'`,;&<>(){}\[\]“”«»]+)"""

_KEY_FILES: Final = family(
    pattern(Kind.PRIVATE_KEY, rf"(-----BEGIN {_KEY_WORD}-----{_KEY_TEXT}*?-----END {_KEY_WORD}-----)"),
    pattern(Kind.PRIVATE_KEY, rf"(-----BEGIN {_KEY_WORD}-----(?:[A-Za-z0-9+/=\r\n\t ]|\\[nr])*)"),
    pattern(
        Kind.PRIVATE_KEY,
        rf"((?:[A-Za-z0-9+/=]{{20,}}(?:[\r\n\t ]|\\[nr])+)*[A-Za-z0-9+/=]*-----END {_KEY_WORD}-----)",
    ),
    pattern(Kind.PRIVATE_KEY, r"(PuTTY-User-Key-File-[23]:[^\x00]*?Private-MAC: [0-9a-f]+)"),
    further_lines=None,
)
_KNOWN_BY_FORM: Final = family(
    pattern(
        Kind.AUTHORIZATION,
        r"(?i)authorization[\"'\\]{0,4}\s{0,3}[:=]?\s{0,3}[\[\"'\\]{0,4}digest\s+"
        r"([^\r\n]*?response=[\\\"']{0,4}[0-9a-f]{16,64})",
    ),
    pattern(
        Kind.AUTHORIZATION,
        r"(?i)authorization[\"'\\]{0,2}\s{0,3}[:=]\s{0,3}[\"'\\]{0,2}"
        r"(?:(?:basic|bearer|digest|token|apikey|negotiate|aws4-hmac-sha256)\s+)([^\"'\\\r\n]+)",
    ),
    pattern(Kind.AUTHORIZATION, r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5)\s+([A-Za-z0-9+/=]{8,})"),
    pattern(Kind.AUTHORIZATION, r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/=._~\-]{12,})", check.is_mixed),
    pattern(
        Kind.AUTHORIZATION,
        r"(?i)\bauthorization[\"'\\]{0,4}\s{0,3}[:= ]\s{0,3}[\[\"'\\]{0,4}(?:[A-Za-z0-9\-]{2,24}\s+)?"
        r"([A-Za-z0-9+/=._~\-]{12,})",
        check.is_mixed,
    ),
    pattern(Kind.JWT, r"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)"),
    pattern(Kind.API_KEY, r"\b((?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{8,16})\b"),
    pattern(
        Kind.API_KEY,
        r"\b(AIza[0-9A-Za-z_\-]{20,35}|ya29\.[0-9A-Za-z_\-.]{20,}|GOCSPX-[0-9A-Za-z_\-]{10,}|"
        r"(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl[a-z]{2,6}-[A-Za-z0-9_\-.]{10,}|"
        r"xox[abeoprs]-[A-Za-z0-9\-]{8,}|xapp-[A-Za-z0-9\-]{8,}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|"
        r"whsec_[A-Za-z0-9+/=]{16,}|sk-(?:proj-|ant-|svcacct-|or-|admin-)?[A-Za-z0-9_\-]{16,})",
    ),
    pattern(Kind.API_KEY, r"(https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_\-]+)"),
    pattern(
        Kind.API_KEY,
        r"\b(hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_\-]{20,}|do[opr]_v1_[a-f0-9]{20,}|"
        r"SG\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}|hv[sbr]\.[A-Za-z0-9_\-]{16,}|key-[0-9a-f]{32}|"
        r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}|sq0(?:atp|csp)-[A-Za-z0-9_\-]{16,}|lin_api_[A-Za-z0-9]{20,}|"
        r"(?:secret|ntn)_[A-Za-z0-9]{40,}|dckr_pat_[A-Za-z0-9_\-]{16,}|NRAK-[A-Z0-9]{16,}|EAAC[A-Za-z0-9]{20,}|"
        r"AC[0-9a-f]{32}|SK[0-9a-f]{32}|\d{8,10}:AA[A-Za-z0-9_\-]{30,})",
    ),
    pattern(
        Kind.SECRET,
        r"(?i)(?:AccountKey|SharedAccessKey|SharedAccessSignature|[?&]sig|X-Amz-Signature|X-Amz-Security-Token|"
        r"Signature)=([A-Za-z0-9+/%=_\-]{16,})",
    ),
    pattern(
        Kind.SECRET,
        r"\b([A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}|[MNO][A-Za-z0-9]{23,25}\.[\w\-]{6}\.[\w\-]{27,})",
    ),
    pattern(Kind.PASSWORD, r"://([A-Za-z0-9_\-]{16,})@", check.is_dense),
    pattern(Kind.PASSWORD, r"(?:://|%3A%2F%2F)[^\s/:@\"'<>]*(?::|%3A)([^\s/@\"'<>]+)(?:@|%40)"),
    pattern(
        Kind.PASSWORD,
        r":(?:thin|oci8?):[^\s/@\"']+/([^\s@\"']+)@|[A-Za-z0-9._%\-]:([^\s@\"'/]+)@(?:tcp|tcp6|unix)\(",
    ),
    pattern(
        Kind.PASSWORD,
        r"\bsshpass\s+-p\s*[\"']?([^\s\"']+)|\becho\s+[\"']?([^\s\"']+)[\"']?\s*\|\s*sudo\s+-S|"
        r"(?:mysql|mysqldump|mariadb)[^\n]{0,80}?\s-p[\"']?([^\s\"']+)|"
        r"\bcurl[^\n]{0,200}?\s(?:-u|--user)\s*[\"']?[^\s:\"']+:([^\s\"']+)|"
        r"\blogin\s[^\n]{0,80}?\s-p[ =]?[\"']?([^\s\"']+)",
    ),
    further_lines=2,
)
_KNOWN_BY_NAME: Final = family(
    pattern(
        Kind.PASSWORD,
        rf"(?i)(?:key|name)[\"'\\]{{0,2}}\s*[:=]\s*[\"'\\]{{0,2}}{SECRET_NAME}[\"'\\]{{0,2}}\s*,?\s*[\"'\\]{{0,2}}value[\"'\\]{{0,2}}"
        r"\s*[:=]\s*(?:[\"'\\]{1,2}([^\"'\n]+)|([^\s\"',}]+))",
        check.is_secret_value,
    ),
    pattern(Kind.PASSWORD, r"(?i)set password for \S+\s*=\s*(?:password\()?['\"]([^'\"\n]+)"),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}\s+(?:for|of)\s+(?:\S+\s+){{0,3}}?\S+?(?:\s*[:=]\s*|\s+(?:is|was)\s*:?\s+)(?:{_QUOTED}|{_BARE})",
        check.is_mixed_secret,
    ),
    pattern(Kind.COOKIE, r"(?i)\b(?:set-)?cookie[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}[\[\"'\\]{0,4}([^\"'\r\n]+)"),
    pattern(Kind.PASSWORD, rf"{_NAME}{_PAIR}{_QUOTED}", check.is_secret_value),
    pattern(Kind.PASSWORD, rf"{_NAME}{_PAIR}{_BARE}", check.is_secret_value),
    pattern(Kind.PASSWORD, rf"<(?:[A-Za-z0-9]+:)?{SECRET_NAME}(?:\s[^>\n]*)?>([^<\n]+)<", check.is_secret_value),
    pattern(Kind.PASSWORD, rf"(?:^|[\s\"'=(])--?{SECRET_NAME}[ =]+(?:{_QUOTED}|{_BARE})", check.is_secret_value),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}(?:\t|\\t|\s\|\s|\s\(|\s(?:'|\")|\s+(?:is\s+|was\s+|has been\s+)?(?:set|changed|reset|updated)\s+to\s+|"
        rf"\s+(?:is|was|to|as|of)\s*:?\s+)(?:{_QUOTED}|{_BARE})",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        r"\b[A-Z][A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRET|TOKEN|KEY|CREDENTIALS?)[ \t]+"
        rf"(?:{_QUOTED}|{_BARE})",
        check.is_mixed_secret,
    ),
    pattern(Kind.PASSWORD, rf"{_NAME}\s+([A-Za-z0-9+/=_.~\-]{{16,}})", check.is_dense),
    pattern(Kind.PASSWORD, r"(?i)\bcredentials?\s+[\"']?[A-Za-z][\w.\-]*[:/]([^\s\"',;]+)", check.is_mixed_secret),
    pattern(
        Kind.PASSWORD,
        r"(?i)\b(?:otp|one[ \-]time (?:code|password|pin)|(?:verification|security|mfa|2fa|sms|login) code|cvv|cvc)"
        r"\W{1,3}(?:is\W{1,2}|code\W{1,2})?(\d{3,8})\b|\bpin\s?[=:]\s?[\"']?(\d{4,8})\b",
    ),
    pattern(Kind.PASSWORD, r"(?i)identified by\s+(?:password\s+)?[\"'`]?([^\s\"'`]+)", check.is_secret_value),
    pattern(Kind.PASSWORD, rf"(?:^|[^A-Za-z0-9_.\-]){_SHORT_NAME}{_PAIR}(?:{_QUOTED}|{_BARE})", check.is_random),
    further_lines=3,
)

SECRET_FAMILIES: Final[tuple[Family, ...]] = (_KEY_FILES, _KNOWN_BY_FORM, _KNOWN_BY_NAME)
