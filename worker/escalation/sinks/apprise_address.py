"""Apprise with one address. The only module that imports it (the `notify` extra), and not before it is called.

It sends nothing, and shows the address nowhere. Called by the sink, which so checks an address when it is made, and by
the process that sends.
"""

import logging
from typing import TYPE_CHECKING, Final

from worker.errors import ConfigurationError

if TYPE_CHECKING:
    from apprise import Apprise

__all__ = ["apprise_at"]

_TALKATIVE: Final = ("apprise", "urllib3")
"""What writes addresses into its log, below a warning."""


def apprise_at(url: str) -> "Apprise":
    """Return Apprise with this address. Raises `ConfigurationError`, which does not show it."""
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - the extra is for those who use it
    except ImportError as error:
        raise ConfigurationError(
            "A sink of Apprise needs the package apprise: install it with `pip install 'firstline[notify]'`."
        ) from error
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    apprise = Apprise(asset=AppriseAsset(app_id="Firstline", app_desc="Firstline", http_redirects=False))
    if not apprise.add(url):
        raise ConfigurationError("The address of an Apprise sink is none that Apprise knows: correct it.")
    return apprise
