# SPDX-License-Identifier: Apache-2.0
"""HTTP to one server: address, token, and errors as exceptions of this package."""

from __future__ import annotations

import logging
import secrets
import ssl as tls
import threading
from typing import Any, TypeVar

import msgspec
import urllib3

from reven2 import errors
from reven2._client.processes import renew_after_fork
from reven2._client.run_file import read_run_file
from reven2.errors import ClosedError, MemoryReadError, RevenError, ServerError

__all__ = ["Connection", "ForbiddenError", "ServerDescription"]

DEFAULT_PORT = 13370
MESSAGE_PACK = "application/vnd.msgpack"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CONNECT_TIMEOUT = 5.0
_CONNECTIONS = 8
# What an error travels as may only name classes that take a message alone.
_RAISED_AGAIN = (
    errors.TraceError,
    errors.ClosedError,
    errors.RegisterReadError,
    errors.OutOfRangeError,
    errors.InvalidArgumentError,
    errors.QueryCancelledError,
    errors.ServerError,
)
_ERRORS: dict[str, type[RevenError]] = {kind.__name__: kind for kind in _RAISED_AGAIN}

Answer = TypeVar("Answer")


class _Asking(threading.local):
    here = False


_asking = _Asking()
# What urllib3 says about our requests is noise in the log of a script; what it says about the
# script's own requests is not ours to silence.
for _logger in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_logger).addFilter(lambda record: not _asking.here)


class ServerDescription(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    version: str
    epoch: str
    scenarios: list[str]
    role: str = ""


class ForbiddenError(ServerError):
    """The token does not allow this."""


class _ErrorBody(msgspec.Struct, frozen=True):
    error: str
    message: str
    address: int | None = None


class Connection:
    """Requests to one server, from any thread. Connections are kept open and shared.

    Parameters:
        host: name or address.
        port: TCP port.
        token: what the server wants to see; None to look in the run file that a server of
            this user on this machine left.
        ssl: True for TLS as the system trusts, or a context of one's own.
    """

    def __init__(
        self, host: str, port: int, token: str | None, ssl: tls.SSLContext | bool = False
    ) -> None:
        self.host, self.port = host, port
        self.ssl_context = tls.create_default_context() if ssl is True else ssl or None
        self._is_given = token is not None
        self.token = token if token is not None else self._found_token()
        self.closed = False
        # Tells this program's long queries from those of others who show the same token.
        self._client = secrets.token_hex(16)
        self._pool = self._new_pool()
        renew_after_fork(self)

    def _renew(self) -> None:
        # Two processes on one socket would read each other's answers.
        self._pool = self._new_pool()
        self._client = secrets.token_hex(16)

    def _new_pool(self) -> urllib3.HTTPConnectionPool:
        keywords: dict[str, Any] = {
            "maxsize": _CONNECTIONS,
            "timeout": urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=None),
            # A connection kept open may have been closed by the server just as a request
            # leaves; asking again does no harm.
            "retries": urllib3.Retry(
                connect=0, read=1, redirect=0, status=0, other=0, allowed_methods=None
            ),
        }
        if self.ssl_context is None:
            return urllib3.HTTPConnectionPool(self.host, self.port, **keywords)
        keywords["ssl_context"] = self.ssl_context
        return urllib3.HTTPSConnectionPool(self.host, self.port, **keywords)

    @property
    def name(self) -> str:
        """`host:port`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def url(self, path: str, scheme: str = "http") -> str:
        """The address of a path; `scheme`: http or ws, which becomes https or wss with TLS."""
        return f"{scheme}{'s' if self.ssl_context else ''}://{self.name}{path}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say who asks."""
        who = {"Reven-Client": self._client}
        return who | {"Authorization": f"Bearer {self.token}"} if self.token else who

    def renew_token(self) -> bool:
        """Look for the token of a server that was started anew; whether there is another."""
        if self._is_given:
            return False
        before, self.token = self.token, self._found_token()
        return bool(self.token) and self.token != before

    def describe(self) -> ServerDescription:
        """What the server says of itself.

        Raises:
            ServerError (a RuntimeError): nothing answers there, or it is no REVEN server.
        """
        data = self.request_json("GET", "/api/v1/server")
        try:
            return msgspec.convert(data, ServerDescription)
        except msgspec.ValidationError as error:
            raise ServerError(f"{self.name} answers, but as no REVEN server: {error}.") from None

    def request_json(self, method: str, path: str, content: Any = None) -> Any:
        """Send and receive JSON."""
        body = None if content is None else msgspec.json.encode(content)
        data = self.request(method, path, body, "application/json")
        try:
            return msgspec.json.decode(data) if data else None
        except msgspec.DecodeError:
            raise ServerError(
                f"{self.name} answers, but as no REVEN server: check host and port."
            ) from None

    def request(self, method: str, path: str, body: bytes | None, media_type: str) -> bytes:
        """Send a request, receive what it answers, both of `media_type`.

        Raises:
            RevenError: that of the server, or ServerError.
        """
        response = self._send(method, path, body, media_type)
        if response.status == 401 and self.renew_token():
            response = self._send(method, path, body, media_type)
        if response.status >= 400:
            raise self._error(response)
        return response.data

    def close(self) -> None:
        """Close every connection; using this again raises ClosedError."""
        self.closed = True
        self._pool.close()

    def _send(
        self, method: str, path: str, body: bytes | None, media_type: str
    ) -> urllib3.BaseHTTPResponse:
        if self.closed:
            raise ClosedError(f"The connection to {self.name} is closed: open it again.")
        headers = {**self.headers, "Accept": media_type}
        if body is not None:
            headers["Content-Type"] = media_type
        _asking.here = True
        try:
            return self._pool.urlopen(method, path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ServerError(self._reason(error)) from None
        finally:
            _asking.here = False

    def _found_token(self) -> str:
        if self.host not in _LOOPBACK:
            return ""
        file = read_run_file(self.port)
        return file.token if file else ""

    def _reason(self, error: BaseException) -> str:
        cause: BaseException = error
        while True:
            wrapped = (getattr(cause, "reason", None), cause.__cause__, *cause.args)
            inner = next((one for one in wrapped if isinstance(one, BaseException)), None)
            if inner is None:
                break
            cause = inner
        if isinstance(cause, ConnectionRefusedError):
            return (
                f"Nothing listens on {self.name}: start a server with `reven serve TRACE`, "
                "or check host and port."
            )
        if isinstance(cause, tls.SSLError):
            return f"The TLS connection to {self.name} failed: {cause.reason or cause}."
        text = getattr(cause, "strerror", None) or " ".join(str(cause).split())
        return f"{self.name} cannot be reached: {text}."

    def _error(self, response: urllib3.BaseHTTPResponse) -> RevenError:
        try:
            body = self._error_body(response)
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = _ErrorBody("", "")
        if response.status == 401:
            return ServerError(
                f"{self.name} wants its token: it is in the run file of the user who started "
                "the server; pass it as token=…"
            )
        if body.error == MemoryReadError.__name__:
            return MemoryReadError(body.message, body.address)
        message = body.message or f"{self.name} answered with HTTP status {response.status}."
        if response.status == 403:
            return ForbiddenError(message)
        return _ERRORS.get(body.error, ServerError)(message)

    @staticmethod
    def _error_body(response: urllib3.BaseHTTPResponse) -> _ErrorBody:
        if "msgpack" in response.headers.get("Content-Type", ""):
            return msgspec.msgpack.decode(response.data, type=_ErrorBody)
        return msgspec.json.decode(response.data, type=_ErrorBody)
