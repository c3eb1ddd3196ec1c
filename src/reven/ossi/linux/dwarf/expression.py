# SPDX-License-Identifier: Apache-2.0
"""DWARF expressions: where a variable is, or its value.

Source: DWARF 5, §2.5 "DWARF Expressions" and §2.6 "Location Descriptions"; numbers of
operations §7.7.1; GNU's from <dwarf2.h> of binutils.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

_MASK = (1 << 64) - 1
_MOST_STEPS = 10_000


class UnavailableError(Exception):
    """The expression needs something that is not known at this moment."""


@dataclass(frozen=True)
class Place:
    """Where one piece of a value is.

    `number` is that of a register, an address, or the value itself; `data` the bytes of an
    implicit value. `bits`, from bit `shift` on, is the size of a piece, None for all.
    """

    kind: Literal["register", "memory", "value", "data", "nowhere", "pointer"]
    number: int = 0
    data: bytes = b""
    bits: int | None = None
    shift: int = 0


class Machine(Protocol):
    """What an expression may ask for. Its methods raise UnavailableError."""

    load_bias: int
    """Added to virtual addresses of the file."""

    def register(self, number: int) -> int:
        """Low 64 bits of a register by its DWARF number."""

    def memory(self, address: int, size: int) -> bytes: ...

    def frame_base(self) -> int: ...

    def call_frame_address(self) -> int: ...

    def entry_value(self, expression: bytes) -> int:
        """Value that an expression had when the function was entered."""

    def thread_local(self, offset: int) -> int:
        """Address of a thread's variable."""

    def address(self, index: int) -> int:
        """Entry of .debug_addr."""

    def base_type(self, offset: int) -> tuple[str, int]:
        """Kind (`float`, `integer`, `unsigned`) and size of a base type of the unit."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def fixed(self, size: int, signed: bool = False) -> int:
        part = self.data[self.at : self.at + size]
        if len(part) < size:
            raise UnavailableError("a truncated expression")
        self.at += size
        return int.from_bytes(part, "little", signed=signed)

    def block(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.fixed(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def sleb(self) -> int:
        begin = self.at
        value = self.uleb()
        bits = 7 * (self.at - begin)
        return value - (1 << bits) if value >> bits - 1 & 1 else value


def evaluate(expression: bytes, machine: Machine, start: list[int] | None = None) -> list[Place]:
    """The pieces that an expression describes; one place for most.

    Raises UnavailableError. `start`: what the stack holds before.
    """
    return _Evaluation(expression, machine, start or []).run()


def value_of(expression: bytes, machine: Machine, start: list[int] | None = None) -> int:
    """What an expression leaves on the stack: an address, or a frame base."""
    places = evaluate(expression, machine, start)
    if len(places) == 1 and places[0].kind in ("memory", "value"):
        return places[0].number
    if len(places) == 1 and places[0].kind == "register":
        return machine.register(places[0].number)
    raise UnavailableError("no value")


_BINARY = {0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27} | set(
    range(0x29, 0x2F)
)


class _Evaluation:
    def __init__(self, expression: bytes, machine: Machine, stack: list[int]) -> None:
        self._reader = _Reader(expression)
        self._machine = machine
        self._stack = list(stack)
        self._places: list[Place] = []
        self._place: Place | None = None

    def run(self) -> list[Place]:
        reader = self._reader
        for _ in range(_MOST_STEPS):
            if reader.at >= len(reader.data):
                break
            self._step(reader.fixed(1))
        else:
            raise UnavailableError("an endless expression")
        if self._places:
            return self._places
        return [self._current()]

    def _current(self) -> Place:
        if self._place is not None:
            return self._place
        if not self._stack:
            return Place("nowhere")
        return Place("memory", self._stack[-1] & _MASK)

    def _pop(self) -> int:
        if not self._stack:
            raise UnavailableError("an empty stack")
        return self._stack.pop()

    def _push(self, value: int) -> None:
        self._stack.append(value & _MASK)

    def _step(self, operation: int) -> None:
        reader, machine, stack = self._reader, self._machine, self._stack
        if 0x30 <= operation <= 0x4F:  # lit0 …
            stack.append(operation - 0x30)
        elif 0x50 <= operation <= 0x6F:  # reg0 …
            self._place = Place("register", operation - 0x50)
        elif 0x70 <= operation <= 0x8F:  # breg0 …
            self._push(machine.register(operation - 0x70) + reader.sleb())
        elif operation in _CONSTANTS:
            self._push(reader.fixed(*_CONSTANTS[operation]))
        elif operation in _BINARY:
            right, left = self._pop(), self._pop()
            self._push(_binary(operation, left, right))
        elif operation == 0x03:  # addr
            self._push(reader.fixed(8) + machine.load_bias)
        elif operation == 0x06:  # deref
            self._push(int.from_bytes(machine.memory(self._pop(), 8), "little"))
        elif operation == 0x94:  # deref_size
            size = reader.fixed(1)
            self._push(int.from_bytes(machine.memory(self._pop(), size), "little"))
        elif operation == 0x10:  # constu
            self._push(reader.uleb())
        elif operation == 0x11:  # consts
            self._push(reader.sleb())
        elif operation in (0x12, 0x13, 0x14, 0x15, 0x16, 0x17):
            self._shuffle(operation)
        elif operation == 0x19:  # abs
            self._push(abs(_signed(self._pop())))
        elif operation == 0x1F:  # neg
            self._push(-self._pop())
        elif operation == 0x20:  # not
            self._push(~self._pop())
        elif operation == 0x23:  # plus_uconst
            self._push(self._pop() + reader.uleb())
        elif operation == 0x2F:  # skip
            reader.at = self._target(reader.fixed(2, signed=True))
        elif operation == 0x28:  # bra
            offset = reader.fixed(2, signed=True)
            if self._pop():
                reader.at = self._target(offset)
        elif operation == 0x90:  # regx
            self._place = Place("register", reader.uleb())
        elif operation == 0x91:  # fbreg
            self._push(machine.frame_base() + reader.sleb())
        elif operation == 0x92:  # bregx
            number = reader.uleb()
            self._push(machine.register(number) + reader.sleb())
        elif operation == 0x93:  # piece
            self._add_piece(8 * reader.uleb(), 0)
        elif operation == 0x9D:  # bit_piece
            bits = reader.uleb()
            self._add_piece(bits, reader.uleb())
        elif operation == 0x96:  # nop
            pass
        elif operation in (0x9B, 0xE0):  # form_tls_address, GNU_push_tls_address
            self._push(machine.thread_local(self._pop()))
        elif operation == 0x9C:  # call_frame_cfa
            self._push(machine.call_frame_address())
        elif operation == 0x9E:  # implicit_value
            self._place = Place("data", data=reader.block(reader.uleb()))
        elif operation == 0x9F:  # stack_value
            self._place = Place("value", self._pop())
        elif operation in (0xA0, 0xF2):  # implicit_pointer
            reader.fixed(4)
            reader.sleb()
            self._place = Place("pointer")
        elif operation in (0xA1, 0xFB):  # addrx
            self._push(machine.address(reader.uleb()) + machine.load_bias)
        elif operation in (0xA2, 0xFC):  # constx
            self._push(machine.address(reader.uleb()))
        elif operation in (0xA3, 0xF3):  # entry_value
            self._push(machine.entry_value(reader.block(reader.uleb())))
        else:
            self._typed(operation)

    def _shuffle(self, operation: int) -> None:
        stack, reader = self._stack, self._reader
        depth = {0x12: 1, 0x13: 1, 0x14: 2, 0x16: 2, 0x17: 3}.get(operation)
        if depth is None:
            depth = reader.fixed(1) + 1  # pick
        if len(stack) < depth:
            raise UnavailableError("an empty stack")
        if operation == 0x13:  # drop
            stack.pop()
        elif operation == 0x16:  # swap
            stack[-1], stack[-2] = stack[-2], stack[-1]
        elif operation == 0x17:  # rot
            stack[-3:] = [stack[-1], stack[-3], stack[-2]]
        else:  # dup, over, pick
            stack.append(stack[-depth])

    def _typed(self, operation: int) -> None:
        """Operations with types of DWARF 5, on values of up to 8 bytes."""
        reader, machine = self._reader, self._machine
        if operation in (0xA4, 0xF4):  # const_type
            reader.uleb()
            self._push(int.from_bytes(reader.block(reader.fixed(1)), "little"))
        elif operation in (0xA5, 0xF5):  # regval_type
            number = reader.uleb()
            _, size = machine.base_type(reader.uleb())
            self._push(machine.register(number) & (1 << 8 * size) - 1)
        elif operation in (0xA6, 0xF6):  # deref_type
            size = reader.fixed(1)
            reader.uleb()
            self._push(int.from_bytes(machine.memory(self._pop(), size), "little"))
        elif operation in (0xA8, 0xF7):  # convert
            self._convert(reader.uleb())
        elif operation in (0xA9, 0xF9):  # reinterpret
            reader.uleb()
        else:
            raise UnavailableError(f"the operation {operation:#x} is not known")

    def _convert(self, offset: int) -> None:
        if not offset:  # the generic type: 64 bits without a sign
            return
        kind, size = self._machine.base_type(offset)
        if kind == "float" or size > 8:
            raise UnavailableError("arithmetic of floats")
        value = self._pop() & (1 << 8 * size) - 1
        if kind == "integer" and value >> 8 * size - 1:
            value -= 1 << 8 * size
        self._push(value)

    def _target(self, offset: int) -> int:
        position = self._reader.at + offset
        if not 0 <= position <= len(self._reader.data):
            raise UnavailableError("a branch out of the expression")
        return position

    def _add_piece(self, bits: int, shift: int) -> None:
        place = self._current()
        self._places.append(Place(place.kind, place.number, place.data, bits, shift))
        self._place = None
        self._stack.clear()


_CONSTANTS = {
    0x08: (1, False),
    0x09: (1, True),
    0x0A: (2, False),
    0x0B: (2, True),
    0x0C: (4, False),
    0x0D: (4, True),
    0x0E: (8, False),
    0x0F: (8, True),
}


def _signed(value: int) -> int:
    unsigned = value & _MASK
    return unsigned - (unsigned >> 63 << 64)


def _binary(operation: int, left: int, right: int) -> int:
    if operation in (0x1B, 0x1D) and right == 0:
        raise UnavailableError("a division by zero")
    match operation:
        case 0x1A:
            return left & right
        case 0x1B:  # div, with signs, towards zero
            dividend, divisor = _signed(left), _signed(right)
            quotient = abs(dividend) // abs(divisor)
            return quotient if (dividend < 0) == (divisor < 0) else -quotient
        case 0x1C:
            return left - right
        case 0x1D:
            return left % right
        case 0x1E:
            return left * right
        case 0x21:
            return left | right
        case 0x22:
            return left + right
        case 0x24:
            return left << right if right < 64 else 0
        case 0x25:
            return left >> right if right < 64 else 0
        case 0x26:
            return _signed(left) >> min(right, 63)
        case 0x27:
            return left ^ right
    less, equal = _signed(left) < _signed(right), left == right
    return int(
        {
            0x29: equal,
            0x2A: not less,
            0x2B: not less and not equal,
            0x2C: less or equal,
            0x2D: less,
            0x2E: not equal,
        }[operation]
    )
