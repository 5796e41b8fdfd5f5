"""Counts in words: “1 log line”, “400 log lines”.

Whoever writes a sentence with a count in it uses it: the triage's evidence, the rules, the card.
"""

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """Return the count with its noun, in the plural where there is not just one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
