"""The spool: alerts on this machine's disk until Redis has them, and the last way to an engineer when it stays away.

`spool` appends and answers · `record`, `segment` and `series` are how it lies on the disk, `directory` whose it is ·
`shipping` takes it in · `waiting` knows which critical alerts wait, and `direct_escalation` pages for them.
"""

from producers.spool.spool import Spool, open_spool

__all__ = ["Spool", "open_spool"]
