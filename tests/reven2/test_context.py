# SPDX-License-Identifier: Apache-2.0
"""Contexts: registers, memory, changes."""

from __future__ import annotations

import itertools

import pytest

import reven2
from reven2.address import LinearAddress, LogicalAddress, PhysicalAddress
from reven2.arch import helpers, msr, x64
from reven2.arch.register import Register
from reven2.errors import (
    InvalidArgumentError,
    MemoryReadError,
    OutOfRangeError,
    RegisterReadError,
    StringDecodeError,
)
from reven2.memory_range import MemoryRange
from reven2.trace import Context
from reven2.types import (
    F32,
    F64,
    I16,
    U8,
    U16,
    U32,
    U64,
    Array,
    BigEndian,
    CString,
    Encoding,
    Pointer,
    RawBuffer,
    USize,
)


@pytest.fixture
def ready(values: reven2.OpenTrace) -> Context:
    """Where the values stand: at the entry of `ready`, their address is in rdi."""
    [symbol] = values.ossi.symbols("^ready$")
    return next(values.trace.search.symbol(symbol))


def test_names(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    assert str(trace.context_after(6)) == "Context before #7"
    assert trace.context_after(6) == trace.context_before(7)
    assert str(trace.first_context) == "Context before #0"
    assert repr(trace.last_context) == f"Context after #{trace.transition_count - 1}"
    assert trace.last_context._id == trace.transition_count


def test_neighbours(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    context = trace.context_before(7)
    assert context.transition_before() == trace.transition(6)
    assert context.transition_after() == trace.transition(7)
    assert context + 1 == trace.context_after(7)
    assert context - 7 == trace.first_context
    assert trace.first_context < context < trace.last_context
    with pytest.raises(OutOfRangeError):
        trace.first_context.transition_before()
    with pytest.raises(IndexError):
        trace.last_context.transition_after()
    with pytest.raises(IndexError):
        trace.last_context + 1


def test_registers_and_their_aliases(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    context = bare.trace.context_after(2)
    assert context.read(x64.rax) == 0x1122334455667788
    assert context.read(x64.eax) == 0x55667788
    assert context.read(x64.ax) == 0x7788
    assert context.read(x64.al) == 0x88
    assert context.read(x64.ah) == 0x77
    assert context.read(x64.rdi) == bare_symbols["buffer"]
    assert context.read(x64.rip) == bare_symbols["again"]
    assert context.read(x64.rax, raw=True) == bytes.fromhex("8877665544332211")
    assert context.read(x64.rax, U8) == 0x88
    assert context.read(x64.rax, I16) == 0x7788
    assert context.read(x64.rax, BigEndian(U16)) == 0x8877
    assert context.read(x64.rax, 4) == 0x55667788
    assert context.is64b()


def test_flags_follow_each_instruction(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    assert [trace.context_after(number).read(x64.zf) for number in (4, 7, 10)] == [0, 0, 1]
    after_xor = trace.context_after(18)
    assert [after_xor.read(flag) for flag in (x64.zf, x64.pf, x64.cf, x64.of, x64.sf)] == [
        1, 1, 0, 0, 0,
    ]  # fmt: skip


def test_a_register_read_in_a_loop_is_that_of_each_context(bare: reven2.OpenTrace) -> None:
    in_a_loop = [context.read(x64.rip) for context in bare.trace.contexts()]
    one_by_one = [
        (bare.trace.first_context + number).read(x64.rip)
        for number in range(bare.trace.transition_count + 1)
    ]
    assert in_a_loop == one_by_one


def test_what_cannot_be_read_from_a_register(bare: reven2.OpenTrace) -> None:
    context = bare.trace.first_context
    with pytest.raises(RegisterReadError, match="cr3"):
        context.read(x64.cr3)
    with pytest.raises(InvalidArgumentError, match="eax has 4 bytes"):
        context.read(x64.eax, 8)
    with pytest.raises(InvalidArgumentError):
        context.read(x64.eax, U64)
    with pytest.raises(RegisterReadError, match="Thread 9 had not run yet"):
        context.read(x64.eax, thread=9)


def test_memory_by_size(bare: reven2.OpenTrace, bare_symbols: dict[str, int]) -> None:
    context = bare.trace.context_after(11)
    buffer = LinearAddress(bare_symbols["buffer"])
    assert context.read(buffer + 4, 4) == 0x55667788
    assert context.read(buffer + 4, 1) == 0x88
    assert context.read(buffer, 8) == 0x55667788_00000000
    assert context.read(buffer + 4, 3) == b"\x88\x77\x66"
    assert context.read(buffer + 4, 4, raw=True) == bytearray(b"\x88\x77\x66\x55")
    assert context.read(buffer.offset + 4, 4) == 0x55667788
    assert context.read(PhysicalAddress(buffer.offset + 4), 4) == 0x55667788
    assert context.read(LogicalAddress(buffer.offset + 4, x64.ss), 4) == 0x55667788


def test_memory_by_type(ready: Context) -> None:
    base = LogicalAddress(ready.read(x64.rdi))
    assert ready.read(base, U8) == 200
    assert ready.read(base + 2, I16) == -2
    assert ready.read(base + 4, BigEndian(U32)) == 0x01020304
    assert ready.read(base + 8, F32) == 1.5
    assert ready.read(base + 16, F64) == -0.25
    assert ready.read(base + 24, CString()) == "héllo"
    assert ready.read(base + 24, CString(Encoding.Utf8, max_character_count=2)) == "hé"
    assert ready.read(base + 24, CString(Encoding.Utf8, max_size=2)) == "h"
    assert ready.read(base + 24, CString(), raw=True) == "héllo\0".encode()
    assert ready.read(base + 40, CString(encoding=Encoding.Utf16)) == "wé€"
    assert list(ready.read(base + 56, Array(U64, 3))) == [1, 2, 3]
    assert ready.read(base + 1, RawBuffer(3)) == b"\x00\xfe\xff"
    assert ready.read(base + 56, USize) == 1


def test_pointers(ready: Context) -> None:
    base = LogicalAddress(ready.read(x64.rdi))
    first = base + 80
    pointer = ready.read(first, Pointer(USize))
    assert pointer.address == first + 16
    assert ready.read(pointer + 8, 8) == 0x1234567890
    assert ready.deref(first, Pointer(Pointer(U64))).address == 0
    relative = Pointer(U64, base_address=LogicalAddress(8))
    assert ready.deref(first, relative) == 0x1234567890
    assert ready.deref(x64.rdi, Pointer(U8)) == 200
    assert pointer.cast_inner(Array(U64, 2)).deref() == [0, 0x1234567890]
    with pytest.raises(MemoryReadError):
        ready.read(first + 16, Pointer(U8)).deref()


def test_strings_that_are_none(ready: Context) -> None:
    with pytest.raises(StringDecodeError):
        ready.read(LinearAddress(ready.read(x64.rdi)), CString())


def test_memory_that_is_not_mapped(bare: reven2.OpenTrace) -> None:
    context = bare.trace.first_context
    with pytest.raises(MemoryReadError, match="nothing is mapped there") as caught:
        context.read(LinearAddress(0x10), 8)
    assert caught.value.address == 0x10
    with pytest.raises(RuntimeError):
        context.read(LinearAddress(0x10), CString())
    with pytest.raises(MemoryReadError, match="memory ends before"):
        context.read(LinearAddress((1 << 64) - 4), 8)
    with pytest.raises(MemoryReadError):
        context.read(LinearAddress((1 << 64) - 4), CString())
    with pytest.raises(InvalidArgumentError):
        context.read(LinearAddress(0), 1 << 40)
    assert LinearAddress(0x10).translate(context) is None
    rsp = LinearAddress(context.read(x64.rsp))
    assert rsp.translate(context) == PhysicalAddress(rsp.offset)
    assert list(MemoryRange(LinearAddress(0), 8192).translate(context)) == []
    pages = list(MemoryRange(LogicalAddress(rsp.offset & -4096), 4096).translate(context))
    assert [str(page) for page in pages] == [f"[phy:{rsp.offset & -4096:#x}; 4096]"]
    assert any(
        start.offset <= rsp.offset < start.offset + size
        for start, size in context.physical_memory_regions()
    )


def test_thread_local_memory_is_behind_fs(ready: Context) -> None:
    base = ready.read(msr.fs_base)
    assert base
    # The first word of the thread control block points to itself (ELF TLS ABI).
    assert ready.read(LogicalAddress(0, x64.fs), 8) == base
    assert LogicalAddress(8, x64.fs).translate(ready) == PhysicalAddress(base + 8)


def test_registers_of_another_thread_are_those_of_its_last_moment(
    threads: reven2.OpenTrace,
) -> None:
    trace = threads.trace
    switch = next(t for t in itertools.islice(trace.transitions(), 1, None)
                  if t.exception is not None and t.thread > 1)  # fmt: skip
    before, after = switch.context_before(), switch.context_after()
    assert before.thread == switch.thread != after.thread
    for register in (x64.rax, x64.rsp, x64.rip, msr.fs_base):
        assert after.read(register, thread=switch.thread) == before.read(register)
        assert after.read(register, thread=after.thread) == after.read(register)
    own = LogicalAddress(0, x64.fs)
    assert after.read(own, 8, thread=switch.thread) == before.read(own, 8)
    assert after.read(own, 8, thread=switch.thread) != after.read(own, 8)


@pytest.mark.parametrize("name", ["rax", "ecx", "cl", "zf", "rflags", "rip", "rsp", "rdi"])
def test_register_changes_are_those_of_a_walk(bare: reven2.OpenTrace, name: str) -> None:
    register = Register.from_name(name)
    contexts = list(bare.trace.contexts())
    values = [context.read(register) for context in contexts]
    for number, context in enumerate(contexts):
        later = [n for n in range(number + 1, len(values)) if values[n] != values[number]]
        earlier = [n for n in range(number) if values[n] != values[number]]
        assert context.find_register_change(register) == (contexts[later[0]] if later else None)
        assert context.find_register_change(register, is_forward=False) == (
            contexts[earlier[-1]] if earlier else None
        )


def test_a_constant_register_never_changes(bare: reven2.OpenTrace) -> None:
    assert bare.trace.first_context.find_register_change(x64.cs) is None
    with pytest.raises(RegisterReadError):
        bare.trace.first_context.find_register_change(x64.cr3)


def test_every_register_change_is_one(ready: Context) -> None:
    for register in helpers.registers():
        changed = ready.find_register_change(register, is_forward=False)
        if changed is not None:
            assert register.bits(changed._view()) != register.bits(ready._view())
            assert register.bits((changed + 1)._view()) == register.bits(ready._view())


@pytest.mark.parametrize(("offset", "size"), [(0, 64), (4, 4), (4, 1), (8, 4), (0, 4)])
def test_memory_changes_are_those_of_a_walk(
    bare: reven2.OpenTrace, bare_symbols: dict[str, int], offset: int, size: int
) -> None:
    address = LinearAddress(bare_symbols["buffer"] + offset)
    contexts = list(bare.trace.contexts())
    contents = [bytes(context.read(address, size, raw=True)) for context in contexts]
    for number, context in enumerate(contexts):
        later = [n for n in range(number + 1, len(contents)) if contents[n] != contents[number]]
        earlier = [n for n in range(number) if contents[n] != contents[number]]
        assert context.find_memory_change(address, size) == (contexts[later[0]] if later else None)
        assert context.find_memory_change(address, size, is_forward=False) == (
            contexts[earlier[-1]] if earlier else None
        )
    with pytest.raises(InvalidArgumentError):
        contexts[0].find_memory_change(address, 0)
