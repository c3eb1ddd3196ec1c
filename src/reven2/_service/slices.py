# SPDX-License-Identifier: Apache-2.0
"""What a value was computed from, as one expression."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reven2._service.declared import query


class VariableData(msgspec.Struct, frozen=True):
    """An input of an expression. `name`: an identifier; `label`: what people call it (`in.txt[3]`);
    `source`: where it came from; `width` in bits; `value`: the recorded one; `transition`: the one
    that brought it, None: there since the trace's start; `is_opaque`: it is no input, but what an
    instruction gave that the expression cannot say."""

    name: str
    label: str
    source: str
    width: int
    value: int
    transition: int | None
    is_opaque: bool


class TableData(msgspec.Struct, frozen=True):
    """Constant memory that the program looks values up in, from `address` on."""

    address: int
    data: bytes


class ExpressionData(msgspec.Struct, frozen=True):
    """An expression. `nodes`: operation, bits, operands (numbers of earlier nodes) and a number,
    as `reven2._expressions.values.Node`; the last is the value. `value`: the recorded one.
    `transitions`: how many the slice has; `notes`: what limits it."""

    nodes: list[tuple[str, int, tuple[int, ...], int]]
    variables: list[VariableData]
    tables: list[TableData]
    value: int
    transitions: int
    notes: list[str]


class SliceService(Protocol):
    """Queries on what values were computed from."""

    @query(scans=True)
    def slice_expression(
        self, context: int, places: list[tuple[bool, int, int]], *, limit: int
    ) -> ExpressionData:
        """The value of places (whether it is memory, address, size as in `TaintQuery.seeds`; the
        first is the lowest) in a context, as an expression of a slice of at most `limit`
        transitions. It was evaluated with the recorded inputs, and gave the recorded value."""
