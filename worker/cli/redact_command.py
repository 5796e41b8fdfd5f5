"""The command `firstline redact`; what it does stands in `redact.py`."""

from pathlib import Path
from typing import Annotated

import typer

from worker.settings import load_settings

__all__ = ["redact"]


def redact(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Logs or other text; - reads standard input.")],
) -> None:
    """Print files as they would leave: with secrets, addresses and people's data masked. Nothing is sent or kept.

    Try it on logs of your own before you trust it with them, and with FIRSTLINE_REDACTION_FILE set, to see your rules
    at work. Masked text goes to standard output; how much of which kind was found, to standard error.

    Examples: firstline redact /var/log/syslog   ·   journalctl -u app | firstline redact -
    """
    from worker.cli.redact import redact_files

    redact_files(load_settings(), files)
