# SPDX-License-Identifier: Apache-2.0
"""Bring the memory of a line into the order and the completeness that a trace has."""

from __future__ import annotations

from dataclasses import dataclass, field

from reven.importers.tenet.known_memory import KnownMemory, runs
from reven.importers.tenet.text import BOTH, READ

Access = tuple[bool, int, bytes]
"""Whether it writes, the address, and the bytes."""


@dataclass
class Step:
    """What a line does to memory. `appeared`: bytes that were there before it, unknown until
    now; `changed`: bytes that are others than the file said, though no line wrote them;
    `accesses`: in the order in which they agree with memory."""

    appeared: list[tuple[int, bytes]] = field(default_factory=list)
    changed: list[tuple[int, bytes]] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)


def step(memory: KnownMemory, accesses: list[tuple[int, int, bytes]]) -> Step:
    """What accesses of one line mean where `memory` was so far; takes them into it.

    Some tracers fetch what was read only after the instruction. Where it also wrote there, a
    read that shows what was written, though that was not there before, comes after the write.
    """
    found = Step()
    late: list[Access] = []
    writes = [(address, data) for kind, address, data in accesses if kind != READ]
    for kind, address, data in accesses:
        if kind != READ:
            continue
        if writes and _shows_writes(memory, address, data, writes):
            late.append((False, address, data))
        else:
            _learn(memory, address, data, found)
            found.accesses.append((False, address, data))
    for kind, address, data in accesses:
        if kind != READ:
            memory.write(address, data)
            found.accesses.append((True, address, data))
        if kind == BOTH:
            late.append((False, address, data))
    for _, address, data in late:
        # Of what it shares with no write, all is as it was before.
        _learn(memory, address, data, found)
    found.accesses += late
    return found


def _shows_writes(
    memory: KnownMemory, address: int, data: bytes, writes: list[tuple[int, bytes]]
) -> bool:
    """Whether a read was taken after the writes of its line."""
    held, known = memory.read(address, len(data))
    written = bytearray(held)
    shared = bytearray(len(data))
    for at, bytes_ in writes:
        low, high = max(address, at), min(address + len(data), at + len(bytes_))
        if low < high:
            written[low - address : high - address] = bytes_[low - at : high - at]
            shared[low - address : high - address] = bytes([1]) * (high - low)
    if not any(shared):
        return False
    agrees = all(
        data[i] == held[i] and known[i] for i in range(len(data)) if shared[i]
    )  # with what was there before
    return not agrees and all(data[i] == written[i] for i in range(len(data)) if shared[i])


def _learn(memory: KnownMemory, address: int, data: bytes, found: Step) -> None:
    held, known = memory.read(address, len(data))
    if held == data and 0 not in known:
        return
    for into, marks in (
        (found.appeared, bytes(not k for k in known)),
        (
            found.changed,
            bytes(bool(k and a != b) for k, a, b in zip(known, held, data, strict=True)),
        ),
    ):
        into += [(address + begin, data[begin:end]) for begin, end in runs(marks)]
    memory.write(address, data)
