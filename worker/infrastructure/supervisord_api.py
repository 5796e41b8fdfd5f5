"""The few calls of supervisord's XML-RPC interface that Firstline makes.

supervisord knows no rights per method: whoever may restart may also shut down. So this is the allow-list: three
methods on one named program each, and no way to call another. Called by the adapter and by the lab fleet.
Source: http://supervisord.org/api.html
"""

import base64
import http.client
import math
import time
import xmlrpc.client
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, Final
from xml.parsers.expat import ExpatError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.errors import OrderRefused, SourceUnavailable

__all__ = ["ProgramInfo", "SupervisordApi"]

_READ_TIMEOUT_SECONDS: Final = 5.0

_NOT_RUNNING: Final = 70
_LARGEST_PID: Final = 2**31 - 1
_ANSWER_LIMIT_BYTES: Final = 1_048_576
"""An account of one program has a few hundred."""


class ProgramInfo(BaseModel):
    """What supervisord knows of one program; times are seconds since the epoch, `pid` is 0 when nothing runs."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    statename: str
    pid: Annotated[int, Field(ge=0, le=_LARGEST_PID)]
    start: int
    now: int
    exitstatus: int
    stdout_logfile: str


class SupervisordApi:
    """One supervisord on this machine. Each call has a connection of its own, so any number of threads may call.

    Every failure (timed out, cut off, nonsense) is `SourceUnavailable` in one sentence; it is an `OrderRefused`
    where supervisord did not hear of the call or said no. Nothing is tried twice.
    """

    def __init__(
        self, url: str, *, username: str, password: str, read_timeout_seconds: float = _READ_TIMEOUT_SECONDS
    ) -> None:
        self._url = url
        self._credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._read_timeout_seconds = read_timeout_seconds

    def program_info(self, program: str, *, timeout_seconds: float = math.inf) -> ProgramInfo:
        """Return the program's state, process id, times and log file, within `timeout_seconds` at the latest."""
        seconds = min(timeout_seconds, self._read_timeout_seconds)
        answer = self._call("getProcessInfo", program, timeout_seconds=seconds)
        try:
            return ProgramInfo.model_validate(answer)
        except ValidationError as error:
            raise SourceUnavailable(f"supervisord at {self._url} gave no usable account of {program}.") from error

    def stop_program(self, program: str, *, timeout_seconds: float) -> None:
        """Stop the program and return when it has ended; one that does not run is left as it is.

        supervisord answers an order when it is carried out, and by default waits 10 s before it kills a program.
        """
        try:
            self._call("stopProcess", program, timeout_seconds=timeout_seconds)
        except SourceUnavailable as error:
            if not isinstance(error.__cause__, xmlrpc.client.Fault) or error.__cause__.faultCode != _NOT_RUNNING:
                raise

    def start_program(self, program: str, *, timeout_seconds: float) -> None:
        """Start the program and return when supervisord counts it as running."""
        self._call("startProcess", program, timeout_seconds=timeout_seconds)

    def _call(self, method: str, program: str, *, timeout_seconds: float) -> object:
        headers = [("Authorization", f"Basic {self._credentials}")]
        transport = _OneTryTransport(headers=headers, timeout_seconds=timeout_seconds)
        try:
            with xmlrpc.client.ServerProxy(self._url, transport=transport) as proxy:
                return getattr(proxy.supervisor, method)(program)
        except xmlrpc.client.Fault as error:
            raise OrderRefused(f"supervisord refused {method} of {program}: {error.faultString}.") from error
        except xmlrpc.client.ProtocolError as error:
            failed = OrderRefused if error.errcode == HTTPStatus.UNAUTHORIZED else SourceUnavailable
            raise failed(
                f"supervisord at {self._url} answered {error.errcode} {error.errmsg} to {method} of {program}."
            ) from error
        except ConnectionRefusedError as error:
            raise OrderRefused(f"supervisord at {self._url} did not answer {method}: {error}.") from error
        except (OSError, http.client.HTTPException) as error:
            raise SourceUnavailable(f"supervisord at {self._url} did not answer {method}: {error}.") from error
        except (xmlrpc.client.Error, ExpatError, ValueError, TypeError, LookupError) as error:
            raise SourceUnavailable(f"supervisord at {self._url} answered nonsense to {method}.") from error


class _OneTryTransport(xmlrpc.client.Transport):
    """HTTP with a time limit. The library's own transport has none, and sends a request again on a cut connection."""

    def __init__(self, *, headers: Iterable[tuple[str, str]], timeout_seconds: float) -> None:
        super().__init__(headers=headers)
        self._timeout_seconds = timeout_seconds

    def make_connection(self, host: tuple[str, dict[str, str]] | str) -> http.client.HTTPConnection:
        address, _, _ = self.get_host_info(host)
        connection = http.client.HTTPConnection(address, timeout=self._timeout_seconds)
        self._connection = host, connection  # where `close` looks for it
        return connection

    def parse_response(self, response: http.client.HTTPResponse) -> Any:  # noqa: ANN401 - as the library returns it
        give_up, body = time.monotonic() + self._timeout_seconds, bytearray()
        with response:
            while chunk := response.read1(_ANSWER_LIMIT_BYTES):
                body += chunk
                if len(body) > _ANSWER_LIMIT_BYTES or time.monotonic() > give_up:
                    raise OSError("the answer does not end")
        parser, unmarshaller = self.getparser()
        parser.feed(bytes(body))
        parser.close()
        return unmarshaller.close()

    def request(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the library passes them
        return self.single_request(*arguments, **options)
