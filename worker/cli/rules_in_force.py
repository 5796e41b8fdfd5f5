"""The installation's rules of redaction, in force before a command runs.

A wrong file refuses every command but those that must always work: nobody is kept from stopping restarts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from worker.cli.words import one_line
from worker.errors import ConfigurationError
from worker.settings import load_redaction_settings

__all__ = ["take_rules"]

_NEED_NO_RULES: Final = frozenset({"halt", "resume", "resolve", "demo"})
"""No mistake in a file may keep anybody from stopping restarts; the demo brings its own rules."""


def take_rules(arguments: Sequence[str]) -> str | None:
    """Let this process mask by the installation's rules. Raises `ConfigurationError` for a wrong file.

    What must always work goes on under the default rules then: the sentence that says so is returned.
    """
    is_needed = bool(arguments) and arguments[0] not in _NEED_NO_RULES and "--help" not in arguments
    try:
        _read(finds_people=is_needed)
    except ConfigurationError as error:
        if is_needed:
            raise
        return f"the default rules of redaction are in force, for the installation's are wrong: {one_line(error)}"
    return None


def _read(*, finds_people: bool) -> None:
    """Take the rules of the file, if there is one; without people's names, nobody waits for a model of language."""
    file = load_redaction_settings().redaction_file
    if file is None:
        return
    from worker.redaction.installation import use_rules
    from worker.redaction.rules_file import read_rules

    rules = read_rules(file, kept=frozenset())
    use_rules(rules if finds_people else replace(rules, people_language=None))
