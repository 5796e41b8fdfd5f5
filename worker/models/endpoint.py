"""One endpoint, one event loop, one client: the way from any number of synchronous threads to an asynchronous SDK.

With 200 threads in a process, a synchronous client burns the interpreter's lock, and a client a call triples the CPU
time; one loop thread with one shared client keeps 400 incidents in flight on two cores
(`tests/benchmarks/in_flight.py`). `OpenAIModel` calls it. It knows nothing of retries and of what is asked.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx2
import uvloop
from openai import AsyncOpenAI, DefaultAioHttpClient

from worker.errors import ConfigurationError, ModelUnavailable

__all__ = ["DEFAULT_BASE_URL", "Endpoint"]

DEFAULT_BASE_URL: Final = "https://api.openai.com/v1"
_KEY_WHERE_NONE_IS_NEEDED: Final = "unused"
"""Ollama and vLLM take any key; the SDK takes no empty one."""

_CONNECT_SECONDS: Final = 5.0
"""An address that swallows packets fails after this, not after the patience that a slow answer deserves."""

_KEEP_ALIVE_SECONDS: Final = 15.0
_GRACE_SECONDS: Final = 1.0
"""How much longer than a coroutine's own bound a thread waits, should the loop be too busy to keep that bound."""

_CLOSING_SECONDS: Final = 5.0

Result = TypeVar("Result")


class Endpoint:
    """An OpenAI-compatible address, and this process's one loop thread and one client for it.

    Both start with the first call, never at construction or import, so that a process may fork before; a child that is
    forked later starts its own. `try_timeout_seconds` bounds each wait for bytes, `concurrency` the connections.
    Raises `ConfigurationError` when there is neither key nor address.
    """

    def __init__(
        self, *, api_key: str | None, base_url: str | None, try_timeout_seconds: float, concurrency: int
    ) -> None:
        if not api_key and not base_url:
            raise ConfigurationError("No model endpoint is configured: set OPENAI_API_KEY or OPENAI_BASE_URL.")
        self.base_url: Final = base_url or DEFAULT_BASE_URL
        self.host: Final = urlsplit(self.base_url).netloc.rpartition("@")[2]
        self._api_key = api_key or _KEY_WHERE_NONE_IS_NEEDED
        self._try_timeout_seconds = try_timeout_seconds
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._is_closed = False
        self._service: _Service | None = None

    def run(self, work: Callable[[AsyncOpenAI], Coroutine[Any, Any, Result]], *, timeout_seconds: float) -> Result:
        """Run `work` with the shared client on the loop and return what it returns; it must end in `timeout_seconds`.

        Safe from many threads at once. Raises what `work` raises, and `ModelUnavailable` when the endpoint is closed,
        or when the loop did not come round in time.
        """
        with self._lock:
            if self._is_closed:
                raise ModelUnavailable(f"The connection to {self.host} was closed, because this worker is stopping.")
            service = self._running_service()
            future = asyncio.run_coroutine_threadsafe(work(service.client), service.loop)
        try:
            return future.result(timeout_seconds + _GRACE_SECONDS)
        except TimeoutError as error:
            raise ModelUnavailable(f"No answer of {self.host} was seen within {timeout_seconds:.3g} s.") from error
        except CancelledError as error:
            raise ModelUnavailable(f"The connection to {self.host} was closed during the request.") from error
        finally:
            future.cancel()

    def close(self) -> None:
        """End client, loop and thread; what is still in flight fails at once. A second call does nothing."""
        with self._lock:
            self._is_closed = True
            service, self._service = self._service, None
        atexit.unregister(self.close)
        if service is not None:
            service.stop()

    def _running_service(self) -> "_Service":
        if self._service is None or not self._service.is_alive:
            self._service = _Service(self._new_client(), name=f"model {self.host}")
            atexit.register(self.close)
        return self._service

    def _new_client(self) -> AsyncOpenAI:
        limits = httpx2.Limits(max_connections=self._concurrency, keepalive_expiry=_KEEP_ALIVE_SECONDS)
        timeout = httpx2.Timeout(self._try_timeout_seconds, connect=min(_CONNECT_SECONDS, self._try_timeout_seconds))
        return AsyncOpenAI(
            api_key=self._api_key,
            base_url=self.base_url,
            timeout=timeout,
            max_retries=0,
            http_client=DefaultAioHttpClient(limits=limits, timeout=timeout, follow_redirects=False),
        )


class _Service:
    """The running loop thread and its client."""

    def __init__(self, client: AsyncOpenAI, *, name: str) -> None:
        self.client: Final = client
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.loop: Final = self._runner.get_loop()
        self._is_stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs in this process: after a fork, the child sees False."""
        return self._thread.is_alive()

    def stop(self) -> None:
        if self.is_alive:
            self.loop.call_soon_threadsafe(self._is_stopping.set)
            self._thread.join(_CLOSING_SECONDS)

    def _serve(self) -> None:
        with self._runner:
            self._runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._is_stopping.wait()
        in_flight = asyncio.all_tasks() - {asyncio.current_task()}
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
        await self.client.close()
