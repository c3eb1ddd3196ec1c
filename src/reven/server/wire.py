# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests and answers: JSON or MessagePack, and errors as both."""

from __future__ import annotations

from typing import Any

import msgspec

from reven2 import errors

__all__ = ["JSON", "MSGPACK", "ErrorAnswer", "RequestError", "decode", "encode"]

JSON = "application/json"
MSGPACK = "application/vnd.msgpack"


class ErrorAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a request was not carried out. `error`: a class of `reven2.errors`, or what the
    server itself refused. `address`: of a MemoryReadError."""

    error: str
    message: str
    address: int | None = None


class RequestError(Exception):
    """A request that the server refuses, with an HTTP status. `error` is the class of
    `reven2.errors` that the client raises."""

    def __init__(self, status: int, message: str, error: str = "ServerError") -> None:
        super().__init__(message)
        self.status, self.message, self.error = status, message, error


# Most special first: the first that fits counts.
STATUSES: tuple[tuple[type[errors.RevenError], int], ...] = (
    (errors.InvalidArgumentError, 400),
    (errors.ClosedError, 410),
    (errors.TraceError, 409),
    (errors.ServerError, 503),
    (errors.RevenError, 422),
)


def error_answer(error: RequestError | errors.RevenError) -> tuple[int, ErrorAnswer]:
    """HTTP status and answer for an error."""
    if isinstance(error, RequestError):
        return error.status, ErrorAnswer(error.error, error.message)
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    address = error.address if isinstance(error, errors.MemoryReadError) else None
    return status, ErrorAnswer(type(error).__name__, str(error), address)


def accepts_msgpack(accept: str) -> bool:
    """Whether an `Accept` header asks for MessagePack; JSON is the default."""
    return any(part.split(";")[0].strip().lower() == MSGPACK for part in accept.split(","))


def encode(value: Any, *, msgpack: bool) -> bytes:
    return msgspec.msgpack.encode(value) if msgpack else msgspec.json.encode(value)


def decode(body: bytes, content_type: str, kind: Any) -> Any:
    """The `kind` that `body` holds, by its `Content-Type`: JSON unless it says MessagePack.

    Raises:
        RequestError: 400 with what is wrong, 415 for another type.
    """
    media_type = content_type.split(";", maxsplit=1)[0].strip().lower()
    try:
        if media_type == MSGPACK:
            return msgspec.msgpack.decode(body, type=kind)
        # What a page may send without asking first (form types, text) is no JSON.
        if media_type == JSON:
            return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise RequestError(400, "The body is nested too deeply.", "InvalidArgumentError") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(
            400, f"The body is not what is wanted: {error}.", "InvalidArgumentError"
        ) from None
    raise RequestError(415, f"Content-Type must be {JSON} or {MSGPACK}.", "InvalidArgumentError")
