"""Zabbix' default message templates: what subject and message say where the media type sends no other parameter.

Read are the texts of problems, recoveries and updates, of services too, and the single template of old releases; what
somebody has rewritten may say nothing here. The source is `messageTemplates` in Zabbix'
`ui/include/classes/helpers/CMediatypeHelper.php` (https://github.com/zabbix/zabbix). It decides nothing: parameters,
where they are sent, win over it. Pure, nothing raises. The Zabbix source calls it.
"""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["told_by"]

_SUBJECT: Final = re.compile(
    r'(?:Service "[^"]{1,255}" )?'
    r"(?P<kind>problem|ok|(?P<over>resolved)(?: in [^:]{1,64})?|(?P<update>updated problem)(?: in [^:]{1,64})?)"
    r":\s+(?P<name>.+)",
    re.IGNORECASE | re.DOTALL,
)
"""How the default subjects begin: "Problem: …", "Resolved in 5m 0s: …", "Updated problem in 3m: …", "OK: …"."""

_CHANGED_SERVICE: Final = re.compile(r'Changed "[^"]{1,255}" service status to ', re.IGNORECASE)
_UPDATED: Final = re.compile(r"^Current problem (?:status|age) is ", re.MULTILINE)
_STARTED: Final = re.compile(r"^(?:Service p|P)roblem started at (\S+) on (\S+)", re.MULTILINE)
_ENDED: Final = re.compile(
    r'^(?:Problem|Service "[^"\n]{1,255}") has been resolved(?: in [^\n]{1,64}?)? at (\S+) on (\S+)', re.MULTILINE
)
_LINE: Final = re.compile(
    r"^(Problem name|Service problem name|Trigger|Host|Service|Severity|Trigger severity|Trigger status"
    r"|Original (?:problem|event) ID):[ \t]*(\S.*)$",
    re.MULTILINE,
)
_FIELD_OF: Final = {
    "Problem name": "name",
    "Service problem name": "name",
    "Service": "service",
    "Trigger": "name",
    "Host": "host",
    "Severity": "severity",
    "Trigger severity": "severity",
    "Trigger status": "value",
    "Original problem ID": "problem",
    "Original event ID": "problem",
}
_NUMBER: Final = re.compile(r"[0-9]{1,20}")


def told_by(subject: str, message: str) -> Mapping[str, str]:
    """Return the fields that the two texts tell, by the names that the Zabbix source has for them.

    `value` is "resolved" (or what the old template's "Trigger status" says) and `update` "1" where they say so; what
    they do not tell is missing.
    """
    told = _told_by_message(message) | _told_by_subject(subject)
    if not _NUMBER.fullmatch(told.get("problem", "")):
        told.pop("problem", None)
    return told


def _told_by_subject(subject: str) -> dict[str, str]:
    if _CHANGED_SERVICE.match(subject):
        return {"update": "1"}
    found = _SUBJECT.match(subject)
    if found is None:
        return {}
    told = {"name": found["name"]}
    if found["update"]:
        told["update"] = "1"
    elif found["over"] or found["kind"].casefold() == "ok":
        told["value"] = "resolved"
    return told


def _told_by_message(message: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for name, value in _LINE.findall(message):
        told.setdefault(_FIELD_OF[name], value.strip())
    if ended := _ENDED.search(message):
        told |= {"value": "resolved", "recovery_time": ended[1], "recovery_date": ended[2]}
    elif started := _STARTED.search(message):
        told |= {"time": started[1], "date": started[2]}
    if _UPDATED.search(message):
        told["update"] = "1"
    return told
