# SPDX-License-Identifier: Apache-2.0
"""gdb's agent expressions, in which it sends the conditions of breakpoints.

Source: the gdb manual, appendix "The GDB Agent Expression Mechanism". All of the bytecode that
conditions are made of is evaluated; what sets or traces something is refused, and then gdb
evaluates the condition itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

__all__ = ["CannotEvaluate", "evaluate"]

_MASK = (1 << 64) - 1
_STEPS = 10_000
_DEEPEST = 256

_BINARY: dict[int, Callable[[int, int], int]] = {
    0x02: lambda a, b: a + b,
    0x03: lambda a, b: a - b,
    0x04: lambda a, b: a * b,
    0x05: lambda a, b: _divided(_signed(a), _signed(b))[0],
    0x06: lambda a, b: _divided(a, b)[0],
    0x07: lambda a, b: _divided(_signed(a), _signed(b))[1],
    0x08: lambda a, b: _divided(a, b)[1],
    0x09: lambda a, b: a << b if b < 64 else 0,
    0x0A: lambda a, b: _signed(a) >> min(b, 63),
    0x0B: lambda a, b: a >> b if b < 64 else 0,
    0x0F: lambda a, b: a & b,
    0x10: lambda a, b: a | b,
    0x11: lambda a, b: a ^ b,
    0x13: lambda a, b: int(a == b),
    0x14: lambda a, b: int(_signed(a) < _signed(b)),
    0x15: lambda a, b: int(a < b),
}
_REFERENCES = {0x17: 1, 0x18: 2, 0x19: 4, 0x1A: 8}
_CONSTANTS = {0x22: 1, 0x23: 2, 0x24: 4, 0x25: 8}


class CannotEvaluate(Exception):
    """The expression is damaged, or uses what a recording cannot give."""


def evaluate(code: bytes, register: Callable[[int], int], memory: Callable[[int, int], int]) -> int:
    """The value of an expression: the top of its stack when it ends, unsigned.

    Parameters:
        code: the bytecode.
        register: the value of gdb's register of a number.
        memory: the value of so many bytes at an address.

    Raises:
        CannotEvaluate: it is damaged, runs for too long, or does more than compute.
    """
    try:
        return _run(code, register, memory)
    except (IndexError, struct.error, ZeroDivisionError) as error:
        raise CannotEvaluate(str(error)) from None


def _run(code: bytes, register: Callable[[int], int], memory: Callable[[int, int], int]) -> int:
    stack: list[int] = []
    at = 0
    for _ in range(_STEPS):
        operation, at = code[at], at + 1
        if operation in _BINARY:
            right, left = stack.pop(), stack.pop()
            stack.append(_BINARY[operation](left, right) & _MASK)
        elif operation == 0x0E:
            stack.append(int(stack.pop() == 0))
        elif operation == 0x12:
            stack.append(stack.pop() ^ _MASK)
        elif operation in (0x16, 0x2A):
            bits, at = code[at], at + 1
            value = stack.pop() & ((1 << bits) - 1)
            if operation == 0x16 and bits and value >> (bits - 1):
                value |= _MASK & -(1 << bits)
            stack.append(value & _MASK)
        elif operation in _REFERENCES:
            stack.append(memory(stack.pop(), _REFERENCES[operation]) & _MASK)
        elif operation in (0x20, 0x21):
            target = _word(code, at, 2)
            at = target if operation == 0x21 or stack.pop() else at + 2
        elif operation in _CONSTANTS:
            size = _CONSTANTS[operation]
            stack.append(_word(code, at, size))
            at += size
        elif operation == 0x26:
            stack.append(register(_word(code, at, 2)) & _MASK)
            at += 2
        elif operation == 0x27:
            return stack[-1]
        elif operation == 0x28:
            stack.append(stack[-1])
        elif operation == 0x29:
            stack.pop()
        elif operation == 0x2B:
            stack[-1], stack[-2] = stack[-2], stack[-1]
        elif operation == 0x32:
            depth, at = code[at], at + 1
            stack.append(stack[-1 - depth])
        elif operation == 0x33:
            stack[-3:] = [stack[-1], stack[-3], stack[-2]]
        else:
            raise CannotEvaluate(f"the operation {operation:#x}")
        if len(stack) > _DEEPEST:
            raise CannotEvaluate("too deep a stack")
    raise CannotEvaluate("it does not end")


def _word(code: bytes, at: int, size: int) -> int:
    if at + size > len(code):
        raise CannotEvaluate("it ends within an operation")
    return int.from_bytes(code[at : at + size], "big")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _divided(left: int, right: int) -> tuple[int, int]:
    """Quotient and remainder as C has them: towards zero."""
    quotient = abs(left) // abs(right)
    quotient = -quotient if (left < 0) != (right < 0) else quotient
    return quotient, left - quotient * right
