"""The time of a log line: the one at its beginning, or under a key for times in JSON or logfmt; never one in its text.

Pure and in linear time. Whoever writes text into a line so can't date it. What is no time that we know is none: guards
then take the line as new. `log_reading.py` asks.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

__all__ = ["ZONES_BEHIND", "LineTime", "in_order", "time_of"]

ZONES_BEHIND: Final = timedelta(hours=12)
"""How far clocks on walls are behind UTC's at most."""

_DAY: Final = timedelta(days=1)
_KEYS: Final = ("time", "ts", "t", "timestamp", "@timestamp", "@t", "datetime", "asctime", "timeMillis", "eventTime")
_KEY: Final = "(?:" + "|".join(_KEYS) + ")"
_FIRST_OF_JSON: Final = re.compile(rf'\s*\{{\s*"{_KEY}"\s*:\s*(?:"([^"\\]{{1,60}})"|(\d{{10,19}}(?:\.\d{{1,9}})?)\b)')
_LOGFMT: Final = re.compile(
    rf'(?:(?!{_KEY}=)[\w.@-]{{1,64}}=(?:"(?:[^"\\]|\\.)*+"|[^\s"]*+) ){{0,2}}+'
    rf'{_KEY}=(?:"([^"\\]{{1,60}})"|([^\s"]{{1,60}}))'
)
_LEVEL: Final = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|CRIT|CRITICAL|FATAL|SEVERE)"
_PREFIX: Final = (
    r"(?:[\w.-]{1,64} {0,20}\| )?"  # Compose
    r"(?:<\d{1,3}>(?:\d )?)?"  # syslog's priority
    r"(?:\d{1,7}:[A-Z] )?"  # Redis
    rf"(?:\[{_LEVEL}\] {{1,3}}|{_LEVEL}:? {{1,3}})?"
    r"[\[(]?"
)
_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK: Final = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_TIME: Final = re.compile(
    rf"(?P<iso>\d{{4}}[-/]\d\d[-/]\d\d[T ]{_CLOCK}(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?)"
    rf"|(?P<syslog>{_MONTH} [ \d]\d {_CLOCK})"
    rf"|(?P<ctime>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} [ \d]\d {_CLOCK} \d{{4}})"
    rf"|(?P<dayfirst>\d\d[- ]{_MONTH}[- ]\d{{4}} {_CLOCK})"
    rf"|(?P<klog>[IWEF]\d{{4}} {_CLOCK})"
    rf"|(?P<glog>[IWEF]\d{{8}} {_CLOCK})"
    r"|(?P<epoch>\d{10}\.\d{1,9}|\d{10}|\d{13}|\d{16}|\d{19})(?![\w.])"
    rf"|(?P<clock>{_CLOCK})(?!\w)",
    re.ASCII,
)
_BEGINNING: Final = re.compile(_PREFIX, re.ASCII)
_ACCESS: Final = re.compile(
    rf"\S{{1,80}} (?:\S{{1,80}} )?- \S{{1,80}} \[(?P<access>\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}})\]",
    re.ASCII,
)
_FORMS: Final = {
    "syslog": "%Y %b %d %H:%M:%S",
    "ctime": "%a %b %d %H:%M:%S %Y",
    "dayfirst": "%d %b %Y %H:%M:%S",
    "klog": "%Y%m%d %H:%M:%S",
    "glog": "%Y%m%d %H:%M:%S",
}


class LineTime(NamedTuple):
    """A time as it stands in a line, and what it means: without a zone where none is named, None without a date."""

    text: str
    moment: datetime | None


def time_of(line: str, *, now: datetime) -> LineTime | None:
    """Return a line's own time, None where none can be read.

    A time without a year is of the year of `now`, or of the year before where it would be in the future.
    """
    text = line.lstrip()
    if text.startswith("{"):
        return _time_in_json(text, now)
    start = _BEGINNING.match(text)
    found = _TIME.match(text, start.end() if start else 0) or _ACCESS.match(text)
    if found is None or (found.lastgroup == "epoch" and "." not in found[0]):
        fields = _LOGFMT.match(text)
        return _under_a_key(fields and (fields[1] or fields[2]), now)
    return _read(found, now)


def in_order(moment: datetime) -> datetime:
    """Return a time by which times with and without a zone can be sorted."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time_in_json(text: str, now: datetime) -> LineTime | None:
    """Return the latest time under a key for times, for one of them may be somebody else's; of a cut line the first."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        first = _FIRST_OF_JSON.match(text)
        return _under_a_key(first and (first[1] or first[2]), now)
    values = (fields.get(key) for key in _KEYS) if isinstance(fields, dict) else ()
    times = [_under_a_key(str(value), now) for value in values if isinstance(value, str | int | float)]
    dated = [(in_order(time.moment), time) for time in times if time and time.moment]
    return max(dated, key=lambda pair: pair[0])[1] if dated else next(filter(None, times), None)


def _under_a_key(value: str | None, now: datetime) -> LineTime | None:
    found = _TIME.match(value) if value else None
    return _read(found, now) if found else None


def _read(found: re.Match[str], now: datetime) -> LineTime | None:
    kind = found.lastgroup or ""
    text = found[kind]
    try:
        return LineTime(text, _moment(kind, text, now))
    except (ValueError, OverflowError, OSError):
        return None


def _moment(kind: str, text: str, now: datetime) -> datetime | None:
    if kind == "clock":
        return None
    if kind == "iso":
        plain = text.replace("/", "-").replace(",", ".").replace("UTC", "Z").replace("GMT", "Z")
        return datetime.fromisoformat(plain.replace(" Z", "Z").replace(" +", "+").replace(" -", "-"))
    if kind == "epoch":
        whole, _, part = text.partition(".")
        return datetime.fromtimestamp(float(f"{whole[:10]}.{whole[10:]}{part}"), UTC)
    if kind == "access":
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    return _without_a_zone(kind, re.sub(r"[.,]\d+", "", text), now)


def _without_a_zone(kind: str, text: str, now: datetime) -> datetime:
    words = text.replace("-", " ") if kind == "dayfirst" else text
    if kind in ("syslog", "klog"):
        form, words = _FORMS[kind], words if kind == "syslog" else words[1:]
        latest = now.astimezone(UTC).replace(tzinfo=None) + _DAY
        space = " " if kind == "syslog" else ""
        moment = datetime.strptime(f"{latest.year}{space}{words}", form)  # noqa: DTZ007 - the line names no zone
        if moment <= latest:
            return moment
        return datetime.strptime(f"{latest.year - 1}{space}{words}", form)  # noqa: DTZ007
    return datetime.strptime(words.removeprefix(text[0]) if kind == "glog" else words, _FORMS[kind])  # noqa: DTZ007
