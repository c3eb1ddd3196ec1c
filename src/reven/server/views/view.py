# SPDX-License-Identifier: Apache-2.0
"""What a view of the browser client asks the server for, in one request."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from reven2._client.numbers import ADDRESSES, hexadecimal, parsed_address
from reven2._service import TraceService

__all__ = ["ADDRESSES", "View", "hexadecimal", "parsed_address", "view"]


class View(msgspec.Struct, frozen=True):
    """A view: `arguments` and `answer` are the types of what `show` takes and gives.

    `slow`: it may scan the trace or read whole binaries, and is stopped when its client
    goes away. `scans`: it does, and takes turns with other long ones.
    """

    name: str
    summary: str
    arguments: type[msgspec.Struct]
    answer: Any
    show: Callable[[TraceService, Any], Any]
    slow: bool
    scans: bool


def view(
    show: Callable[[TraceService, Any], Any], *, slow: bool = False, scans: bool = False
) -> View:
    """The view that a function `(service, request) -> answer` is; it has its name."""
    hints = get_type_hints(show)
    answer = hints.pop("return")
    (arguments,) = (kind for name, kind in hints.items() if name != "service")
    summary = re.sub(r"\s+", " ", inspect.getdoc(show) or "")
    return View(show.__name__, summary, arguments, answer, show, slow or scans, scans)
