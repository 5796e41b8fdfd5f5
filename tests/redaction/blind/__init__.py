"""Lines of two testers who had not seen the patterns: what no canary of theirs may be missed for again.

Each wrote templates of lines, and lines with nothing to take out, before the patterns were run over them. They are data
(`first.txt`, `second.txt`, `clean.txt`); a seed fills their holes. Used by `tests/redaction/test_blind.py` and by
`tests/benchmarks/redaction.py`.
"""

from tests.redaction.blind.figures import Found, found
from tests.redaction.blind.lines import BlindLine, blind_lines, clean_blind_lines

__all__ = ["BlindLine", "Found", "blind_lines", "clean_blind_lines", "found"]
