# SPDX-License-Identifier: Apache-2.0
"""Moments and places as people write them: `server.where("main+0x12")`. An addition to the
documented interface.

=====================  =====================================================================
`#4242`, `4242`        a transition; `#-1` counts from the end, `116,080` as it is printed
`12%`, `first`, `last` a share of the trace, its ends
`main`, `main+0x12`    a function or variable of the program, and what lies behind it
`libc!printf`          the same of one binary; `libc+0x1f40`: so far behind its beginning
`'std::sort'`          a name in quotes is a symbol, whatever it looks like
`parse.c:41`           a line of the source
`rsp+8`, `[rbp-8]+4`   registers; in brackets, the 8 bytes of memory there
`fs:0x28`              relative to a segment
`0x401136`             an address
=====================  =====================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._printable import printable
from reven2._service.places import PlaceData
from reven2.address import LinearAddress

if TYPE_CHECKING:
    from reven2.ossi.ossi import Location
    from reven2.trace import Context, Trace, Transition

__all__ = ["Place"]


class Place:
    """What an expression means at a moment: a moment, or an address and when it runs. May be
    passed wherever an address or a moment may. `str`: `#4242`, `main+0x12`.

    Not meant to be constructed directly: `server.where` gives it.
    """

    __slots__ = ("_context", "_data", "_trace")

    def __init__(self, trace: Trace, data: PlaceData, context: int) -> None:
        self._trace, self._data, self._context = trace, data, context

    @property
    def transition(self) -> Transition | None:
        """The transition; for an address, the first that runs the instruction there from the
        moment on, or else the last before; None if none does."""
        number = self._data.transition
        return None if number is None else self._trace.transition(number)

    @property
    def context(self) -> Context | None:
        """The context before that transition; None if there is none."""
        number = self._data.transition
        return None if number is None else self._trace._context(number)

    @property
    def address(self) -> LinearAddress | None:
        """The address; None if it is a moment."""
        return (
            None
            if self._data.address is None
            else LinearAddress(self._data.address)._of(self._trace)
        )

    @property
    def size(self) -> int:
        """Bytes of the symbol that the expression names; 0 if it names none, or nothing says."""
        return self._data.size

    @property
    def location(self) -> Location | None:
        """What stands at the address."""
        address = self._data.address
        if address is None:
            return None
        found = self._trace._context(self._context).ossi.location(address)
        run = self._data.transition
        # It may be loaded later.
        if found is None and run is not None:
            found = self._trace._context(run).ossi.location(address)
        return found

    def format_as_html(self) -> str:
        """The same as `str`, for embedding in HTML, as a link where there is a server."""
        transition, address = self.transition, self.address
        if address is not None:
            return address.format_as_html()
        return "" if transition is None else transition.format_as_html()

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Place):
            return NotImplemented
        return self._data == other._data and self._trace == other._trace

    def __hash__(self) -> int:
        return hash(self._data)

    def __str__(self) -> str:
        return printable(self._data.text)

    def __repr__(self) -> str:
        address = "" if self._data.address is None else f", {self._data.address:#x}"
        return f"Place({self._data.text!r}{address}, transition={self._data.transition})"
