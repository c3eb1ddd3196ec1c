# SPDX-License-Identifier: Apache-2.0
"""The trace of a machine: linear and physical addresses, system registers, interrupts and
devices, from the stream to the client API."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

import reven2
from reven import _engine
from reven.record.manifest import Manifest, write_manifest
from reven.record.process_recording import receive_hello
from reven.recorders.kit import (
    MACHINE_FILE_SIZE,
    NO_NODE,
    REGISTER_FILE_SIZE,
    Cause,
    EventKind,
    MapKind,
    RecordType,
    Register,
    StreamKind,
    event,
    node,
    say_hello,
)
from reven2.arch import helpers, msr, sse2, x64, x87
from reven2.memhist import MemoryAccessOperation
from reven2.trace import EventCategory, TransitionType

from .stream import NODE_CONSTANT, Block, Record, Slot, end, write_trace

LINEAR, PHYSICAL, VALUE = 0xFFFF_8880_0000_1000, 0x1000, 0x1122_3344_5566_7788
PORT, CHARACTER, LOCAL_APIC, VERSION = 0x3F8, 0x41, 0xFEE0_0030, 0x50014
CODE, HANDLER, FAULTING = 0xFFFF_FFFF_8100_0000, 0xFFFF_FFFF_8200_0000, 0xFFFF_8880_DEAD_0000
PAGE_TABLE, OTHER_PAGE_TABLE = 0x10_0000, 0x20_0000
DMA_AT = 64  # what a slot of `Block` is loaded from
SENT = 0x8877_6655_4433_2211
INTERRUPT = struct.Struct("<2I3Q2I")

# Node 0 is the address of what a slot is loaded from; the block has no slots.
NODES = [
    node(NODE_CONSTANT, size, immediate=value)
    for size, value in (
        (8, LINEAR),
        (8, PHYSICAL),
        (8, VALUE),
        (8, OTHER_PAGE_TABLE),
        (2, PORT),
        (1, CHARACTER),
        (8, LOCAL_APIC),
        (4, VERSION),
    )
]
RUN = Block(
    CODE,
    4,
    nodes=NODES,
    effects=[
        (0, event(EventKind.STORE, 0, size=8, address=2, value=3, linear=1)),
        (
            1,
            event(
                EventKind.SET_REGISTER,
                1,
                offset=Register.CR3,
                size=8,
                value=4,
            ),
        ),
        (2, event(EventKind.IO_STORE, 2, size=1, address=5, value=6)),
        (3, event(EventKind.IO_LOAD, 3, size=4, address=7, value=8, flags=1)),
        (3, event(EventKind.LOAD, 3, size=8, address=2, value=3)),
    ],
)
HANDLE = Block(HANDLER, slots=[8])


def file(**values: int) -> bytes:
    """A machine's register file; a value has as many bytes as stand between two registers."""
    made = bytearray(MACHINE_FILE_SIZE)
    sizes = {"CS": 2, "SS": 2, "MACHINE_FCW": 2, "MACHINE_FSW": 2, "MACHINE_MXCSR": 4}
    for name, value in values.items():
        offset = Register[name]
        size = sizes.get(name, 16 if name == "FPU_EXPONENTS" else 8)
        made[offset : offset + size] = value.to_bytes(size, "little")
    return bytes(made)


BEFORE = {
    "CR0": 0x8005_0033,
    "CR3": PAGE_TABLE,
    "CS": 0x10,
    "SS": 0x18,
    "EFER": 0xD01,
    "LSTAR": HANDLER,
    "RFLAGS": 1 << 9 | 3 << 12,
    "KERNEL_GS_BASE": 0x1234,
    "MACHINE_MXCSR": 0x1FA0,
    "MACHINE_FCW": 0x27F,
    "FPU_REGS": 0xC90F_DAA2_2168_C235,
    "FPU_EXPONENTS": 0x4000,
    "FPU_TAGS": 1,
    "RSP": 0xFFFF_8880_0000_3000,
    "RIP": CODE,
}
AFTER = BEFORE | {
    "CR2": FAULTING,
    "CR3": OTHER_PAGE_TABLE,
    "RFLAGS": 3 << 12,
    "RSP": 0xFFFF_8880_0000_2FD8,
    "RIP": HANDLER,
}


def memory(address: int, data: bytes, cause: Cause, after: int) -> Record:
    return Record(RecordType.MEMORY, struct.pack("<Q2I", address, cause, 0) + data, after)


def interrupt(after: int, *, synchronous: bool = True) -> Record:
    payload = INTERRUPT.pack(14, synchronous, 2, CODE + 16, HANDLER, 0x10, 0)
    return Record(RecordType.INTERRUPT, payload, after)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    path = tmp_path / "machine.reven"
    frame = struct.pack("<5Q", CODE + 16, 0x10, 1 << 9, BEFORE["RSP"], 0x18)
    slot = Slot(
        [(1, 0, b""), (2, 0, SENT.to_bytes(8, "little"))],
        [
            Record(RecordType.KEY_FRAME, file(**BEFORE)),
            Record(RecordType.MAP, struct.pack("<2Q2IQ", 0, 0x4000, 7, MapKind.ZERO, 0) + b"[ram]"),
            interrupt(1),
            Record(RecordType.REGISTERS, file(**AFTER), 1),
            memory(0x2FD8, frame, Cause.OTHER, 1),
            memory(DMA_AT, SENT.to_bytes(8, "little"), Cause.DEVICE, 1),
            Record(RecordType.KEY_FRAME, file(**AFTER), 2),
            end(after=2),
        ],
        {1: RUN, 2: HANDLE},
    )
    status = write_trace(path, [slot])
    assert status.error == ""
    manifest = Manifest(
        uuid="a machine",
        recorder="test",
        command=[],
        cwd="/",
        program="linux",
        start_time="",
        kernel="",
        pid=0,
        ppid=0,
        kind="machine",
        features=["avx2"],
        register_file_size=MACHINE_FILE_SIZE,
        transitions=status.transitions,
        complete=True,
    )
    write_manifest(path, manifest)
    return path


OpenTrace = Callable[[Path], reven2.OpenTrace]


def test_it_replays_and_numbers(machine: Path) -> None:
    trace = _engine.Trace(str(machine))
    assert trace.register_file_size == MACHINE_FILE_SIZE
    result = trace.check()
    assert (result.transitions, result.loads, result.key_frames) == (6, 2, 1)
    assert (result.bad_loads, result.bad_key_frames, result.problems) == (0, 0, [])
    assert list(trace.transitions(0, 6).kind) == [0, 0, 0, 0, 4, 0]


def test_a_wrong_system_register_is_found(machine: Path, tmp_path: Path) -> None:
    records = [
        Record(RecordType.KEY_FRAME, file(**BEFORE)),
        Record(RecordType.KEY_FRAME, file(**BEFORE), 1),
    ]
    write_trace(tmp_path / "wrong", [Slot([(1, 0, b"")], records, {1: RUN})])
    result = _engine.Trace(str(tmp_path / "wrong")).check()
    assert result.bad_key_frames == 1
    assert f"offset {Register.CR3 + 2} " in result.problems[0]


def test_interrupts(machine: Path, open_trace: OpenTrace) -> None:
    trace = open_trace(machine).trace
    transition = trace.transition(4)
    assert transition.type is TransitionType.Exception
    assert (transition.pc, transition.instruction) == (CODE + 16, None)
    exception = transition.exception
    assert exception is not None
    assert exception.category is EventCategory.Interrupt
    assert (exception.code, exception.error_code) == (14, 2)
    assert str(exception) == "exception 14 (#PF), error code 0x2"
    assert trace.context_before(5).read(x64.rip) == HANDLER


def test_system_registers(machine: Path, open_trace: OpenTrace) -> None:
    trace = open_trace(machine).trace
    first, last = trace.context_before(0), trace.context_after(5)
    assert (first.read(x64.cr0), first.read(x64.cs), first.read(x64.ss)) == (
        0x8005_0033,
        0x10,
        0x18,
    )
    assert (first.read(msr.efer), first.read(msr.lstar)) == (0xD01, HANDLER)
    assert first.read(helpers.msr_from_number(0xC000_0102)) == 0x1234
    assert (first.read(x64.if_), first.read(x64.iopl), last.read(x64.if_)) == (1, 3, 0)
    assert (first.read(x64.cr2), last.read(x64.cr2)) == (0, FAULTING)
    assert [trace.context_before(i).read(x64.cr3) for i in range(3)] == [
        PAGE_TABLE,
        PAGE_TABLE,
        OTHER_PAGE_TABLE,
    ]
    changed = first.find_register_change(x64.cr3)
    assert changed is not None
    assert changed == trace.context_after(1)
    cleared = first.find_register_change(x64.if_)
    assert cleared == trace.context_after(4)
    back = last.find_register_change(x64.cr2, is_forward=False)
    assert back == trace.context_before(4)


def test_the_floating_point_unit_is_whole(machine: Path, open_trace: OpenTrace) -> None:
    first = open_trace(machine).trace.context_before(0)
    assert first.read(x87.st0) == pytest.approx(3.141592653589793, abs=0)
    assert bytes(first.read(x87.st0, raw=True)) == bytes.fromhex("35c26821a2da0fc90040")
    assert (first.read(x87.fcw), first.read(sse2.mxcsr)) == (0x27F, 0x1FA0)
    assert first.read(x87.ftw) & 3 == 0
    assert first.read(x87.mm0) == 0xC90F_DAA2_2168_C235


def test_linear_and_physical_addresses(machine: Path, open_trace: OpenTrace) -> None:
    trace = open_trace(machine).trace
    (access,) = trace.transition(0).memory_accesses()
    assert access.operation is MemoryAccessOperation.Write
    assert access.virtual_address.offset == LINEAR
    assert access.physical_address.offset == PHYSICAL
    (again,) = trace.transition(3).memory_accesses()
    assert again.virtual_address.offset == again.physical_address.offset == PHYSICAL
    assert trace.context_after(0).read(reven2.address.PhysicalAddress(PHYSICAL), 8) == VALUE
    history = list(trace.memory_accesses(reven2.address.PhysicalAddress(PHYSICAL), 8))
    assert [one.transition.id for one in history] == [0, 3]


def test_devices(machine: Path, open_trace: OpenTrace) -> None:
    trace = open_trace(machine).trace
    (written,) = trace.transition(2).device_accesses()
    assert (written.port, written.physical_address, written.size) == (PORT, None, 1)
    assert (written.value, written.operation) == (CHARACTER, MemoryAccessOperation.Write)
    assert str(written).endswith("Write access to port 0x3f8 of size 1: 0x41")
    (read,) = trace.transition(3).device_accesses()
    assert read.physical_address == reven2.address.PhysicalAddress(LOCAL_APIC)
    assert (read.port, read.value) == (None, VERSION)
    assert trace.transition(1).device_accesses() == []
    # No memory is there.
    with pytest.raises(reven2.errors.MemoryReadError):
        trace.context_after(3).read(reven2.address.PhysicalAddress(LOCAL_APIC), 4)


def test_what_a_device_wrote_is_in_the_memory_history(machine: Path, open_trace: OpenTrace) -> None:
    trace = open_trace(machine).trace
    history = list(trace.memory_accesses(reven2.address.PhysicalAddress(DMA_AT), 8))
    assert [(one.transition.id, one.operation.name) for one in history] == [
        (4, "Write"),
        (5, "Read"),
    ]
    assert trace.context_before(5).read(reven2.address.PhysicalAddress(DMA_AT), 8) == SENT


def test_other_queries_take_it(machine: Path, open_trace: OpenTrace) -> None:
    trace = open_trace(machine).trace
    assert list(trace.search.pc(HANDLER)) == [trace.context_before(5)]
    assert [hit.transition.id for hit in trace.search.value(VALUE, 8)][:1] == [0]
    # Without system registers, through which no data flows, nothing is there to follow.
    tainter = reven2.preview.taint.Tainter(trace)
    taint = tainter.simple_taint(tag0="rsp", from_context=trace.context_before(0))
    assert [change.transition.id for change in taint.changes()] == []


@pytest.mark.parametrize("after", range(1, 6))
def test_a_limit_may_fall_on_an_interrupt(tmp_path: Path, after: int) -> None:
    slot = Slot(
        [(1, 0, b"")], [Record(RecordType.KEY_FRAME, file(**BEFORE)), interrupt(1)], {1: RUN}
    )
    status = write_trace(tmp_path, [slot], max_transitions=after)
    assert (status.transitions, status.error) == (after, "")


@pytest.mark.parametrize(
    ("records", "complaint"),
    [
        ([Record(RecordType.KEY_FRAME, bytes(MACHINE_FILE_SIZE + 8))], "use the version of reven"),
        ([Record(RecordType.KEY_FRAME, bytes(REGISTER_FILE_SIZE - 8))], "wrong size"),
        ([Record(RecordType.KEY_FRAME, bytes(REGISTER_FILE_SIZE + 4))], "impossible size"),
        (
            [
                Record(RecordType.KEY_FRAME, bytes(MACHINE_FILE_SIZE)),
                Record(RecordType.REGISTERS, bytes(REGISTER_FILE_SIZE)),
            ],
            "not all of one size",
        ),
        (
            [
                Record(RecordType.KEY_FRAME, bytes(MACHINE_FILE_SIZE)),
                Record(RecordType.INTERRUPT, bytes(8)),
            ],
            "of type 18 has the wrong size",
        ),
    ],
)
def test_wrong_records_are_refused(tmp_path: Path, records: list[Record], complaint: str) -> None:
    assert complaint in write_trace(tmp_path, [Slot((), records)]).error


@pytest.mark.parametrize(
    ("effect", "complaint"),
    [
        (event(EventKind.STORE, 0, size=8, address=2, value=3, linear=99), "no such linear"),
        (event(EventKind.IO_STORE, 0, size=16, address=2, value=3), "no value of its size"),
        (event(EventKind.IO_STORE, 0, size=8, address=NO_NODE, value=3), "no address"),
        (event(EventKind.IO_LOAD, 0, size=8, address=2, value=3, flags=2), "no known way"),
        (
            event(EventKind.SET_REGISTER, 0, offset=MACHINE_FILE_SIZE - 4, size=8, value=3),
            "outside of the register file",
        ),
    ],
)
def test_wrong_events_are_refused(tmp_path: Path, effect: bytes, complaint: str) -> None:
    block = Block(CODE, nodes=NODES, effects=[(0, effect)])
    key_frame = Record(RecordType.KEY_FRAME, bytes(MACHINE_FILE_SIZE))
    assert complaint in write_trace(tmp_path, [Slot((), [key_frame], {1: block})]).error


def test_a_recorder_says_what_it_records() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        say_hello(theirs, "lifter 1", "linux", ["run"], features=["avx2"], kind=StreamKind.MACHINE)
        hello = receive_hello(ours)
    assert hello is not None
    assert (hello.kind, hello.architecture, hello.features) == ("machine", "x86-64", ("avx2",))
    assert (hello.register_file_size, hello.command) == (MACHINE_FILE_SIZE, ("run",))
