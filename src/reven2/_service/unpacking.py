# SPDX-License-Identifier: Apache-2.0
"""Code that the program wrote before it ran."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reven2._service.declared import query


class LayerData(msgspec.Struct, frozen=True):
    """Code that was written and then ran: what is mapped around it, [start, start + size), in the
    context before `transition`, the first that runs any of it.

    `entry`: where it begins to run. `depth`: 1 if code of a file wrote it, 2 if code of depth 1
    did, and so on. `written`: the last transition before that wrote to the entry; `writer`: the
    address of the instruction. `instructions`: how many different ones of it run."""

    depth: int
    transition: int
    entry: int
    start: int
    size: int
    written: int
    writer: int
    instructions: int


class LayerPage(msgspec.Struct, frozen=True):
    """Layers by their transition. `is_complete`: none was left out for there being too many."""

    layers: list[LayerData]
    is_complete: bool


class UnpackingService(Protocol):
    """Queries on code that a program makes."""

    @query(scans=True)
    def unpacked_layers(self, *, limit: int) -> LayerPage:
        """The first layers of code that was written in the trace before it ran."""
