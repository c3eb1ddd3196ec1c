# SPDX-License-Identifier: Apache-2.0
"""Taint: follow data forward or backward through a trace; and ask where a value came from.

Data flows from what an instruction reads to what it writes: bit by bit in registers, byte by
byte in what is shown of memory. It flows through addresses (`table[x]` is tainted by `x`) if
that is asked for, and not through branches.

    tainter = reven2.preview.taint.Tainter(trace)
    taint = tainter.simple_taint("rdi", from_context=context)
    for access in taint.accesses().all():
        print(access)
"""

from __future__ import annotations

from reven2.preview.taint._data import TaintedMemories, TaintedRegisterSlice
from reven2.preview.taint._origin import Origin, OriginHop, origin
from reven2.preview.taint._results import (
    ChangeMarkers,
    PropagationDirection,
    TaintAccess,
    TaintState,
    TaintWarning,
)
from reven2.preview.taint._sinks import Sink
from reven2.preview.taint._taint import Taint
from reven2.preview.taint._tainter import Tainter
from reven2.preview.taint._tree import OriginPath, OriginTree, Source, origin_tree
from reven2.preview.taint._views import TaintAccessView, TaintSinkView, TaintWarningView

__all__ = [
    "ChangeMarkers",
    "Origin",
    "OriginHop",
    "OriginPath",
    "OriginTree",
    "PropagationDirection",
    "Sink",
    "Source",
    "Taint",
    "TaintAccess",
    "TaintAccessView",
    "TaintSinkView",
    "TaintState",
    "TaintWarning",
    "TaintWarningView",
    "TaintedMemories",
    "TaintedRegisterSlice",
    "Tainter",
    "origin",
    "origin_tree",
]
