# SPDX-License-Identifier: Apache-2.0
"""Types, variables and functions of the source, from debug information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from reven2._service.declared import query

TypeKind = Literal[
    "void",
    "integer",
    "boolean",
    "character",
    "float",
    "complex",
    "pointer",
    "reference",
    "rvalue reference",
    "member pointer",
    "array",
    "struct",
    "class",
    "union",
    "enumeration",
    "typedef",
    "const",
    "volatile",
    "restrict",
    "atomic",
    "function",
    "unknown",
]


class MemberData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member of a structure. `name` is "" for an anonymous one. `offset` is in bytes, None
    if only an object tells it (a virtual base) or there is none (`kind` static). A bit field
    has `bit_size` > 0 and starts `bit_offset` bits after the structure, low bits first."""

    name: str
    type: int
    offset: int | None
    bit_size: int = 0
    bit_offset: int = 0
    kind: Literal["field", "base", "static"] = "field"


class EnumeratorData(msgspec.Struct, frozen=True):
    name: str
    value: int


class TypeData(msgspec.Struct, frozen=True, omit_defaults=True):
    """A type. `id` names it within its binary. `name` is spelled as in the source, as gdb does
    it (`const char *`, `struct point [4]`). `size` is in bytes, None for what has none.
    `target` is the id of what a pointer, array, typedef, enumeration or qualifier is of, and of
    what a function returns. An array's `count` is None if the source does not say it. `members`
    is None where they were left out: `type_graph` of this id has them. `tag` is a structure's
    or enumeration's name without keyword; `is_scoped`: `enum class`. `parameters` are those of a
    function, and the class of a member pointer. `is_by_reference`: a structure that is passed by
    the address of a copy."""

    id: int
    kind: TypeKind
    name: str
    size: int | None = None
    target: int = 0
    is_signed: bool = False
    is_scoped: bool = False
    count: int | None = None
    tag: str = ""
    members: list[MemberData] | None = None
    enumerators: list[EnumeratorData] | None = None
    parameters: list[int] | None = None
    is_variadic: bool = False
    is_by_reference: bool = False


class TypeGraph(msgspec.Struct, frozen=True):
    """A type and those that it is made of. Of structures that are only pointed to, the members
    are left out."""

    binary: int
    root: int
    types: list[TypeData]


class PieceData(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a part of a variable is, `size` bytes. `register` is a register's name;
    `address` a linear address; `value` bytes that stand nowhere. A part that the
    compiler dropped has none of them."""

    size: int
    kind: Literal["register", "memory", "value", "optimized out"]
    register: str = ""
    address: int = 0
    value: bytes = b""


class VariableData(msgspec.Struct, frozen=True):
    """A variable at a context. `type_name` is spelled as in the source. `data` are the bytes of
    its value, as many as are known and at most 64 KiB; None if it has none there. `text` is the
    value as gdb prints it. `function` is where it is declared, "" for a global one; `is_inlined`:
    that function was inlined here. `elements`: of an array whose type does not say it.
    `line` is that of the declaration, 0 if unknown. `level`: how many functions that were
    inlined stand above that one, in the same frame of the stack."""

    name: str
    kind: Literal["parameter", "local", "static", "global"]
    binary: int
    type: int
    type_name: str
    location: list[PieceData]
    data: bytes | None
    text: str
    function: str
    is_inlined: bool
    elements: int | None
    line: int
    level: int = 0


class SourceFrameData(msgspec.Struct, frozen=True):
    """A function of the source that an instruction belongs to. `function` is qualified;
    `linkage` the linker's name. `file` (absolute, "" if unknown), `line` and `column` (0 if
    unknown) are where it stands: of one into which another was inlined, where that is called."""

    function: str
    linkage: str
    file: str
    line: int
    column: int
    is_inlined: bool


class ParameterData(msgspec.Struct, frozen=True):
    name: str
    type: int


class FunctionData(msgspec.Struct, frozen=True):
    """A function's prototype. `name` is that of the linker; `graph` holds the types of
    `parameters` and `returns` (0: void); its root is that of `returns`."""

    name: str
    parameters: list[ParameterData]
    returns: int
    is_variadic: bool
    graph: TypeGraph


class TypeService(Protocol):
    """Queries on debug information. `binary` is a number of `binaries`."""

    @query(slow=True)
    def find_type(self, binary: int, name: str) -> TypeGraph | None:
        """The type of that name: `point`, `struct point`, `space::Type<int>`, `unsigned int`."""

    @query(slow=True)
    def type_graph(self, binary: int, type: int) -> TypeGraph:
        """A type by its id."""

    @query(slow=True)
    def find_function(self, binary: int, name: str) -> FunctionData | None:
        """The prototype of a function by the linker's name."""

    @query(slow=True)
    def source_frames(self, context: int, addresses: Sequence[int]) -> list[list[SourceFrameData]]:
        """Of each address of code, the functions of the source that its instruction belongs to:
        those that were inlined there, the innermost first, and last the one that has the code.
        [] where debug information names none."""

    @query(slow=True)
    def format_value(
        self, context: int, binary: int, type: int, address: int | None, data: bytes
    ) -> str:
        """A value as gdb prints it. `data`: its bytes; `address`: where they stand."""

    @query(slow=True)
    def variables(self, context: int, *, frame: int, is_global: bool) -> list[VariableData]:
        """The variables in scope where the program is, the innermost first, or those outside
        of functions in the same compile unit. `frame`: of the caller so many frames up."""

    @query(slow=True)
    def variable(self, context: int, name: str, *, frame: int) -> VariableData | None:
        """The variable that a name means there: in scope, or global in any binary."""
