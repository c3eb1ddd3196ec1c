# SPDX-License-Identifier: Apache-2.0
"""Memory accesses, one by one or as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from reven2._service import AccessPage, column
from reven2._tables.table import LARGEST_PAGE, Batch, Column, Results, integers
from reven2.address import LinearAddress
from reven2.memhist import (
    MemoryAccess,
    MemoryAccessCause,
    MemoryAccessOperation,
    access_cause,
)
from reven2.trace._transition import Transition

if TYPE_CHECKING:
    from reven2.trace._trace import Trace

__all__ = ["access_results"]

_CAUSES = tuple(MemoryAccessCause)
_PLACES = np.array([_CAUSES.index(access_cause(number)) for number in range(9)], np.uint8)
"""In `_CAUSES`, by the number of the cause in the event stream."""

_COLUMNS = (
    Column("transition", "uint64"),
    Column("address", "uint64"),
    Column("size", "uint32"),
    Column("operation", "category", ("read", "write")),
    Column("cause", "category", tuple(cause.name for cause in _CAUSES)),
)


def access_results(
    trace: Trace,
    address: int,
    size: int,
    start: int,
    stop: int,
    *,
    is_forward: bool,
    operation: MemoryAccessOperation | None,
    fetch_count: int,
) -> Results[MemoryAccess]:
    """Accesses of transitions [start, stop) that touch a range."""
    write, read = MemoryAccessOperation.Write, MemoryAccessOperation.Read

    def pages(is_table: bool) -> Iterator[AccessPage]:
        low, high = start, stop
        while low < high:
            page = trace._service.accesses(
                low,
                high,
                address,
                size,
                reads=operation is not write,
                writes=operation is not read,
                forward=is_forward,
                limit=LARGEST_PAGE if is_table else fetch_count,
            )
            yield page
            if page.next is None:
                return
            low, high = (page.next, high) if is_forward else (low, page.next)

    def items(page: AccessPage) -> Iterator[MemoryAccess]:
        for number, offset, length, is_write, cause in zip(
            column(page.transition, "Q"),
            column(page.address, "Q"),
            column(page.size, "I"),
            page.is_write,
            page.cause,
            strict=True,
        ):
            yield MemoryAccess(
                Transition(trace, number),
                LinearAddress(offset),
                length,
                write if is_write else read,
                access_cause(cause),
            )

    def batch(page: AccessPage) -> Batch:
        return {
            "transition": integers(page.transition, "uint64"),
            "address": integers(page.address, "uint64"),
            "size": integers(page.size, "uint32"),
            "operation": integers(page.is_write, "uint8"),
            "cause": _PLACES[integers(page.cause, "uint8")],
        }

    return Results(_COLUMNS, pages, items, batch)
