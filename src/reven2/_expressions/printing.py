# SPDX-License-Identifier: Apache-2.0
"""Expressions as text: C, Python, SMT-LIB 2.

What is used more than once gets a name, so that the text is not longer than the expression.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from reven2._expressions.values import Node
from reven2.errors import InvalidArgumentError

__all__ = ["Language", "Written", "write"]

Language = Literal["c", "python", "smt2"]
_DEEPEST = 60
_SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "udiv": "/",
    "urem": "%",
    "and": "&",
    "or": "|",
    "xor": "^",
    "shl": "<<",
    "lshr": ">>",
    "eq": "==",
    "ult": "<",
}
_SMT = {
    "add": "bvadd",
    "sub": "bvsub",
    "mul": "bvmul",
    "udiv": "bvudiv",
    "sdiv": "bvsdiv",
    "urem": "bvurem",
    "srem": "bvsrem",
    "and": "bvand",
    "or": "bvor",
    "xor": "bvxor",
    "shl": "bvshl",
    "lshr": "bvlshr",
    "ashr": "bvashr",
}


class Written(NamedTuple):
    """A text that gives names to parts (name, width, text), one after the other, and its end."""

    parts: list[tuple[str, int, str]]
    result: str


def write(nodes: Sequence[Node], names: Sequence[str], language: Language) -> Written:
    """`names`: of the variables. Tables are `table0`, `table1` …: for C arrays of bytes, for
    Python bytes, for SMT-LIB arrays from 64-bit vectors to bytes.

    Raises:
        InvalidArgumentError (a ValueError): C has no numbers as wide.
    """
    writer = {"c": _c, "python": _python, "smt2": _smt}[language]
    widest = max(width for _, width, _, _ in nodes)
    if language == "c" and widest > 128:
        raise InvalidArgumentError(
            f"The expression has numbers of {widest} bits, which C has not: ask for python or smt2."
        )
    used = Counter(one for _, _, args, _ in nodes for one in args)
    taken = set(names)
    texts: list[str] = []
    depths: list[int] = []
    parts: list[tuple[str, int, str]] = []
    for number, node in enumerate(nodes):
        op, width, args, value = node
        if op == "var":
            texts.append(names[value])
            depths.append(0)
            continue
        text = writer(node, [texts[one] for one in args], [nodes[one][1] for one in args])
        depth = 1 + max((depths[one] for one in args), default=-1)
        is_shared = used[number] > 1 and depth > 0
        if number + 1 < len(nodes) and (is_shared or depth > _DEEPEST):
            name = f"t{len(parts)}"
            while name in taken:
                name += "_"
            taken.add(name)
            parts.append((name, width, text))
            text, depth = name, 0
        texts.append(text)
        depths.append(depth)
    return Written(parts, texts[-1])


def _number(value: int) -> str:
    return str(value) if value < 10 else hex(value)


def _bits(width: int) -> str:
    return hex((1 << width) - 1)


def _python(node: Node, args: list[str], widths: list[int]) -> str:
    op, width, _, value = node

    def signed(text: str, size: int) -> str:
        half = hex(1 << (size - 1))
        return f"(({text} ^ {half}) - {half})"

    match op:
        case "const":
            return _number(value)
        case "add" | "sub" | "mul":
            return f"(({args[0]} {_SIGNS[op]} {args[1]}) & {_bits(width)})"
        case "and" | "or" | "xor":
            return f"({args[0]} {_SIGNS[op]} {args[1]})"
        case "udiv":
            return f"({args[0]} // {args[1]} if {args[1]} else {_bits(width)})"
        case "urem":
            return f"({args[0]} % {args[1]} if {args[1]} else {args[0]})"
        case "shl":
            shifted = f"({args[0]} << {args[1]}) & {_bits(width)}"
            return f"({shifted} if {args[1]} < {width} else 0)"
        case "lshr":
            return f"({args[0]} >> {args[1]})"
        case "ashr":
            return f"(({signed(args[0], width)} >> {args[1]}) & {_bits(width)})"
        case "eq" | "ult":
            return f"int({args[0]} {_SIGNS[op]} {args[1]})"
        case "slt":
            return f"int({signed(args[0], widths[0])} < {signed(args[1], widths[1])})"
        case "extract":
            shifted = f"{args[0]} >> {value}" if value else args[0]
            return f"({shifted} & {_bits(width)})"
        case "zext" | "copy":
            return args[0]
        case "sext":
            return f"({signed(args[0], widths[0])} & {_bits(width)})"
        case "ite":
            return f"({args[1]} if {args[0]} else {args[2]})"
        case "concat":
            return _placed(args, widths, lambda text, _: text)
        case "popcount":
            return f"({args[0]}).bit_count()"
        case "lzcount":
            return f"({widths[0]} - ({args[0]}).bit_length())"
        case "table":
            size = width // 8
            part = f"table{value}[{args[0]}:{args[0]} + {size}]"
            return f'int.from_bytes({part}, "little")'
        case "sdiv" | "srem":
            one, other = signed(args[0], width), signed(args[1], width)
            quotient = f"(abs({one}) // abs({other}) * (1 if ({one} < 0) == ({other} < 0) else -1))"
            if op == "sdiv":
                by_zero = f"(1 if {one} < 0 else -1)"
                return f"(({quotient} if {args[1]} else {by_zero}) & {_bits(width)})"
            rest = f"({one} - {quotient} * {other})"
            return f"(({rest} if {args[1]} else {one}) & {_bits(width)})"
    raise ValueError(f"There is no operation {op}.")


def _placed(args: list[str], widths: list[int], wide: Callable[[str, int], str]) -> str:
    parts = []
    at = sum(widths)
    for text, size in zip(args, widths, strict=True):
        at -= size
        if text != "0":
            parts.append(f"{wide(text, at)} << {at}" if at else text)
    return f"({' | '.join(parts) or '0'})"


def _type(width: int) -> str:
    for size in (8, 16, 32, 64):
        if width <= size:
            return f"uint{size}_t"
    return "unsigned __int128"


def _c(node: Node, args: list[str], widths: list[int]) -> str:
    op, width, _, value = node
    kind = _type(width)
    # Types below an int would be computed with as ints, which may overflow.
    wide = kind if width > 32 else "uint32_t"

    def cut(text: str) -> str:
        if width in (8, 16, 32, 64, 128):
            return f"({kind})({text})"
        return f"({kind})(({text}) & {_c_number((1 << width) - 1, width)})"

    def signed(text: str, size: int) -> str:
        whole = _type(size)
        held = int(whole.removeprefix("uint").removesuffix("_t")) if whole[0:4] == "uint" else 128
        number = whole.removeprefix("u") if held < 128 else "__int128"
        if held == size:
            return f"({number}){text}"
        return f"(({number})(({whole}){text} << {held - size}) >> {held - size})"

    match op:
        case "const":
            return _c_number(value, width)
        case "add" | "sub" | "mul":
            return cut(f"({wide}){args[0]} {_SIGNS[op]} {args[1]}")
        case "and" | "or" | "xor":
            return f"({args[0]} {_SIGNS[op]} {args[1]})"
        case "udiv":
            return f"({args[1]} ? {args[0]} / {args[1]} : {_c_number((1 << width) - 1, width)})"
        case "urem":
            return f"({args[1]} ? {args[0]} % {args[1]} : {args[0]})"
        case "shl":
            return f"({args[1]} < {width} ? {cut(f'({wide}){args[0]} << {args[1]}')} : 0)"
        case "lshr":
            return f"({args[1]} < {width} ? ({wide}){args[0]} >> {args[1]} : 0)"
        case "ashr":
            count = f"({args[1]} < {width} ? {args[1]} : {width - 1})"
            return cut(f"{signed(args[0], width)} >> {count}")
        case "eq" | "ult":
            return f"({args[0]} {_SIGNS[op]} {args[1]})"
        case "slt":
            return f"({signed(args[0], widths[0])} < {signed(args[1], widths[1])})"
        case "extract":
            return cut(f"{args[0]} >> {value}" if value else args[0])
        case "zext" | "copy":
            return args[0] if width <= 32 or args[0].isdigit() else f"({kind}){args[0]}"
        case "sext":
            return cut(signed(args[0], widths[0]))
        case "ite":
            return f"({args[0]} ? {args[1]} : {args[2]})"
        case "concat":
            return _placed(args, widths, lambda text, _: f"({wide}){text}")
        case "popcount" if widths[0] <= 64:
            return f"(uint32_t)__builtin_popcountll({args[0]})"
        case "lzcount" if widths[0] <= 64:
            found = f"__builtin_clzll({args[0]}) - {64 - widths[0]}"
            return f"(uint32_t)({args[0]} ? {found} : {widths[0]})"
        case "table" if width <= 64:
            return f"({kind})look_up(table{value}, sizeof table{value}, {args[0]}, {width // 8})"
        case "sdiv" | "srem":
            one, other = signed(args[0], width), signed(args[1], width)
            sign = "/" if op == "sdiv" else "%"
            # A quotient that is too large is what it wraps to.
            minus = f"({wide})0 - {args[0]}" if op == "sdiv" else "0"
            by_zero = f"({one} < 0 ? 1 : -1)" if op == "sdiv" else args[0]
            usual = f"{other} == -1 ? {minus} : ({wide})({one} {sign} {other})"
            return cut(f"{args[1]} ? ({usual}) : ({wide}){by_zero}")
    raise InvalidArgumentError(f"C has no {op} of {widths[0]} bits: ask for python or smt2.")


def _c_number(value: int, width: int) -> str:
    if value >= 1 << 64:
        high, low = value >> 64, value & (1 << 64) - 1
        return f"((unsigned __int128){high:#x}ull << 64 | {low:#x}ull)"
    suffix = "ull" if width > 32 else "u" if value >= 1 << 31 else ""
    return f"{_number(value)}{suffix}"


def _smt(node: Node, args: list[str], widths: list[int]) -> str:
    op, width, _, value = node

    def fitted(text: str, size: int, to: int) -> str:
        if size == to:
            return text
        if size < to:
            return f"((_ zero_extend {to - size}) {text})"
        return f"((_ extract {to - 1} 0) {text})"

    if op in _SMT:
        if op in ("shl", "lshr", "ashr") and widths[0] < widths[1]:
            # A count that is too large stays so.
            size = widths[1]
            extend = "sign_extend" if op == "ashr" else "zero_extend"
            first = f"((_ {extend} {size - width}) {args[0]})"
            return fitted(f"({_SMT[op]} {first} {args[1]})", size, width)
        return f"({_SMT[op]} {args[0]} {fitted(args[1], widths[1], widths[0])})"
    match op:
        case "const":
            return f"(_ bv{value} {width})"
        case "eq":
            return f"(ite (= {args[0]} {args[1]}) #b1 #b0)"
        case "ult" | "slt":
            return f"(ite (bv{op} {args[0]} {args[1]}) #b1 #b0)"
        case "extract":
            return f"((_ extract {value + width - 1} {value}) {args[0]})"
        case "zext":
            return f"((_ zero_extend {width - widths[0]}) {args[0]})"
        case "sext":
            return f"((_ sign_extend {width - widths[0]}) {args[0]})"
        case "copy":
            return args[0]
        case "ite":
            return f"(ite (= {args[0]} #b1) {args[1]} {args[2]})"
        case "concat":
            return f"(concat {' '.join(args)})"
        case "popcount":
            bits = [f"((_ extract {at} {at}) {args[0]})" for at in range(widths[0])]
            parts = [fitted(bit, 1, width) for bit in bits]
            return f"(bvadd {' '.join(parts)})" if len(parts) > 1 else parts[0]
        case "lzcount":
            text = f"(_ bv{widths[0]} {width})"
            for at in range(widths[0]):
                bit = f"(= ((_ extract {at} {at}) {args[0]}) #b1)"
                text = f"(ite {bit} (_ bv{widths[0] - 1 - at} {width}) {text})"
            return text
        case "table":
            index = fitted(args[0], widths[0], 64)
            found = [
                f"(select table{value} (bvadd {index} (_ bv{at} 64)))" for at in range(width // 8)
            ]
            return found[0] if len(found) == 1 else f"(concat {' '.join(found[::-1])})"
    raise ValueError(f"There is no operation {op}.")
