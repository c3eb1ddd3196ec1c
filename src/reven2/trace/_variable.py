# SPDX-License-Identifier: Apache-2.0
"""Variables of the program's source at one moment."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reven2._printable import printable
from reven2.address import LinearAddress
from reven2.arch.register import Register
from reven2.errors import VariableReadError
from reven2.types import Array, Type

if TYPE_CHECKING:
    from reven2._service.source import PieceData, VariableData
    from reven2.trace._context import Context
    from reven2.trace._trace import Trace
    from reven2.types._graph import BinaryTypes

__all__ = ["Variable", "VariableKind", "VariablePiece"]


class VariableKind(enum.Enum):
    """What kind of variable it is."""

    Parameter = "parameter"
    Local = "local"
    Static = "static"
    Global = "global"


@dataclass(frozen=True)
class VariablePiece:
    """Where a variable, or a part of one, is.

    Attributes:
        size: bytes.
        register: the register it is in, or None.
        address: the address it is at, or None.
        value: the bytes themselves, where the compiler knows them but stores them nowhere.
    """

    size: int
    register: Register | None = None
    address: LinearAddress | None = None
    value: bytes | None = None

    @property
    def is_optimized_out(self) -> bool:
        """Whether the compiler dropped it."""
        return self.register is None and self.address is None and self.value is None

    def __str__(self) -> str:
        if self.register is not None:
            return self.register.name
        if self.address is not None:
            return str(self.address)
        return "optimized out" if self.value is None else "constant"


class Variable:
    """A variable of the source at a context, as its debug information describes it. `str` is
    `name = value`, the value as gdb prints it. An addition to the documented interface; not
    meant to be constructed directly: it comes from `Context.variables`."""

    __slots__ = ("_context", "_data")

    def __init__(self, context: Context, data: VariableData) -> None:
        self._context, self._data = context, data

    @property
    def name(self) -> str:
        """Its name; of a global one in C++ with its namespaces."""
        return self._data.name

    @property
    def kind(self) -> VariableKind:
        """Parameter, local, static local, or global."""
        return VariableKind(self._data.kind)

    @property
    def context(self) -> Context:
        """The moment."""
        return self._context

    @property
    def type(self) -> Type[Any]:
        """Its type, without typedefs and qualifiers."""
        found = self._types().of(self._data.type)
        if self._data.elements is not None and isinstance(found, Array):
            return Array(found.element_type, self._data.elements)
        return found

    @property
    def type_name(self) -> str:
        """Its type as the source spells it: `const char *`."""
        return self._data.type_name

    @property
    def function(self) -> str | None:
        """The function that it is declared in; None for a global one."""
        return self._data.function or None

    @property
    def is_inlined(self) -> bool:
        """Whether that function was inlined into the one that runs."""
        return self._data.is_inlined

    @property
    def line(self) -> int | None:
        """Line of its declaration, from 1; None if unknown."""
        return self._data.line or None

    @property
    def location(self) -> tuple[VariablePiece, ...]:
        """Where it is: one piece for most, several for one that the compiler split."""
        return tuple(_piece(data, self._context._trace) for data in self._data.location)

    @property
    def address(self) -> LinearAddress | None:
        """Where it stands in memory; None if it is not there as a whole."""
        pieces = self.location
        return pieces[0].address if len(pieces) == 1 else None

    @property
    def is_optimized_out(self) -> bool:
        """Whether nothing of it exists at this moment."""
        return all(piece.is_optimized_out for piece in self.location)

    @property
    def text(self) -> str:
        """Its value as gdb prints it; `<optimized out>` if it has none."""
        return self._data.text

    def read(self) -> Any:
        """Its value in the natural Python form of its type, as `Context.read` gives it.

        Raises:
            VariableReadError (a RuntimeError): it was optimized out, wholly or in part.
            MemoryReadError (a RuntimeError): it stands in memory that is not known.
        """
        address = self.address
        if address is not None:
            return self._context.read(address, self.type)
        if self._data.data is None:
            raise VariableReadError(
                f"{self.name} has no value at {self._context}: the compiler optimized it out "
                "there. Try another moment, or compile with -O0 or -Og."
            )
        return self.type._parse_at(self._data.data, self._context, None)

    def _types(self) -> BinaryTypes:
        from reven2.types._graph import types_of

        return types_of(self._context._trace._service, self._data.binary)

    def __str__(self) -> str:
        return printable(f"{self.name} = {self.text}")

    def __repr__(self) -> str:
        return f"Variable({self.type_name!r}, {str(self)!r})"


def _piece(data: PieceData, trace: Trace) -> VariablePiece:
    if data.kind == "register":
        return VariablePiece(data.size, register=Register.from_name(data.register))
    if data.kind == "memory":
        return VariablePiece(data.size, address=LinearAddress(data.address)._of(trace))
    return VariablePiece(data.size, value=data.value if data.kind == "value" else None)
