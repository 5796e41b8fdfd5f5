"""Who sits at the command line: the account that the process runs under, by the kernel's word.

A variable of the environment names nobody: the name stands in the audit, and gives the right to approve. Every command
that writes down whose word it was asks here. Who shares an account with others can't be told from them.
"""

import os
import pwd

from worker.cli.words import WORD_LIMIT, one_line

__all__ = ["person"]


def person() -> str:
    """Return the account's name, on one line of at most 500 characters; its number where the system knows no name."""
    number = os.getuid()
    try:
        return one_line(pwd.getpwuid(number).pw_name)[:WORD_LIMIT]
    except KeyError:
        return f"uid-{number}"
