"""A server on loopback that says what it is told to and hangs up, whatever it was asked."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def server_that_says(answer: bytes, *, then: threading.Event | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the address of a server that answers every request with these bytes and hangs up; and what it read."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        requests.append(connection.recv(65_536))
                        connection.sendall(answer)
                        if then is not None:
                            then.wait(5)
            except OSError:
                return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", requests
        if then is not None:
            then.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
