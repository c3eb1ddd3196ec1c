# SPDX-License-Identifier: Apache-2.0
"""What a view of the browser client asks the server for, in one request."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from reven2._service import TraceService
from reven2.errors import InvalidArgumentError

__all__ = ["View", "hexadecimal", "parsed_address", "view"]

ADDRESSES = 1 << 64


class View(msgspec.Struct, frozen=True):
    """A view: `arguments` and `answer` are the types of what `show` takes and gives.

    `slow`: it may scan the trace or read whole binaries, and is stopped when its client
    goes away.
    """

    name: str
    summary: str
    arguments: type[msgspec.Struct]
    answer: Any
    show: Callable[[TraceService, Any], Any]
    slow: bool


def view(show: Callable[[TraceService, Any], Any], *, slow: bool = False) -> View:
    """The view that a function `(service, request) -> answer` is; it has its name."""
    hints = get_type_hints(show)
    answer = hints.pop("return")
    (arguments,) = (kind for name, kind in hints.items() if name != "service")
    summary = re.sub(r"\s+", " ", inspect.getdoc(show) or "")
    return View(show.__name__, summary, arguments, answer, show, slow)


def hexadecimal(number: int) -> str:
    """A number as JSON has it: a string, for JavaScript's numbers end at 2^53."""
    return f"{number:#x}"


def parsed_address(text: str) -> int:
    """The number of a string as `hexadecimal` makes it.

    Raises:
        InvalidArgumentError: it is none, or no address.
    """
    try:
        number = int(text, 16) if text.startswith("0x") else -1
    except ValueError:
        number = -1
    if not 0 <= number < ADDRESSES:
        raise InvalidArgumentError(f"{text[:40]!r} is no address: write 0x and up to 16 digits.")
    return number
