# SPDX-License-Identifier: Apache-2.0
"""Structures and enumerations of the source, and their values."""

from __future__ import annotations

from typing import Any

import pytest

import reven2
from reven2 import types
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.errors import (
    InvalidArgumentError,
    MemoryReadError,
    TypeMismatchError,
    TypeNotFoundError,
)
from reven2.ossi.ossi import Binary
from reven2.types import EnumerationInstance, Struct, StructInstance, StructKind

from .variable_programs import OBJECTS, VARIABLES

PRINTED = """\
StructKind.Struct node /* 0x50 */ {
    /* 0x0 */ next : node*,
    /* 0x8 */ p : point,
    /* 0x10 */ name : I8[16],
    /* 0x20 */ d : F64,
    /* 0x28:0 */ f : U32 : 3,
    /* 0x28:3 */ g : I32 : 5,
    /* 0x2c */ c : color,
    /* 0x30 */  : union {...},
    /* 0x38 */ cb : int (const char *)*,
    /* 0x40 */ pair : pair_t,
}"""


@pytest.fixture
def stopped(record_program: Any, open_trace: Any) -> reven2.trace.Context:
    """In `stop`, called by `twice`, called by `work`, whose first argument points to a node."""
    server = open_trace(record_program(VARIABLES, "-O0"))
    context: reven2.trace.Context = next(
        iter(server.trace.search.symbol(next(iter(server.ossi.symbols("^stop$")))))
    )
    return context


@pytest.fixture
def binary(stopped: reven2.trace.Context) -> Binary:
    location = stopped.ossi.location()
    assert location is not None
    assert location.binary is not None
    return location.binary


@pytest.fixture
def node(stopped: reven2.trace.Context, binary: Binary) -> StructInstance:
    address = stopped.variable("same", frame=2).read().address
    value = stopped.read(address, binary.exact_type("node"))
    assert isinstance(value, StructInstance)
    return value


def test_a_type_prints_its_layout(binary: Binary) -> None:
    node = binary.exact_type("node")
    assert isinstance(node, Struct)
    assert str(node) == PRINTED
    assert (node.name, node.kind, node.size()) == ("node", StructKind.Struct, 0x50)
    assert repr(node) == "node"
    assert [field.name for field in node.fields][:3] == ["next", "p", "name"]
    assert node.field("g").bit_size == 5
    assert node.field("fl").offset == 0x30


def test_types_of_other_kinds(binary: Binary) -> None:
    color = binary.exact_type("color")
    assert isinstance(color, types.Enumeration)
    assert str(color) == "enum color : U32 {\n    RED = 0x0,\n    GREEN = 0x5,\n}"
    assert color.enumerators == {"RED": 0, "GREEN": 5}
    assert binary.exact_type("unsigned long") == types.U64
    assert binary.exact_type("pair_t").name == "pair_t"
    assert binary.exact_type("struct node") == binary.exact_type("node")
    assert binary.exact_type("node") != binary.exact_type("point")
    with pytest.raises(TypeNotFoundError, match="no type 'nonsense'"):
        binary.exact_type("nonsense")


def test_a_class_with_bases(record_program: Any, open_trace: Any) -> None:
    server = open_trace(record_program(OBJECTS, language="cpp"))
    binary = next(server.ossi.executed_binaries("program"))
    circle = binary.exact_type("shapes::Circle")
    assert [field.type.name for field in circle.fields if field.is_base] == [
        "shapes::Base",
        "shapes::Mixin",
    ]
    assert circle.field("id").offset == 8
    diamond = binary.exact_type("shapes::Diamond")
    assert [field.name for field in diamond.fields] == ["", "", "d"]
    assert binary.exact_type("shapes::Box<unsigned long, 2>").size() == 24
    assert binary.exact_type("shapes::LongBox").name == "shapes::Box<unsigned long, 2>"


def test_fields_read_as_their_types(node: StructInstance) -> None:
    assert node.field("d").read_float() == 2.5
    assert node.field("f").read_int() == 5
    assert node.field("g").read_int() == -3
    assert node.field("i").read_int() == 42
    assert node.field("p").read_struct().field("y").read_int() == 2
    assert bytes(node.field("name").read_array()).startswith(b"bob\0")
    color = node.field("c").read_enum()
    assert isinstance(color, EnumerationInstance)
    assert (color, color.name, str(color), repr(color)) == (5, "GREEN", "GREEN", "<color.GREEN: 5>")
    assert node.field("c").read_int() == 5
    pointer = node.field("next").read_ptr()
    assert node.address is not None
    assert pointer.address == node.address.offset
    assert pointer.assert_struct().deref().field("d").read() == 2.5
    assert node.field("next").deref_struct() == node
    text = node.field("pair").read_struct().field("text").read_ptr()
    assert text.cast_inner(types.CString()).deref() == 'glob\n"al"\x1b'
    assert text.assert_int().deref() == ord("g")


def test_assertions_name_what_is_wrong(node: StructInstance) -> None:
    with pytest.raises(TypeMismatchError, match=r"node\.d is of type F64, not an integer"):
        node.field("d").read_int()
    with pytest.raises(TypeMismatchError, match="not a pointer"):
        node.field("p").deref_struct()
    with pytest.raises(TypeMismatchError, match="This pointer is of node, not of a float"):
        node.field("next").deref_float()
    with pytest.raises(InvalidArgumentError, match=r"no field 'nonsense'\. It has: next, p"):
        node.field("nonsense")
    for name, assertion in (("p", "assert_struct"), ("d", "assert_float"), ("f", "assert_int")):
        field = node.field(name)
        assert getattr(field, assertion)() is field


def test_fields_know_where_they_are(node: StructInstance) -> None:
    field = node.field("d")
    assert (field.info.name, field.info.offset, field.info.type) == ("d", 0x20, types.F64)
    assert field.parent_instance is node
    assert isinstance(node.address, LinearAddress)
    assert field.address == node.address + 0x20
    assert field.as_bytes() == node.as_bytes()[0x20:0x28]
    assert field == node.field("d")
    assert field != node.field("i")
    assert hash(field) == hash(node.field("d"))
    assert f"{field:.3f}" == "2.500"
    assert f"{node.field('f'):#x}" == "0x5"
    assert repr(field) == "<node.d = 2.5>"
    inner = node.field("p").read_struct()
    assert inner.address == node.address + 8


def test_values_print_as_in_gdb(node: StructInstance) -> None:
    assert str(node).startswith("{next = 0x")
    assert "p = {x = 1, y = 2}, name = \"bob\", '\\000' <repeats 12 times>, d = 2.5" in str(node)
    assert str(node.field("p").read()) == "{x = 1, y = 2}"
    assert repr(node) == f"<node at {node.address}>"
    assert [str(field) for field in node.field("p").read_struct().fields()] == ["1", "2"]


def test_a_structure_of_a_register_or_a_buffer(
    stopped: reven2.trace.Context, binary: Binary
) -> None:
    point = binary.exact_type("point")
    value = point.parse((7).to_bytes(4, "little") + (8).to_bytes(4, "little"))
    assert (value.field("x").read(), value.field("y").read()) == (7, 8)
    assert value.address is None
    assert value.field("x").address is None
    assert str(value) == "{x = 7, y = 8}"
    assert stopped.read(x64.rax, point).as_bytes() == stopped.read(x64.rax, raw=True)


def test_arrays_of_structures(stopped: reven2.trace.Context, binary: Binary) -> None:
    points = stopped.variable("points", frame=2)
    value = points.read()
    assert isinstance(value, types.ArrayInstance)
    assert value.assert_struct() is value
    assert [one.field("y").read() for one in value] == [2, 4, 6]
    assert points.address is not None
    assert value[1].address == points.address + 8
    with pytest.raises(TypeMismatchError, match="This array is of point, not of pointers"):
        value.assert_ptr()
    assert stopped.read(points.address, types.Array(binary.exact_type("point"), 2))[1] == value[1]


def test_what_cannot_be_read(stopped: reven2.trace.Context, binary: Binary) -> None:
    with pytest.raises(MemoryReadError):
        stopped.read(LinearAddress(8), binary.exact_type("node"))
    with pytest.raises(InvalidArgumentError, match="void has no size"):
        stopped.variable("pointer", frame=2).read().deref()


def test_data_symbols(binary: Binary) -> None:
    found = binary.data_symbols("^(global|places)$")
    assert sorted(symbol.name for symbol in found) == ["global", "places"]


def test_a_frame_of_the_stack_has_its_variables(stopped: reven2.trace.Context) -> None:
    frames = list(stopped.stack.frames())
    names = [{one.name for one in stopped.variables(frame=frame)} for frame in frames[:4]]
    assert names[1] == {"n", "local"}
    assert "dynamic" in names[2]
    assert names[3] == {"n"}
    assert stopped.variable("count", frames[2]).read() == 4
    with pytest.raises(InvalidArgumentError, match="is not in the stack of"):
        stopped._trace.first_context.variables(frame=frames[1])
    with pytest.raises(InvalidArgumentError, match="counted from 0"):
        stopped.variables(frame=-1)
