"""Values that are secret: passwords, keys of providers with their own alphabets, tokens, key files, URLs with passwords."""

import base64
import json
import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Final
from urllib.parse import quote

from tests.redaction.corpus.planted import Value
from tests.redaction.corpus.values import digits, host_name, hosts_address, letters, user_name
from worker.redaction import Kind

__all__ = ["KEYS", "URLS", "jwt", "opaque", "password", "pem"]

_BASE64: Final = string.ascii_letters + string.digits + "+/"
_BASE64_URL: Final = string.ascii_letters + string.digits + "-_"
_HEX: Final = "0123456789abcdef"
_WORDS: Final = ["winter", "orchid", "falcon", "copper", "meadow", "tiger", "anchor", "violet", "harbor", "summit"]
_PEM_KINDS: Final = (
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "DSA PRIVATE KEY",
)
_URL_SCHEMES: Final = ("https", "http", "ftp", "sftp", "git+https", "smtp", "ldaps")
_DATABASE_SCHEMES: Final = (
    "postgres",
    "postgresql+psycopg",
    "mysql",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "amqp",
    "clickhouse",
)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def password(chance: Random) -> str:
    """Return what people and machines choose for a password, without a space or a quotation mark."""
    match chance.randrange(6):
        case 0:
            return chance.choice(_WORDS).capitalize() + digits(chance, 4) + chance.choice("!#$*")
        case 1:
            return letters(chance, chance.randint(8, 14), string.ascii_letters + string.digits + "!#$%*@^_+-.")
        case 2:
            return letters(chance, chance.randint(16, 32))
        case 3:
            return letters(chance, 32, _HEX)
        case 4:
            return f"{chance.choice(_WORDS)}-{chance.choice(_WORDS)}-{digits(chance, 2)}-{chance.choice(_WORDS)}"
        case _:
            return letters(chance, chance.randint(7, 10))


def opaque(chance: Random) -> str:
    """Return a value of high entropy, as generators of secrets make it."""
    match chance.randrange(4):
        case 0:
            return letters(chance, chance.choice((32, 40, 64)), _HEX)
        case 1:
            return letters(chance, chance.randint(24, 48))
        case 2:
            return base64.b64encode(chance.randbytes(chance.choice((24, 32, 33, 48)))).decode()
        case _:
            return _encoded(chance.randbytes(chance.choice((20, 32, 40))))


def jwt(chance: Random) -> Value:
    head = {"alg": chance.choice(("HS256", "RS256", "ES256")), "typ": "JWT"} | (
        {"kid": letters(chance, 8)} if chance.random() < 0.3 else {}
    )
    claims = {
        "sub": digits(chance, 6),
        "name": user_name(chance),
        "iat": 1795000000 + chance.randrange(10**6),
        "scope": "orders:read",
    }
    parts = [_encoded(json.dumps(each, separators=(",", ":")).encode()) for each in (head, claims)]
    return Value("jwt", Kind.JWT, ".".join([*parts, _encoded(chance.randbytes(32))]), pieces=(parts[1],))


def pem(chance: Random) -> Value:
    kind = chance.choice(_PEM_KINDS)
    start = {"OPENSSH PRIVATE KEY": b"openssh-key-v1\0"}.get(kind, b"\x30\x82\x04\xbd\x02\x01\x00")
    body = base64.b64encode(start + chance.randbytes(chance.choice((118, 300, 600)))).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    pieces = tuple(line for line in lines if len(line) >= 16)
    return Value(
        "private key",
        Kind.PRIVATE_KEY,
        "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----"]),
        pieces=pieces,
    )


def _key(
    family: str, prefix: str, length: int, alphabet: str = string.ascii_letters + string.digits
) -> Callable[[Random], Value]:
    return lambda chance: Value(family, Kind.API_KEY, prefix + letters(chance, length, alphabet))


def _slack_token(chance: Random) -> Value:
    start = f"{chance.choice(('xoxb', 'xoxp', 'xoxa', 'xoxs'))}-{digits(chance, 12)}-{digits(chance, 12)}"
    return Value("slack token", Kind.API_KEY, f"{start}-{letters(chance, 24)}")


def _slack_hook(chance: Random) -> Value:
    secret = letters(chance, 24)
    place = f"T{letters(chance, 10).upper()}/B{letters(chance, 10).upper()}"
    return Value("slack webhook", Kind.API_KEY, f"https://hooks.slack.com/services/{place}/{secret}", secret=secret)


def _azure_signature(chance: Random) -> Value:
    secret = quote(base64.b64encode(chance.randbytes(32)).decode(), safe="")
    text = f"https://acmestore.blob.core.windows.net/backups/db.bak?sv=2024-11-04&se=2026-12-01T00%3A00%3A00Z&sr=b&sp=r&sig={secret}"
    return Value("azure sas signature", Kind.API_KEY, text, secret=secret)


def _azure_storage(chance: Random) -> Value:
    secret = base64.b64encode(chance.randbytes(64)).decode()
    text = f"DefaultEndpointsProtocol=https;AccountName=acmestore;AccountKey={secret};EndpointSuffix=core.windows.net"
    return Value("azure connection string", Kind.API_KEY, text, secret=secret)


def _aws_presigned(chance: Random) -> Value:
    secret = letters(chance, 64, _HEX)
    text = f"https://backups.s3.eu-west-1.amazonaws.com/a.tar?X-Amz-Date=20261126T221403Z&X-Amz-Expires=900&X-Amz-Signature={secret}"
    return Value("aws presigned signature", Kind.API_KEY, text, secret=secret)


def _openai(chance: Random) -> Value:
    start, length = chance.choice(
        (("sk-", 48), ("sk-proj-", 64), ("sk-svcacct-", 60), ("sk-ant-api03-", 80), ("sk-or-v1-", 64))
    )
    return Value(
        "openai-style key",
        Kind.API_KEY,
        start + letters(chance, length, _BASE64_URL if len(start) > 3 else string.ascii_letters + string.digits),
    )


def _github(chance: Random) -> Value:
    if chance.random() < 0.25:
        return Value("github token", Kind.API_KEY, f"github_pat_{letters(chance, 22)}_{letters(chance, 59)}")
    return Value("github token", Kind.API_KEY, f"gh{chance.choice('pousr')}_{letters(chance, 36)}")


def _gitlab(chance: Random) -> Value:
    start = chance.choice(("glpat-", "gldt-", "glrt-", "glptt-", "glsoat-", "glcbt-64_"))
    return Value("gitlab token", Kind.API_KEY, start + letters(chance, 20, _BASE64_URL))


def _stripe(chance: Random) -> Value:
    start = chance.choice(("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"))
    return Value("stripe key", Kind.API_KEY, start + letters(chance, chance.choice((24, 32, 99))))


def _azure_client(chance: Random) -> Value:
    made = f"{letters(chance, 3)}8Q~{letters(chance, 34, string.ascii_letters + string.digits + '_.-')}"
    return Value("azure client secret", Kind.API_KEY, made)


def _account(chance: Random) -> str:
    """Return an account of a program: no name that another canary of the line may resemble."""
    return chance.choice(("app", "orders_rw", "reporting"))


def _url(chance: Random) -> Value:
    secret = quote(password(chance), safe="!$*_-.")
    text = f"{chance.choice(_URL_SCHEMES)}://{_account(chance)}:{secret}@files.vendor.example/v2/export.csv"
    return Value("url with password", Kind.PASSWORD, text, secret=secret, keeps=("files.vendor.example/v2/export.csv",))


def _url_token(chance: Random) -> Value:
    secret = letters(chance, 32)
    return Value(
        "url with token alone", Kind.PASSWORD, f"https://{secret}@git.vendor.example/acme/app.git", secret=secret
    )


def _database(chance: Random) -> Value:
    scheme, secret = chance.choice(_DATABASE_SCHEMES), quote(password(chance), safe="!$*_-.")
    user = "" if scheme.startswith("redis") and chance.random() < 0.5 else _account(chance)
    return Value(
        "database url",
        Kind.PASSWORD,
        f"{scheme}://{user}:{secret}@{host_name(chance)}:5432/ledger?sslmode=require",
        secret=secret,
        keeps=("5432/ledger",),
    )


def _jdbc(chance: Random) -> Value:
    secret = letters(chance, 14)
    text = chance.choice((
        f"jdbc:postgresql://{hosts_address(chance)}:5432/orders?user={_account(chance)}&password={secret}&ssl=true",
        f"jdbc:sqlserver://{hosts_address(chance)}:1433;databaseName=orders;user={_account(chance)};password={secret};encrypt=true",
        f"jdbc:oracle:thin:{_account(chance)}/{secret}@//{hosts_address(chance)}:1521/ORCL",
    ))  # fmt: skip
    return Value("jdbc url", Kind.PASSWORD, text, secret=secret)


def _connection_string(chance: Random) -> Value:
    secret = password(chance)
    text = chance.choice((
        f"Server=tcp:{hosts_address(chance)},1433;Initial Catalog=orders;User ID={_account(chance)};Password={secret};Encrypt=True",
        f"host={hosts_address(chance)} port=5432 dbname=orders user={_account(chance)} password={secret} sslmode=require",
        f"Data Source=orders;Uid={_account(chance)};Pwd={secret};",
        f"{_account(chance)}:{secret.replace('@', '')}@tcp({hosts_address(chance)}:3306)/orders?parseTime=true",
    ))  # fmt: skip
    return Value("connection string", Kind.PASSWORD, text, secret=secret if secret in text else secret.replace("@", ""))


KEYS: Final[Mapping[str, Callable[[Random], Value]]] = {
    "aws access key id": lambda c: Value("aws access key id", Kind.API_KEY, c.choice(("AKIA", "ASIA")) + letters(c, 16, string.ascii_uppercase + "234567")),
    "gcp api key": _key("gcp api key", "AIza", 35, _BASE64_URL),
    "gcp oauth token": _key("gcp oauth token", "ya29.", 80, _BASE64_URL),
    "gcp client secret": _key("gcp client secret", "GOCSPX-", 28, _BASE64_URL),
    "azure client secret": _azure_client,
    "github token": _github,
    "gitlab token": _gitlab,
    "slack token": _slack_token,
    "slack app token": lambda c: Value("slack app token", Kind.API_KEY, f"xapp-1-A{letters(c, 10).upper()}-{digits(c, 13)}-{letters(c, 64, _HEX)}"),
    "stripe key": _stripe,
    "openai-style key": _openai,
    "jwt": jwt,
}  # fmt: skip

URLS: Final[Mapping[str, Callable[[Random], Value]]] = {
    "url with password": _url,
    "url with token alone": _url_token,
    "database url": _database,
    "jdbc url": _jdbc,
    "connection string": _connection_string,
    "slack webhook": _slack_hook,
    "azure sas signature": _azure_signature,
    "azure connection string": _azure_storage,
    "aws presigned signature": _aws_presigned,
}
