# SPDX-License-Identifier: Apache-2.0
"""What tainted data leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._printable import printable
from reven2._service.code_places import CodePlace
from reven2._service.taint import SinkData
from reven2.explanation import place_text

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition

__all__ = ["Sink"]


class Sink:
    """Where tainted data leaves the program, or decides what it does. `str`: its name, the bytes
    and the place: `#4242: out.txt, bytes 14–17  [main+0x52 enc.c:18]`.

    Not meant to be constructed directly: `Taint.sinks` has it.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: SinkData) -> None:
        self._trace, self._data = trace, data

    @property
    def kind(self) -> str:
        """`file`, `standard output`, `standard error`, `pipe`, `socket`, `device`: bytes that are
        written; `program`: path, argument or environment of a program that is started; `exit
        status`; `argument`: a number that a system call is given; `system call`: other memory
        that it reads; `branch`, `jump`, `address`: what the data decides."""
        return self._data.kind

    @property
    def name(self) -> str:
        """The file's path, `argv[1] of execve`, and the like."""
        return self._data.name

    @property
    def offset(self) -> int | None:
        """The first byte's position in the file, stream or text; None where that means nothing or
        is not known."""
        return self._data.offset

    @property
    def size(self) -> int:
        """Bytes."""
        return self._data.size

    @property
    def transition(self) -> Transition:
        """The one that does it; of what an instruction decides more often, the first."""
        return self._trace.transition(self._data.transition)

    @property
    def tags(self) -> list[str]:
        """The tags that lead there."""
        tags = self._data.tags
        return [f"tag{tag}" for tag in range(tags.bit_length()) if tags >> tag & 1]

    @property
    def count(self) -> int:
        """How often the instruction decided it; 1 for what is written."""
        return self._data.count

    @property
    def is_decision(self) -> bool:
        """Whether it is what the data decides, rather than where it leaves the program."""
        return self._data.kind in ("branch", "jump", "address")

    @property
    def place(self) -> CodePlace:
        """Where in the code."""
        return self._data.place

    def __str__(self) -> str:
        data = self._data
        text = f"#{data.transition}: {data.name}"
        if data.offset is not None:
            last = data.offset + data.size - 1
            text += f", byte {last}" if data.size <= 1 else f", bytes {data.offset}–{last}"
        if data.count > 1:
            text += f" ({data.count} times)"
        where = place_text(data.place)
        return printable(f"{text}  [{where}]" if where else text)

    def __repr__(self) -> str:
        return f"Sink({self.kind!r}, {str(self)!r})"
