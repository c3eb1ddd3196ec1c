# SPDX-License-Identifier: Apache-2.0
"""Memory accesses, one by one or as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._service import AccessPage, column
from reven2._tables.table import LARGEST_PAGE, Batch, Column, Results, integers
from reven2.address import LinearAddress
from reven2.memhist import MemoryAccess, MemoryAccessOperation
from reven2.trace._transition import Transition

if TYPE_CHECKING:
    from reven2.trace._trace import Trace

__all__ = ["access_results"]

_COLUMNS = (
    Column("transition", "uint64"),
    Column("address", "uint64"),
    Column("size", "uint32"),
    Column("operation", "category", ("read", "write")),
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
        for number, offset, length, is_write in zip(
            column(page.transition, "Q"),
            column(page.address, "Q"),
            column(page.size, "I"),
            page.is_write,
            strict=True,
        ):
            yield MemoryAccess(
                Transition(trace, number),
                LinearAddress(offset),
                length,
                write if is_write else read,
            )

    def batch(page: AccessPage) -> Batch:
        return {
            "transition": integers(page.transition, "uint64"),
            "address": integers(page.address, "uint64"),
            "size": integers(page.size, "uint32"),
            "operation": integers(page.is_write, "uint8"),
        }

    return Results(_COLUMNS, pages, items, batch)
