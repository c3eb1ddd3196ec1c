# SPDX-License-Identifier: Apache-2.0
"""Makes expressions, each as simple as the rules here find it.

Equal expressions are one node. A rule looks at a node and a few below it, so that the time is
that of the size, whatever the size.
"""

from __future__ import annotations

from collections.abc import Sequence

from reven2._expressions.values import OPERATIONS, Node, masked, result_of

__all__ = ["Pool"]

_COMMUTES = frozenset({"add", "mul", "and", "or", "xor", "eq"})
_BITWISE = frozenset({"and", "or", "xor"})
_LOW_BITS = frozenset({"add", "mul", "sub", *_BITWISE})
"""Their lowest bits depend on the operands' lowest bits only."""
_MOST_TERMS = 12
_DEEPEST = 24
_SIZES = (8, 16, 32, 64)


class Pool:
    """Nodes in an order in which each comes after its operands. `tables`: contents."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.tables: list[bytes] = []
        self._numbers: dict[Node, int] = {}
        self._most: list[int] = []
        """Of each node: the bits that may be set."""
        self._depth = 0

    # ------------------------------------------------------------------ nodes

    def _node(self, op: str, width: int, args: tuple[int, ...] = (), value: int = 0) -> int:
        node = (op, width, args, value)
        known = self._numbers.get(node)
        if known is None:
            known = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
            self._most.append(self._bits_of(node))
        return known

    def const(self, value: int, width: int) -> int:
        """A number."""
        return self._node("const", width, (), masked(value, width))

    def var(self, number: int, width: int) -> int:
        """A variable."""
        return self._node("var", width, (), number)

    def width(self, node: int) -> int:
        """Bits."""
        return self.nodes[node][1]

    def const_of(self, node: int) -> int | None:
        """Its value, if it is a number."""
        op, _, _, value = self.nodes[node]
        return value if op == "const" else None

    def bits(self, node: int) -> int:
        """Bits that may be set."""
        return self._most[node]

    def _bits_of(self, node: Node) -> int:
        op, width, args, value = node
        whole = (1 << width) - 1
        most = [self._most[one] for one in args]
        match op:
            case "const":
                return value
            case "zext":
                return most[0]
            case "and":
                return most[0] & most[1]
            case "or" | "xor":
                return most[0] | most[1]
            case "extract":
                return most[0] >> value & whole
            case "ite":
                return most[1] | most[2]
            case "concat":
                found = 0
                for one, bits in zip(args, most, strict=True):
                    found = found << self.width(one) | bits
                return found
            case "mul":
                return _below(min(most[0] * most[1], whole)) & -(_low(most[0]) * _low(most[1]))
            case "add":
                lowest = min(_low(most[0]) or whole + 1, _low(most[1]) or whole + 1)
                return _below(min(most[0] + most[1], whole)) & -lowest
            case "udiv":
                return _below(most[0])
            case "urem":
                return _below(min(most[0], most[1] or most[0]))
            case "lshr":
                return _below(most[0])
            case "popcount" | "lzcount":
                return _below(self.width(args[0])) & whole
        return whole

    # ------------------------------------------------------------------ making

    def make(self, op: str, width: int, args: Sequence[int], value: int = 0) -> int:
        """A node that is worth what `op` of these operands is."""
        if self._depth > _DEEPEST:
            return self._node(op, width, tuple(args), value)
        self._depth += 1
        try:
            return self._make(op, width, tuple(args), value)
        finally:
            self._depth -= 1

    def _make(self, op: str, width: int, args: tuple[int, ...], value: int) -> int:
        if op in ("const", "var"):
            return self._node(op, width, (), value)
        if op == "copy":
            return args[0]
        known = [self.const_of(one) for one in args]
        if op != "table" and all(one is not None for one in known):
            operands = [one for one in known if one is not None]
            widths = [self.width(one) for one in args]
            return self.const(result_of((op, width, args, value), operands, widths), width)
        if op in _COMMUTES and (known[0] is not None or (known[1] is None and args[0] > args[1])):
            args, known = (args[1], args[0]), [known[1], known[0]]
        if op in OPERATIONS:
            return self._binary(op, width, args[0], args[1], known[1])
        match op:
            case "extract":
                return self._extract(args[0], value, width)
            case "zext":
                return self._zext(args[0], width)
            case "sext":
                return self._sext(args[0], width)
            case "concat":
                return self._concat(args)
            case "ite":
                return self._choose(args, known[0])
        return self._node(op, width, args, value)

    def _binary(self, op: str, width: int, a: int, b: int, number: int | None) -> int:
        match op:
            case "add" | "sub":
                return self._sum(op, width, a, b)
            case "mul":
                return self._product(width, a, b, number)
            case "and" | "or" | "xor":
                return self._logic(op, width, a, b, number)
            case "shl" if number is not None:
                if number >= width:
                    return self.const(0, width)
                return self._product(width, a, self.const(1 << number, width), 1 << number)
            case "lshr" if number is not None:
                if number >= width:
                    return self.const(0, width)
                return self._zext(self._extract(a, number, width - number), width)
            case "ashr" if number is not None:
                number = min(number, width - 1)
                return self._sext(self._extract(a, number, width - number), width)
            case "udiv" | "urem":
                if number == 1:
                    return a if op == "udiv" else self.const(0, width)
                for size in _SIZES:
                    if size < width and (self.bits(a) | self.bits(b)) >> size == 0:
                        low = self._extract(a, 0, size), self._extract(b, 0, size)
                        return self._zext(self.make(op, size, low), width)
            case "eq" | "ult" | "slt":
                return self._compare(op, a, b, number)
        return self._node(op, width, (a, b))

    def _terms(self, node: int, factor: int, found: dict[int, int], deep: int = 0) -> int:
        """Adds node * factor to a sum of products by numbers; the part that is a number."""
        op, width, args, value = self.nodes[node]
        if op == "const":
            return value * factor
        if op == "add" and deep < 8:
            return self._terms(args[0], factor, found, deep + 1) + self._terms(
                args[1], factor, found, deep + 1
            )
        if op == "mul":
            by = self.const_of(args[1])
            if by is not None:
                return self._terms(args[0], masked(factor * by, width), found, deep + 1)
        found[node] = found.get(node, 0) + factor
        return 0

    def _sum(self, op: str, width: int, a: int, b: int) -> int:
        terms: dict[int, int] = {}
        minus = (1 << width) - 1
        number = self._terms(a, 1, terms) + self._terms(b, minus if op == "sub" else 1, terms)
        number = masked(number, width)
        terms = {one: masked(factor, width) for one, factor in terms.items()}
        terms = {one: factor for one, factor in terms.items() if factor}
        if len(terms) > _MOST_TERMS:
            if op == "sub":
                b = self._node("mul", width, (b, self.const(minus, width)))
            return self._node("add", width, (a, b) if a < b else (b, a))
        if not terms:
            return self.const(number, width)
        if op == "add" and not self.bits(a) & self.bits(b):
            joined = self._joined(a, b, width)
            if joined is not None:
                return joined
        parts = [
            one if factor == 1 else self._node("mul", width, (one, self.const(factor, width)))
            for one, factor in sorted(terms.items())
        ]
        result = parts[0]
        for part in parts[1:]:
            result = self._node("add", width, (result, part))
        return self._node("add", width, (result, self.const(number, width))) if number else result

    def _product(self, width: int, a: int, b: int, number: int | None) -> int:
        if number == 0:
            return self.const(0, width)
        if number == 1:
            return a
        most = self.bits(a) * self.bits(b)
        for size in _SIZES:
            if size < width and most >> size == 0:
                low = self._extract(a, 0, size), self._extract(b, 0, size)
                return self._zext(self.make("mul", size, low), width)
        if number is not None:
            terms: dict[int, int] = {}
            rest = self._terms(a, number, terms)
            if len(terms) == 1 and rest == 0:
                ((one, factor),) = terms.items()
                factor = masked(factor, width)
                if factor == 0:
                    return self.const(0, width)
                if factor == 1:
                    return one
                return self._node("mul", width, (one, self.const(factor, width)))
            if 1 < len(terms) + (rest != 0) <= _MOST_TERMS:
                result = self.const(rest, width)
                for one, factor in terms.items():
                    part = self._node("mul", width, (one, self.const(factor, width)))
                    result = self._sum("add", width, result, part)
                return result
        return self._node("mul", width, (a, b))

    def _logic(self, op: str, width: int, a: int, b: int, number: int | None) -> int:
        whole = (1 << width) - 1
        if a == b:
            return self.const(0, width) if op == "xor" else a
        if number is not None:
            if number == 0:
                return self.const(0, width) if op == "and" else a
            if number == whole and op != "xor":
                return a if op == "and" else b
            inner, _, args, _ = self.nodes[a]
            if inner == op:
                other = self.const_of(args[1])
                if other is not None:
                    both = OPERATIONS[op](other, number, width)
                    return self.make(op, width, (args[0], self.const(both, width)))
            if op == "and":
                kept = self.bits(a) & number
                if kept == self.bits(a):
                    return a
                if kept == 0:
                    return self.const(0, width)
                for size in _SIZES:
                    if size < width and number == (1 << size) - 1:
                        return self._zext(self._extract(a, 0, size), width)
            # Within what the number is extended from.
            if inner == "zext":
                size = self.width(args[0])
                if number >> size == 0:
                    low = args[0], self.const(number, size)
                    return self._zext(self.make(op, size, low), width)
        first, second = self.nodes[a], self.nodes[b]
        if op == "xor":
            for (inner, _, args, _), other in ((first, b), (second, a)):
                if inner == "xor" and other in args:
                    return args[1] if args[0] == other else args[0]
        if first[0] == "zext" and second[0] == "zext":
            size = self.width(first[2][0])
            if size == self.width(second[2][0]):
                return self._zext(self.make(op, size, (first[2][0], second[2][0])), width)
        if op != "and" and not self.bits(a) & self.bits(b):
            joined = self._joined(a, b, width)
            if joined is not None:
                return joined
        return self._node(op, width, (a, b))

    def _pieces(self, node: int, at: int = 0) -> list[tuple[int, int]] | None:
        """What it is put together of: (lowest bit, node), zeros left out; None if it is not."""
        op, _, args, _ = self.nodes[node]
        if op == "zext":
            return self._pieces(args[0], at) or [(at, args[0])]
        if op == "concat":
            found = []
            for one in reversed(args):
                if self.bits(one):
                    inner = self._pieces(one, at) if self.nodes[one][0] == "zext" else None
                    found += inner or [(at, one)]
                at += self.width(one)
            return found
        if op == "mul":
            number = self.const_of(args[1])
            if number is not None and number & (number - 1) == 0:
                shift = number.bit_length() - 1
                size = self.bits(args[0]).bit_length()
                if shift + size > self.width(node):
                    return None
                inner = self._pieces(args[0], at + shift)
                if inner is not None:
                    return inner
        return None

    def _joined(self, a: int, b: int, width: int) -> int | None:
        """Two that have no bit in common, as pieces one beside the other."""
        first, second = self._pieces(a), self._pieces(b)
        if first is None and self.bits(a).bit_length() < width:
            first = self._narrow_piece(a)
        if second is None and self.bits(b).bit_length() < width:
            second = self._narrow_piece(b)
        if first is None or second is None:
            return None
        parts: list[int] = []
        done = 0
        for at, node in sorted(first + second):
            if at < done:
                return None
            if at > done:
                parts.append(self.const(0, at - done))
            parts.append(node)
            done = at + self.width(node)
        if done > width:
            return None
        if done < width:
            parts.append(self.const(0, width - done))
        return self._concat(tuple(reversed(parts)))

    def _narrow_piece(self, node: int) -> list[tuple[int, int]] | None:
        size = self.bits(node).bit_length()
        for whole in _SIZES:
            if size <= whole < self.width(node):
                return [(0, self._extract(node, 0, whole))]
        return None

    def _extract(self, node: int, low: int, width: int) -> int:
        op, whole, _, value = self.nodes[node]
        if width == whole:
            return node
        if not self.bits(node) >> low & ((1 << width) - 1):
            return self.const(0, width)
        if op == "const":
            return self.const(value >> low, width)
        if self._depth > _DEEPEST:
            return self._node("extract", width, (node,), low)
        self._depth += 1
        try:
            return self._extracted(node, low, width)
        finally:
            self._depth -= 1

    def _extracted(self, node: int, low: int, width: int) -> int:
        op, _, args, value = self.nodes[node]
        if op == "extract":
            return self._extract(args[0], low + value, width)
        if op in ("zext", "sext"):
            size = self.width(args[0])
            if low + width <= size:
                return self._extract(args[0], low, width)
            if op == "zext" and low < size:
                return self._zext(self._extract(args[0], low, size - low), width)
            if op == "sext" and low == 0:
                return self._sext(args[0], width)
        if op == "concat":
            parts = []
            end = self.width(node)
            for one in args:
                start = end - self.width(one)
                first, last = max(start, low), min(end, low + width)
                if first < last:
                    parts.append(self._extract(one, first - start, last - first))
                end = start
            return self._concat(tuple(parts))
        if op in _BITWISE or (op in _LOW_BITS and low == 0):
            return self.make(op, width, [self._extract(one, low, width) for one in args])
        if op in ("sdiv", "srem") and low == 0:
            inner = [self.nodes[one] for one in args]
            if all(
                (one[0] == "sext" and self.width(one[2][0]) <= width)
                or (one[0] == "const" and _fits(one[3], one[1], width))
                for one in inner
            ):
                return self.make(op, width, [self._extract(one, 0, width) for one in args])
        if op == "ite":
            sides = [self._extract(one, low, width) for one in args[1:]]
            return self.make("ite", width, [args[0], *sides])
        if op == "mul" and low > 0:
            number = self.const_of(args[1])
            if number is not None and number & (number - 1) == 0:
                shift = number.bit_length() - 1
                if low >= shift:
                    return self._extract(args[0], low - shift, width)
        return self._node("extract", width, (node,), low)

    def _zext(self, node: int, width: int) -> int:
        op, size, args, value = self.nodes[node]
        if size == width:
            return node
        if op == "const":
            return self.const(value, width)
        if op == "zext":
            return self._zext(args[0], width)
        is_low_part = op == "extract" and value == 0 and self.width(args[0]) == width
        if is_low_part and self.bits(args[0]) >> size == 0:
            return args[0]
        return self._node("zext", width, (node,))

    def _sext(self, node: int, width: int) -> int:
        op, size, args, _ = self.nodes[node]
        if size == width:
            return node
        if not self.bits(node) >> (size - 1):
            return self._zext(node, width)
        if op == "sext":
            return self._sext(args[0], width)
        return self._node("sext", width, (node,))

    def _concat(self, args: tuple[int, ...]) -> int:
        parts: list[int] = []
        for one in args:
            parts.extend(self.nodes[one][2] if self.nodes[one][0] == "concat" else [one])
        merged: list[int] = []
        for part in parts:
            if merged:
                both = self._beside(merged[-1], part)
                if both is not None:
                    merged[-1] = both
                    continue
            merged.append(part)
        width = sum(map(self.width, merged))
        if len(merged) > 1 and self.const_of(merged[0]) == 0:
            rest = tuple(merged[1:])
            return self._zext(self._concat(rest), width)
        return merged[0] if len(merged) == 1 else self._node("concat", width, tuple(merged))

    def _beside(self, high: int, low: int) -> int | None:
        """The two as one node, if they are parts of one."""
        one, other = self.nodes[high], self.nodes[low]
        width = one[1] + other[1]
        if one[0] == other[0] == "const":
            return self.const(one[3] << other[1] | other[3], width)
        if one[0] != "extract":
            # zext(x) beside more of it stays a zext.
            return None
        base = one[2][0]
        if other[0] == "extract" and other[2] == one[2] and other[3] + other[1] == one[3]:
            return self._extract(base, other[3], width)
        # The sign of a number before the number itself.
        if self.nodes[base][0] == "sext" and self.nodes[base][2] == (low,) and one[3] == other[1]:
            return self._extract(base, 0, width)
        return None

    def _compare(self, op: str, a: int, b: int, number: int | None) -> int:
        width = self.width(a)
        if a == b:
            return self.const(op == "eq", 1)
        if op == "ult" and number == 0:
            return self.const(0, 1)
        one, other = self.nodes[a], self.nodes[b]
        if op != "slt" and one[0] == other[0] == "zext":
            size = self.width(one[2][0])
            if size == self.width(other[2][0]):
                return self.make(op, 1, (one[2][0], other[2][0]))
        if op == "eq" and width == 1 and number is None:
            return self.make("xor", 1, (self.make("xor", 1, (a, b)), self.const(1, 1)))
        if op == "eq" and number is not None and one[0] == "zext":
            size = self.width(one[2][0])
            if not number >> size:
                return self.make("eq", 1, (one[2][0], self.const(number, size)))
        if op == "eq" and number is not None:
            if width == 1:
                return a if number else self.make("xor", 1, (a, self.const(1, 1)))
            if number & ~self.bits(a):
                return self.const(0, 1)
            inner = self.const_of(one[2][1]) if one[0] in ("add", "xor") else None
            if one[0] == "add" and inner is not None:
                rest = self.const(number - inner, width)
                return self.make("eq", 1, (one[2][0], rest))
            if one[0] == "xor" and inner is not None:
                return self.make("eq", 1, (one[2][0], self.const(number ^ inner, width)))
            if one[0] == "xor" and number == 0:
                return self.make("eq", 1, one[2])
            if one[0] == "add" and number == 0:
                minus = self.nodes[one[2][1]]
                if minus[0] == "mul" and self.const_of(minus[2][1]) == (1 << width) - 1:
                    return self.make("eq", 1, (one[2][0], minus[2][0]))
            if one[0] == "ite" and width > 1:
                sides = [self.const_of(side) for side in one[2][1:]]
                if None not in sides and sides[0] != sides[1]:
                    if number == sides[0]:
                        return one[2][0]
                    if number == sides[1]:
                        return self.make("xor", 1, (one[2][0], self.const(1, 1)))
        if op in ("eq", "ult"):
            most = self.bits(a) | self.bits(b)
            for size in _SIZES:
                if size < width and most >> size == 0 and (one[0] == "zext" or other[0] == "zext"):
                    low = self._extract(a, 0, size), self._extract(b, 0, size)
                    return self.make(op, 1, low)
        return self._node(op, 1, (a, b))

    def _choose(self, args: tuple[int, ...], known: int | None) -> int:
        condition, one, other = args
        width = self.width(one)
        if known is not None:
            return one if known else other
        if one == other:
            return one
        if width == 1 and self.const_of(one) == 1 and self.const_of(other) == 0:
            return condition
        inner = self.nodes[condition]
        if inner[0] == "xor" and self.const_of(inner[2][1]) == 1:
            return self._choose((inner[2][0], other, one), None)
        return self._node("ite", width, args)


def _low(bits: int) -> int:
    """The lowest bit that may be set."""
    return bits & -bits


def _below(bits: int) -> int:
    """All bits up to the highest."""
    return (1 << bits.bit_length()) - 1


def _fits(value: int, width: int, size: int) -> bool:
    top = value >> (size - 1)
    return top == 0 or top == (1 << (width - size + 1)) - 1
