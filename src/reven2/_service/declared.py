# SPDX-License-Identifier: Apache-2.0
"""What is true of a query, said where the query is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

__all__ = ["Traits", "query", "traits_of"]

Method = TypeVar("Method", bound=Callable[..., Any])


class Traits(NamedTuple):
    """What a server and a client must know of a query besides its signature.

    Attributes:
        slow: it may scan the trace, or read whole binaries the first time. A server runs it
            where it keeps no quick one waiting, and stops it when its client goes away.
        scans: it reads as much of the trace as there is between it and what it looks for. A server
            gives it turns among the other long ones, behind all that people wait for.
        kept: its answer stays right until the trace grows, so that a client asks once.
        changes: it changes the analyst's data, for which a server wants the right to control.
    """

    slow: bool
    scans: bool
    kept: bool
    changes: bool


def query(
    *, slow: bool = False, scans: bool = False, kept: bool = True, changes: bool = False
) -> Callable[[Method], Method]:
    """Declare a method of an area's protocol a query. What changes something is never kept."""

    def declare(method: Method) -> Method:
        vars(method)["traits"] = Traits(slow or scans, scans, kept and not changes, changes)
        return method

    return declare


def traits_of(method: Callable[..., Any]) -> Traits:
    """What `query` said of a method.

    Raises:
        TypeError: nothing: whoever adds a query has to think of it.
    """
    traits = vars(method).get("traits")
    if not isinstance(traits, Traits):
        raise TypeError(
            f"{method.__qualname__} of the service is not declared: put @query(…) above it, "
            "which says whether it is slow, and whether its answer may be kept."
        )
    return traits
