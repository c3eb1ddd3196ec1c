# SPDX-License-Identifier: Apache-2.0
"""Binaries, symbols and locations of a trace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reven2._arguments import shown, text
from reven2._printable import printable
from reven2._service import BinaryData, LocationData, ProcessData, SymbolData, TraceService
from reven2.address import AnyAddress, linear
from reven2.errors import InvalidArgumentError, TypeNotFoundError
from reven2.ossi.os import Architecture, KernelVersion, Os, OsFamily
from reven2.ossi.process import Process

if TYPE_CHECKING:
    from reven2.trace import Context
    from reven2.types import Type

__all__ = ["Binary", "ContextOssi", "Location", "Ossi", "Symbol"]

_PAGE = 1000
_EXTENSION = re.compile(r"(?:\.so(?:\.\d+)*|\.ko|\.exe|\.dll|\.sys)$")


class Binary:
    """A file whose code was executed. `str` is its path."""

    __slots__ = ("_data", "_service")

    def __init__(self, service: TraceService, data: BinaryData) -> None:
        self._service, self._data = service, data

    @property
    def _id(self) -> int:
        return self._data.id

    @property
    def path(self) -> str:
        """Full path on the recorded machine."""
        return self._data.path

    @property
    def filename(self) -> str:
        """Last component of the path: `libc.so.6`."""
        return self.path.rpartition("/")[2]

    @property
    def name(self) -> str:
        """Last component of the path without the extension of a library: `libc`."""
        return _EXTENSION.sub("", self.filename)

    def symbols(self, pattern: str | None = None, case_sensitive: bool = True) -> Iterator[Symbol]:
        """Its functions and PLT entries that a regular expression finds, by address; each
        once, by whichever of its names it is found.

        Parameters:
            pattern: searched in the plain and the demangled names; default: all.
            case_sensitive: whether case matters.

        Raises:
            InvalidArgumentError (a ValueError): no valid regular expression.
        """
        return self._symbols(pattern, case_sensitive, "function")

    def data_symbols(
        self, pattern: str | None = None, case_sensitive: bool = True
    ) -> Iterator[Symbol]:
        """The same for its variables."""
        return self._symbols(pattern, case_sensitive, "object")

    def exact_type(self, name: str) -> Type[Any]:
        """A type of its source, from its debug information.

        Parameters:
            name: as in the source, `point` or `struct point`, `size_t`, `unsigned long`,
                `space::Type<int>`. Where a structure and a typedef share a name, the structure.

        Returns:
            A `types.Struct` for a structure, class or union, a `types.Enumeration`, a number
            type, `types.Pointer`, `types.Array` …; of a typedef, what it stands for.

        Raises:
            TypeNotFoundError (a RuntimeError): the debug information has no such type, or
                there is none.
        """
        from reven2.types._graph import types_of

        text(name, "The name of a type")
        graph = self._service.find_type(self._id, name)
        if graph is None:
            raise TypeNotFoundError(
                f"The debug information of {self.filename} has no type {name!r}: check the name, "
                "and that it was compiled with -g or that its debug symbols are installed."
            )
        return types_of(self._service, self._id).of_graph(graph)

    def _symbols(self, pattern: str | None, case_sensitive: bool, kind: str) -> Iterator[Symbol]:
        _check_pattern(pattern)
        return self._pages(pattern or "", case_sensitive, kind)

    def _pages(self, pattern: str, case_sensitive: bool, kind: str) -> Iterator[Symbol]:
        position: int | None = 0
        while position is not None:
            page = self._service.symbols(
                self._id,
                pattern,
                case_sensitive=case_sensitive,
                kind=kind,
                start=position,
                limit=_PAGE,
            )
            for data in page.symbols:
                yield Symbol(self._service, data)
            position = page.next

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Binary):
            return NotImplemented
        return self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __str__(self) -> str:
        return printable(self.path)

    def __repr__(self) -> str:
        return f"Binary({self.path!r})"


class Symbol:
    """A named place in a binary. `str`: `libc!malloc`.

    A place that has several names (`malloc`, `__libc_malloc`) is one symbol. Its `name` is the
    best of them: one that the source declares rather than a mark of the linker; visible to other
    files; of the version that programs get today; with few leading underscores; strong rather
    than weak; short. The others are its `aliases`."""

    __slots__ = ("_data", "_service")

    def __init__(self, service: TraceService, data: SymbolData) -> None:
        self._service, self._data = service, data

    @property
    def name(self) -> str:
        """Name to show: the demangled one if there is one."""
        return self._data.demangled_name or self._data.name

    @property
    def source_name(self) -> str:
        """Name in the symbol table."""
        return self._data.name

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other names in the symbol table. An addition to the documented interface."""
        return self._data.aliases

    @property
    def demangled_name(self) -> str | None:
        """C++ name with its parameters; None if the name is not mangled."""
        return self._data.demangled_name

    @property
    def prototype(self) -> str | None:
        """The older name of `demangled_name`."""
        return self._data.demangled_name

    @property
    def rva(self) -> int:
        """Offset from the binary's base address, in bytes."""
        return self._data.rva

    @property
    def size(self) -> int:
        """Bytes, 0 if the symbol table does not say. An addition to the documented
        interface."""
        return self._data.size

    @property
    def binary(self) -> Binary:
        """The binary that it is in."""
        return Binary(self._service, self._data.binary)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Symbol):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str, int]:
        return (self._data.binary.path, self._data.rva)

    def __str__(self) -> str:
        return printable(f"{self.binary.name}!{self.name}")

    def __repr__(self) -> str:
        return f"Symbol({str(self)!r}, rva={self.rva:#x})"


class Location:
    """Where an address lies. `str`: `ntdll!ZwDeviceIoControlFile+0x14`, or only
    `binary!symbol` at the start of the symbol, `binary+0x1234` without one, or
    `[stack]+0x1ff0` in other memory."""

    __slots__ = ("_data", "_service")

    def __init__(self, service: TraceService, data: LocationData) -> None:
        self._service, self._data = service, data

    @property
    def binary(self) -> Binary | None:
        """The binary mapped there, None for other memory."""
        return None if self._data.binary is None else Binary(self._service, self._data.binary)

    @property
    def symbol(self) -> Symbol | None:
        """The symbol that covers it, None if there is none."""
        return None if self._data.symbol is None else Symbol(self._service, self._data.symbol)

    @property
    def rva(self) -> int | None:
        """Offset from the binary's base address, None without a binary."""
        return None if self._data.binary is None else self._data.rva

    @property
    def base_address(self) -> int:
        """Where the binary (or the other memory) starts."""
        return self._data.base_address

    @property
    def file(self) -> str | None:
        """Source file, absolute, where the debug information has it. An addition to the
        documented interface."""
        return self._data.file

    @property
    def line(self) -> int | None:
        """Source line, from 1. An addition to the documented interface."""
        return self._data.line

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Location):
            return NotImplemented
        return self._data == other._data

    def __hash__(self) -> int:
        return hash((self._data.base_address, self._data.rva, self._data.region))

    def __str__(self) -> str:
        name, offset = self._data.region, self._data.rva
        if (binary := self.binary) is not None:
            name = binary.name
        if (symbol := self.symbol) is not None:
            name, offset = str(symbol), offset - symbol.rva
        return printable(f"{name}+{offset:#x}" if offset else name)

    def __repr__(self) -> str:
        return f"Location({str(self)!r})"


class ContextOssi:
    """What is known about one moment. Not meant to be constructed directly: it is
    `Context.ossi`."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def location(self, address: AnyAddress | None = None) -> Location | None:
        """Where the program counter is; None in unmapped or unnamed memory.

        Parameters:
            address: an address to locate instead; an int is a linear one (an addition to
                the documented interface).
        """
        context = self._context
        linear_address = context._pc() if address is None else linear(address, context)
        service = context._trace._service
        data = service.locate(context._id, linear_address)
        return None if data is None else Location(service, data)

    def process(self) -> Process | None:
        """The process that runs."""
        processes = self._context._trace._service.processes()
        return _process(processes[0]) if processes else None


class Ossi:
    """Binaries, symbols and processes of a trace. Not meant to be constructed directly: it is
    the `ossi` of what `reven2.open` gives."""

    def __init__(self, service: TraceService) -> None:
        self._service = service

    def executed_binaries(self, pattern: str | None = None) -> Iterator[Binary]:
        """The binaries of which the trace executes an instruction.

        Parameters:
            pattern: a regular expression searched in the path; default: all.

        Raises:
            InvalidArgumentError (a ValueError): no valid regular expression.
        """
        expression = _check_pattern(pattern)
        return (
            Binary(self._service, data)
            for data in self._service.binaries()
            if expression.search(data.path)
        )

    def symbols(
        self,
        pattern: str | None = None,
        binary_hint: str | None = None,
        case_sensitive: bool = True,
    ) -> Iterator[Symbol]:
        """Functions and PLT entries of the executed binaries; a symbol may be there without
        ever being executed. Each comes once, by whichever of its names it is found.

        Parameters:
            pattern: a regular expression searched in the name, `^name$` for exactly that;
                default: all.
            binary_hint: a regular expression searched in the path of the binary, to look at
                some of them only.
            case_sensitive: whether case matters in `pattern`.

        Raises:
            InvalidArgumentError (a ValueError): no valid regular expression.
        """
        _check_pattern(pattern)
        binaries = self.executed_binaries(binary_hint)
        return (symbol for binary in binaries for symbol in binary.symbols(pattern, case_sensitive))

    def executed_processes(self, pattern: str | None = None) -> Iterator[Process]:
        """The processes that the trace executes.

        Parameters:
            pattern: a regular expression searched in the name; default: all.

        Raises:
            InvalidArgumentError (a ValueError): no valid regular expression.
        """
        expression = _check_pattern(pattern)
        return (
            _process(data) for data in self._service.processes() if expression.search(data.name)
        )

    def os(self) -> Os:
        """The recorded operating system."""
        kernel = KernelVersion.parse(self._service.info().kernel)
        return Os(Architecture.X64, OsFamily.Linux, kernel)


def _process(data: ProcessData) -> Process:
    return Process(data.name, data.pid, data.ppid)


def _check_pattern(pattern: str | None) -> re.Pattern[str]:
    if pattern is not None:
        text(pattern, "A pattern", "pass a regular expression, as '^main$'")
    try:
        return re.compile(pattern or "")
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidArgumentError(f"{shown(pattern)} is no regular expression: {error}.") from None
