"""Headers and key files: what stands after `Authorization` and `Cookie`, and private keys of many lines."""

import base64
import json
from collections.abc import Mapping
from random import Random
from typing import Final

from tests.redaction.corpus.keys import jwt, opaque, password
from tests.redaction.corpus.plain_shapes import Shape
from tests.redaction.corpus.planted import Fragment, Value
from tests.redaction.corpus.values import digits, letters, user_name
from worker.redaction import Kind

__all__ = ["AUTHORIZATIONS", "COOKIE_SHAPES", "HEADER_SHAPES", "KEY_FILE_SHAPES", "cookie"]


def _value(family: str, text: str, secret: str) -> Value:
    return Value(family, Kind.AUTHORIZATION, text, secret=secret)


def _basic(chance: Random) -> Value:
    secret = password(chance)
    blob = base64.b64encode(f"{user_name(chance)}:{secret}".encode()).decode()
    return Value("authorization basic", Kind.AUTHORIZATION, f"Basic {blob}", secret=blob, pieces=(secret,))


def _bearer(chance: Random) -> Value:
    secret = chance.choice((opaque, lambda chance: jwt(chance).text))(chance)
    return _value("authorization bearer", f"{chance.choice(('Bearer', 'Bearer', 'bearer', 'BEARER'))} {secret}", secret)


def _other(chance: Random) -> Value:
    secret = opaque(chance)
    text = chance.choice(
        (
            f"Token {secret}",
            f'Token token="{secret}"',
            f"ApiKey {secret}",
            f"SSWS {secret}",
            f"Negotiate {secret}",
            f"GenieKey {secret}",
            secret,
        )
    )
    return _value("authorization other", text, secret)


def _digest(chance: Random) -> Value:
    secret = letters(chance, 32, "0123456789abcdef")
    return _value(
        "authorization digest",
        f'Digest username="app", realm="ops", nonce="{digits(chance, 8)}", uri="/v1", response="{secret}"',
        secret,
    )


def _signed(chance: Random) -> Value:
    secret = letters(chance, 64, "0123456789abcdef")
    text = f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261126/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={secret}"
    return _value("authorization signed", text, secret)


def cookie(chance: Random) -> Value:
    """Return the value of a session's cookie."""
    text = chance.choice(
        (
            opaque(chance),
            f"s%3A{letters(chance, 32)}.{letters(chance, 27)}",
            letters(chance, 26),
            letters(chance, 32).upper(),
        )
    )
    return Value("cookie", Kind.COOKIE, text)


AUTHORIZATIONS: Final = (_basic, _bearer, _bearer, _other, _digest, _signed)


def _header(shape: str, *templates: str) -> Shape:
    def written(chance: Random, value: Value) -> Fragment:
        name = chance.choice(("Authorization", "authorization", "Proxy-Authorization", "AUTHORIZATION"))
        text = value.text
        template = chance.choice(templates)
        if '"' in template:
            text = json.dumps(text)[1:-1]
        return Fragment.of(value, shape, template.replace("~", name).replace("@", text))

    return written


HEADER_SHAPES: Final[Mapping[str, Shape]] = {
    "header line": _header("header line", "~: @", "> ~: @", "~:@", "< ~: @\n< Vary: Accept"),
    "header in json": _header("header in json", '{"~":"@","accept":"*/*"}', '{"headers": {"~": ["@"]}}', '"~" : "@"'),
    "header in a dictionary": _header("header in a dictionary", "{'~': '@', 'Accept': '*/*'}", "headers=[Host=api, ~=@]", "[('~', '@')]", "~=[@]"),
    "curl": _header("curl", "curl -H '~: @' https://api.vendor.example/v1", 'curl --header "~: @" -d x https://api.vendor.example'),
    "environment": _header("environment", "HTTP_AUTHORIZATION=@", 'grpc-metadata "~" "@"', "metadata: ~=@"),
}  # fmt: skip


def _cookies(shape: str, *templates: str) -> Shape:
    def written(chance: Random, value: Value) -> Fragment:
        name = chance.choice(
            (
                "sid",
                "JSESSIONID",
                "PHPSESSID",
                "connect.sid",
                "_session_id",
                "auth",
                "__Host-id",
                "remember_me",
                "laravel_session",
            )
        )
        return Fragment.of(value, shape, chance.choice(templates).replace("~", name).replace("@", value.text))

    return written


COOKIE_SHAPES: Final[Mapping[str, Shape]] = {
    "cookie line": _cookies("cookie line", "Cookie: ~=@", "cookie: theme=dark; ~=@; lang=en", "> Cookie: ~=@; a=b"),
    "cookie set": _cookies("cookie set", "Set-Cookie: ~=@; Path=/; HttpOnly; Secure", "< set-cookie: ~=@; Max-Age=3600; SameSite=Lax"),
    "cookie in json": _cookies("cookie in json", '{"cookie":"~=@; theme=dark"}', '{"Set-Cookie": ["~=@; Path=/"]}', '"cookie" : "lang=en; ~=@"'),
    "cookie in curl": _cookies("cookie in curl", "curl -b '~=@' https://shop.vendor.example", 'curl --cookie "~=@" -L x', "curl -H 'Cookie: ~=@' x"),
    "session id": lambda chance, value: Fragment.of(value, "session id", chance.choice(("session_id=@", "sessionid: @", "JSESSIONID=@", ";jsessionid=@")).replace("@", value.text)),
}  # fmt: skip


def _key_file(shape: str, *templates: str) -> Shape:
    return lambda chance, value: Fragment.of(value, shape, chance.choice(templates).replace("@", value.text))


def _written_out(chance: Random, value: Value) -> Fragment:
    made = chance.choice(("\\n", "\\r\\n", "\\\\n"))
    return Fragment.of(
        value,
        "line ends written out",
        chance.choice(('"private_key": "@"', "KEY='@'", "key=@")).replace("@", value.text.replace("\n", made)),
    )


def _indented(chance: Random, value: Value) -> Fragment:
    mark = chance.choice(("    ", "  | ", "> ", "\t"))
    return Fragment.of(
        value, "indented", "tls.key: |\n" + "".join(f"{mark}{line}\n" for line in value.text.split("\n")) + "done"
    )


def _replaced(shape: str, mark: str, *templates: str) -> Shape:
    """Return the shape whose lines end with `mark`."""

    def written(chance: Random, value: Value) -> Fragment:
        return Fragment.of(value, shape, chance.choice(templates).replace("@", value.text.replace("\n", mark)))

    return written


def _cut_key(chance: Random, value: Value) -> Fragment:
    lines = value.text.split("\n")
    kept = lines[: max(2, len(lines) // 2)]
    cut = Value(value.family, value.kind, "\n".join(kept), pieces=tuple(p for p in value.pieces if p in kept))
    return Fragment.of(cut, "cut key", f"could not parse {cut.text}")


KEY_FILE_SHAPES: Final[Mapping[str, Shape]] = {
    "own lines": _key_file("own lines", "@", "loaded key:\n@", "key=@", "key '@' refused"),
    "line ends written out": _written_out,
    "blanks for line ends": _replaced("blanks for line ends", " ", 'KEY="@"', "key: @"),
    "indented": _indented,
    "cut key": _cut_key,
    "crlf": _replaced("crlf", "\r\n", "@", "key:\r\n@"),
}
