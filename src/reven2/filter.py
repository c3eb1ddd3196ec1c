# SPDX-License-Identifier: Apache-2.0
"""Parts of a trace chosen by who runs: what `Trace.filter` takes and gives."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reven2.trace import Context

__all__ = ["ContextRange", "RingPolicy"]


class RingPolicy(enum.Enum):
    """Which privilege levels of the processor count."""

    All = "all"
    R0Only = "ring 0"
    """The kernel. A trace of a program alone has no moment of it."""
    R3Only = "ring 3"
    """Programs."""


@dataclass(frozen=True)
class ContextRange:
    """Consecutive contexts; iterates over them, and has a length. `str`:
    `[Context before #5662909, Context before #5669296]`.

    Attributes:
        begin: the first context.
        end: the last one; it belongs to the range.
    """

    begin: Context
    end: Context

    def __iter__(self) -> Iterator[Context]:
        return iter(self.begin._trace.contexts(self.begin, self.end._id + 1))

    def __len__(self) -> int:
        return self.end._id - self.begin._id + 1

    def __contains__(self, other: object) -> bool:
        context = type(self.begin)
        return isinstance(other, context) and self.begin <= other <= self.end

    def format_as_html(self) -> str:
        """The two contexts, with links where there is a server."""
        return f"[{self.begin.format_as_html()}, {self.end.format_as_html()}]"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __str__(self) -> str:
        return f"[{self.begin}, {self.end}]"

    def __repr__(self) -> str:
        return str(self)
