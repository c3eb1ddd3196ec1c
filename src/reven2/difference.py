# SPDX-License-Identifier: Apache-2.0
"""How two executions differ: where they part, and where the difference came from. An addition to
the documented interface.

    difference = trace.diff(window=(100, 200), other_window=(100, 220))
    print(difference.headline)
    print(difference)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from reven2._printable import escape, printable, printable_lines
from reven2._service.code_places import CodePlace
from reven2._service.diff import DiffData, DifferenceData, DivergenceData, MomentsData
from reven2.errors import InvalidArgumentError
from reven2.explanation import place_text

if TYPE_CHECKING:
    from reven2.trace import Context, Trace, Transition

__all__ = [
    "CodePlace",
    "Difference",
    "DifferenceStep",
    "Divergence",
    "MemoryDifference",
    "MomentDifference",
    "RegisterDifference",
    "diff",
    "diff_moments",
]

_SHOWN_DIVERGENCES = 10


class DifferenceStep:
    """Something that is otherwise in one execution than in the other. `str`: the transition of
    each, the place, and what differs.

    Not meant to be constructed directly: a difference has it.
    """

    __slots__ = ("_data", "_first", "_second")

    def __init__(self, first: Trace, second: Trace, data: DifferenceData) -> None:
        self._first, self._second, self._data = first, second, data

    @property
    def role(self) -> str:
        """What it is about: the `outcome`; a `decision`, by which they part; a `value`; the
        `source` of one; the `order` of threads; a `note`."""
        return self._data.role

    @property
    def text(self) -> str:
        """What differs."""
        return self._data.text

    @property
    def first(self) -> Transition | None:
        """The transition of the first execution that shows it; None: it has none."""
        return _transition(self._first, self._data.first)

    @property
    def second(self) -> Transition | None:
        """That of the second execution."""
        return _transition(self._second, self._data.second)

    @property
    def first_place(self) -> CodePlace | None:
        """Where in the person's own code that is in the first execution."""
        return self._data.first_place

    @property
    def second_place(self) -> CodePlace | None:
        """Where in the person's own code that is in the second execution."""
        return self._data.second_place

    def __str__(self) -> str:
        numbers = f"{_number(self._data.first)} {_number(self._data.second)}"
        first, second = place_text(self._data.first_place), place_text(self._data.second_place)
        place = first if first == second else " | ".join(filter(None, (first, second)))
        where = f"{numbers}  {place}" if place else numbers
        return printable(f"{where}: {self.text}")

    def __repr__(self) -> str:
        data = self._data
        return f"DifferenceStep({data.role!r}, {data.first}, {data.second}, {data.text!r})"


class Divergence:
    """Where a thread goes two ways, for whatever reason, and where it goes on in one again.

    Not meant to be constructed directly: a difference has it.
    """

    __slots__ = ("_data", "_first", "_second")

    def __init__(self, first: Trace, second: Trace, data: DivergenceData) -> None:
        self._first, self._second, self._data = first, second, data

    @property
    def thread(self) -> int:
        """Number of the thread, from 0, in the order in which they were made."""
        return self._data.thread

    @property
    def first(self) -> Transition | None:
        """The last transition of the first execution that both have; None: they differ from the
        beginning."""
        return _transition(self._first, self._data.first)

    @property
    def second(self) -> Transition | None:
        """That of the second execution."""
        return _transition(self._second, self._data.second)

    @property
    def first_rejoin(self) -> Transition | None:
        """The transition of the first execution from which on both go on alike; None: never."""
        return _transition(self._first, self._data.first_rejoin)

    @property
    def second_rejoin(self) -> Transition | None:
        """That of the second execution."""
        return _transition(self._second, self._data.second_rejoin)

    @property
    def place(self) -> CodePlace | None:
        """Where in the code they part."""
        return self._data.place

    def __str__(self) -> str:
        data = self._data
        text = f"{_number(data.first)} {_number(data.second)}  {place_text(data.place)}"
        if data.first_rejoin is None:
            return printable(f"{text}, and never meet again")
        return printable(
            f"{text}, until {_number(data.first_rejoin)} {_number(data.second_rejoin)}"
        )

    def __repr__(self) -> str:
        return f"Divergence({self._data.thread}, {self._data.first}, {self._data.second})"


class Difference:
    """How two executions differ. `str` tells all of it.

    Not meant to be constructed directly: ask `Trace.diff`.
    """

    __slots__ = ("_data", "_first", "_second")

    def __init__(self, first: Trace, second: Trace, data: DiffData) -> None:
        self._first, self._second, self._data = first, second, data

    @property
    def kind(self) -> str | None:
        """What the difference comes from: `input` (a file, a stream), `argument`, `order` (of
        threads), `uninitialised`, `code` (other constants or code), `system call` (its result),
        `process`, `random`, `time`, `environment`, `address` (where the system put something),
        `unknown`; None: nothing that matters differs."""
        return self._data.kind

    @property
    def headline(self) -> str:
        """The whole in a sentence, without its full stop."""
        return self._data.headline

    @property
    def decisive(self) -> DifferenceStep | None:
        """The first decision, in the order of the program, that led to what came out; None: none
        did, only values differ."""
        return self._step(self._data.decisive)

    @property
    def origin(self) -> DifferenceStep | None:
        """Where the difference came into the program, as far as it was followed."""
        return self._step(self._data.origin)

    @property
    def steps(self) -> list[DifferenceStep]:
        """From what came out otherwise back to the origin."""
        return [DifferenceStep(self._first, self._second, one) for one in self._data.steps]

    @property
    def outcomes(self) -> list[DifferenceStep]:
        """All that came out otherwise: how the two end, and what they wrote."""
        return [DifferenceStep(self._first, self._second, one) for one in self._data.outcomes]

    @property
    def divergences(self) -> list[Divergence]:
        """Where own code went two ways, thread by thread in the order of the program, harmless
        ones too; at most 200."""
        return [Divergence(self._first, self._second, one) for one in self._data.divergences]

    @property
    def is_cut(self) -> bool:
        """Whether there are more divergences than were looked for."""
        return self._data.is_cut

    @property
    def common(self) -> int:
        """How many instructions of own code (or lines, of different builds) both ran."""
        return self._data.common

    @property
    def compared(self) -> str:
        """How code was told to be the same: by instruction, or by function and line."""
        return self._data.compared

    @property
    def limits(self) -> list[str]:
        """What was not looked at, a sentence each."""
        return list(self._data.limits)

    def _step(self, data: DifferenceData | None) -> DifferenceStep | None:
        return None if data is None else DifferenceStep(self._first, self._second, data)

    def __str__(self) -> str:
        lines = [self.headline]
        if self._data.steps:
            lines += ["", *(f"{one.role:<9}  {one}" for one in self.steps)]
        others = [one for one in self.outcomes if one._data not in self._data.steps]
        if others:
            lines += ["", "what else came out otherwise", *(f"  {one}" for one in others)]
        shown = self.divergences[:_SHOWN_DIVERGENCES]
        if shown:
            lines += ["", "where they part", *(f"  {one}" for one in shown)]
            if len(self._data.divergences) > len(shown) or self.is_cut:
                lines.append("  …")
        lines += ["", f"compared: {self.compared}; {self.common} of own code are common"]
        lines += [f"not looked at: {limit}" for limit in self.limits]
        return "\n".join(map(printable_lines, lines))

    def __repr__(self) -> str:
        return printable(f"Difference({self.kind!r}: {self.headline})")

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>".format(
                escape(one.role),
                one.first.format_as_html() if one.first is not None else "",
                one.second.format_as_html() if one.second is not None else "",
                escape(place_text(one.first_place)),
                escape(one.text),
            )
            for one in self.steps
        )
        return f"<p>{escape(self.headline)}</p><table><tbody>{rows}</tbody></table>"


def diff(
    first: Trace,
    second: Trace | None = None,
    window: tuple[int, int] | None = None,
    other_window: tuple[int, int] | None = None,
    own: Sequence[str] = (),
    not_own: Sequence[str] = (),
) -> Difference:
    """The same as `Trace.diff`."""
    if second is None:
        second = first
        if window is None or other_window is None:
            raise InvalidArgumentError(
                "Name another trace to compare with, or two windows of this one."
            )
    service = first._service
    return Difference(
        first,
        second,
        service.diff(
            other=service.beside(second._service),
            window=window,
            other_window=other_window,
            own=list(own),
            not_own=list(not_own),
        ),
    )


class RegisterDifference(NamedTuple):
    """A register that differs between two moments, and its values."""

    name: str
    first: int
    second: int


class MemoryDifference(NamedTuple):
    """Bytes that differ between two moments: where they stand in each, how many they are, the
    variable that they belong to ("" if none is known), and at most the first 64 of them."""

    address: int
    other_address: int
    size: int
    name: str
    first: bytes
    second: bytes


class MomentDifference:
    """What differs between two moments. `str` tells all of it.

    Not meant to be constructed directly: ask `Context.diff`.
    """

    __slots__ = ("_data",)

    def __init__(self, data: MomentsData) -> None:
        self._data = data

    @property
    def registers(self) -> list[RegisterDifference]:
        """Registers; of two traces, those that point to the same are left out."""
        return [
            RegisterDifference(
                one.name,
                int.from_bytes(one.first, "little"),
                int.from_bytes(one.second, "little"),
            )
            for one in self._data.registers
        ]

    @property
    def memory(self) -> list[MemoryDifference]:
        """Memory: of one trace all that was written between the moments, of two the data of own
        binaries and the blocks of the heap that both have."""
        return [
            MemoryDifference(
                one.address, one.other_address, one.size, one.name, one.first, one.second
            )
            for one in self._data.memory
        ]

    @property
    def blocks(self) -> list[tuple[str, bool]]:
        """Blocks of the heap that only one of the moments has: what they are, and whether the
        first has them."""
        return [(one.text, one.is_first) for one in self._data.blocks]

    @property
    def descriptors(self) -> list[tuple[str, bool]]:
        """What descriptors stand for in only one of the moments: the same."""
        return [(one.text, one.is_first) for one in self._data.descriptors]

    @property
    def limits(self) -> list[str]:
        """What was left out, a sentence each."""
        return list(self._data.limits)

    def __str__(self) -> str:
        lines = ["registers", *(f"  {one.name:<8} {one.first:#x} -> {one.second:#x}"
                                for one in self.registers)]  # fmt: skip
        lines.append("memory")
        for part in self.memory:
            name = f"  {part.name}" if part.name else ""
            lines.append(
                f"  {part.address:#x}, {part.size} bytes{name}: {part.first[:16].hex(' ')} -> "
                f"{part.second[:16].hex(' ')}"
            )
        for title, things in (("blocks", self.blocks), ("descriptors", self.descriptors)):
            lines.append(title)
            lines += [f"  {'-' if is_first else '+'} {text}" for text, is_first in things]
        lines += [f"not looked at: {limit}" for limit in self.limits]
        return "\n".join(map(printable_lines, lines))

    def __repr__(self) -> str:
        data = self._data
        return (
            f"MomentDifference({len(data.registers)} registers, {len(data.memory)} ranges, "
            f"{len(data.blocks)} blocks, {len(data.descriptors)} descriptors)"
        )


def diff_moments(first: Context, second: Context, limit: int = 1000) -> MomentDifference:
    """The same as `Context.diff`."""
    service = first._trace._service
    return MomentDifference(
        service.diff_moments(
            other=service.beside(second._trace._service),
            context=first._id,
            other_context=second._id,
            limit=limit,
        )
    )


def _transition(trace: Trace, number: int | None) -> Transition | None:
    if number is None or number >= trace.transition_count:
        return None
    return trace.transition(number)


def _number(number: int | None) -> str:
    return "-" if number is None else f"#{number}"
