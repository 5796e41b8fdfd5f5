"""One alert as one line of a segment: JSON that names its own length and checksum, so that half a line is seen as one.

Pure. The spool writes lines, the shipper and the direct escalation read them; `jq .alert` reads them too.
"""

import re
import zlib
from typing import Final

from pydantic import TypeAdapter, ValidationError

from worker.contract import Alert

__all__ = ["decode", "encode"]

_LINE: Final = re.compile(rb'\{"bytes":(\d{1,9}),"crc32":"([0-9a-f]{8})","alert":(.*)\}\n', re.DOTALL)
_ALERT: Final[TypeAdapter[Alert]] = TypeAdapter(Alert)


def encode(alert: Alert) -> bytes:
    """Return the alert's line, with its line feed; CRC-32 is zlib's, over the alert's own bytes."""
    written = alert.model_dump_json().encode()
    return b'{"bytes":%d,"crc32":"%08x","alert":%s}\n' % (len(written), zlib.crc32(written), written)


def decode(line: bytes) -> Alert | None:
    """Return the alert of a line as `encode` made it; None for one that is torn, damaged or of an unknown form."""
    match = _LINE.fullmatch(line)
    if match is None or int(match[1]) != len(match[3]) or int(match[2], 16) != zlib.crc32(match[3]):
        return None
    try:
        return _ALERT.validate_json(match[3])
    except ValidationError:
        return None
