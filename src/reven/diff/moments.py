# SPDX-License-Identifier: Apache-2.0
"""What differs between two moments: registers, memory, blocks of the heap, descriptors."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

import numpy as np

from reven.diff.sides import Moment, Side, likeness
from reven.heap.blocks import Block
from reven.syscalls.descriptors import OpenFile
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service.diff import (
    MemoryDifferenceData,
    MomentsData,
    RegisterDifferenceData,
    ThingDifferenceData,
)
from reven2.arch.register import Register

__all__ = ["compare_moments"]

_REGISTERS = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12"),
    *("r13", "r14", "r15", "rip", "rflags", "fs_base", "gs_base"),
    *(f"ymm{number}" for number in range(16)),
)
_PAGE = 1 << 16
_MOST_WRITES = 1 << 22
_MOST_BYTES = 1 << 24
_MOST_GAP = 4
_SHOWN_BYTES = 64
_WRITABLE = 2

Thing = TypeVar("Thing")


def compare_moments(a: Side, at: int, b: Side, bt: int, limit: int) -> MomentsData:
    """What differs between a context of each side; at most `limit` of each kind."""
    limits: list[str] = []
    is_one = a.service is b.service
    written = _written_between(a, at, bt, limits) if is_one else _own_data(a, b, at, bt)
    memory = list(_memory(a, at, b, bt, written, limit + 1))
    blocks = _things(
        a.service._heap().live(at, 0, 1 << 30),
        b.service._heap().live(bt, 0, 1 << 30),
        lambda block: (block.id, block.stop - block.start),
        _block_text,
    )
    files = _things(_open_at(a, at), _open_at(b, bt), lambda file: (file.kind, file.name), _file)
    for name, found in (("memory", memory), ("blocks", blocks), ("descriptors", files)):
        if len(found) > limit:
            limits.append(f"There are more differences of {name}: the first {limit} are given.")
    return MomentsData(
        registers=list(_registers(a, at, b, bt)),
        memory=memory[:limit],
        blocks=blocks[:limit],
        descriptors=files[:limit],
        limits=limits,
    )


def _registers(a: Side, at: int, b: Side, bt: int) -> Iterator[RegisterDifferenceData]:
    views = [side.service.registers([context]).view for side, context in ((a, at), (b, bt))]
    for name in _REGISTERS:
        register = Register.from_name(name)
        if any(one.offset + one.size > min(map(len, views)) for one in register.fields):
            continue
        first, second = register.bits(views[0]), register.bits(views[1])
        if first == second:
            continue
        same = False
        if a.service is not b.service and register.bit_size <= 64:
            place = False, register.fields[0].offset * 8, 64
            same = likeness(a, Moment(at, place), b, Moment(bt, place)) == "same"
        if not same:
            size = register.bit_size // 8 or 1
            yield RegisterDifferenceData(
                name, first.to_bytes(size, "little"), second.to_bytes(size, "little")
            )


def _written_between(side: Side, at: int, bt: int, limits: list[str]) -> list[tuple[int, int, int]]:
    """Ranges (address, the same in the other context, size) that were written."""
    low, high = min(at, bt), max(at, bt)
    spans: list[tuple[int, int]] = []
    looked = 0
    while low < high:
        keep_going()
        with translated():
            found = side.service._trace().accesses(
                low, high, reads=False, limit=_PAGE, progress=keep_going
            )
        looked += len(found)
        starts = found.address.astype(np.uint64).tolist()
        spans += zip(starts, found.size.tolist(), strict=True)
        spans = _merged(spans)
        if len(found) < _PAGE:
            break
        low = int(found.transition[-1]) + 1
        if looked >= _MOST_WRITES:
            limits.append(f"Memory was compared up to #{low} only: what was written later is not.")
            break
    return [(start, start, size) for start, size in spans]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, size in sorted(spans):
        if found and start <= found[-1][0] + found[-1][1]:
            last, length = found[-1]
            found[-1] = last, max(length, start + size - last)
        else:
            found.append((start, size))
    return found


def _own_data(a: Side, b: Side, at: int, bt: int) -> list[tuple[int, int, int]]:
    """Ranges of both that hold the same: own binaries' data, and blocks of the heap that both
    made as the same one."""
    found = []
    loads = {
        one.binary.filename: one
        for one in b.service._ossi().space.loads()
        if one.first_context <= bt <= one.last_context
    }
    for load in a.service._ossi().space.loads():
        other = loads.get(load.binary.filename)
        is_own = a.evidence.own.holds_binary(load.binary.path)
        if other is None or not is_own or not load.first_context <= at <= load.last_context:
            continue
        for mapping in a.service._trace().mappings():
            inside = load.base_address <= mapping.address < load.base_address + load.size
            is_there = mapping.first_context <= at <= mapping.last_context
            if inside and is_there and mapping.protection & _WRITABLE:
                moved = mapping.address - load.base_address + other.base_address
                found.append((mapping.address, moved, mapping.size))
    blocks = {block.id: block for block in b.service._heap().live(bt, 0, 1 << 30)}
    for block in a.service._heap().live(at, 0, 1 << 30):
        twin = blocks.get(block.id)
        if twin is not None and twin.stop - twin.start == block.stop - block.start:
            found.append((block.start, twin.start, block.stop - block.start))
    return found


def _memory(
    a: Side, at: int, b: Side, bt: int, ranges: list[tuple[int, int, int]], limit: int
) -> Iterator[MemoryDifferenceData]:
    count = 0
    for start, other, size in ranges:
        for low in range(0, size, _MOST_BYTES):
            keep_going()
            part = min(size - low, _MOST_BYTES)
            data = [
                np.frombuffer(side.service.read_known_memory(context, address + low, part)[0], "u1")
                for side, context, address in ((a, at, start), (b, bt, other))
            ]
            for first, last in _runs(np.flatnonzero(data[0] != data[1]).tolist()):
                if a.service is not b.service and _is_pointer(
                    a, at, b, bt, start + low + first, other + low + first
                ):
                    continue
                stop = min(last, first + _SHOWN_BYTES)
                yield MemoryDifferenceData(
                    start + low + first,
                    other + low + first,
                    last - first,
                    a.variable_at(start + low + first, min(at, a.count - 1)),
                    data[0][first:stop].tobytes(),
                    data[1][first:stop].tobytes(),
                )
                count += 1
                if count >= limit:
                    return


def _is_pointer(a: Side, at: int, b: Side, bt: int, address: int, other: int) -> bool:
    """Whether the word there points to the same in both."""
    first, second = Moment(at, (True, address & ~7, 8)), Moment(bt, (True, other & ~7, 8))
    return likeness(a, first, b, second) == "same"


def _runs(positions: list[int]) -> Iterator[tuple[int, int]]:
    """Runs [first, stop) of what differs; small gaps are part of one."""
    first = last = None
    for at in positions:
        if first is None or last is None or at - last > _MOST_GAP:
            if first is not None and last is not None:
                yield first, last + 1
            first = at
        last = at
    if first is not None and last is not None:
        yield first, last + 1


def _things(
    first: Iterable[Thing],
    second: Iterable[Thing],
    key: Callable[[Thing], Hashable],
    text: Callable[[Thing], str],
) -> list[ThingDifferenceData]:
    """What only one of two moments has."""
    one = {key(thing): thing for thing in first}
    other = {key(thing): thing for thing in second}
    return [
        *(ThingDifferenceData(text(one[at]), True) for at in one if at not in other),
        *(ThingDifferenceData(text(other[at]), False) for at in other if at not in one),
    ]


def _block_text(block: Block) -> str:
    freed = f", freed at #{block.freed.enter}" if block.freed is not None else ""
    return (
        f"block {block.id} of {block.stop - block.start} bytes at {block.start:#x} from "
        f"{block.allocated.function} at #{block.allocated.enter}{freed}"
    )


def _open_at(side: Side, context: int) -> Iterator[OpenFile]:
    for file in side.service._descriptors().files:
        is_opened = file.opened is None or file.opened < context
        if is_opened and (file.closed is None or file.closed >= context):
            yield file


def _file(file: OpenFile) -> str:
    opened = f", opened at #{file.opened}" if file.opened is not None else ""
    closed = f", closed at #{file.closed}" if file.closed is not None else ""
    return f"{file.kind} {file.name}{opened}{closed}"
