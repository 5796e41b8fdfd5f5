"""Which label holds the server, which the service, and which make a group: the configuration's word on labels.

Pure. The settings make it, each source's alerts are read with it.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.contract.text import visible

__all__ = ["SERVER", "FieldMap"]

SERVER: Final = "server"
"""In `group_by` this stands for the server, whichever label it was found in."""

NAME_LIMIT_BYTES: Final = 253
_GROUP_CHARACTERS: Final = 1024


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Names of labels, the first that holds a name wins; `group_by` may also name any other label.

    Alerts that have none of the labels in `group_by` belong to no group.
    """

    server: tuple[str, ...] = ("server_id", "server", "host", "hostname", "node", "nodename", "pod", "instance")
    service: tuple[str, ...] = ("service", "service_name", "app", "application", "job")
    group_by: tuple[str, ...] = (SERVER,)

    def reads(self, label: str) -> bool:
        """Return whether something is looked for in the label of this name."""
        return label in self.server or label in self.service or label in self.group_by

    def server_in(self, labels: Mapping[str, str], *, named: str = "") -> str | None:
        """Return the server that is `named` outright, else the one that the labels name, without port.

        None when nothing of these is one bounded word.
        """
        return _name(_without_port(self.address_in(labels, named=named)))

    def address_in(self, labels: Mapping[str, str], *, named: str = "") -> str:
        """Return what `server_in` finds the server in, as it was sent, with its port; empty when there is none."""
        sent = (named, *(labels.get(label, "") for label in self.server))
        return next((address for address in sent if _name(_without_port(address))), "")

    def service_in(self, labels: Mapping[str, str]) -> str | None:
        """Return the service that the labels name, or None."""
        return next((name for label in self.service if (name := _name(labels.get(label, "")))), None)

    def group_of(self, server_id: str | None, labels: Mapping[str, str]) -> str:
        """Return the group of an alert: stable, and empty when it has nothing of what makes one."""
        values = {**labels, SERVER: server_id} if server_id else {**labels, SERVER: ""}
        if not any(values.get(name) for name in self.group_by):
            return ""
        group = "\n".join(f"{name}={values.get(name) or ''}" for name in self.group_by)
        return group if len(group) <= _GROUP_CHARACTERS else hashlib.sha256(group.encode()).hexdigest()


def _name(value: str) -> str | None:
    name = value.strip()
    if not name or len(name.encode()) > NAME_LIMIT_BYTES:
        return None
    return name if visible(name) == name and not any(character.isspace() for character in name) else None


def _without_port(value: str) -> str:
    """Return the host of ``host:port`` and ``[::1]:port``, and of anything else all of it."""
    if ":" not in value and not value.startswith("["):
        return value
    host, separator, port = value.rpartition(":")
    if not separator or not port.isdecimal() or _is_ip(value):
        return value.removeprefix("[").removesuffix("]") if _is_ip(value.strip("[]")) else value
    return host.strip("[]")


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
