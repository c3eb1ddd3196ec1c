# SPDX-License-Identifier: Apache-2.0
"""The one interface between this client and whatever answers its queries.

`reven2` turns what `TraceService` answers into its documented objects. Everything
here is plain integers, bytes and small structs, and every answer that can be long
is paged with a limit, so that the same messages travel over HTTP unchanged.

Contexts are numbered 0 … N (context n is the one before transition n). Ranges of
transitions are half open: [start, stop). Implementations raise the errors of
`reven2.errors`. One module per area; the server's routes and the remote
implementation are made from the signatures, and from what `query(…)` above each says of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from reven2._service.bookmarks import BookmarkData, BookmarkPage, BookmarkService
from reven2._service.calls import (
    CallData,
    CallPage,
    CallService,
    CallTree,
    CallTreeNode,
    FrameData,
)
from reven2._service.core import (
    KIND_END_SIGNAL,
    KIND_INSTRUCTION,
    KIND_INTERRUPT,
    KIND_SIGNAL,
    KIND_SWITCH,
    NO_INSTRUCTION,
    AccessPage,
    BinaryData,
    CoreService,
    DeviceAccessData,
    Disassembly,
    EventData,
    ImportData,
    LocationData,
    MappingData,
    OperandData,
    ProcessData,
    RangeData,
    RegisterPage,
    SymbolData,
    SymbolPage,
    ThreadData,
    TraceInfo,
    TransitionIds,
    TransitionPage,
    column,
)
from reven2._service.declared import traits_of
from reven2._service.diff import DiffService
from reven2._service.end import EndData, EndService, RegisterValue
from reven2._service.explain import ExplainService
from reven2._service.heap import HeapService
from reven2._service.overview import OverviewService
from reven2._service.places import PlaceData, PlaceService
from reven2._service.search import AddressPage, CreatedPage, SearchService, ValuePage
from reven2._service.slices import SliceService
from reven2._service.source import TypeService
from reven2._service.strings import StringPage, StringService
from reven2._service.syscalls import SyscallService
from reven2._service.taint import TaintService
from reven2._service.unpacking import UnpackingService

__all__ = [
    "KIND_END_SIGNAL",
    "KIND_INSTRUCTION",
    "KIND_INTERRUPT",
    "KIND_SIGNAL",
    "KIND_SWITCH",
    "NO_INSTRUCTION",
    "AccessPage",
    "AddressPage",
    "BinaryData",
    "BookmarkData",
    "BookmarkPage",
    "CallData",
    "CallPage",
    "CallTree",
    "CallTreeNode",
    "CreatedPage",
    "DeviceAccessData",
    "Disassembly",
    "EndData",
    "EventData",
    "FrameData",
    "ImportData",
    "LocationData",
    "MappingData",
    "OperandData",
    "PlaceData",
    "ProcessData",
    "RangeData",
    "RegisterPage",
    "RegisterValue",
    "StringPage",
    "SymbolData",
    "SymbolPage",
    "ThreadData",
    "TraceInfo",
    "TraceService",
    "TransitionIds",
    "TransitionPage",
    "ValuePage",
    "column",
    "query_methods",
    "traits_of",
]


class TraceService(
    DiffService,
    ExplainService,
    SliceService,
    SyscallService,
    PlaceService,
    SearchService,
    HeapService,
    TaintService,
    TypeService,
    CallService,
    StringService,
    BookmarkService,
    OverviewService,
    UnpackingService,
    EndService,
    CoreService,
    Protocol,
):
    """Queries on one open trace. Safe to call from several threads."""

    def close(self) -> None: ...

    def beside(self, other: TraceService) -> str:
        """The name by which queries of this trace know another one, which is open the same way.

        Raises InvalidArgumentError where it is not."""


def query_methods() -> dict[str, Callable[..., Any]]:
    """The methods of `TraceService` that ask something, by name."""
    return {
        name: method
        for area in reversed(TraceService.__mro__)
        for name, method in vars(area).items()
        if callable(method) and not name.startswith("_") and name not in ("close", "beside")
    }
