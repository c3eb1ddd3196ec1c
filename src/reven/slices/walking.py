# SPDX-License-Identifier: Apache-2.0
"""Goes forward through a slice, and computes its expression beside what was recorded."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from reven.slices.lifting import Lifted, Lifter, fill_registers, is_known, register_at
from reven.slices.machine import Computed, Machine, Unknown
from reven2._service.slices import VariableData
from reven2._service.taint import OriginHop, SourceData

__all__ = ["Known", "Place", "Step", "Walk"]

Place = tuple[bool, int, int]
"""As `TaintQuery.seeds`, without the tag."""

_IMAGE = 0x2000
_MOST_OF_TABLE = 4096
_INPUTS_OF_PROCESSOR = ("rdtsc", "rdrand", "rdseed")
_NOT_VARIABLE = frozenset(
    {"static data", "address", "start", "constant", "unknown", "uninitialised"}
)


class Step(Protocol):
    """A transition of a slice: what of its operands and of its results is a part of the value."""

    number: int
    thread: int
    pc: int
    code: bytes
    is_instruction: bool
    is_call: bool
    read: list[Place]
    written: list[Place]


class Known(Protocol):
    """What was recorded."""

    def view(self, context: int) -> bytes: ...
    def memory(self, context: int, address: int, size: int) -> tuple[bytes, bytes]: ...
    def source(self, hop: OriginHop) -> SourceData: ...
    def is_mapped_by(self, transition: int) -> bool: ...


class Walk:
    """The expressions of what the slice holds now, by byte. A byte that is not here is as it was
    recorded, whatever the inputs are."""

    def __init__(self, known: Known, tables: Sequence[tuple[int, int]]) -> None:
        self.pool = Computed()
        self.variables: list[VariableData] = []
        self.tables: list[tuple[int, bytes]] = []
        self.fixed = 0
        """Loads and stores at addresses that depend on inputs, taken where they were recorded."""
        self.is_open_table = False
        self.choices = 0
        """Conditional moves that depend on inputs, taken as they were recorded."""
        self._known = known
        self._lifter = Lifter()
        self._tables = tables
        self._starts = [start for start, _ in tables]
        self._registers: dict[tuple[int, int], int] = {}
        self._memory: dict[int, int] = {}
        self._numbers_of_tables: dict[tuple[int, int], int] = {}
        self._names: set[str] = set()

    # ------------------------------------------------------------------ inputs

    def begin(self, places: Sequence[Place]) -> None:
        """What a slice needs of the trace's start."""
        for place in places:
            self._bring(
                OriginHop("mapping" if place[0] else "start", None, place, None, 0, [], ""), 0
            )

    def _bring(self, hop: OriginHop, thread: int) -> None:
        """Makes variables of what came into the program, unless it is always the same."""
        is_memory, address, size = hop.after
        if not is_memory:
            source = self._known.source(hop)
            if source.kind not in _NOT_VARIABLE:
                self._bring_register(hop, thread, source)
            return
        context = 0 if hop.transition is None else hop.transition + 1
        data, known = self._known.memory(context, address, size)
        for at in range(size):
            byte = (True, address + at, 1)
            source = self._known.source(
                OriginHop(hop.kind, hop.transition, byte, None, hop.context, [], "")
            )
            self._memory.pop(address + at, None)
            if source.kind in _NOT_VARIABLE or not known[at]:
                continue
            self._memory[address + at] = self._variable(source, data[at], 8, hop.transition, False)

    def _bring_register(self, hop: OriginHop, thread: int, source: SourceData) -> None:
        assert hop.transition is not None
        image = self._image(hop.transition + 1)
        for offset, size in register_at(hop.after[1], hop.after[2]):
            first = offset // 8 * 8
            whole = (
                range(first, first + 8)
                if is_known(first, 8, True)
                else range(offset, offset + size)
            )
            value = int.from_bytes(image[whole.start : whole.stop], "little")
            node = self._variable(source, value, 8 * len(whole), hop.transition, False)
            for at, part in zip(whole, self.pool.bytes_of(node), strict=True):
                self._registers[thread, at] = part

    def _variable(
        self, source: SourceData, value: int, width: int, transition: int | None, opaque: bool
    ) -> int:
        base = PurePosixPath(source.name).name if source.name.startswith("/") else source.name
        base = base.removeprefix("environment ")
        label = base if source.offset is None else f"{base}[{source.offset}]"
        where = source.name if source.offset is None else f"{source.name}, byte {source.offset}"
        name = re.sub(r"\W+", "_", label.replace("argv[", "argv"), flags=re.ASCII).strip("_")
        if not name or name[0].isdigit():
            name = f"in_{name}"
        unique, number = name, 2
        while unique in self._names:
            unique, number = f"{name}_{number}", number + 1
        self._names.add(unique)
        self.variables.append(VariableData(unique, label, where, width, value, transition, opaque))
        self.pool.given.append(value)
        return self.pool.var(len(self.variables) - 1, width)

    # ------------------------------------------------------------------ steps

    def step(self, one: Step) -> None:
        """The next transition of the slice."""
        if not one.is_instruction or one.is_call:
            self._lose(one)
            return
        image = self._image(one.number)
        depends = False

        def read_register(at: int) -> int:
            nonlocal depends
            node = self._registers.get((one.thread, at))
            # What the slice does not need may have been overwritten meanwhile.
            if node is None or self.pool.value(node) != image[at]:
                return self.pool.const(image[at] if at < _IMAGE else 0, 8)
            depends = True
            return node

        def read_byte(at: int) -> int:
            nonlocal depends
            at &= (1 << 64) - 1
            node = self._memory.get(at)
            data, _ = self._known.memory(one.number, at, 1)
            if node is None or self.pool.value(node) != data[0]:
                return self.pool.const(data[0], 8)
            depends = True
            return node

        fixed = 0

        def look_up(node: int, at: int, size: int) -> int | None:
            nonlocal depends, fixed
            found = self._table(one.number, node, at, size)
            if found is None:
                fixed += 1
            else:
                depends = True
            return found

        machine = Machine(self.pool, read_register, read_byte, look_up)
        mnemonic, lifted = "", None
        try:
            lifted = self._lifter.lift(one.pc, one.code)
            mnemonic = lifted.mnemonic
            machine.run(lifted, one.pc)
            is_known_well = True
        except (Unknown, ValueError):
            is_known_well = False
            depends = depends or self._holds(one)
        mnemonic = mnemonic or "an unknown instruction"
        self.fixed += fixed + machine.fixed
        self.choices += machine.is_choice
        if mnemonic in _INPUTS_OF_PROCESSOR:
            self._lose(one, "processor")
            return
        if is_known_well:
            self._take(one, machine.registers, machine.memory, depends, mnemonic)
        else:
            self._take(one, *self._overwritten(one, lifted), depends, mnemonic)

    def _holds(self, one: Step) -> bool:
        """Whether an operand depends on inputs."""
        return any(
            at in self._memory if is_memory else (one.thread, at) in self._registers
            for is_memory, at in _bytes(one.read)
        )

    def _overwritten(
        self, one: Step, lifted: Lifted | None
    ) -> tuple[dict[int, int | None], dict[int, int | None]]:
        """What an instruction that cannot be computed may have written."""
        registers: dict[int, int | None] = {}
        memory: dict[int, int | None] = {}
        for is_memory, at in _bytes(one.written):
            (memory if is_memory else registers)[at] = None
        for operation in lifted.operations if lifted is not None else ():
            if operation.output is not None and operation.output[0] == "register":
                first, size = operation.output[1:]
                registers |= dict.fromkeys(range(first, first + size))
        before, after = self._image(one.number), self._image(one.number + 1)
        registers |= {at: None for at in range(_IMAGE) if before[at] != after[at]}
        return registers, memory

    def _take(
        self,
        one: Step,
        registers: Mapping[int, int | None],
        memory: Mapping[int, int | None],
        depends: bool,
        mnemonic: str,
    ) -> None:
        """Takes over what was computed, where it is what was recorded."""
        after = self._image(one.number + 1)
        unsaid: list[tuple[bool, int]] = []
        for at, node in registers.items():
            self._registers.pop((one.thread, at), None)
            if node is None or self.pool.value(node) != after[at]:
                if depends and is_known(at, 1, True):
                    unsaid.append((False, at))
            elif self.pool.const_of(node) is None:
                self._registers[one.thread, at] = node
        for at, node in memory.items():
            self._memory.pop(at, None)
            data, _ = self._known.memory(one.number + 1, at, 1)
            if node is None or self.pool.value(node) != data[0]:
                if depends:
                    unsaid.append((True, at))
            elif self.pool.const_of(node) is None:
                self._memory[at] = node
        if unsaid:
            self._say_not(one, unsaid, mnemonic, bytes(after))

    def _say_not(
        self, one: Step, unsaid: list[tuple[bool, int]], mnemonic: str, after: bytes
    ) -> None:
        for group in _runs(sorted(unsaid)):
            (is_memory, first), size = group[0], len(group)
            if is_memory:
                data, _ = self._known.memory(one.number + 1, first, size)
            else:
                data = after[first : first + size]
            name = f"{mnemonic} at #{one.number}"
            source = SourceData("unknown", name, None, one.number, size)
            value = int.from_bytes(data, "little")
            node = self._variable(source, value, 8 * size, one.number, True)
            for at, part in enumerate(self.pool.bytes_of(node), first):
                if is_memory:
                    self._memory[at] = part
                else:
                    self._registers[one.thread, at] = part

    def _lose(self, one: Step, kind: str = "") -> None:
        """What the kernel, the processor or a signal gave."""
        kept = {(place[0], at) for place in one.read for at in _units(place)}
        for is_memory, address, size in one.written:
            place = (is_memory, address, size)
            if all((is_memory, at) in kept for at in _units(place)) and not kind:
                continue
            if kind:
                chosen = kind
            elif not one.is_call:
                chosen = "signal"
            elif not is_memory:
                chosen = "syscall result"
            else:
                mapped = self._known.is_mapped_by(one.number)
                chosen = "mapping" if mapped else "syscall input"
            if not is_memory:
                for offset, count in register_at(address, size):
                    for at in range(offset, offset + count):
                        self._registers.pop((one.thread, at), None)
            self._bring(OriginHop(chosen, one.number, place, None, one.number, [], ""), one.thread)

    # ------------------------------------------------------------------ what was recorded

    def _image(self, context: int) -> bytearray:
        image = bytearray(_IMAGE)
        fill_registers(image, self._known.view(context), True)
        return image

    def _table(self, context: int, node: int, at: int, size: int) -> int | None:
        """A load from constant memory, as a table."""
        number = bisect_right(self._starts, at) - 1
        if number < 0:
            return None
        start, length = self._tables[number]
        if at + size > start + length:
            return None
        op, width, args, _ = self.pool.nodes[node]
        base = self.pool.const_of(args[1]) if op == "add" else 0
        first = base if base is not None and start <= base <= at else at & -256
        first = max(first, start)
        if at - first >= _MOST_OF_TABLE:
            first = max(at - 256, start)
        index = self.pool.make("sub", width, (node, self.pool.const(first, width)))
        most = self.pool.bits(index)
        last = min(first + most + size, first + _MOST_OF_TABLE, start + length)
        self.is_open_table = self.is_open_table or most + size > last - first
        data, known = self._known.memory(context, first, last - first)
        if not all(known[at - first : at - first + size]):
            return None
        key = (first, last)
        table = self._numbers_of_tables.get(key)
        if table is None:
            table = self._numbers_of_tables[key] = len(self.tables)
            self.tables.append((first, data))
            self.pool.tables.append(data)
        return self.pool.make("table", size * 8, (index,), table)

    # ------------------------------------------------------------------ the end

    def value_of(self, context: int, thread: int, places: Sequence[Place]) -> int:
        """The node of places, the lowest first."""
        image = self._image(context)
        parts: list[int] = []
        for is_memory, address, size in places:
            if is_memory:
                data, _ = self._known.memory(context, address, size)
                for at in range(size):
                    node = self._memory.get(address + at)
                    parts.append(self.pool.const(data[at], 8) if node is None else node)
                continue
            parts += [self._bit(thread, image, at) for at in range(address, address + size)]
        return self.pool.joined(parts)

    def _bit(self, thread: int, image: bytearray, at: int) -> int:
        ((offset, _),) = register_at(at, 1)
        node = self._registers.get((thread, offset))
        if node is None:
            node = self.pool.const(image[offset], 8)
        # A flag is a byte of its own there.
        low = 0 if offset in _flag_bytes() else at % 8
        return self.pool.make("extract", 1, (node,), low)


def _flag_bytes() -> range:
    return range(512, 544)


def _bytes(places: Sequence[Place]) -> Iterator[tuple[bool, int]]:
    for is_memory, address, size in places:
        if is_memory:
            yield from ((True, at) for at in range(address, address + size))
            continue
        for offset, count in register_at(address, size):
            yield from ((False, at) for at in range(offset, offset + count))


def _units(place: Place) -> range:
    return range(place[1], place[1] + place[2])


def _runs(ordered: list[tuple[bool, int]]) -> Iterator[list[tuple[bool, int]]]:
    group: list[tuple[bool, int]] = []
    for one in ordered:
        if group and (one[0] != group[-1][0] or one[1] != group[-1][1] + 1 or len(group) == 8):
            yield group
            group = []
        group.append(one)
    if group:
        yield group
