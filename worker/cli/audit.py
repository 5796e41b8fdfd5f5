"""The audit: who was shown what is masked for everybody else, and why, written down before it is shown.

When Redis does not confirm the entry, nothing is shown. Commands that reveal call it.
"""

import socket
from datetime import UTC, datetime
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from worker.cli.failures import Unconfirmed, sentence_of
from worker.cli.restarts import person
from worker.contract.queue import AUDIT_STREAM
from worker.redaction import SECRETS_MASKER

__all__ = ["REVEAL", "write_audit"]

REVEAL: Final = "reveal"


def write_audit(connection: Redis, *, action: str, incident_id: str, why: str) -> None:
    """Write one entry. Raises `Unconfirmed` when it is not known to be written: then show nothing."""
    try:
        connection.xadd(
            AUDIT_STREAM,
            {
                "at": datetime.now(UTC).isoformat(),
                "person": person(),
                "host": socket.gethostname(),
                "action": action,
                "incident_id": incident_id,
                "why": SECRETS_MASKER.checked(why),
            },
        )
    except RedisError as error:
        sentence = f"{sentence_of(error)} Nothing is revealed, for who was shown it could not be written down."
        raise Unconfirmed(sentence) from error
