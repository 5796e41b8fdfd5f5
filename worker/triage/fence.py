"""The fence around data from outside, in what a model is sent: where the data ends, nobody outside can say.

Pure. The fence is drawn by chance for each claim and told to the model in its system prompt; whatever is fenced loses
the fence's own letters first. Without a fence (a transcript that no model is sent) a text stays as it is. Prompts and
model adapters call it. It makes a reader of data safer and proves nothing: what may be done is decided by the guards.
"""

import re
from typing import Final

__all__ = ["fenced"]

_STRIPPED: Final = "(fence)"
_NO_NAME: Final = re.compile(r"[^\w-]", re.ASCII)


def fenced(text: str, *, fence: str, source: str) -> str:
    """Return `text` between the marks of `fence`, named as data of `source`, and without the fence inside."""
    if not fence:
        return text
    inside = re.sub(re.escape(fence), _STRIPPED, text, flags=re.IGNORECASE)
    return f'<data-{fence} source="{_NO_NAME.sub("_", source)}">\n{inside}\n</data-{fence}>'
