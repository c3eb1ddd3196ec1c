# SPDX-License-Identifier: Apache-2.0
"""Every error that this package raises on purpose, in one tree.

Each is also the built-in error that scripts written for the documented interface
catch, so `except RuntimeError` and `except reven2.errors.RevenError` both work::

    RevenError
    ├── TraceError            (RuntimeError)  the trace cannot be opened or read
    ├── ServerError           (RuntimeError)  the server cannot be reached, or refuses
    ├── ClosedError           (RuntimeError)  used after close()
    ├── MemoryReadError       (RuntimeError)  memory that is not mapped or never recorded
    ├── RegisterReadError     (RuntimeError)  a register that is not recorded
    ├── OutOfRangeError       (IndexError)    no such transition or context
    ├── InvalidArgumentError  (ValueError)    an argument that cannot mean anything
    ├── StringDecodeError     (UnicodeDecodeError)  bytes that are no text in that encoding
    └── ossi.os.OsError       (RuntimeError)  the trace is of another operating system
"""

from __future__ import annotations

__all__ = [
    "ClosedError",
    "InvalidArgumentError",
    "MemoryReadError",
    "OutOfRangeError",
    "RegisterReadError",
    "RevenError",
    "ServerError",
    "StringDecodeError",
    "TraceError",
]


class RevenError(Exception):
    """Root of the tree. The text says what is wrong and what to do."""


class TraceError(RevenError, RuntimeError):
    """The trace cannot be opened or read: missing, damaged, or of another version."""


class ServerError(RevenError, RuntimeError):
    """A server cannot be reached, does not let this client do this, or failed."""


class ClosedError(RevenError, RuntimeError):
    """The trace was closed before this use of it."""


class MemoryReadError(RevenError, RuntimeError):
    """Some byte of a range is not mapped at that context, or was never recorded.

    Attributes:
        address: the first such linear address, None if it is not known.
    """

    def __init__(self, message: str, address: int | None = None) -> None:
        super().__init__(message)
        self.address = address


class RegisterReadError(RevenError, RuntimeError):
    """The register exists on the machine, but its value is not in the trace."""


class OutOfRangeError(RevenError, IndexError):
    """A transition or context number that the trace does not have."""


class InvalidArgumentError(RevenError, ValueError):
    """An argument that cannot mean anything for this call."""


class StringDecodeError(RevenError, UnicodeDecodeError):
    """Memory read as a string holds bytes that are no text in the chosen encoding."""
