"""How long something waits already, in words for a person: “12 min”, “9 h 59 min”, “23 h”, “2 d 1 h”.

Pure. Never longer than a narrow column of the queue has room for. Called by `queue_page.py` and `status_page.py`.
"""

from typing import Final

__all__ = ["age_in_words"]

_HOURS_WITHOUT_MINUTES: Final = 10


def age_in_words(seconds: float) -> str:
    """Return an age in whole minutes, hours or days. What lies in the future, by another clock, is 0 min old."""
    minutes = max(0, int(seconds)) // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    if hours >= _HOURS_WITHOUT_MINUTES:
        return f"{hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
