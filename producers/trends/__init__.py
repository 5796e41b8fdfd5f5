"""Trends before failures.

`file` says which, `query` measures them in Prometheus, `judging` decides, `watching` tells what is new.
"""

from producers.trends.judging import judge, told_of
from producers.trends.watching import Round, Watch

__all__ = ["Round", "Watch", "judge", "told_of"]
