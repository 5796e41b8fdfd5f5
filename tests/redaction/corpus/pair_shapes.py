"""Shapes for what is only known by the name beside it: naming styles, separators, quotation marks, syntaxes."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Final
from xml.sax.saxutils import escape

from tests.redaction.corpus.plain_shapes import Shape
from tests.redaction.corpus.planted import Fragment, Value
from worker.redaction import Kind

__all__ = ["PAIR_SHAPES", "name_for"]

_PASSWORDS: Final = (
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "pass word",
    "db pass",
    "root password",
    "user pwd",
)
_SECRETS: Final = (
    "secret", "api key", "token", "client secret", "access token", "auth token", "secret key", "signing key", "encryption key",
    "webhook secret", "refresh token", "master key", "secret access key", "session token", "private token", "credential",
)  # fmt: skip
_PREFIXES: Final = (
    "",
    "",
    "db",
    "redis",
    "smtp",
    "ldap",
    "admin",
    "spring datasource",
    "mysql",
    "vault",
    "app billing",
    "x",
    "old",
)


def _words(chance: Random, value: Value) -> list[str]:
    names = _PASSWORDS if value.kind is Kind.PASSWORD else _SECRETS
    return f"{chance.choice(_PREFIXES)} {chance.choice(names)}".split()


def _capitals(words: list[str]) -> list[str]:
    return [word.capitalize() for word in words]


_STYLES: Final[Mapping[str, Callable[[list[str]], str]]] = {
    "snake": "_".join,
    "capitals": lambda words: "_".join(words).upper(),
    "camel": lambda words: words[0] + "".join(_capitals(words[1:])),
    "pascal": lambda words: "".join(_capitals(words)),
    "dotted": ".".join,
    "kebab": "-".join,
    "header": lambda words: "-".join(_capitals(["x", *(word for word in words if word != "x")])),
    "flat": "".join,
}


def name_for(chance: Random, value: Value, *styles: str) -> str:
    """Return a telling name for a value, in one of the styles."""
    style = chance.choice(styles or ("snake", "capitals", "camel", "pascal", "dotted", "kebab", "flat"))
    return _STYLES[style](_words(chance, value))


def _shape(shape: str, styles: str, *templates: str) -> Shape:
    """Return the shape that writes name and value where `~` and `@` stand in one of the templates."""

    def written(chance: Random, value: Value) -> Fragment:
        name = name_for(chance, value, *styles.split())
        return Fragment.of(value, shape, chance.choice(templates).replace("~", name).replace("@", value.text))

    return written


def _json(shape: str, depth: int) -> Shape:
    def written(chance: Random, value: Value) -> Fragment:
        separators = chance.choice(((",", ":"), (", ", ": "), (", ", " : ")))
        made = json.dumps(
            {"id": chance.randint(1, 99), name_for(chance, value): value.text, "ok": False}, separators=separators
        )
        for _ in range(depth):
            made = json.dumps({"payload": made})
        return Fragment.of(value, shape, made)

    return written


def _xml(chance: Random, value: Value) -> Fragment:
    name, text = name_for(chance, value, "camel", "pascal", "snake", "kebab"), escape(value.text)
    made = chance.choice((
        f"<{name}>{text}</{name}>",
        f'<wsse:{name.capitalize()} Type="#PasswordText">{text}</wsse:{name.capitalize()}>',
        f'<add key="{name}" value="{text}" />',
        f'<connection {name}="{text}" timeout="30"/>',
    ))  # fmt: skip
    return Fragment.of(value, "xml", made, text)


def _phrase(chance: Random, value: Value) -> Fragment:
    """Put words with spaces between quotation marks: a passphrase."""
    made = Value(value.family, value.kind, f"{value.text} and more {value.text[::-1]}")
    mark = chance.choice("\"'")
    name = name_for(chance, value)
    return Fragment.of(made, "quoted words", f"{name}{chance.choice(('=', ': '))}{mark}{made.text}{mark}", value.text)


def _escaped_quote(chance: Random, value: Value) -> Fragment:
    """Put a quotation mark into the value, escaped as its syntax has it."""
    half = len(value.text) // 2
    text = f'{value.text[:half]}\\"{value.text[half:]}'
    made = Value(value.family, value.kind, text)
    return Fragment.of(
        made, "quotation mark within", f'"{name_for(chance, value)}": "{text}", "n": 1', value.text[half:]
    )


PAIR_SHAPES: Final[Mapping[str, Shape]] = {
    "shell": _shape("shell", "capitals snake", "~=@", "export ~=@", "~='@'", '~="@"', 'declare -x ~="@"', "+ ~=@ ./run.sh"),
    "logfmt": _shape("logfmt", "snake camel dotted kebab flat", "a=1 ~=@ b=2", 'level=warn ~="@" ok=false', "~=@ took=3ms"),
    "yaml": _shape("yaml", "snake camel kebab flat", "~: @", "  ~: '@'", '  ~: "@"', "- ~: @"),
    "yaml next line": _shape("yaml next line", "snake camel kebab", "~:\n  @", "~: >-\n    @", "~: |\n  @\nnext: 1"),
    "properties": _shape("properties", "dotted kebab", "~=@", "~ = @", "~: @", "--~=@", "-D~=@"),
    "ini": _shape("ini", "snake flat pascal", "~ = @", '~ = "@"', "[main] ~= @"),
    "json": _json("json", 0),
    "json in json": _json("json in json", 1),
    "json in json in json": _json("json in json in json", 2),
    "python": _shape("python", "snake flat", "{'~': '@', 'port': 5432}", "Config(~='@', port=5432)", "connect(host='db', ~=\"@\")", "{u'~': u'@'}"),
    "ruby and php": _shape("ruby and php", "snake flat camel", ':~=>"@"', '"~" => "@"', "'~' => '@',", "~: '@',", "[~] => @"),
    "java": _shape("java", "camel flat", "Settings{host=db, ~=@, port=5432}", "Settings(~=@)", "Credentials[user=x, ~=@]", "Settings{~='@', port=1}"),
    "go": _shape("go", "pascal", "{User:app ~:@ Port:5432}", '&cfg.Db{User:"app", ~:"@", Port:5432}', "map[port:5432 ~:@]"),
    "arrow": _shape("arrow", "snake camel", "~ -> @", "~ => @", "~ → @", "~ := @", "~ == @"),
    "tab": _shape("tab", "snake pascal flat", "~\t@", "~:\t@", "~\t=\t@", "| ~ | @ |"),
    "flag": _shape("flag", "kebab", "app --~ @ --verbose", "app --~=@ -v", "app --~ '@'", 'app --~="@" --port 80', "app -~ @"),
    "words": _shape("words", "snake flat", "~ is @", "~ for admin is @", "~ for admin: @", "~ was set to '@'", 'the ~ "@" was refused', "new ~: @", "~ (@) expired"),
    "typographic": _shape("typographic", "snake camel", "~: “@”", "~ = \u2018@\u2019", "~=„@“", "«~»: «@»", "`~`: `@`", "~: `@`"),
    "header": _shape("header", "header", "~: @", "> ~: @", "-H '~: @'", '"~": ["@"]', "~=[@]"),
    "xml": _xml,
    "sql": _shape("sql", "flat", "ALTER USER app IDENTIFIED BY '@'", "CREATE ROLE app LOGIN PASSWORD '@'", "SET PASSWORD FOR app = '@'", "SET ~ = '@'"),
    "quoted words": _phrase,
    "quotation mark within": _escaped_quote,
    "several": _shape("several", "snake", "user=app,~=@;port=1", "~=@&next=1", "(~=@)", "[~:@]", "?~=@"),
}  # fmt: skip
