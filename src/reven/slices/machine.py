# SPDX-License-Identifier: Apache-2.0
"""Runs instructions as P-code on expressions, each beside its recorded value."""

from __future__ import annotations

from collections.abc import Callable

from reven.slices.lifting import Lifted, Operation, Varnode
from reven2._expressions.pool import Pool
from reven2._expressions.values import result_of

__all__ = ["Computed", "Machine", "Unknown"]

_SAME = {
    "INT_ADD": "add",
    "INT_SUB": "sub",
    "INT_MULT": "mul",
    "INT_DIV": "udiv",
    "INT_SDIV": "sdiv",
    "INT_REM": "urem",
    "INT_SREM": "srem",
    "INT_AND": "and",
    "INT_OR": "or",
    "INT_XOR": "xor",
    "BOOL_AND": "and",
    "BOOL_OR": "or",
    "BOOL_XOR": "xor",
    "INT_LEFT": "shl",
    "INT_RIGHT": "lshr",
    "INT_SRIGHT": "ashr",
}
_LEAVES = frozenset({"BRANCHIND", "CALL", "CALLIND", "RETURN"})
_MOST_STEPS = 4096

ReadByte = Callable[[int], int]
"""The node of a byte of a register or of memory, before the instruction."""
LookUp = Callable[[int, int, int], "int | None"]
"""Of the node of an address, the address, bytes: the node of what is loaded, if it is looked up in
a table; None: it is that of the recorded address."""


class Unknown(Exception):
    """An instruction does what cannot be said."""


class Computed(Pool):
    """Expressions, and what each is worth with the recorded inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[int] = []
        """Of each variable."""
        self._values: list[int] = []

    def value(self, node: int) -> int:
        """Of a node."""
        for at in range(len(self._values), node + 1):
            one = self.nodes[at]
            if one[0] == "var":
                self._values.append(self.given[one[3]])
                continue
            operands = [self._values[operand] for operand in one[2]]
            widths = [self.nodes[operand][1] for operand in one[2]]
            self._values.append(result_of(one, operands, widths, self.tables))
        return self._values[node]

    def bytes_of(self, node: int) -> list[int]:
        """Its bytes as nodes, the lowest first: parts that `joined` knows again, so that what is
        stored and loaded whole stays whole."""
        if self.width(node) == 8:
            return [node]
        return [self._byte(node, at) for at in range(0, self.width(node), 8)]

    def _byte(self, node: int, at: int) -> int:
        number = self.const_of(node)
        if number is not None or not self.bits(node) >> at & 0xFF:
            return self.const((number or 0) >> at, 8)
        return self._node("extract", 8, (node,), at)

    def joined(self, parts: list[int]) -> int:
        """Nodes as one, the lowest first."""
        runs: list[tuple[int, int, int]] = []
        for part in parts:
            op, width, args, low = self.nodes[part]
            base, low = (args[0], low) if op == "extract" else (part, 0)
            if runs:
                before, first, size = runs[-1]
                if before == base and first + size == low:
                    runs[-1] = base, first, size + width
                    continue
                if self._is_zero_above(before, first + size, part):
                    runs[-1] = before, first, size + width
                    continue
            runs.append((base, low, width))
        found = [self.make("extract", size, (base,), low) for base, low, size in runs]
        if len(found) == 1:
            return found[0]
        return self.make("concat", sum(map(self.width, found)), found[::-1])

    def _is_zero_above(self, base: int, at: int, part: int) -> bool:
        """Whether a part that is 0 stands where the number that is put together is 0 as well."""
        size = self.width(part)
        inside = at + size <= self.width(base)
        return inside and self.const_of(part) == 0 and not self.bits(base) >> at & (1 << size) - 1


class Machine:
    """Runs one instruction. `registers`, `memory`: what it wrote, by byte: nodes; None: what
    cannot be said."""

    def __init__(
        self, pool: Computed, read_register: ReadByte, read_memory: ReadByte, look_up: LookUp
    ) -> None:
        self._pool = pool
        self._read_register, self._read_memory, self._look_up = read_register, read_memory, look_up
        self.registers: dict[int, int | None] = {}
        self.memory: dict[int, int | None] = {}
        self._unique: dict[int, int | None] = {}
        self.fixed = 0
        """Stores at addresses that depend on inputs."""
        self.is_choice = False
        """It depends on inputs whether the instruction does anything."""

    def run(self, lifted: Lifted, pc: int) -> None:
        """Raises Unknown where it cannot be known what is written."""
        operations = lifted.operations
        at, steps = 0, 0
        while at < len(operations):
            steps += 1
            if steps > _MOST_STEPS:
                raise Unknown
            one = operations[at]
            if one.name == "IMARK":
                at += 1
                continue
            if one.name in _LEAVES:
                return
            if one.name == "BRANCH":
                to = self._target(one, at, pc + lifted.size, len(operations))
                if to is None:
                    return
                at = to
                continue
            if one.name == "CBRANCH":
                condition = self._read(one.inputs[1])
                if condition is None:
                    raise Unknown
                to = self._target(one, at, pc + lifted.size, len(operations))
                bit = self._pool.make("extract", 1, (condition,), 0)
                if to == len(operations) and self._pool.const_of(bit) is None:
                    # A conditional move, or the last turn of a repeated instruction: what was not
                    # taken is no part of the slice.
                    self.is_choice = True
                    if self._pool.value(bit):
                        return
                    at += 1
                    continue
                if to is None:
                    # A branch of the program: it is taken as it was.
                    if self._pool.value(bit):
                        return
                    at += 1
                    continue
                if self._pool.const_of(bit) is None:
                    # A loop within the instruction.
                    raise Unknown
                if self._pool.value(bit):
                    at = to
                    continue
                at += 1
                continue
            self._step(one)
            at += 1

    def _target(self, one: Operation, at: int, following: int, count: int) -> int | None:
        """The number of the operation that a branch goes to; None: another instruction."""
        space, offset, size = one.inputs[0]
        if space == "const":
            step = offset - (1 << size * 8) if offset >> (size * 8 - 1) else offset
            return at + step
        return count if offset == following else None

    def _read(self, one: Varnode) -> int | None:
        space, offset, size = one
        if space == "const":
            return self._pool.const(offset, size * 8)
        if space == "unique":
            held, read = self._unique, None
        elif space == "register":
            held, read = self.registers, self._read_register
        else:
            held, read = self.memory, self._read_memory
        parts = []
        for at in range(offset, offset + size):
            if at in held:
                node = held[at]
            elif read is None:
                raise Unknown
            else:
                node = read(at)
            if node is None:
                return None
            parts.append(node)
        return self._pool.joined(parts)

    def _write(self, one: Varnode, node: int | None) -> None:
        space, offset, size = one
        held = {"unique": self._unique, "register": self.registers}.get(space, self.memory)
        parts = [None] * size if node is None else self._pool.bytes_of(node)
        for at, part in enumerate(parts):
            held[offset + at] = part

    def _step(self, one: Operation) -> None:
        if one.name == "CALLOTHER":
            if one.output is None:
                raise Unknown
            for operand in one.inputs[1:]:
                self._read(operand)
            self._write(one.output, None)
            return
        if one.name == "STORE":
            address, value = self._read(one.inputs[1]), self._read(one.inputs[2])
            if address is None:
                raise Unknown
            self.fixed += self._pool.const_of(address) is None
            self._write(("ram", self._pool.value(address), one.inputs[2][2]), value)
            return
        assert one.output is not None
        if one.name == "LOAD":
            address = self._read(one.inputs[1])
            self._write(one.output, None if address is None else self._load(address, one.output[2]))
            return
        operands = [self._read(operand) for operand in one.inputs]
        known = [operand for operand in operands if operand is not None]
        width = one.output[2] * 8
        node = self._result(one, known, width) if len(known) == len(operands) else None
        self._write(one.output, node)

    def _load(self, address: int, size: int) -> int | None:
        at = self._pool.value(address)
        if self._pool.const_of(address) is None and at not in self.memory:
            found = self._look_up(address, at, size)
            if found is not None:
                return found
        return self._read(("ram", at, size))

    def _result(self, one: Operation, args: list[int], width: int) -> int | None:
        pool = self._pool
        name = one.name
        if name in _SAME:
            return pool.make(_SAME[name], width, args)
        size = pool.width(args[0])
        match name:
            case "COPY":
                return args[0]
            case "INT_EQUAL":
                return self._bool(pool.make("eq", 1, args))
            case "INT_NOTEQUAL":
                return self._bool(self._not(pool.make("eq", 1, args)))
            case "INT_LESS":
                return self._bool(pool.make("ult", 1, args))
            case "INT_LESSEQUAL":
                return self._bool(self._not(pool.make("ult", 1, args[::-1])))
            case "INT_SLESS":
                return self._bool(self._less(args[0], args[1]))
            case "INT_SLESSEQUAL":
                return self._bool(self._not(self._less(args[1], args[0])))
            case "INT_ZEXT":
                return pool.make("zext", width, args)
            case "INT_SEXT":
                return pool.make("sext", width, args)
            case "INT_2COMP":
                return pool.make("sub", width, (pool.const(0, width), args[0]))
            case "INT_NEGATE":
                return pool.make("xor", width, (args[0], pool.const(-1, width)))
            case "BOOL_NEGATE":
                return pool.make("xor", width, (args[0], pool.const(1, width)))
            case "INT_CARRY":
                total = pool.make("add", size, args)
                return self._bool(pool.make("ult", 1, (total, args[0])))
            case "INT_SCARRY":
                total = pool.make("add", size, args)
                differ = pool.make("xor", size, (args[0], total))
                other = pool.make("xor", size, (args[1], total))
                return self._bool(self._sign(pool.make("and", size, (differ, other))))
            case "INT_SBORROW":
                # So that a comparison, whose flags differ, is a comparison again.
                sign = self._sign(pool.make("sub", size, args))
                return self._bool(pool.make("xor", 1, (self._less(*args), sign)))
            case "PIECE":
                return pool.make("concat", width, args)
            case "SUBPIECE":
                low = pool.const_of(args[1])
                assert low is not None
                if low * 8 + width > size:
                    args = [pool.make("zext", low * 8 + width, args[:1])]
                return pool.make("extract", width, args[:1], low * 8)
            case "POPCOUNT":
                return pool.make("popcount", width, args)
            case "LZCOUNT":
                return pool.make("lzcount", width, args)
        return None

    def _bool(self, node: int) -> int:
        return self._pool.make("zext", 8, (node,))

    def _not(self, node: int) -> int:
        return self._pool.make("xor", 1, (node, self._pool.const(1, 1)))

    def _sign(self, node: int) -> int:
        return self._pool.make("extract", 1, (node,), self._pool.width(node) - 1)

    def _less(self, a: int, b: int) -> int:
        if self._pool.const_of(b) == 0:
            return self._sign(a)
        return self._pool.make("slt", 1, (a, b))
