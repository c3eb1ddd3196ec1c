# SPDX-License-Identifier: Apache-2.0
"""Every error that this package raises on purpose, in one tree.

Each is also the built-in error that scripts written for the documented interface
catch, so `except RuntimeError` and `except reven2.errors.RevenError` both work::

    RevenError
    ├── TraceError            (RuntimeError)  the trace cannot be opened or read
    ├── ServerError           (RuntimeError)  the server cannot be reached, or refuses
    ├── QueryCancelledError   (RuntimeError)  a long query was cancelled from elsewhere
    ├── ClosedError           (RuntimeError)  used after close()
    ├── MemoryReadError       (RuntimeError)  memory that is not mapped or never recorded
    ├── RegisterReadError     (RuntimeError)  a register that is not recorded
    ├── OutOfRangeError       (IndexError)    no such transition or context
    ├── InvalidArgumentError  (ValueError)    an argument that cannot mean anything
    │   └── ArgumentTypeError (TypeError too) … because of its type
    ├── VariableReadError     (RuntimeError)  a variable that the compiler optimized out
    ├── TypeNotFoundError     (RuntimeError)  no type of that name in the debug information
    ├── TypeMismatchError     (TypeError)     a value of another type than was asserted
    ├── MissingLibraryError   (ImportError)   an optional library is not installed
    ├── StringDecodeError     (UnicodeDecodeError)  bytes that are no text in that encoding
    └── ossi.os.OsError       (RuntimeError)  the trace is of another operating system
"""

from __future__ import annotations

from reven2._printable import printable_lines

__all__ = [
    "ArgumentTypeError",
    "ClosedError",
    "InvalidArgumentError",
    "MemoryReadError",
    "MissingLibraryError",
    "OutOfRangeError",
    "QueryCancelledError",
    "RegisterReadError",
    "RevenError",
    "ServerError",
    "StringDecodeError",
    "TraceError",
    "TypeMismatchError",
    "TypeNotFoundError",
    "VariableReadError",
]


class RevenError(Exception):
    """Root of the tree. The text says what is wrong and what to do."""

    def __str__(self) -> str:
        # It may name what a trace or another client does, and is printed in tracebacks.
        return printable_lines(super().__str__())


class TraceError(RevenError, RuntimeError):
    """The trace cannot be opened or read: missing, damaged, or of another version."""


class ServerError(RevenError, RuntimeError):
    """A server cannot be reached, does not let this client do this, or failed."""


class QueryCancelledError(RevenError, RuntimeError):
    """A long query was cancelled while it ran, from `server.queries` or by the server's owner."""


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


class MissingLibraryError(RevenError, ImportError):
    """What was asked for takes a library that REVEN does without otherwise."""

    def __init__(self, what: str, library: str) -> None:
        super().__init__(f"{what} takes {library}, which is not installed: pip install {library}")


class OutOfRangeError(RevenError, IndexError):
    """A transition or context number that the trace does not have."""


class InvalidArgumentError(RevenError, ValueError):
    """An argument that cannot mean anything for this call."""


class ArgumentTypeError(InvalidArgumentError, TypeError):
    """An argument of a type that cannot mean anything for this call."""


class VariableReadError(RevenError, RuntimeError):
    """A variable of the source has no value at that moment: the compiler optimized it out."""


class TypeNotFoundError(RevenError, RuntimeError):
    """The debug information of a binary has no type of that name, or only a declaration."""


class TypeMismatchError(RevenError, TypeError):
    """A field, pointer or array is of another type than the caller asserted."""


class StringDecodeError(RevenError, UnicodeDecodeError):
    """Memory read as a string holds bytes that are no text in the chosen encoding."""
