# SPDX-License-Identifier: Apache-2.0
"""What people write for a moment or a place: `#4242`, `12%`, `last`, `main+0x12`, `file.c:3`."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.core import RangeData, SymbolData
from reven2._service.declared import query

Wanted = Literal["place", "transition", "context", "address"]


class PlaceData(msgspec.Struct, frozen=True):
    """What an expression means. A moment has a `transition` (for a wanted context, its number)
    and no `address`; an address has the transition that runs it next, or else ran it last, if
    it is code and a place was wanted. `text`: how it is shown; `size`: of the symbol that the
    expression names, in bytes, else 0."""

    text: str
    transition: int | None
    address: int | None
    size: int = 0


class PlaceService(Protocol):
    """The one language for moments and places."""

    @query(slow=True)
    def resolve(
        self, expression: str, context: int, *, thread: int | None, wanted: Wanted
    ) -> PlaceData:
        """What an expression means at a context, with the registers of a thread, or of the one
        that runs. A plain number is a transition where a place may be one, else an address."""

    @query(slow=True)
    def symbols_named(self, name: str) -> list[SymbolData]:
        """The symbols of executed binaries that have this name, whole or but for parameters,
        version or `@plt`; at most 1000."""

    @query(slow=True)
    def line_entries(self, file: str, line: int) -> list[RangeData]:
        """Where statements of a source line start, for each time the binary was loaded. `file`:
        an absolute path or its last components."""
