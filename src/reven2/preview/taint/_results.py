# SPDX-License-Identifier: Apache-2.0
"""What a taint found: states, accesses, warnings."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reven2._printable import printable
from reven2._service import column
from reven2._service.taint import TaintItems
from reven2.preview.taint._data import TaintedMemories, TaintedRegisterSlice, data_of

if TYPE_CHECKING:
    from reven2.preview.taint._taint import Taint
    from reven2.trace import Context, Transition

__all__ = [
    "ChangeMarkers",
    "Item",
    "PropagationDirection",
    "TaintAccess",
    "TaintState",
    "TaintWarning",
    "items_of",
]


class PropagationDirection(enum.Enum):
    """Which way a taint goes."""

    Forward = "forward"
    Backward = "backward"

    def __repr__(self) -> str:
        return f"PropagationDirection.{self.name}"


@dataclass(frozen=True)
class ChangeMarkers:
    """Which tags hold some data. `before` and `after` are meant in the taint's direction.

    Attributes:
        gained: tags that hold it after, and did not before.
        lost: tags that held it before, and do not after.
        kept: tags that hold it before and after.
    """

    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def has_changed(self) -> bool:
        """Whether any tag gained or lost it."""
        return bool(self.gained or self.lost)

    def __str__(self) -> str:
        parts = (("gained", self.gained), ("lost", self.lost), ("", self.kept))
        return " ".join(
            f"{name}[{''.join(f'{tag},' for tag in tags)}]" for name, tags in parts if tags
        )

    def __repr__(self) -> str:
        return f"ChangeMarkers({self})"


class Item(NamedTuple):
    """Some data of a result; `before` and `after`: a bit for each tag."""

    is_memory: bool
    address: int
    size: int
    before: int
    after: int


def items_of(items: TaintItems) -> list[Item]:
    """The rows of the columns."""
    return [
        Item(bool(is_memory), address, size, before, after)
        for is_memory, address, size, before, after in zip(
            column(items.is_memory, "B"),
            column(items.address, "Q"),
            column(items.size, "I"),
            memoryview(items.before).cast("H").tolist(),
            memoryview(items.after).cast("H").tolist(),
            strict=True,
        )
    ]


def _markers(item: Item) -> ChangeMarkers:
    def tags(bits: int) -> tuple[str, ...]:
        return tuple(f"tag{tag}" for tag in range(bits.bit_length()) if bits >> tag & 1)

    return ChangeMarkers(
        gained=tags(item.after & ~item.before),
        lost=tags(item.before & ~item.after),
        kept=tags(item.after & item.before),
    )


def _registers(items: Iterable[Item]) -> Iterator[tuple[TaintedRegisterSlice, ChangeMarkers]]:
    for item in items:
        if item.is_memory:
            continue
        for data in data_of(False, item.address, item.size):
            if isinstance(data, TaintedRegisterSlice):
                yield data, _markers(item)


def _memories(items: Iterable[Item]) -> Iterator[tuple[TaintedMemories, ChangeMarkers]]:
    for item in items:
        if item.is_memory:
            for data in data_of(True, item.address, item.size):
                if isinstance(data, TaintedMemories):
                    yield data, _markers(item)


def _listed(
    title: str,
    registers: Iterator[tuple[TaintedRegisterSlice, ChangeMarkers]],
    memories: Iterator[tuple[TaintedMemories, ChangeMarkers]],
) -> str:
    lines = [title]
    for name, rows in (("registers", registers), ("memories", memories)):
        found = [f"{data} : {markers}" for data, markers in rows]
        if found:
            lines += [f"Tainted {name}:", *found]
    return "\n".join(lines)


class TaintState:
    """All that is tainted at one moment. Not meant to be constructed directly: ask a taint or
    one of its accesses."""

    def __init__(self, taint: Taint, context: Context) -> None:
        self._taint, self._context = taint, context

    @property
    def context(self) -> Context:
        """The moment."""
        return self._context

    def tainted_registers(self) -> Iterator[tuple[TaintedRegisterSlice, ChangeMarkers]]:
        """The tainted parts of registers of the thread that runs, each with its tags (in
        `kept`)."""
        return _registers(self._items(with_memory=False))

    def tainted_memories(self) -> Iterator[tuple[TaintedMemories, ChangeMarkers]]:
        """The tainted ranges of memory by ascending address, each with its tags (in `kept`)."""
        return _memories(self._items(with_memory=True))

    def _items(self, with_memory: bool) -> Iterator[Item]:
        for item in self._taint._state_items(self._context._id, with_memory):
            yield item._replace(before=item.after)

    def __str__(self) -> str:
        return _listed(
            f"Taint state at {self._context}", self.tainted_registers(), self.tainted_memories()
        )

    def __repr__(self) -> str:
        return f"TaintState({self._context})"


class TaintAccess:
    """A transition that reads or writes tainted data. Not meant to be constructed directly:
    ask a taint for its accesses."""

    def __init__(self, taint: Taint, transition: int, items: list[Item]) -> None:
        self._taint, self._number, self._items = taint, transition, items

    @property
    def transition(self) -> Transition:
        """The transition."""
        return self._taint._trace.transition(self._number)

    @property
    def has_changed(self) -> bool:
        """Whether anything gained or lost a tag."""
        return any(item.before != item.after for item in self._items)

    def tainted_registers(self) -> Iterator[tuple[TaintedRegisterSlice, ChangeMarkers]]:
        """The parts of registers that it touches and that are tainted before or after, with
        what changed."""
        return _registers(self._items)

    def tainted_memories(self) -> Iterator[tuple[TaintedMemories, ChangeMarkers]]:
        """The same of memory."""
        return _memories(self._items)

    def state_before(self) -> TaintState:
        """What is tainted before the access **in the taint's direction**: of a backward taint,
        in the context after the transition."""
        return self._taint.state_at(self._context(after=not self._taint._is_forward))

    def state_after(self) -> TaintState:
        """What is tainted after the access **in the taint's direction**."""
        return self._taint.state_at(self._context(after=self._taint._is_forward))

    def _context(self, after: bool) -> Context:
        return self.transition.context_after() if after else self.transition.context_before()

    def __str__(self) -> str:
        return _listed(
            f"Taint access at {self.transition}", self.tainted_registers(), self.tainted_memories()
        )

    def __repr__(self) -> str:
        return f"TaintAccess(#{self._number})"


@dataclass(frozen=True)
class TaintWarning:
    """Something because of which the taint may be wrong. `str` gives the message.

    Attributes:
        transition: where it happened; from there on, the taint may lack something.
        message: what happened.
    """

    transition: Transition
    message: str

    def __str__(self) -> str:
        return printable(f"#{self.transition.id}: {self.message}")
