# SPDX-License-Identifier: Apache-2.0
"""Starts taints."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from reven2._arguments import flag
from reven2._service.taint import FollowMode, TaintQuery
from reven2.errors import InvalidArgumentError, OutOfRangeError
from reven2.preview.taint._data import Data, seeds_of
from reven2.preview.taint._taint import Taint

if TYPE_CHECKING:
    from reven2.trace import Trace
    from reven2.trace._arguments import AnyMoment

__all__ = ["Tainter"]


class Tainter:
    """Starts taints on a trace.

    Parameters:
        trace: the trace.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def simple_taint(
        self,
        tag0: Data,
        tag1: Data | None = None,
        tag2: Data | None = None,
        tag3: Data | None = None,
        tag4: Data | None = None,
        tag5: Data | None = None,
        tag6: Data | None = None,
        tag7: Data | None = None,
        *,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
        is_forward: bool = True,
        follow: FollowMode = "values",
        sinks: bool = False,
    ) -> Taint:
        """Taint data, and follow it. Returns at once: the taint runs in the background.

        A tag is what is tainted at first: a register (`"rax"`, `"zf"`, `"rax[0-12]"`, or a
        `reven2.arch` register), a range of memory (`"[0x1234; 4]"`, `"[ds:0x1234; 4]"`), a
        `RegisterSlice`, a `TaintedMemories`, a `MemoryRange`, or a list of these. What a
        former taint's state gives can be given again. Several tags are followed at the same
        time, each for itself.

        Parameters:
            tag0: what the first tag is on.
            tag1, tag2, tag3, tag4, tag5, tag6, tag7: the same of further tags.
            from_context: where the range begins (default: the trace's first context). A
                forward taint starts there.
            to_context: where the range ends (default: the trace's last context). A backward
                taint starts there.
            is_forward: where the data goes; if false, where it came from.
            follow: whether what decides an address counts as a part of what is loaded from
                there, or stored to: `"values"`, never; `"meant"`, for loads from memory that the
                program cannot write (`table[x]` of a constant table is tainted by `x`);
                `"pointers"`, always, and so does what decides which of two values is taken
                (`cmov`). The stack pointer takes no part, unless it is what is tainted.
            sinks: find what the data leads to, for `Taint.sinks`.

        Raises:
            InvalidArgumentError (a ValueError): nothing that can be tainted.
            OutOfRangeError (an IndexError): contexts that the trace does not have.
        """
        is_forward = flag(is_forward, "is_forward")
        first = self._number(from_context, 0)
        last = self._number(to_context, self._trace.transition_count)
        if first > last:
            raise InvalidArgumentError(
                f"The taint's range is empty: from context {first} to {last}."
            )
        start = self._trace._context(first if is_forward else last)
        tags = [tag0, tag1, tag2, tag3, tag4, tag5, tag6, tag7]
        seeds = [
            seed
            for number, tag in enumerate(tags)
            if tag is not None
            for seed in seeds_of(tag, number, start)
        ]
        if not seeds:
            raise InvalidArgumentError("There is nothing to taint: give a register or memory.")
        count = max(number for number, tag in enumerate(tags) if tag is not None) + 1
        if sinks and not is_forward:
            raise InvalidArgumentError("Sinks are what a forward taint leads to.")
        query = TaintQuery(
            seeds,
            count,
            first,
            last,
            is_forward,
            uuid.uuid4().hex,
            follow,
            flag(sinks, "sinks"),
        )
        return Taint(self._trace, query)

    def _number(self, context: AnyMoment | None, default: int) -> int:
        if context is None:
            return default
        number = self._trace._moment(context, "context")
        if not 0 <= number <= self._trace.transition_count:
            raise OutOfRangeError(
                f"There is no context {number}: the trace has 0 to {self._trace.transition_count}."
            )
        return number
