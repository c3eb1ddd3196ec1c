# SPDX-License-Identifier: Apache-2.0
"""`SliceService`: a backward taint gives the transitions, a walk through them the expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reven import _engine
from reven.ossi import syscall_name
from reven.slices.walking import Place, Walk
from reven.taint.instruction_reads import registers_read
from reven.taint.queries import TaintQueries, constant_tables, describe_warning
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._expressions.values import Node, evaluate
from reven2._service.core import KIND_INSTRUCTION
from reven2._service.slices import ExpressionData, TableData
from reven2._service.taint import OriginHop, SourceData
from reven2.errors import InvalidArgumentError, TraceError

__all__ = ["MOST_NODES", "MOST_TRANSITIONS", "SliceQueries"]

MOST_TRANSITIONS = 1 << 20
MOST_NODES = 20000
MOST_BYTES = 64
_PART = 4096
_MOST_AT_START = 1 << 16
_MOST_WARNINGS = 1000


@dataclass
class _Step:
    number: int
    thread: int
    pc: int
    code: bytes
    is_instruction: bool
    is_call: bool
    read: list[Place]
    written: list[Place]


class _Recorded:
    """What was recorded, views of registers in batches."""

    def __init__(self, queries: TaintQueries) -> None:
        self._queries = queries
        self._views: dict[int, bytes] = {}

    def prepare(self, contexts: list[int]) -> None:
        """Reads views at once."""
        page = self._queries.registers(contexts)
        size = len(page.view) // len(contexts)
        self._views = {
            context: page.view[at * size : (at + 1) * size] for at, context in enumerate(contexts)
        }

    def view(self, context: int) -> bytes:
        return self._views.get(context) or self._queries.registers([context]).view

    def memory(self, context: int, address: int, size: int) -> tuple[bytes, bytes]:
        return self._queries.read_known_memory(context, address, size)

    def source(self, hop: OriginHop) -> SourceData:
        found = self._queries.source_of(hop)
        # A binary is mapped before the trace knows that it is loaded.
        if found.kind == "file" and found.name.removeprefix("/usr") in self._loaded():
            return SourceData("static data", found.name, found.offset, hop.transition, found.size)
        return found

    def _loaded(self) -> frozenset[str]:
        # /lib may be a link to /usr/lib.
        return self._queries._kept(
            "loaded paths without /usr",
            lambda: frozenset(
                load.binary.path.removeprefix("/usr")
                for load in self._queries._ossi().space.loads()
            ),
        )

    def is_mapped_by(self, transition: int) -> bool:
        calls = self._queries._trace().syscalls(transition, transition + 1, 1)
        return bool(calls) and syscall_name(calls[0].number) in ("mmap", "mremap")


class SliceQueries(TaintQueries):
    """See `reven2._service.slices`."""

    def slice_expression(self, context: int, places: list[Place], *, limit: int) -> ExpressionData:
        if not 1 <= limit <= MOST_TRANSITIONS:
            raise InvalidArgumentError(
                f"A slice has 1 to {MOST_TRANSITIONS} transitions, not {limit}."
            )
        size = sum(one[2] if one[0] else (one[2] + 7) // 8 for one in places)
        if not 1 <= size <= MOST_BYTES:
            raise InvalidArgumentError(f"An expression is of 1 to {MOST_BYTES} bytes, not {size}.")
        self._need_instructions("what its data is computed from cannot be told")
        trace = self._trace()
        tables = constant_tables(trace.mappings())
        seeds = [(0, *place) for place in places]
        with translated():
            taint = _engine.Taint(
                trace, seeds, 1, 0, context, False, registers_read, pointers=True, tables=tables
            )
            taint.run(keep_going)
        count = int(taint.access_count)
        if count > limit:
            raise InvalidArgumentError(
                f"The slice has {count} transitions, more than {limit}: ask for a value nearer to "
                "its inputs, or allow for more."
            )
        recorded = _Recorded(self)
        walk = Walk(recorded, tables)
        walk.begin(self._at_start(taint))
        steps = self._steps(taint)
        for at in range(0, len(steps), _PART // 8):
            keep_going()
            part = steps[at : at + _PART // 8]
            recorded.prepare(
                sorted({one for step in part for one in (step.number, step.number + 1)})
            )
            for step in part:
                walk.step(step)
        thread = int.from_bytes(self.registers([context]).thread[:4], "little")
        root = walk.value_of(context, thread, places)
        # What the kernel wrote is what the inputs are.
        warnings = [
            describe_warning(trace, one)
            for one in taint.warnings(0, _MOST_WARNINGS)
            if one.kind != _engine.TAINT_KERNEL_WRITE
        ]
        return self._result(walk, root, self._recorded_value(context, places), count, warnings)

    def _at_start(self, taint: _engine.Taint) -> list[Place]:
        found: list[Place] = []
        at = 0
        while True:
            with translated():
                items = taint.state(0, at, 1000, keep_going)
            memory = [one for one in _places(items, 0, len(items)) if one[0][0]]
            found += [place for place, _, after in memory if after]
            if len(memory) < 1000:
                break
            at = memory[-1][0][1] + memory[-1][0][2]
        if sum(size for _, _, size in found) > _MOST_AT_START:
            raise InvalidArgumentError(
                f"The value depends on more than {_MOST_AT_START} bytes of the start of the trace."
            )
        return found

    def _steps(self, taint: _engine.Taint) -> list[_Step]:
        steps: list[_Step] = []
        at: int | None = None
        start = (1 << 63) - 1
        while True:
            with translated():
                page = taint.accesses(start, _PART, False, keep_going)
            first = 0
            for number, count in zip(page.transition, page.item_count, strict=True):
                parts = list(_places(page.items, first, first + int(count)))
                first += int(count)
                steps.append(
                    _Step(
                        int(number), 0, 0, b"", True, False,
                        [place for place, _, after in parts if after],
                        [place for place, before, _ in parts if before],
                    )
                )  # fmt: skip
            at = page.next
            if at is None:
                break
            start = at
        steps.reverse()
        trace = self._trace()
        for step in steps:
            with translated():
                columns = trace.transitions(step.number, step.number + 1)
            step.thread = int(columns.thread[0])
            step.pc = int(columns.pc[0])
            step.code = bytes(columns.code[0][: columns.size[0]])
            step.is_instruction = int(columns.kind[0]) == KIND_INSTRUCTION
            step.is_call = step.code == b"\x0f\x05" and bool(
                trace.syscalls(step.number, step.number + 1, 1)
            )
        return steps

    def _recorded_value(self, context: int, places: list[Place]) -> int:
        value, at = 0, 0
        view = int.from_bytes(self.registers([context]).view, "little")
        for is_memory, address, size in places:
            if is_memory:
                part = int.from_bytes(self.read_memory(context, address, size), "little")
            else:
                part = view >> address & (1 << size) - 1
            value |= part << at
            at += size * 8 if is_memory else size
        return value

    def _result(
        self, walk: Walk, root: int, recorded: int, count: int, warnings: list[str]
    ) -> ExpressionData:
        nodes, variables, tables = _reached(walk, root)
        if len(nodes) > MOST_NODES:
            raise InvalidArgumentError(
                f"The expression has {len(nodes)} parts, more than {MOST_NODES}: ask for a value "
                "nearer to its inputs."
            )
        kept = [walk.variables[number] for number in variables]
        data = [TableData(*walk.tables[number]) for number in tables]
        given = [one.value for one in kept]
        value = evaluate(nodes, given, [one.data for one in data])[-1]
        if value != recorded:
            raise TraceError(
                f"The expression gives {value:#x}, but {recorded:#x} was recorded: it is wrong, "
                "and not shown. Please report this."
            )
        notes = [
            "It holds for runs that take the same branches. What the recorded values masked "
            "(x & 0, x | all ones) is not in it."
        ]
        if walk.choices:
            notes.append(
                f"{walk.choices} conditional moves of the slice depend on inputs: they are taken "
                "as they were recorded."
            )
        opaque = sum(one.is_opaque for one in kept)
        if opaque:
            names = sorted({one.label.partition(" at ")[0] for one in kept if one.is_opaque})
            notes.append(
                f"{opaque} of its variables stand for results that it cannot say "
                f"({', '.join(names)}), with their recorded values."
            )
        if walk.fixed:
            notes.append(
                f"{walk.fixed} loads and stores of the slice are at addresses that depend on "
                "inputs: they are taken from where they were recorded."
            )
        if data and walk.is_open_table:
            notes.append("A table holds a part of its memory; beyond that it gives 0.")
        return ExpressionData(nodes, kept, data, recorded, count, notes + warnings)


def _places(items: _engine.TaintItems, start: int, stop: int) -> Iterator[tuple[Place, int, int]]:
    columns = (items.is_memory, items.address, items.size, items.before, items.after)
    rows = np.stack([column[start:stop].astype(np.uint64) for column in columns], axis=1).tolist()
    for is_memory, address, size, before, after in rows:
        yield (bool(is_memory), address, size), before, after


def _reached(walk: Walk, root: int) -> tuple[list[Node], list[int], list[int]]:
    """The nodes that a root is made of, numbered anew; the variables and the tables."""
    pool = walk.pool
    wanted, open_ = {root}, [root]
    while open_:
        for one in pool.nodes[open_.pop()][2]:
            if one not in wanted:
                wanted.add(one)
                open_.append(one)
    numbers: dict[int, int] = {}
    variables: dict[int, int] = {}
    tables: dict[int, int] = {}
    nodes: list[Node] = []
    for old in sorted(wanted):
        op, width, args, value = pool.nodes[old]
        if op == "var":
            value = variables.setdefault(value, len(variables))
        elif op == "table":
            value = tables.setdefault(value, len(tables))
        numbers[old] = len(nodes)
        nodes.append((op, width, tuple(numbers[one] for one in args), value))
    return nodes, list(variables), list(tables)
