"""As many open files as the connections of intake need: asked for at the start, and done without what is not granted.

Systems grant 1,024 by default, and more to who asks. Called by the entry point.
"""

import resource
from typing import Final

__all__ = ["connections_granted"]

OTHER_FILES: Final = 256
"""Redis, the spool, the logs, and connections that are about to be closed."""


def connections_granted(wanted: int) -> int:
    """Raise the process's limit of open files as far as `wanted` connections need it; return how many it bears."""
    granted, grantable = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if granted != resource.RLIM_INFINITY and granted < needed:
        granted = needed if grantable == resource.RLIM_INFINITY else min(needed, grantable)
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, grantable))
    return wanted if granted == resource.RLIM_INFINITY else min(wanted, granted - OTHER_FILES)
