# SPDX-License-Identifier: Apache-2.0
"""What each operation gives. Division by zero is that of SMT-LIB, which no recorded run meets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["OPERATIONS", "Node", "evaluate", "masked", "result_of", "signed"]

Node = tuple[str, int, tuple[int, ...], int]
"""Operation, bits of the result, operands (numbers of earlier nodes), and a number: the value of
a `const`, the number of a `var` or `table`, the lowest bit of an `extract`."""


def masked(value: int, width: int) -> int:
    """The lowest bits."""
    return value & ((1 << width) - 1)


def signed(value: int, width: int) -> int:
    """As a number in two's complement."""
    return value - (1 << width) if value >> (width - 1) & 1 else value


def _divide(a: int, b: int, width: int) -> int:
    if b == 0:
        return (1 << width) - 1
    return a // b


def _divide_signed(a: int, b: int, width: int) -> int:
    one, other = signed(a, width), signed(b, width)
    if other == 0:
        return 1 if one < 0 else (1 << width) - 1
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def _rest_signed(a: int, b: int, width: int) -> int:
    one, other = signed(a, width), signed(b, width)
    if other == 0:
        return one
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _left(a: int, b: int, width: int) -> int:
    return a << b if b < width else 0


def _right(a: int, b: int, width: int) -> int:
    return a >> b if b < width else 0


OPERATIONS: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda a, b, width: a + b,
    "sub": lambda a, b, width: a - b,
    "mul": lambda a, b, width: a * b,
    "udiv": _divide,
    "sdiv": _divide_signed,
    "urem": lambda a, b, width: a % b if b else a,
    "srem": _rest_signed,
    "and": lambda a, b, width: a & b,
    "or": lambda a, b, width: a | b,
    "xor": lambda a, b, width: a ^ b,
    "shl": _left,
    "lshr": _right,
    "ashr": lambda a, b, width: signed(a, width) >> min(b, width),
    "eq": lambda a, b, width: a == b,
    "ult": lambda a, b, width: a < b,
    "slt": lambda a, b, width: signed(a, width) < signed(b, width),
}
"""Of two operands of the same width (counts of shifts are of any): the width is the operands'."""


def result_of(
    node: Node, operands: Sequence[int], widths: Sequence[int], tables: Sequence[bytes] = ()
) -> int:
    """The value of a node that is no variable, from those of its operands."""
    op, width, _, number = node
    operation = OPERATIONS.get(op)
    if operation is not None:
        return masked(int(operation(operands[0], operands[1], widths[0])), width)
    match op:
        case "const":
            return number
        case "extract":
            return masked(operands[0] >> number, width)
        case "zext" | "copy":
            return operands[0]
        case "sext":
            return masked(signed(operands[0], widths[0]), width)
        case "ite":
            return operands[1] if operands[0] else operands[2]
        case "concat":
            value = 0
            for operand, size in zip(operands, widths, strict=True):
                value = value << size | operand
            return value
        case "popcount":
            return masked(operands[0].bit_count(), width)
        case "lzcount":
            return masked(widths[0] - operands[0].bit_length(), width)
        case "table":
            table, at = tables[number], operands[0]
            return int.from_bytes(table[at : at + width // 8].ljust(width // 8, b"\0"), "little")
    raise ValueError(f"There is no operation {op}.")


def evaluate(nodes: Sequence[Node], variables: Sequence[int], tables: Sequence[bytes]) -> list[int]:
    """The values of nodes in their order."""
    values: list[int] = []
    for node in nodes:
        if node[0] == "var":
            values.append(masked(variables[node[3]], node[1]))
            continue
        operands = [values[one] for one in node[2]]
        widths = [nodes[one][1] for one in node[2]]
        values.append(result_of(node, operands, widths, tables))
    return values
