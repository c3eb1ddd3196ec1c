# SPDX-License-Identifier: Apache-2.0
"""What callers pass: taken where it can only mean one thing, else refused in one sentence that
says what to pass."""

from __future__ import annotations

import operator
from typing import Any, TypeVar

from reven2.errors import ArgumentTypeError, InvalidArgumentError

Item = TypeVar("Item")

_LONGEST = 60


def whole(value: object) -> int | None:
    """The number that an int, or what is used as one (numpy's integers), is; else None."""
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def integer(value: object, what: str) -> int:
    """The number that is passed as `what`, the beginning of a sentence.

    Raises:
        ArgumentTypeError (a TypeError and ValueError): it is none.
    """
    number = None if isinstance(value, bool) else whole(value)
    if number is None:
        raise wrong_type(what, value, _advice(value))
    return number


def count(value: object, what: str, least: int = 1) -> int:
    """The same, of what cannot be less than `least`."""
    number = integer(value, what)
    if number < least:
        raise InvalidArgumentError(f"{what} is at least {least}, not {number}.")
    return number


def range_size(value: object) -> int:
    """Bytes of a memory range."""
    number = integer(value, "The size of a memory range")
    if number < 1:
        raise InvalidArgumentError(f"A memory range has at least one byte, not {number}.")
    return number


def flag(value: object, what: str) -> bool:
    """A truth value, numpy's too; not whatever happens to be true."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    if whole(value) in (0, 1):
        return bool(value)
    raise wrong_type(what, value, "pass True or False")


def instance(value: object, kind: type[Item], what: str, advice: str) -> Item:
    """What is passed as `what`, which is of this class."""
    if not isinstance(value, kind):
        raise wrong_type(what, value, advice)
    return value


def data(value: object, what: str = "A pattern") -> bytes:
    """The bytes of a pattern; those of a str are its UTF-8 encoding.

    Raises:
        InvalidArgumentError (a ValueError): no bytes, or none at all.
    """
    if isinstance(value, str):
        found = value.encode()
    elif isinstance(value, bytes | bytearray | memoryview):
        found = bytes(value)
    else:
        raise wrong_type(what, value, "pass bytes, as in b'abc', or a str")
    if not found:
        raise InvalidArgumentError(f"{what} has at least one byte.")
    return found


def text(value: object, what: str, advice: str = "pass a str") -> str:
    """A str that is passed as `what`."""
    if isinstance(value, bytes | bytearray):
        advice = f"pass {bytes(value[:_LONGEST]).decode('utf-8', 'replace')!r}, a str"
    checked = instance(value, str, what, advice)
    try:
        checked.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{what} must be text, not {shown(value)}.") from None
    return checked


def wrong_type(what: str, value: object, advice: str) -> ArgumentTypeError:
    """The error for a value of a type that cannot be `what`."""
    return ArgumentTypeError(f"{what} cannot be {shown(value)}: {advice}.")


def shown(value: object) -> str:
    """A value as an error names it: short, with its type where that is not seen."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    words: Any = repr(value)
    words = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
    seen = (int, str, bytes)
    return words if type(value) in seen else f"the {type(value).__name__} {words}"


def _advice(value: object) -> str:
    if isinstance(value, float):
        return f"pass an int, such as int({value!r})"
    if isinstance(value, str):
        try:
            return f"pass the number {int(value, 0)}, without quotes"
        except ValueError:
            return "pass an int"
    return "pass an int"
