# SPDX-License-Identifier: Apache-2.0
"""Address expressions: `rsp+0x20`, `libc!environ`, `[rbp-8]+4`, `fs:0x28`, `parse.c:41`.

    expression = file ":" line | sum
    sum        = product { ("+" | "-") product }
    product    = factor { "*" factor }
    factor     = number | register | symbol | "[" sum "]" | "(" sum ")" | ("fs" | "gs") ":" factor
    symbol     = [ binary "!" ] ( name | "'" any name "'" ) | binary

Numbers are hexadecimal with 0x or where a letter is among their digits, else decimal.
`[…]` reads 8 bytes of memory. A binary alone is where it is loaded. Whatever is printed as a
place, as `ld-linux-x86-64!Thing::Thing(int)+0x4`, may be written without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reven.symbol_names import binary_named, find_symbol, similar_names, symbol_address
from reven.trace.thread_registers import registers_of_thread
from reven2._imported import need_register
from reven2._service import SymbolData, TraceService
from reven2.arch.register import FloatRegister, Register
from reven2.errors import InvalidArgumentError

__all__ = ["LONGEST", "evaluate", "symbol_of"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|[0-9][0-9a-fA-F]*)(?![\w!])"
    r"|(?P<quoted>(?:[\w.+-]+!)?'[^']+')"
    r"|(?P<name>(?:[\w.]+!)?[A-Za-z_.?@$][\w.@$]*(?:::[\w~.]+)*)"
    r"|(?P<sign>[-+*\[\]():]))"
)
# Names of binaries hold what is an operator otherwise.
_OF_BINARY = re.compile(r"\s*(?P<binary>[\w.+-]+)!(?P<name>[A-Za-z_.?@$][\w.@$]*(?:::[\w~.]+)*)")
_LINE = re.compile(r"\s*(?P<file>[^\s:!\[\]()*]*\.\w+|[^\s:!\[\]()*]*/\w+):(?P<line>[0-9]{1,9})\s*")
_PRINTED = re.compile(
    r"\s*(?P<name>(?:[\w.+-]+!)?[^\s!'\[].*?)\s*(?:\+\s*(?P<offset>0x[0-9a-fA-F]{1,16}|[0-9]{1,19}))?\s*"
)
_MASK = (1 << 64) - 1
_DEEPEST = 20
LONGEST = 500
"""Characters of an expression."""


def evaluate(
    service: TraceService, context: int, expression: str, thread: int | None = None
) -> int:
    """The address (64 bits, wrapping around) that an expression means at a context, with the
    registers of a thread, or of the one that runs.

    Raises:
        InvalidArgumentError: it cannot be understood, or names nothing or several things.
        OutOfRangeError: the thread has not run by then.
        MemoryReadError: memory of a `[…]` cannot be read.
    """
    if len(expression) > LONGEST:
        raise InvalidArgumentError(f"An expression may have at most {LONGEST} characters.")
    line = _LINE.fullmatch(expression)
    if line is not None:
        entries = service.line_entries(line["file"], int(line["line"]))
        standing = [one for one in entries if one.first_context <= context <= one.last_context]
        return (standing or entries)[0].start
    printed = _printed(service, expression)
    if printed is not None:
        symbol, offset = printed
        return _loaded(service, context, symbol, expression) + offset & _MASK
    return _Parser(service, context, expression, thread).result()


def symbol_of(service: TraceService, expression: str) -> SymbolData | None:
    """The symbol, if the expression is one and nothing more."""
    if len(expression) > LONGEST or _LINE.fullmatch(expression):
        return None
    printed = _printed(service, expression)
    if printed is not None:
        symbol, offset = printed
        return None if offset else symbol
    tokens = list(_Parser(service, 0, expression, None).tokens)
    if len(tokens) != 1 or tokens[0][0] not in ("name", "quoted"):
        return None
    kind, name = tokens[0]
    if kind == "name" and name.lower() in Register._by_name:
        return None
    return find_symbol(service, name.replace("'", ""))


def _printed(service: TraceService, expression: str) -> tuple[SymbolData, int] | None:
    """Symbol and offset of what is written as a place with a C++ name is printed."""
    match = _PRINTED.fullmatch(expression)
    if match is None or not re.search(r"[A-Za-z_>][(<~]|operator|~", match["name"]):
        return None
    symbol = find_symbol(service, match["name"])
    return None if symbol is None else (symbol, int(match["offset"] or "0", 0))


def _loaded(service: TraceService, context: int, symbol: SymbolData, expression: str) -> int:
    address = symbol_address(service, context, symbol)
    if address is None:
        raise InvalidArgumentError(f"{expression!r} is no address: {symbol.name!r} is not loaded.")
    return address


class _Parser:
    def __init__(
        self, service: TraceService, context: int, expression: str, thread: int | None
    ) -> None:
        self._service, self._context, self._whole = service, context, expression
        self._thread = thread
        self.tokens = list(self._split(expression))
        self._position = 0
        self._depth = 0

    def result(self) -> int:
        value = self._sum()
        if self._peek() != ("", ""):
            raise self._wrong(f"{self._peek()[1]!r} is not expected there")
        return value

    def _split(self, expression: str) -> Iterator[tuple[str, str]]:
        position = 0
        while expression[position:].strip():
            named = _OF_BINARY.match(expression, position)
            if named is not None and binary_named(self._service, named["binary"]) is not None:
                yield "name", named[0].strip()
                position = named.end()
                continue
            match = _TOKEN.match(expression, position)
            if match is None:
                raise self._wrong(f"{expression[position:].strip()[:20]!r} is not understood")
            assert match.lastgroup is not None
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self._position] if self._position < len(self.tokens) else ("", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _sum(self) -> int:
        value = self._product()
        while self._peek() in (("sign", "+"), ("sign", "-")):
            sign = self._take()[1]
            term = self._product()
            value = (value + term if sign == "+" else value - term) & _MASK
        return value

    def _product(self) -> int:
        value = self._factor()
        while self._peek() == ("sign", "*"):
            self._take()
            value = value * self._factor() & _MASK
        return value

    def _factor(self) -> int:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("it is nested too deeply")
        value = self._value()
        self._depth -= 1
        return value

    def _value(self) -> int:
        kind, token = self._take()
        if kind == "number":
            number = int(token) if token.isdecimal() else int(token, 16)
            if number > _MASK:
                raise self._wrong(f"{token[:20]} has more than 64 bits")
            return number
        if kind == "name":
            return self._name(token)
        if kind == "quoted":
            return self._symbol(token.replace("'", ""))
        if token in ("[", "("):
            value = self._sum()
            if self._take() != ("sign", "]" if token == "[" else ")"):
                raise self._wrong(f"the {token!r} is not closed")
            if token == "(":
                return value
            return int.from_bytes(self._service.read_memory(self._context, value, 8), "little")
        raise self._wrong(f"{token!r} is not expected there" if token else "something is missing")

    def _name(self, name: str) -> int:
        if name.lower() in ("fs", "gs") and self._peek() == ("sign", ":"):
            self._take()
            return (self._register(f"{name.lower()}_base") + self._factor()) & _MASK
        if name.lower() in Register._by_name:
            return self._register(name.lower())
        return self._symbol(name)

    def _symbol(self, name: str) -> int:
        found = find_symbol(self._service, name)
        if found is None:
            binary = binary_named(self._service, name)
            if binary is None:
                similar = similar_names(self._service, name)
                hint = f"; did you mean {' or '.join(similar)}?" if similar else ""
                raise self._wrong(f"there is no register or symbol {name!r}{hint}")
            loads = self._service.symbol_entries(binary.id, 0)
            standing = [
                one for one in loads if one.first_context <= self._context <= one.last_context
            ]
            return (standing or loads)[0].start
        return _loaded(self._service, self._context, found, self._whole)

    def _register(self, name: str) -> int:
        register = Register.from_name(name)
        if register.bit_size > 64 or isinstance(register, FloatRegister):
            raise self._wrong(f"the register {name} holds no address")
        view = (
            self._service.registers([self._context]).view
            if self._thread is None
            else registers_of_thread(self._service, self._thread, self._context)
        )
        imported = self._service.info().imported
        if imported is not None:
            need_register(imported, register, self._context)
        return register.bits(view)

    def _wrong(self, why: str) -> InvalidArgumentError:
        shown = self._whole if len(self._whole) <= 60 else f"{self._whole[:59]}…"
        end = "" if why.endswith("?") else "."
        return InvalidArgumentError(f"{shown!r} is no address: {why}{end}")
