# SPDX-License-Identifier: Apache-2.0
"""Functions of the source on a stack, those that were inlined too: `reven2.stack.SourceFrame`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service.source import SourceFrameData

if TYPE_CHECKING:
    from reven2.stack import StackFrame
    from reven2.trace import Context, Variable

__all__ = ["SourceFrame", "source_frames"]

_PAGE = 256


class SourceFrame:
    """A function of the source that is active: one that was called, or one whose code the
    compiler put into another's.

    Not meant to be constructed directly: `Stack.source_frames` gives them. `str` has its number,
    where it stands, and, of one that was called, since when:
    `0  square  shapes.c:4  inlined`, `1  prog!main+0x2a  shapes.c:14  since #105820`.
    """

    __slots__ = ("_data", "_frame", "_level", "_number")

    def __init__(
        self, frame: StackFrame, data: SourceFrameData | None, number: int, level: int
    ) -> None:
        self._frame, self._data, self._number, self._level = frame, data, number, level

    @property
    def frame(self) -> StackFrame:
        """The frame of the stack that it is in: that of the function whose code runs."""
        return self._frame

    @property
    def number(self) -> int:
        """Its number from the top, from 0, as in a debugger's backtrace."""
        return self._number

    @property
    def function(self) -> str:
        """Its name, qualified in C++ and Rust; without debug information that of the symbol, ""
        where there is none."""
        if self._data is not None:
            return self._data.function
        symbol = self._frame.function
        return "" if symbol is None else symbol.name

    @property
    def is_inlined(self) -> bool:
        """Whether its code was put into the function below."""
        return self._data is not None and self._data.is_inlined

    @property
    def file(self) -> str | None:
        """The source file that it stands in, None if that is not known."""
        if self._data is not None:
            return self._data.file or None
        location = self._frame.location
        return None if location is None else location.file

    @property
    def line(self) -> int | None:
        """The line that it stands on; of a function into which the one above was inlined, where
        it calls that one. None if it is not known."""
        if self._data is not None:
            return self._data.line or None
        location = self._frame.location
        return None if location is None else location.line

    def variables(self) -> list[Variable]:
        """The variables in scope of this function, not of those around it."""
        context: Context = self._frame._context
        found = context.variables(frame=self._frame)
        return [one for one in found if one._data.level == self._level]

    def _place(self) -> str | None:
        file, line = self.file, self.line
        return None if file is None else f"{PurePath(file).name}:{line or '?'}"

    def __str__(self) -> str:
        if not self.is_inlined:
            return self._frame._text(self._number, self._place())
        return printable(f"{self._number}  {self._named()}")

    def __repr__(self) -> str:
        return f"SourceFrame({str(self)!r})"

    def _named(self) -> str:
        place = self._place()
        return "  ".join([self.function, *([] if place is None else [place]), "inlined"])

    def format_as_html(self) -> str:
        """The same as `str` without its number, with the transition as a link."""
        if not self.is_inlined:
            return self._frame._html(self._place())
        return f"<code>{escape(self._named())}</code>"

    def _repr_html_(self) -> str:
        return self.format_as_html()


def source_frames(context: Context, frames: Sequence[StackFrame]) -> list[SourceFrame]:
    """The functions of frames, from the top."""
    found: list[SourceFrame] = []
    rest = iter(frames)
    while page := list(islice(rest, _PAGE)):
        # Behind a call the code may belong to something else already.
        addresses = [frame._data.pc - frame._is_after_call for frame in page]
        answers = context._trace._service.source_frames(context._id, addresses)
        for frame, functions in zip(page, answers, strict=True):
            for level, function in enumerate(functions or [None]):
                found.append(SourceFrame(frame, function, len(found), level))
    return found
