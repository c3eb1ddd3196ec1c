# SPDX-License-Identifier: Apache-2.0
"""Address expressions: `rsp+0x20`, `libc!environ`, `[rbp-8]+4`, `fs:0x28`.

    expression = term { ("+" | "-") term }
    term       = factor { "*" factor }
    factor     = number | register | symbol | "[" expression "]" | "(" expression ")"
                 | ("fs" | "gs") ":" factor
    symbol     = [ binary "!" ] name

Numbers are hexadecimal with 0x or where a letter is among their digits, else decimal.
`[…]` reads 8 bytes of memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from reven.trace.thread_registers import registers_of_thread
from reven2._service import SymbolData, TraceService
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["evaluate", "find_symbol", "symbol_address"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0[xX][0-9a-fA-F]+|[0-9][0-9a-fA-F]*)(?![\w!])"
    r"|(?P<name>(?:[\w.]+!)?[A-Za-z_.?@$][\w.@$]*(?:::[\w~.]+)*)"
    r"|(?P<sign>[-+*\[\]():]))"
)
_MASK = (1 << 64) - 1
_LONGEST = 500
_DEEPEST = 20


def evaluate(
    service: TraceService, context: int, expression: str, thread: int | None = None
) -> int:
    """The address (64 bits, wrapping around) that an expression means at a context, with the
    registers of a thread, or of the one that runs.

    Raises:
        InvalidArgumentError: it cannot be understood, or names nothing.
        OutOfRangeError: the thread has not run by then.
        MemoryReadError: memory of a `[…]` cannot be read.
    """
    if len(expression) > _LONGEST:
        raise InvalidArgumentError(f"An expression may have at most {_LONGEST} characters.")
    return _Parser(service, context, expression, thread).result()


class _Parser:
    def __init__(
        self, service: TraceService, context: int, expression: str, thread: int | None
    ) -> None:
        self._service, self._context, self._whole = service, context, expression
        self._thread = thread
        self._tokens = list(self._split(expression))
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
            match = _TOKEN.match(expression, position)
            if match is None:
                raise self._wrong(f"{expression[position:].strip()[:20]!r} is not understood")
            assert match.lastgroup is not None
            yield match.lastgroup, match[match.lastgroup]
            position = match.end()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position] if self._position < len(self._tokens) else ("", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._position += 1
        return token

    def _sum(self) -> int:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("it is nested too deeply")
        value = self._product()
        while self._peek() in (("sign", "+"), ("sign", "-")):
            sign = self._take()[1]
            term = self._product()
            value = (value + term if sign == "+" else value - term) & _MASK
        self._depth -= 1
        return value

    def _product(self) -> int:
        value = self._factor()
        while self._peek() == ("sign", "*"):
            self._take()
            value = value * self._factor() & _MASK
        return value

    def _factor(self) -> int:
        kind, token = self._take()
        if kind == "number":
            is_decimal = token.isdecimal()
            return (int(token) if is_decimal else int(token, 16)) & _MASK
        if kind == "name":
            return self._name(token)
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
        found = find_symbol(self._service, name)
        if found is None:
            raise self._wrong(f"there is no register or symbol {name!r}")
        address = symbol_address(self._service, self._context, found)
        if address is None:
            raise self._wrong(f"{name!r} is not loaded")
        return address

    def _register(self, name: str) -> int:
        view = (
            self._service.registers([self._context]).view
            if self._thread is None
            else registers_of_thread(self._service, self._thread, self._context)
        )
        return Register.from_name(name).bits(view)

    def _wrong(self, why: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"{self._whole!r} is no address: {why}.")


def find_symbol(service: TraceService, name: str) -> SymbolData | None:
    """The symbol of a name as `main`, `std::sort` or `libc!environ`."""
    wanted, _, plain = name.rpartition("!")
    pattern = rf"^{re.escape(plain)}(?:@.*|\(.*)?$"
    best: SymbolData | None = None
    for binary in service.binaries():
        if wanted and not _is_named(PurePosixPath(binary.path).name, wanted):
            continue
        page = service.symbols(binary.id, pattern, case_sensitive=True, kind="", start=0, limit=20)
        for symbol in page.symbols:
            # A PLT entry has the name of what it calls, which is meant.
            if best is None or (best.kind == "plt" and symbol.kind != "plt"):
                best = symbol
    return best


def symbol_address(service: TraceService, context: int, symbol: SymbolData) -> int | None:
    """Where the symbol is loaded at a context, or else at any; None if nowhere."""
    loads = service.symbol_entries(symbol.binary.id, symbol.rva)
    for load in loads:
        if load.first_context <= context <= load.last_context:
            return load.start
    return loads[0].start if loads else None


def _is_named(file: str, wanted: str) -> bool:
    """`libc` and `libc.so` name libc.so.6, and libc-2.36.so too."""
    return file == wanted or (file.startswith(wanted) and file[len(wanted)] in ".-")
