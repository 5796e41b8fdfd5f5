"""The shapes of secrets that are known by their own form, or by the header, address or command that they stand in.

Sources: the providers' documentation of their tokens, RFC 7468 for key files, RFC 9110 for headers, RFC 7517 for JWK.
"""

from typing import Final

from worker.redaction import secret_checks as check
from worker.redaction.families import Family, family, pattern
from worker.redaction.kinds import Kind

__all__ = ["TOKEN_FAMILIES"]

_KEY_WORD: Final = r"(?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?"
_BASE64_LINE: Final = r"[A-Za-z0-9+/=]{20,}"
_LINE_END: Final = r"(?:[\r\n\t ]|\\[nr])+"
_EDGE: Final = r"(?:^|[^A-Za-z0-9])"
"""Before a token, where `\\b` would take an underscore for a part of it."""

_KEY_FILES: Final = family(
    pattern(
        Kind.PRIVATE_KEY,
        rf"(-{{4,5}} ?BEGIN {_KEY_WORD} ?-{{4,5}}[^\x00]*?-{{4,5}} ?END {_KEY_WORD} ?-{{4,5}})",
        check.is_key_file,
    ),
    pattern(
        Kind.PRIVATE_KEY,
        rf"(-{{4,5}} ?BEGIN {_KEY_WORD} ?-{{4,5}}(?:[A-Za-z0-9+/=\r\n\t ]|\\[nr])*"
        rf"(?:\n[^\n]*?[A-Za-z0-9+/]{{40,}}={{0,2}}[\\n\"', \t]*)*)",
    ),
    pattern(
        Kind.PRIVATE_KEY,
        rf"((?:{_BASE64_LINE}{_LINE_END}(?:[^\n]{{0,80}}?[ \]])?)*[A-Za-z0-9+/=]*-{{4,5}} ?END {_KEY_WORD} ?-{{4,5}})",
    ),
    pattern(Kind.PRIVATE_KEY, r"(PuTTY-User-Key-File-[23]:[^\x00]*?Private-MAC: [0-9a-f]+)"),
    further_lines=None,
)
_HEADERS: Final = (
    pattern(
        Kind.AUTHORIZATION,
        r"(?i)authorization[\"'\\]{0,4}\s{0,3}[:=]?\s{0,3}[\[\"'\\]{0,4}digest\s+"
        r"([^\r\n]*?response=[\\\"']{0,4}[0-9a-f]{16,64})",
    ),
    pattern(
        Kind.AUTHORIZATION,
        r"(?i)authorization[\"'\\]{0,2}\s{0,3}[:=]\s{0,3}[\"'\\]{0,2}"
        r"(?:(?:basic|bearer|digest|token|apikey|negotiate|ntlm|hawk|aws4-hmac-sha256)\s+)([^\"'\\\r\n]+)",
    ),
    pattern(Kind.AUTHORIZATION, r"\bAUTH (?:PLAIN|LOGIN|XOAUTH2|CRAM-MD5)\s+([A-Za-z0-9+/=]{8,})"),
    pattern(Kind.AUTHORIZATION, r"\b334 (?:VXNlcm5hbWU6|UGFzc3dvcmQ6)\s+(?:[^\n]{0,60}?\s)?([A-Za-z0-9+/]{4,}={0,2})"),
    pattern(Kind.AUTHORIZATION, r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/=._~\-]{12,})", check.is_mixed),
    pattern(
        Kind.AUTHORIZATION,
        r"(?i)\bauthorization[\"'\\]{0,4}\s{0,3}[:= ]\s{0,3}[\[\"'\\]{0,4}(?:[A-Za-z0-9\-]{2,24}\s+)?"
        r"([A-Za-z0-9+/=._~:@\-]{12,})",
        check.is_mixed,
    ),
)
_TOKENS: Final = (
    pattern(Kind.JWT, rf"{_EDGE}(eyJ[A-Za-z0-9_-]{{8,}}(?:\.|%2E)[A-Za-z0-9_-]*(?:(?:\.|%2E)[A-Za-z0-9_-]*){{1,3}})"),
    pattern(Kind.JWT, rf"{_EDGE}(eyJ[A-Za-z0-9_-]{{8,}}(?:\.|%2E)eyJ[A-Za-z0-9_-]{{8,}})"),  # cut before its signature
    pattern(
        Kind.API_KEY,
        rf"{_EDGE}((?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{{8,16}})(?:[^A-Za-z0-9]|$)",
    ),
    pattern(Kind.SECRET, r"A[KS]IA[A-Z0-9]{12,16}[\"']?[/:,;|\s]{1,3}[\"']?([A-Za-z0-9/+]{36,44})"),
    pattern(
        Kind.API_KEY,
        rf"{_EDGE}(AIza[0-9A-Za-z_\-]{{20,35}}|ya29\.[0-9A-Za-z_\-.]{{20,}}|GOCSPX-[0-9A-Za-z_\-]{{10,}}|"
        r"(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl[a-z]{2,6}-[A-Za-z0-9_\-.]{10,}|"
        r"xox[abeoprs]-[A-Za-z0-9\-]{8,}|xapp-[A-Za-z0-9\-]{8,}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|"
        r"whsec_[A-Za-z0-9+/=]{16,}|sk-(?:proj-|ant-|svcacct-|or-|admin-|lf-)?[A-Za-z0-9_\-]{16,})",
    ),
    pattern(
        Kind.API_KEY,
        r"(https:\\?/\\?/hooks\.slack\.com\\?/[^\s\"'<>]{16,})|webhook\.office\.com/webhookb2/[^\s\"'<>]*?IncomingWebhook/([^\s\"'<>]+)|discord(?:app)?\.com/api/webhooks/\d+/([\w\-]+)|"
        r"/hooks\\?/([a-z0-9]{26})(?:[^A-Za-z0-9_\-]|$)|"  # Mattermost's, on any host
        r"\bbot(\d{8,10}:[A-Za-z0-9_\-]{30,})|\b(AAAA[A-Za-z0-9_\-]{7}:APA91[A-Za-z0-9_\-]{20,})|[?&]code=([A-Za-z0-9._\-]{16,})",
    ),
    pattern(
        Kind.API_KEY,
        rf"{_EDGE}(hf_[A-Za-z0-9]{{20,}}|npm_[A-Za-z0-9]{{20,}}|pypi-[A-Za-z0-9_\-]{{20,}}|do[opr]_v1_[a-f0-9]{{20,}}|"
        r"SG\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}|hv[sbr]\.[A-Za-z0-9_\-]{16,}|key-[0-9a-f]{32}|"
        r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}|sq0(?:atp|csp|idp)-[A-Za-z0-9_\-]{16,}|lin_(?:api|oauth)_[A-Za-z0-9]{20,}|"
        r"(?:secret|ntn)_[A-Za-z0-9]{40,}|dckr_pat_[A-Za-z0-9_\-]{16,}|NR(?:AK|II|JS)-[A-Za-z0-9\-]{16,}|"
        r"EAA[A-Z][A-Za-z0-9]{20,}|AC[0-9a-f]{32}|SK[0-9a-f]{32}|\d{8,10}:AA[A-Za-z0-9_\-]{30,})",
    ),
    pattern(
        Kind.API_KEY,
        rf"{_EDGE}(AGE-SECRET-KEY-1[0-9A-Z]{{30,}}|(?:gsk|r8|figd|glsa|glc|sntrys|sntryu|ph[cx]|rdme|rubygems|pscale_\w{{2,6}}|"
        r"lsv2_pt|ops|tfp|sgp|ddp|pat|phk|fo1|CCIPAT|uv|akp|nfp|vercel|shippo_(?:live|test)|duffel_(?:live|test))_[A-Za-z0-9_\-=.]{20,}|"
        r"(?:xai|nvapi|pplx|tskey|PMAK|pul|ATATT3|ATCTT3|dt0[a-z]\d{2}|xkeysib|dp\.pt|fio-u|FLWSECK|BBDC|AKCp8|oy2|cio)"
        r"[.\-_A-Za-z0-9][A-Za-z0-9_\-=.]{24,}|dapi[0-9a-f]{32}|pat[A-Za-z0-9]{14}\.[0-9a-f]{20,}|"
        r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{20,})",
        check.is_dense,
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
    pattern(
        Kind.SECRET,
        r"((?:\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|argon2\w*|pbkdf2[\w\-]*|scrypt)\$|\{(?:SSHA\d*|SHA\d*|SMD5|CRYPT)\})[^\s:\"',]{8,})",
    ),
    pattern(Kind.PRIVATE_KEY, r"[\"'](?:d|p|q|dp|dq|qi|k)\\?[\"']\s?:\s?\\?[\"']([A-Za-z0-9_\-]{32,})", check.is_dense),
)
_CONNECTIONS: Final = (
    pattern(Kind.PASSWORD, r"(?:https?|git|ssh|s?ftp)://([A-Za-z0-9_\-]{16,})@", check.is_dense),
    pattern(
        Kind.PASSWORD,
        r"(?i)\b(?:postgres|mysql|mariadb|mongodb|redis|amqp|mssql|oracle|clickhouse|cockroach|ldap|smtp|s?ftp)[\w+]*://"
        r"[^\s/:@\"']*:([^\s\"'<>]+)@|\[[\w.\-]+\]:\d{2,5}[ \t]+[^\s:]+:(\S+)",
    ),
    pattern(Kind.PASSWORD, r"[\w.\-*]+:\d{3,5}:[\w*\-]*[g-zG-Z*][\w*\-]*:[\w\-]+:([^\s:]+)", check.is_mixed_secret),
    pattern(Kind.PASSWORD, r"(?:://|%3A%2F%2F)[^\s/:@\"'<>]*?(?::|%3A)([^\s/\"'<>]+)(?:@|%40)"),
    pattern(
        Kind.PASSWORD,
        r":(?:thin|oci8?):[^\s/@\"']+/([^\s@\"']+)@|[A-Za-z0-9._%\-]:([^\s@\"'/]+)@(?:tcp|tcp6|unix)\(|"
        r"\b(?:sqlplus|expdp|impdp|sqlldr|rman|exp|imp)\s[^\n]{0,60}?[\w.]+/([^\s@\"']+)@",
    ),
)
_COMMANDS: Final = (
    pattern(
        Kind.PASSWORD,
        r"\bsshpass\s+-p\s*(?:\"([^\"\n]+)\"|'([^'\n]+)'|(\S+))|\becho\s+[\"']?([^\s\"']+)[\"']?\s*\|\s*sudo\s+-S|"
        r"\becho\s+(?:-n\s+)?[\"']?[\w.\-]+:([^\s\"']+)[\"']?\s*\|\s*(?:sudo\s+)?chpasswd|"
        r"(?:mysql|mysqldump|mariadb)[^\n]{0,80}?\s-p[\"']?([^\s\"']+)|"
        r"(?:\bcurl[^\n]{0,200}?\s-u|\s--user[ =])\s*(?:\"[^\s:\"]+:([^\"\n]+)|'[^\s:']+:([^'\n]+)|[^\s:\"']+:([^\s\"']+))|"
        r"\blogin\s[^\n]{0,80}?\s-p[ =]?[\"']?([^\s\"']+)|"
        r"\becho\s+(?:-n\s+)?[\"']?([^\s\"']+)[\"']?\s*\|[^\n|]*--password-stdin|\bSETUSER\s[^\n]*?\s>(\S+)|"
        r"\[[\w.\-]+/([^\]\n]+)\] \(from client|\bcommunity[ \t]+[\"']?(\S+)[ \t]+(?i:ro|rw|view)\b|"
        r"\b(?:redis|valkey|keydb)-cli(?:\s[^\n]*?)?\s-a\s+(?:\"([^\"\n]+)\"|'([^'\n]+)'|([^\s\"']+))|"
        r"\bREDISCLI_AUTH=[\"']?([^\s\"']+)|\bldap\w+(?:\s[^\n]*?)?\s-w\s+[\"']?([^\s\"']+)|"
        r"/user:\S+\s+([^\s/]+)|\brabbitmqctl\s+(?:add_user|change_password)\s+\S+\s+[\"']?([^\s\"']+)|"
        r"\bConvertTo-SecureString\s+(?:-String\s+)?[\"']([^\"'\n]+)|\bpass:([^\s\"']+)|"
        r"\bhtpasswd\s+-\w*b\w*\s+\S+\s+\S+\s+(\S+)|"
        r"\bsnmp\w+\s[^\n]*?\s-[AXac]\s+[\"']?([^\s\"']+)",
    ),
    pattern(Kind.PASSWORD, r"\s-A\s+\S+\s+-X\s+[\"']?([^\s\"']+)"),
    pattern(Kind.PASSWORD, r"(?i)\"auth\"(?:\s+\"[^\"\n]*\")?\s+\"([^\"\n]+)\"|(?:-+>|>>>?|C:|\])\s*PASS\s+(\S+)"),
    pattern(Kind.PASSWORD, r"(?:^|[\s>])[A-Za-z]{0,2}\d{1,4} LOGIN \S+ (\S+)"),
    pattern(
        Kind.PASSWORD, r"(?i)\b(?:machine\s+\S+\s+)?login\s+\S+\s+password\s+(\S+)|\bmachine\s+\S+\s+password\s+(\S+)"
    ),
)

TOKEN_FAMILIES: Final[tuple[Family, ...]] = (
    _KEY_FILES,
    family(*_HEADERS, *_TOKENS, *_CONNECTIONS, *_COMMANDS, further_lines=3),
)
