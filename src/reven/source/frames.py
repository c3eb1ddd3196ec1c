# SPDX-License-Identifier: Apache-2.0
"""The registers and memory that debug information asks for, at a context and in a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from reven.ossi.address_space import AddressSpace, Load
from reven.ossi.linux.dwarf.expression import Machine, UnavailableError, value_of
from reven.ossi.linux.dwarf.frames import (
    RETURN_ADDRESS,
    STACK_POINTER,
    Row,
    caller_registers,
    cfa_of,
)
from reven.source.debug_information import BinaryDebug
from reven2.arch._table import DWARF_NUMBERS
from reven2.arch.register import Register

_MASK = (1 << 64) - 1

REGISTERS = {
    number: name for number, name in DWARF_NUMBERS.items() if Register.from_name(name).is_recorded
}
"""Names by number in debug information, of those that a trace of a program holds."""


class State(Protocol):
    """A moment of the trace."""

    context: int

    def view(self) -> bytes:
        """The register view of the current thread."""

    def known(self, address: int, size: int) -> bytes | None: ...

    def call(self, return_slot: int) -> State | None:
        """The moment before the call that pushed that return address."""

    def after(self) -> State:
        """The next moment."""


@dataclass
class Frame:
    """A frame of the stack at a moment: `registers` by their DWARF numbers, `view` all of them,
    if they are known. `address` is that of the instruction that it stands at, or, of a caller,
    one in its call instruction."""

    state: State
    registers: dict[int, int]
    view: bytes | None
    address: int
    load: Load | None
    debug: BinaryDebug | None

    @property
    def rva(self) -> int:
        return self.address - (self.load.base_address if self.load else 0)

    def row(self) -> Row | None:
        """The call frame information that holds here."""
        if self.debug is None:
            return None
        return self.debug.row(self.rva)


def top_frame(state: State, space: AddressSpace, debug_of: Callable[[Load], BinaryDebug]) -> Frame:
    """The frame that runs."""
    view = state.view()
    registers = general_registers(view)
    return _frame(state, registers, view, registers[RETURN_ADDRESS], space, debug_of)


def caller(
    frame: Frame, space: AddressSpace, debug_of: Callable[[Load], BinaryDebug]
) -> Frame | None:
    """The frame that called this one; None if that is not known."""
    row = frame.row()
    machine = FrameMachine(frame)
    try:
        if row is None:
            return None
        registers = caller_registers(row, machine)
    except UnavailableError:
        return None
    target = registers[RETURN_ADDRESS]
    if target == 0 or registers[STACK_POINTER] <= frame.registers.get(STACK_POINTER, 0):
        return None
    if row.is_signal:
        kept = {58: frame.registers[58], 59: frame.registers[59]}
        return _frame(frame.state, {**registers, **kept}, None, target, space, debug_of)
    # The call frame information restores some registers; the trace knows what all of them
    # were when the caller made the call.
    before = frame.state.call(registers[STACK_POINTER] - 8)
    view = None if before is None else before.view()
    at_call = {} if view is None else general_registers(view)
    if at_call.get(STACK_POINTER) == registers[STACK_POINTER]:
        registers = {**at_call, RETURN_ADDRESS: target}
    else:
        view = None
        registers |= {58: frame.registers[58], 59: frame.registers[59]}
    return _frame(frame.state, registers, view, target - 1, space, debug_of)


def outside_of_functions(state: State, load: Load | None, debug: BinaryDebug) -> Frame:
    """What variables outside of functions need of a frame: the load, and the thread's own."""
    registers = general_registers(state.view())
    return Frame(state, {58: registers[58], 59: registers[59]}, None, 0, load, debug)


def _frame(
    state: State,
    registers: dict[int, int],
    view: bytes | None,
    address: int,
    space: AddressSpace,
    debug_of: Callable[[Load], BinaryDebug],
) -> Frame:
    load = space.load_at(address, state.context)
    debug = None if load is None else debug_of(load)
    return Frame(state, registers, view, address, load, debug)


def general_registers(view: bytes) -> dict[int, int]:
    """Values by DWARF number out of a register view; of vector registers the low 64 bits."""
    return {
        number: Register.from_name(name).bits(view) & _MASK
        for number, name in REGISTERS.items()
        if not 33 <= number <= 48
    }


class FrameMachine(Machine):
    """A frame as DWARF expressions see it."""

    def __init__(self, frame: Frame, frame_base: bytes | None = None, unit: Any = None) -> None:
        """`frame_base`: the function's expression; `unit`: the compile unit of the entries."""
        self._frame = frame
        self._frame_base, self._unit = frame_base, unit
        load = frame.load
        header = load.binary.header if load else None
        self.load_bias = (load.base_address if load else 0) - (header.image_vaddr if header else 0)

    def register(self, number: int) -> int:
        value = self._frame.registers.get(number)
        if value is None:
            raise UnavailableError(f"register {number} is not known in this frame")
        return value

    def memory(self, address: int, size: int) -> bytes:
        data = self._frame.state.known(address & _MASK, size)
        if data is None:
            raise UnavailableError(f"the memory at {address:#x} is not known")
        return data

    def frame_base(self) -> int:
        if self._frame_base is None:
            raise UnavailableError("the function has no frame base")
        return value_of(self._frame_base, self)

    def call_frame_address(self) -> int:
        row = self._frame.row()
        if row is None:
            raise UnavailableError("there is no call frame information")
        return cfa_of(row, self)

    def entry_value(self, expression: bytes) -> int:
        # The trace has the moment when the function was entered; gdb has to ask the caller.
        call = self._frame.state.call(self.call_frame_address() - 8)
        if call is None:
            raise UnavailableError("the function was entered before the trace")
        view = call.after().view()
        frame = self._frame
        entry = Frame(
            frame.state, general_registers(view), view, frame.address, frame.load, frame.debug
        )
        return value_of(expression, FrameMachine(entry, None, self._unit))

    def thread_local(self, offset: int) -> int:
        load, base = self._frame.load, self._frame.registers.get(58)
        if load is None or base is None or self._frame.debug is None:
            raise UnavailableError("the thread is not known")
        block = self._frame.debug.thread_local_size()
        if block is not None:
            # The executable's block ends where the thread pointer points.
            return base - block + offset & _MASK
        # Of a library, the dynamic thread vector has the block; which of its entries, the
        # relocations against the module say.
        module = self._frame.debug.tls_module(self.memory, load.base_address)
        if module is None:
            raise UnavailableError("the library's thread-local block is not known")
        vector = int.from_bytes(self.memory(base + 8, 8), "little")
        block_address = int.from_bytes(self.memory(vector + 16 * module, 8), "little")
        if block_address in (0, _MASK):
            raise UnavailableError("the thread has not used the library's variables yet")
        return block_address + offset & _MASK

    def address(self, index: int) -> int:
        if self._unit is None:
            raise UnavailableError("no table of addresses")
        return int(self._unit.dwarfinfo.get_addr(self._unit, index))

    def base_type(self, offset: int) -> tuple[str, int]:
        source = None if self._frame.debug is None else self._frame.debug.source
        if source is None or self._unit is None:
            raise UnavailableError("no base types")
        return source.info.base_type(source.info.entry(self._unit.cu_offset + offset))
