# SPDX-License-Identifier: Apache-2.0
"""What `reven show` says of a transition: gathered here, printed there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec

from reven2.arch import helpers, x64
from reven2.arch._table import REGISTER_VIEW_SIZE
from reven2.arch.register import Register
from reven2.errors import MemoryReadError, RegisterReadError
from reven2.memhist import DeviceAccess, MemoryAccess, MemoryAccessOperation
from reven2.trace import Context, Transition

MAX_VALUE_SIZE = 32
"""Bytes of an access that are shown as its value; of longer ones the first."""

_GENERAL = tuple(
    Register.from_name(name)
    for name in (
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
        "fs_base", "gs_base",
    )
)  # fmt: skip
_SYSTEM = tuple(helpers.system_registers())
_FLAGS = (x64.cf, x64.pf, x64.af, x64.zf, x64.sf, x64.df, x64.of)
_FPU = tuple(Register.from_name(f"st{i}") for i in range(8))
_VECTORS = tuple((Register.from_name(f"xmm{i}"), Register.from_name(f"ymm{i}")) for i in range(16))


class ShownLocation(msgspec.Struct, frozen=True):
    """Where an instruction stands: `offset` bytes into `name`, which is `binary!symbol`,
    or what is mapped there."""

    name: str
    offset: int
    binary: str | None
    symbol: str | None
    file: str | None
    line: int | None


class ShownRegister(msgspec.Struct, frozen=True):
    name: str
    before: str
    after: str


class ShownAccess(msgspec.Struct, frozen=True):
    """`address` is the linear one, `physical` None if it is the same. `value` is the integer
    of up to 8 bytes, else the bytes in hexadecimal as they stand in memory; None if the trace
    does not have it. `cause`: who makes the access."""

    operation: str
    address: str
    size: int
    value: str | None
    cause: str
    physical: str | None = None


class ShownDeviceAccess(msgspec.Struct, frozen=True):
    """`where` is `port` or `device`, with its number or physical address."""

    operation: str
    where: str
    address: str
    size: int
    value: str


class ShownTransition(msgspec.Struct, frozen=True):
    """`kind` is "instruction" or "event"; `bytes` is empty for an event."""

    id: int
    kind: str
    thread: int
    pc: str
    text: str
    bytes: str
    location: ShownLocation | None
    registers: list[ShownRegister]
    accesses: list[ShownAccess]
    devices: list[ShownDeviceAccess] = []


def shown(transition: Transition) -> ShownTransition:
    """Everything `reven show` says of `transition`."""
    before = transition.context_before()
    after = transition.context_after()
    instruction = transition.instruction
    is_machine = len(before._view()) > REGISTER_VIEW_SIZE
    return ShownTransition(
        id=transition.id,
        kind="instruction" if instruction else "event",
        thread=transition.thread,
        pc=hex(transition.pc),
        text=_text(transition),
        bytes=bytes(instruction.raw).hex() if instruction else "",
        location=_location(before),
        registers=list(_changes(before, after, is_machine))
        if before.thread == after.thread
        else [],
        accesses=[_access(access, before, after) for access in transition.memory_accesses()],
        devices=[_device(access) for access in transition.device_accesses()],
    )


def _text(transition: Transition) -> str:
    if transition.instruction:
        return str(transition.instruction).rstrip()
    event = transition.exception
    assert event is not None
    cut = event.related_instruction
    return f"{str(cut).rstrip()}  ✗ {event}" if cut else str(event)


def _location(context: Context) -> ShownLocation | None:
    location = context.ossi.location()
    if location is None:
        return None
    name, plus, offset = str(location).rpartition("+0x")
    return ShownLocation(
        name=name if plus else offset,
        offset=int(offset, 16) if plus else 0,
        binary=location.binary.path if location.binary else None,
        symbol=location.symbol.name if location.symbol else None,
        file=location.file,
        line=location.line,
    )


def _changes(before: Context, after: Context, is_machine: bool) -> Iterator[ShownRegister]:
    system = _SYSTEM if is_machine else ()
    for register in (*_GENERAL, *_FLAGS, *system):
        with suppress(RegisterReadError):  # an imported trace may not have it
            old, new = before.read(register), after.read(register)
            if old != new:
                form = "#x" if register.bit_size > 1 else ""
                yield ShownRegister(register.name, f"{old:{form}}", f"{new:{form}}")
    for register in _FPU:
        with suppress(RegisterReadError):
            if before.read(register, raw=True) != after.read(register, raw=True):
                yield ShownRegister(
                    register.name, str(before.read(register)), str(after.read(register))
                )
    for half, whole in _VECTORS:
        with suppress(RegisterReadError):
            old, new = before.read(whole), after.read(whole)
            if old != new:
                only_half = old >> 128 == new >> 128
                register = half if only_half else whole
                yield ShownRegister(
                    register.name, f"{before.read(register):#x}", f"{after.read(register):#x}"
                )


def _access(access: MemoryAccess, before: Context, after: Context) -> ShownAccess:
    is_write = access.operation is MemoryAccessOperation.Write
    address = access.physical_address
    linear = access.virtual_address.offset
    size = min(access.size, MAX_VALUE_SIZE)
    try:
        data = bytes((after if is_write else before).read(address, size, raw=True))
    except MemoryReadError:
        value = None
    else:
        value = hex(int.from_bytes(data, "little")) if access.size <= 8 else data.hex()
    return ShownAccess(
        operation="write" if is_write else "read",
        address=hex(linear),
        size=access.size,
        value=value,
        cause=access.cause.value,
        physical=None if linear == address.offset else hex(address.offset),
    )


def _device(access: DeviceAccess) -> ShownDeviceAccess:
    physical = access.physical_address
    return ShownDeviceAccess(
        operation=access.operation.name.lower(),
        where="port" if physical is None else "device",
        address=hex(access.port or 0) if physical is None else hex(physical.offset),
        size=access.size,
        value=hex(access.value),
    )
