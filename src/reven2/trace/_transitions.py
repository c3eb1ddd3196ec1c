# SPDX-License-Identifier: Apache-2.0
"""Transitions, one by one or as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from reven2._service import KIND_INSTRUCTION, NO_INSTRUCTION
from reven2._tables.table import Batch, Column, integers
from reven2.trace._numbered import NumberedTable
from reven2.trace._transition import Transition

if TYPE_CHECKING:
    from reven2.trace._trace import Trace

__all__ = ["transition_results"]

_TABLE_PAGE = 1 << 16
_COLUMNS = (
    Column("transition", "uint64"),
    Column("pc", "uint64"),
    Column("thread", "uint32"),
    Column("kind", "category", ("instruction", "signal", "switch", "end")),
    Column("instruction", "text"),
)


def transition_results(trace: Trace, numbers: range) -> NumberedTable[Transition]:
    """Transitions of these numbers."""

    def items(numbers: range) -> Iterator[Transition]:
        if numbers.step != 1:
            for number in numbers:
                yield Transition(trace, number)
            return
        for block in trace._pages.blocks(numbers):
            for number in range(block.first, block.first + block.count):
                yield Transition(trace, number, block)

    def batches(numbers: range) -> Iterator[Batch]:
        length = max(_TABLE_PAGE // abs(numbers.step), 1)
        for begin in range(0, len(numbers), length):
            part = numbers[begin : begin + length]
            low = min(part[0], part[-1])
            page = trace._service.transitions(low, max(part[0], part[-1]) + 1)
            chosen = np.arange(part.start, part.stop, part.step) - low
            texts = trace._pages.texts(page)
            which = integers(page.instruction, "uint32")[chosen]
            # The text of no instruction stands at the end.
            which = np.where(which == NO_INSTRUCTION, len(texts), which).astype(np.int64)
            kind = integers(page.kind, "uint8")[chosen]
            which[kind != KIND_INSTRUCTION] = len(texts)
            yield {
                "transition": chosen.astype(np.uint64) + np.uint64(low),
                "pc": integers(page.pc, "uint64")[chosen],
                "thread": integers(page.thread, "uint32")[chosen],
                "kind": kind,
                "instruction": (which, [*texts, ""]),
            }

    return NumberedTable(numbers, items, trace.transition, _COLUMNS, batches)
