"""How logs name an account: each system has its own sentence."""

from collections.abc import Mapping
from typing import Final

from tests.redaction.corpus.plain_shapes import Shape
from tests.redaction.corpus.planted import Fragment

__all__ = ["USER_SHAPES"]


def _in(shape: str, *templates: str) -> Shape:
    return lambda chance, value: Fragment.of(value, shape, chance.choice(templates).replace("~", value.text))


USER_SHAPES: Final[Mapping[str, Shape]] = {
    "sshd": _in("sshd", "Failed password for invalid user ~ from 127.0.0.1 port 4242 ssh2", "Accepted publickey for ~ from 127.0.0.1 port 4242 ssh2: ED25519", "Invalid user ~ from 127.0.0.1", "Connection closed by authenticating user ~ 127.0.0.1 port 22 [preauth]", "Failed password for ~ from 127.0.0.1 port 22 ssh2", "Disconnected from user ~ 127.0.0.1 port 22"),
    "pam": _in("pam", "pam_unix(sshd:session): session opened for user ~(uid=1001) by (uid=0)", "session closed for user ~", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=127.0.0.1  user=~"),
    "sudo": _in("sudo", "sudo:   ~ : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/id", "sudo: pam_unix(sudo:session): session opened for user root by ~(uid=1001)"),
    "logind": _in("logind", "New session 412 of user ~.", "Created slice User Slice of user ~.", "useradd[812]: new user: name=~, UID=1001, GID=1001"),
    "cron": _in("cron", "CRON[3121]: (~) CMD (/usr/local/bin/rotate)", "crontab[99]: (~) LIST (~)"),
    "pair": _in("pair", "user=~", "username: ~", "login=~", "userName=~ action=login", "User: ~", "usr=~", 'user_name="~"', "account=~", "owner: ~", "userid=~"),
    "json": _in("json", '{"user":"~","ok":false}', '{"username": "~"}', '{"user": {"name": "~", "id": 4}}', '"login":"~"', '{"actor":"~"}', '{"userName" : "~"}'),
    "json in json": _in("json in json", '{"msg":"{\\"user\\":\\"~\\",\\"n\\":1}"}', '"{\\"username\\": \\"~\\"}"'),
    "postgres": _in("postgres", 'FATAL:  password authentication failed for user "~"', 'FATAL:  role "~" does not exist', "connection authorized: user=~ database=orders", 'no pg_hba.conf entry for host "127.0.0.1", user "~", database "orders"'),
    "mysql": _in("mysql", "Access denied for user '~'@'127.0.0.1' (using password: YES)", "Aborted connection 88 to db: 'orders' user: '~' host: '127.0.0.1' (Got timeout reading communication packets)"),
    "windows": _in("windows", "Account Name:\t\t~", "Account Name:  ~  Account Domain:  ACME", "The user ACME\\~ logged on", "User Name: ACME\\~", "TargetUserName=~"),
    "sentence": _in("sentence", "User ~ logged in", "user '~' not found", "login failed for user ~", 'user "~" is locked', "authentication failed for user '~'", "User '~' has no permission"),
    "directory": _in("directory", "cwd=/home/~/app", "open C:\\Users\\~\\AppData\\Local\\x.log: denied", "/Users/~/src/app.py", "uid=~,ou=people,dc=acme,dc=example", "cn=~,ou=staff"),
    "java": _in("java", "Principal[name=~]", "User{id=12, name='~'}", "UserDetails [Username=~, Enabled=true]", "principal=~ granted=false"),
    "python": _in("python", "{'user': '~', 'ok': True}", "User(username='~')", "<User: ~>"),
}  # fmt: skip
