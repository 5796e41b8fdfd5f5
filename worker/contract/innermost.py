"""The words of a failure, without the JSON around them that models read.

Pure. The rules tell by it why something could not be read, and so does the card.
"""

import json

__all__ = ["innermost"]


def innermost(content: str) -> str:
    """Return the words in an observation's JSON, which ends with them; of anything else, all of it."""
    try:
        value = json.loads(content)
    except ValueError:
        return content
    while isinstance(value, dict) and value:
        value = list(value.values())[-1]
    return str(value)
