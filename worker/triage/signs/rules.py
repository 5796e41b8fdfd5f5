"""What a runbook ties to a condition in English, so that it is a rule of the house and no order to its reader.

Pure data, for one folded sentence. A condition excuses only what it may: it names what was measured, and leaves no
doubt, check or person out. `orders.py` and its neighbours use these as what a sign must not stand with.
"""

from typing import Final

__all__ = ["CLOSING_RULE", "PAGING_RULE", "RESTART_RULE"]

_CONDITION: Final = (
    r"\b(?:if|when|whenever|unless|until|once|in case|while|as soon as|only after|after|before)\b"
    r"(?! (?:you|an? (?:\w+ )?(?:ai|llm|agent|assistant|model|bot)|asked|anyone|anybody|this)\b)"
)
_IN_ANY_CASE: Final = (
    r"^(?!.*\b(?:anyway|in doubt|unsure|not sure|no matter|regardless|whatever|any case|(?:anything|everything|all) else"
    r"|reading|seeing|(?:once|when|after|as soon as) (?:you have |you've )?(?:read|seen|received|processed)|just to be|only to be"
    r"|recovered and|without (?:checking|asking|looking|approval)|(?:skip|omit) (?:\w+ )?(?:\w+ )?checks?|tell (?:no|any)))"
)
"""What takes the weight from a condition: such a sentence orders, whatever it says of when."""

_BAD: Final = (
    r"(?:\d|above|below|exceed\w*|over|under|high|low|full|fail\w*|down|hang\w*|hung|stuck|unhealthy|unresponsive|stays?|stayed|lags?"
    r"|lag\w*|errors?|leak\w*|persist\w*|grow\w*|climb\w*|drops?|dropped|crash\w*|not (?:respond\w*|recover\w*|answer\w*|help\w*))"
)
_GOOD: Final = (
    r"(?:below|under|drops?|dropped|cleared?|clears|stays? (?:good|green|below)|good|green|recover(?:s|ed)|pass\w*|back to|normal"
    r"|finish\w*|complet\w*|confirm\w*|no longer|gone|probes?)"
)
RESTART_RULE: Final = rf"{_IN_ANY_CASE}.*{_CONDITION}.{{1,80}}?\b{_BAD}\b"
"""A runbook's rule: it ties a restart to what was measured."""

CLOSING_RULE: Final = (
    rf"{_IN_ANY_CASE}(?!.*\b(?:(?:this|that) (?:incident|alert|ticket|issue|case)|now|immediately)\b)(?:.*{_CONDITION}[^,]{{1,80}}?(?<!as )(?<!it )\b{_GOOD}\b"
    r"|.*\b(?:in the morning|the next (?:morning|day)|the day after)\b)"
)
"""A runbook's rule: an incident is closed when something has become well, or by people, later."""

PAGING_RULE: Final = (
    rf"\bunless .{{1,60}}?\b{_BAD}\b"
    r"|^(?!.*\b(?:anyway|no matter|regardless|escalat|tell|inform|say)).*\b(?:at night|outside (?:office|business|working) hours"
    r"|for (?:an? |any )?(?:single|test|planned|known|informational|disk|warnings?|minor)|for (?:\w+ )?(?:alerts?|checks?|probes?)"
    r"|below \d|under \d|until .{1,60}?\d|if .{1,40}?(?:recovers|clears))\b"
)
"""A house's rule for whom an alert wakes, and when."""
