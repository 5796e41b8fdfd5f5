"""Who sits at the command line: the account that the process runs under, by the kernel's word.

A variable of the environment names nobody: the name stands in the audit, and gives the right to approve. Every command
that writes down whose word it was asks here. Who shares an account with others can't be told from them.
"""

from worker.cli.words import WORD_LIMIT, one_line
from worker.registry.audit_entry import account

__all__ = ["person"]


def person() -> str:
    """Return the account's name, on one line of at most 500 characters; its number where the system knows no name."""
    return one_line(account())[:WORD_LIMIT]
