"""The real clock behind the `Clock` port."""

import time
from datetime import UTC, datetime

__all__ = ["SystemClock"]


class SystemClock:
    """The machine's time. Safe from any thread."""

    def now(self) -> datetime:
        """Return the aware time in UTC."""
        return datetime.now(UTC)

    def monotonic_seconds(self) -> float:
        """Return seconds since some fixed moment; they never step back. On Linux those of a suspended machine count."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; zero or less returns at once."""
        time.sleep(max(seconds, 0))
