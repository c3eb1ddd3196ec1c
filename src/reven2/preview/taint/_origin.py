# SPDX-License-Identifier: Apache-2.0
"""Where a value came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service.taint import OriginHop as HopData
from reven2.errors import InvalidArgumentError
from reven2.preview.taint._data import (
    Data,
    TaintedMemories,
    TaintedRegisterSlice,
    data_of,
    seeds_of,
)

if TYPE_CHECKING:
    from reven2.trace import Context, Trace, Transition

__all__ = ["Origin", "OriginHop", "Place", "hop_of", "origin"]

_PAGE = 200
_MOST_OTHERS = 4

Place = tuple[TaintedRegisterSlice | TaintedMemories, ...]

_STEPS = {
    "copy": "is a copy of {}",
    "load": "was loaded from {}",
    "store": "was stored from {}",
    "arithmetic": "was computed from {}",
    "kernel move": "was brought by the kernel from {}",
}
_ENDS = {
    "constant": "is a constant of the instruction",
    "processor": "was made by the processor",
    "syscall input": "was written by the kernel",
    "syscall result": "is what the kernel left",
    "signal": "was made by the kernel to deliver a signal",
    "mapping": "is what the mapping began with",
    "start": "was there when the trace began",
    "other mapping": "was stored to the same page at another address",
    "outside": "was written by another process or the kernel, seen first here",
    "not recorded": "was made by code that was not recorded",
}


def _named(place: Place) -> str:
    return ", ".join(str(part) for part in place)


@dataclass(frozen=True)
class OriginHop:
    """One step back towards where a value came from.

    Attributes:
        kind: `copy` (from a register to another, or from memory to memory), `load`, `store`,
            `arithmetic`, `kernel move` (through a pipe, a socket pair, a file, or `mremap`);
            or, where the chain ends, `constant` (of the instruction), `processor` (`rdtsc`,
            `cpuid` …), `syscall input` (memory that a system call wrote), `syscall result` (a
            register that it left), `signal` (made to deliver a signal), `mapping` (contents of
            a mapping as it was made), `start` (there since the trace's start), `outside` (written
            by another process or the kernel, dated when it was first seen), `other mapping`
            (stored to the same page at another address, by what cannot be followed),
            `not recorded` (made by code that was left out of the record).
        transition: the one that gave `after` its value; None at the trace's start.
        after: the data whose value it gave.
        before: the data that it came from, in `context`; empty where the chain ends.
        context: the context in which `before` is; None where the chain ends.
        others: what else flowed in, or gave another part of the data.
        text: more about the end: the file, the mapping, the system call.
    """

    kind: str
    transition: Transition | None
    after: Place
    before: Place
    context: Context | None
    others: tuple[Place, ...]
    text: str

    def __str__(self) -> str:
        what = _STEPS[self.kind] if self.before else _ENDS[self.kind]
        what = what.format(_named(self.before))
        others = [_named(other) for other in self.others[:_MOST_OTHERS]]
        if len(self.others) > _MOST_OTHERS:
            others.append("…")
        also = f" (and {', '.join(others)})" if others else ""
        more = f": {self.text}" if self.text else ""
        where = f"{self.transition}: " if self.transition is not None else ""
        return printable(f"{where}{_named(self.after)} {what}{also}{more}")


class Origin:
    """The chain of transitions back from a value to where it came from. `str` tells it as a
    story; iterating gives the hops, the latest first.

    Not meant to be constructed directly: it is what `origin` gives.
    """

    def __init__(self, context: Context, place: Place, hops: list[OriginHop]) -> None:
        self._context, self._place, self._hops = context, place, hops

    @property
    def context(self) -> Context:
        """The moment of the value."""
        return self._context

    @property
    def data(self) -> Place:
        """The data whose value it is."""
        return self._place

    @property
    def hops(self) -> list[OriginHop]:
        """The steps back, the latest first."""
        return list(self._hops)

    @property
    def is_complete(self) -> bool:
        """Whether the last hop says where the value came from; if not, the chain was longer
        than what was asked for."""
        return not self._hops[-1].before

    @property
    def source(self) -> OriginHop:
        """The last hop."""
        return self._hops[-1]

    def __iter__(self) -> Iterator[OriginHop]:
        return iter(self._hops)

    def __len__(self) -> int:
        return len(self._hops)

    def __str__(self) -> str:
        lines = [f"Origin of {_named(self._place)} in {self._context}:"]
        lines += [str(hop) for hop in self._hops]
        if not self.is_complete:
            lines.append("… and so on: ask for more hops.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Origin({_named(self._place)} in {self._context}: {len(self._hops)} hops)"

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr><td>{}</td><td>{}</td></tr>".format(
                hop.transition.format_as_html() if hop.transition is not None else "",
                escape(str(hop)),
            )
            for hop in self._hops
        )
        return f"<table><tbody>{rows}</tbody></table>"


def origin(context: Context, what: Data, max_hops: int = 1000) -> Origin:
    """Where the value of a register or of memory came from.

    Goes back from one transition to the one before that gave the value, and ends where it came
    into the program: a constant, the input of a system call, the start of the trace. Where
    several sources flow in, it follows the one with the most bits; of equals, memory before
    registers, and what the instruction does not overwrite before what it does. The others are
    listed: ask for their origin in the hop's `context`. Of data that was not written at once,
    it follows the part that was written last.

    Parameters:
        context: the moment.
        what: a register or a range of memory, as for `Tainter.simple_taint`.
        max_hops: how far to go back at most.

    Returns:
        The chain. It has at least one hop.

    Raises:
        InvalidArgumentError (a ValueError): not one piece of data.
    """
    seeds = list(seeds_of(what, 0, context))
    if len(seeds) != 1 or max_hops < 1:
        raise InvalidArgumentError(
            "An origin is that of one register or one range of memory, over at least one hop."
        )
    trace = context._trace
    place: tuple[bool, int, int] = seeds[0][1:]
    at, now = context._id, place
    hops: list[OriginHop] = []
    while len(hops) < max_hops:
        found = trace._service.origin(at, *now, limit=min(_PAGE, max_hops - len(hops)))
        hops += [hop_of(trace, hop) for hop in found]
        if found[-1].before is None:
            break
        at, now = found[-1].context, found[-1].before
    return Origin(context, data_of(*place), hops)


def hop_of(trace: Trace, hop: HopData) -> OriginHop:
    """A hop of the service as one of the client."""
    return OriginHop(
        hop.kind,
        None if hop.transition is None else trace.transition(hop.transition),
        data_of(*hop.after),
        () if hop.before is None else data_of(*hop.before),
        None if hop.before is None else trace._context(hop.context),
        tuple(data_of(*other) for other in hop.others),
        hop.text,
    )
