"""The shapes of secrets that are known by the name beside them: in settings, formats, sentences and answers.

Behind an equals sign or a colon any value is believed that is no word of a sentence; in prose only one that looks made up.
"""

from typing import Final

from worker.redaction import secret_checks as check
from worker.redaction.families import Family, family, pattern
from worker.redaction.kinds import Kind

__all__ = ["NAMED_FAMILIES", "NAME_OF_A_SETTING", "SECRET_NAME"]

_CORE: Final = (
    r"(?:pass(?:word|wd|[ \-]?phrase|code|wort)?s?\d?|p[a@4]ssw[o0]rd|pwd|pswd|pword|creds|secrets?|tokens?|credentials?|"
    r"cookie|apikey|authkey|connection[_.\-]?string|bearer|jwt|otp|(?:mfa|totp|2fa)[_.\- ]?(?:seed|code)|[_.\-]psk|"
    r"(?:api|access|account|app|auth|client|db|deploy|encryption|host|license|master|private|secret|service|session|"
    r"shared|signing|ssh|storage|webhook|subscription)[_.\- ]?(?:key|pass|pwd)|"
    r"session[_.\-]?id|(?:bind|root|admin|user|db|key|enable|[_.\-])pw|masterauth|snmp[_.\- ]?community|r[ow]community|"
    r"kennwort|mot[_ ]de[_ ]passe|contrase(?:ñ|n)a|senha|wachtwoord|l(?:ö|o)senord|has(?:ł|l)o|parola|şifre|"
    r"пароль|密码|口令|パスワード|비밀번호)"
)
_NAME: Final = rf"(?i:{_CORE}(?:[_.\-][a-z0-9]+){{0,2}})"
"""The end of a secret's name, from the word on that says so."""

SECRET_NAME: Final = rf"(?i:[a-z0-9_.\-]*){_NAME}"
"""The whole of it."""

NAME_OF_A_SETTING: Final = rf"(?i:[a-z0-9_.\-]*){_CORE}"
"""One in which nothing stands behind that word: a machine of this name is told by nothing from what it is named after."""

_SHORT_NAME: Final = r"(?i:_?auth|sid|sig|signature|pin|psk|pw)"
_SEPARATOR: Final = r"(?:=>|=&gt;|==|\+=|:=|\?=|->|→|[:=]|：|%3D|%3A)"  # noqa: RUF001 - a colon of Chinese text
_PAIR: Final = (
    r"""(?:\\{0,7}["'`»”\]]{1,2}|%22|&quot;|\\u0022)?[ \t]*(?:\([^()\n]+\)[ \t]?)?"""
    rf"""{_SEPARATOR}(?:[ \t]{{0,2}}(?:[|>]|&gt;)?[-+]?(?:\r?\n|\\n)[ \t]{{2,}}|[ \t]*)"""
    r"""(?:\w+\(\d+\)[ \t]|\(\w+\)[ \t]?(?:\(len=\d+\)[ \t])?|!!?\w+[ \t]|&\w+[ \t]|"""
    r"""(?:Some|Just|String|Optional|Secret)[(\[])?"""
)
"""What stands between a name and its value: quotation marks, a separator, and a new line where YAML allows one."""

_QUOTED: Final = (
    r"""\[?(?:"{3}\n?([^"\n]+)|'{3}\n?([^'\n]+)|\\u0022([^\\\n]+)|[bruNE]?"((?:[^"\\\n]|\\[^\n])+)|\\{1,7}"((?:[^"\\\n]|\\\\\\"|\\[^"\n])+)|[bruNE]?'([^'\n]+)|`([^`\n]+)|"""
    r"""“([^”\n]+)|«([^»\n]+)|\[([^\]\[\s"']+)\]|%22([^%\n&]+)|&quot;([^&\n]+)|"""
    r"""\{([^{}\n"':=]{4,})\})"""
)
_BARE: Final = r"""([^\s"'`,;&<>(){}\[\]“”«»]+)"""
_VALUE: Final = rf"(?:{_QUOTED}|{_BARE})"
_WORD: Final = r"[^\s\"',;():=]"
_ARROW: Final = r"[ \t]*(?:->|=>|→|-&gt;)[ \t]*"

_PAIRS: Final = (
    pattern(
        Kind.COOKIE,
        r"(?:TRUE|FALSE)\t[^\t\n]*\t(?:TRUE|FALSE)\t\d+\t\S+\t(\S+)|(?i:<cookie) [\w.\-]+=([^\s>]+)|\bcurl[^\n]*?\s-b\s*[\"']([^\"'\n]+)",
    ),
    pattern(
        Kind.COOKIE, r"(?i)\b(?:set-)?cookies?2?[\"'\\]{0,4}\s{0,3}[:=]\s{0,3}[\[\"'\\]{0,4}([^\"'\s]{3}[^\"'\r\n]*)"
    ),
    pattern(Kind.PASSWORD, rf"{_NAME}{_PAIR}\[(\s?[\"'][^\]\n]+)\]"),
    pattern(Kind.PASSWORD, rf"(?i:passwords|secrets|tokens|api_?keys){_PAIR}\[(\s?[^\]\[\n\"']+,[^\]\[\n]+)\]"),
    pattern(Kind.PASSWORD, rf"{_NAME}{_PAIR}[\"']?\[[A-Z][A-Z_]+(?:_\d+)?\]([^\s\"'`,;&<>(){{}}\[\]]{{3,}})"),
    pattern(Kind.PASSWORD, rf"{_NAME}{_PAIR}{_QUOTED}", check.is_secret_value),
    pattern(Kind.PASSWORD, rf"{_NAME}{_PAIR}{_BARE}", check.is_secret_value),
    pattern(
        Kind.PASSWORD,
        rf"(?i)(?:key|name)[\"'\\]{{0,2}}\s*[:=]\s*[\"'\\]{{0,2}}{SECRET_NAME}[\"'\\]{{0,2}}\s*,?\s*[\"'\\]{{0,2}}value[\"'\\]{{0,2}}"
        r"\s*[:=]\s*(?:[\"'\\]{1,2}([^\"'\n]+)|([^\s\"',}]+))",
        check.is_secret_value,
    ),
    pattern(
        Kind.PASSWORD,
        # Behind a whole sentence that ends in such a word stands the next sentence, as in a list of log lines.
        rf"[\"'][^\s\"'=]*{_NAME}[\"'][ \t]*[, \t][ \t]*[\"']([^\"'\n]+)|"
        rf"{_NAME}[\"'][ \t]*[, \t][ \t]*[\"'](?m:([^\"'\s]+)(?:[\"']|$))",
        check.is_listed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}[\"'][ \t]*,\s*[\"'](?:value|val|data|default|plaintext|raw|text|new|old)[\"'][ \t]*:[ \t]*[\"']([^\"'\n]+)|"
        rf"{_NAME}[\"']?[ \t]*[:=]?[ \t]*\{{\s*[\"']?(?:value|data|default|plaintext|raw|text)[\"']?[ \t]*[:=][ \t]*[\"']([^\"'\n]+)|"
        r"[\"'][A-Z0-9_]*(?-i:PASS(?:WORD|WD|PHRASE)?|PWD|SECRET|TOKEN|KEY|CREDENTIALS?)[A-Z0-9_]*=([^\"'\n]+)[\"']",
        check.is_secret_value,
    ),
    pattern(
        Kind.PASSWORD,
        rf"(?m)(?:^|[\s;]){SECRET_NAME}(?:=|:[ \t])([^\s\"'`,;<>{{}}\[&()\]]*[&()\]][^\s\"'`,;<>{{}}\[()\]]+)",
        check.is_secret_value,
    ),
    pattern(Kind.PASSWORD, rf"(?:^|[\s\"'=(])--?{SECRET_NAME}[ =]+{_VALUE}", check.is_secret_value),
    pattern(Kind.PASSWORD, rf"(?:^|[^A-Za-z0-9_.\-]){_SHORT_NAME}{_PAIR}{_VALUE}", check.is_random),
    pattern(
        Kind.PASSWORD,
        r"(?i)(?:key|psk|seed|sess(?:ion)?(?:id)?)(?:[ _]?\d{1,2})?[\"'\\]{0,3}[ \t]*(?:[:=]|:=|[-=]>)[ \t]{0,4}[\"'\\]{0,3}"
        r"([A-Za-z0-9+/=_.~%\-]{20,})",
        check.is_dense_key,
    ),
)
_FORMATS: Final = (
    pattern(
        Kind.PASSWORD,
        rf"(?:<|&lt;)(?:[A-Za-z0-9]+:)?{SECRET_NAME}(?:\s[^>\n]*)?(?:>|&gt;)\s{{0,20}}(?:<!\[CDATA\[([^\n]*?)\]\]>|((?:[^<&\]\n]|&(?:amp|quot|apos|#\w+);)+))|"
        rf"<name>{SECRET_NAME}</name>\s*<value>([^<\n]+)|"
        rf"<(?:[A-Za-z0-9]+:)?{SECRET_NAME}\s+value=[\"']([^\"'\n]+)|"
        rf"(?i)\b(?:name|key|id)=[\"']{SECRET_NAME}[\"'][^>\n]*>([^<\n]+)<|\btype=[\"']password[\"'][^>\n]*?value=[\"']([^\"'\n]+)",
        check.is_secret_value,
    ),
    pattern(
        Kind.PASSWORD,
        r"(?i)identified by\s+(?:password\s+)?(?:'([^'\n]+)'|\"([^\"\n]+)\"|`?([^\s\"'`]+))",
        check.is_secret_value,
    ),
    pattern(Kind.PASSWORD, r"(?i)set password for \S+\s*=\s*(?:password\()?['\"]([^'\"\n]+)"),
    pattern(
        Kind.PASSWORD,
        rf"(?m)^[ \t]*(?i:password|passwd|secret)[ \t]+{_VALUE};?$|"
        r"(?i:password|secret|key)[ \t]+\d{1,2}[ \t]+([^\s\"']{6,})",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        r"(?i)\b(?:requirepass|masterauth|bindpw|rootpw|r[ow]community|auth_pass|enable secret(?: \d{1,2})?|stats auth [\w.\-]+:)"
        r"[ \t]*[\"']?([^\s\"';]+)",
        check.is_secret_value,
    ),
)
_PROSE: Final = (
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}(?:\t|\\t|\||[ \t](?:\||-|–|—)[ \t]|[ \t]\(|"  # noqa: RUF001 - dashes of prose
        rf"[ \t]+(?:is[ \t]+|was[ \t]+|has been[ \t]+)?(?:set|changed|reset|updated|rotated)[ \t]+(?:to|from)[ \t]+|"
        rf"[ \t]+(?:is|was|to|as|of|from)[ \t]*:?[ \t]+){_VALUE}",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}[ \t]+(?:for|of)[ \t]+(?:\S+[ \t]+){{0,3}}?\S+?(?:[ \t]*[:=][ \t]*|[ \t]+(?:is|was)[ \t]*:?[ \t]+){_VALUE}",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}(?:{_PAIR}|[ \t]+)(?:\S+[ \t]+){{0,3}}?\S+?(?:{_ARROW}|[ \t]+to[ \t]+){_VALUE}",
        check.is_mixed_secret,
    ),
    pattern(Kind.PASSWORD, rf"{_NAME}[ \t]{_QUOTED}", check.is_mixed_secret),
    pattern(Kind.PASSWORD, rf"{_NAME}[ \t]+([A-Za-z0-9+/=_.~\-]{{16,}})", check.is_dense),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}[^\n]*?\b(?:expected|got|actual|received|wanted)[ \t:=]+[\"']?([A-Za-z0-9+/=_\-]{{16,}})",
        check.is_dense,
    ),
    pattern(
        Kind.PASSWORD,
        rf"{_NAME}[^\n]*?\bexpected[ \t:=]+\S+[ \t]+(?:but[ \t]+)?(?:got|actual|received|was)[ \t:=]+[\"']?([A-Za-z0-9+/=_\-]{{16,}})",
        check.is_dense,
    ),
    pattern(Kind.PASSWORD, rf"{_NAME}[ \t]+[\"'(]?({_WORD}*\d{_WORD}*\d{_WORD}*)", check.is_made_up),
    pattern(
        Kind.PASSWORD,
        # Behind the bare word a path is what a command of this name was given, and small letters with dots a host.
        rf"(?:^|[^A-Za-z0-9_.\-])(?i:pw)[ \t]+(?:(?:is|was|to)[ \t]*:?[ \t]+{_VALUE}|{_QUOTED}|"
        r"\(?([^\s\"'`,;:<>()\[\]{}=/.\-][^\s\"'`,;<>().]+)\.?(?:[\s\"'`,;<>()]|$)|"
        r"\(?((?:[^\s\"'`,;:<>()\[\]{}=/.\-][^\s\"'`,;<>()]*)?[A-Z!#$%^&*+~?@][^\s\"'`,;<>()]*))",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        r"(?i)(?:password|passwd|passphrase)[ \t]+(?:(?:is|was|to)[ \t]+)?'([^'\n]+)'|"
        r"\binsert into [^\n]*?(?:passw|secret|token)[^\n]*?\bvalues\s*\(([^)\n]+)\)",
        check.is_secret_value,
    ),
    pattern(
        Kind.PASSWORD,
        rf"(?i:temporary|initial|generated|default|new|root|admin)[^\n:]*?{_NAME}[^\n:]*:[ \t]+{_BARE}|"
        rf"{_NAME}[^\n:]*:\s{{2,8}}([0-9A-Za-z]{{24,}})",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        r"(?i)\bcredentials?[ \t]+[\"']?[A-Za-z][\w.\-]*[:/]([^\s\"',;]+)|"
        r"\b[A-Z][A-Z0-9_]*(?-i:PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|SECRET|TOKEN|KEY|CREDENTIALS?)[ \t]+"
        r"[\"']?([^\s\"',;]+)",
        check.is_mixed_secret,
    ),
    pattern(
        Kind.PASSWORD,
        r"(?i)\b(?:otp|one[ \-]time (?:code|password|pin)|(?:verification|security|mfa|2fa|sms|login) code|cvv|cvc)"
        r"\W{1,3}(?:is\W{1,2}|code\W{1,2})?(\d{3,8})\b|\bpin\s?[=:]\s?[\"']?(\d{4,8})\b",
    ),
)

NAMED_FAMILIES: Final[tuple[Family, ...]] = (
    family(*_PAIRS, further_lines=3),
    family(*_FORMATS, *_PROSE, further_lines=3),
)
