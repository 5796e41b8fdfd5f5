"""The HTTP door: monitoring systems push their alerts here, and hear for each alert what became of it.

One request is one story, and `desk.py` tells it; the other files each hold one idea that it needs. `server.py` has the
sockets. `firstline intake` puts it together.
"""

from producers.webhook.credentials import Credentials, read_credentials
from producers.webhook.desk import Desk
from producers.webhook.limits import Limits
from producers.webhook.server import serve

__all__ = ["Credentials", "Desk", "Limits", "read_credentials", "serve"]
