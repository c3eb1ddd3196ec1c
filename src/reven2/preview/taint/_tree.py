# SPDX-License-Identifier: Apache-2.0
"""Where a value came from through forks, tables and files, to sources with names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service.code_places import CodePlace
from reven2._service.taint import FollowMode, SourceData
from reven2._service.taint import OriginPath as PathData
from reven2._service.taint import OriginTree as TreeData
from reven2.errors import InvalidArgumentError
from reven2.explanation import place_text
from reven2.preview.taint._data import Data, data_of, seeds_of
from reven2.preview.taint._origin import OriginHop, Place, hop_of

if TYPE_CHECKING:
    from reven2.trace import Context, Trace, Transition

__all__ = ["OriginPath", "OriginTree", "Source", "origin_tree"]

MOST_HOPS = 4000


class Source:
    """What a value came from. `str`: its name and the byte: `in.bin, byte 11`.

    Not meant to be constructed directly: a path of an `OriginTree` has it.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: SourceData) -> None:
        self._trace, self._data = trace, data

    @property
    def kind(self) -> str:
        """`file`, `standard input`, `pipe`, `socket`, `device`, `argument`, `environment`, `time`,
        `random`, `processor`, `uninitialised`, `process` (another one), `system call` (what the
        kernel said), `constant`, `static data` (of a binary), `address` (where something lies),
        `start` (there as the trace began), `unknown`."""
        return self._data.kind

    @property
    def name(self) -> str:
        """The file's path, `argv[1]`, `environment HOME`, and the like."""
        return self._data.name

    @property
    def offset(self) -> int | None:
        """The byte's position in the file, stream or text; None where that means nothing or is
        not known."""
        return self._data.offset

    @property
    def size(self) -> int:
        """Bytes."""
        return self._data.size

    @property
    def transition(self) -> Transition | None:
        """The one that brought it into the program; None: it was there as the trace began."""
        number = self._data.transition
        return None if number is None else self._trace.transition(number)

    def __str__(self) -> str:
        offset, size = self._data.offset, self._data.size
        if offset is None:
            return printable(self.name)
        if size <= 1:
            return printable(f"{self.name}, byte {offset}")
        return printable(f"{self.name}, bytes {offset}–{offset + size - 1}")

    def __repr__(self) -> str:
        return f"Source({self.kind!r}, {str(self)!r})"


class OriginPath:
    """A chain of steps back, the latest first.

    Not meant to be constructed directly: an `OriginTree` has it.
    """

    __slots__ = ("_data", "_number", "_trace")

    def __init__(self, trace: Trace, number: int, data: PathData) -> None:
        self._trace, self._number, self._data = trace, number, data

    @property
    def number(self) -> int:
        """Index in the tree's `paths`."""
        return self._number

    @property
    def role(self) -> str:
        """What it is to the step that it leads off from: `value` (the first path), `other` (its
        other operand), `address` (of what it loads)."""
        return self._data.role

    @property
    def parent(self) -> int | None:
        """Index of the path that it leads off from; None for the first."""
        return self._data.parent

    @property
    def parent_step(self) -> int:
        """The step of that path."""
        return self._data.parent_step

    @property
    def hops(self) -> list[OriginHop]:
        """The steps."""
        return [hop_of(self._trace, step.hop) for step in self._data.steps]

    @property
    def places(self) -> list[CodePlace | None]:
        """Where in the code each step is; None where no instruction did it."""
        return [step.place for step in self._data.steps]

    @property
    def source(self) -> Source | None:
        """What it ends in; None if it joins another path, or was cut."""
        return None if self._data.source is None else Source(self._trace, self._data.source)

    @property
    def joins(self) -> int | None:
        """Index of the path that it goes on with."""
        return self._data.joins

    def lines(self) -> Iterator[str]:
        """Its steps as lines of text."""
        for hop, place in zip(self.hops, self.places, strict=True):
            where = place_text(place)
            yield f"{hop}  [{where}]" if where else str(hop)


class OriginTree:
    """The ways back from a value. `str` tells those that lead to input.

    Not meant to be constructed directly: it is what `origin_tree` gives.
    """

    __slots__ = ("_context", "_data", "_place")

    def __init__(self, context: Context, place: Place, data: TreeData) -> None:
        self._context, self._place, self._data = context, place, data

    @property
    def context(self) -> Context:
        """The moment of the value."""
        return self._context

    @property
    def paths(self) -> list[OriginPath]:
        """All paths; the first is the value's own."""
        trace = self._context._trace
        return [OriginPath(trace, number, path) for number, path in enumerate(self._data.paths)]

    @property
    def sources(self) -> list[Source]:
        """What it came from in the end: what the program was given, or, if that is nothing,
        what the value's own path ends in. In the order of their names and bytes."""
        trace = self._context._trace
        found = [path.source for path in self._data.paths if path.source is not None]
        chosen = [one for one in found if one.is_input] or found[:1]
        unique = {(one.kind, one.name, one.offset, one.size): one for one in chosen}
        ordered = sorted(unique.values(), key=lambda one: (one.name, one.offset or 0))
        return [Source(trace, one) for one in ordered]

    @property
    def is_cut(self) -> bool:
        """Whether there was more than asked for."""
        return self._data.is_cut

    def __str__(self) -> str:
        named = ", ".join(str(part) for part in self._place)
        lines = [f"Origin of {named} in {self._context}:"]
        lines += self._lines()
        sources = self.sources
        if sources:
            lines.append(f"It comes from {'; '.join(map(str, sources))}.")
        if self.is_cut:
            lines.append("… and so on: ask for more hops.")
        return "\n".join(map(printable, lines))

    def story(self) -> Iterator[tuple[int, OriginPath, int]]:
        """The steps in the order to read them: how deep a step lies, its path, and its number
        there. What leads to no input is left out, but for the value's own path."""
        yield from self._told(0, 0, self.paths, self._shown())

    def _told(
        self, number: int, depth: int, paths: list[OriginPath], shown: set[int]
    ) -> Iterator[tuple[int, OriginPath, int]]:
        for step in range(len(paths[number]._data.steps)):
            yield depth, paths[number], step
            for path in paths:
                if path.parent == number and path.parent_step == step and path.number in shown:
                    yield from self._told(path.number, depth + 1, paths, shown)

    def _lines(self) -> Iterator[str]:
        texts = [list(path.lines()) for path in self.paths]
        for depth, path, step in self.story():
            indent = "    " * depth
            if step == 0 and depth > 0:
                yield f"{indent[:-2]}{'its address' if path.role == 'address' else 'and'}:"
            yield f"{indent}{texts[path.number][step]}"

    def _shown(self) -> set[int]:
        """Paths that lead to input, and those that these lead off from."""
        shown = {0}
        for number, path in enumerate(self._data.paths):
            if path.source is not None and path.source.is_input:
                at: int | None = number
                while at is not None and at not in shown:
                    shown.add(at)
                    at = self._data.paths[at].parent
        return shown

    def __repr__(self) -> str:
        return f"OriginTree({', '.join(map(str, self._place))} in {self._context})"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def origin_tree(
    context: Context, what: Data, follow: FollowMode = "meant", max_hops: int = MOST_HOPS
) -> OriginTree:
    """Where the value of a register or of memory came from, through every fork that matters, to
    sources with names: the byte of a file, an argument, the time.

    Parameters:
        context: the moment.
        what: a register or a range of memory, as for `Tainter.simple_taint`.
        follow: whether what decides an address counts as an origin of what is loaded from there:
            `values`, never; `meant`, where the value alone leads to nothing (`table[x]` of a
            constant table comes from `x`), or where both ways lead to the program's input;
            `pointers`, always.
        max_hops: steps to look at, over all paths.

    Raises:
        InvalidArgumentError (a ValueError): not one piece of data.
    """
    seeds = list(seeds_of(what, 0, context))
    if len(seeds) != 1 or max_hops < 1:
        raise InvalidArgumentError(
            "An origin is that of one register or one range of memory, over at least one hop."
        )
    place: tuple[bool, int, int] = seeds[0][1:]
    found = context._trace._service.origin_tree(context._id, *place, follow=follow, limit=max_hops)
    return OriginTree(context, data_of(*place), found)
