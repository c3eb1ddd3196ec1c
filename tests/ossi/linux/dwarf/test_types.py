# SPDX-License-Identifier: Apache-2.0
"""Types are laid out and named as gdb and the compiler have them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven.ossi import ElfImage
from reven.ossi.linux.dwarf.types import Types
from reven2._service.source import TypeData
from reven2.preview.prototypes._parse import parse
from reven2.preview.prototypes.callconv_helper import Sysv64
from reven2.types import Struct
from reven2.types._graph import BinaryTypes

from .sources import TypesOnly, bytes_of, debug_info, library

C = r"""
#include <stdio.h>
#include <stdint.h>
struct later;
typedef struct { int a; char *s; } anonymous_t;
struct node {
    struct node *next; int v : 3; unsigned w : 5; long long big : 40;
    union { int i; float f; }; int arr[2][3]; const char *const name;
    int (*cb)(int, const char *, ...); struct later *l; anonymous_t t;
    enum color { RED, GREEN = 5, BLUE = -1 } c; void (*table[3])(void); int (*pa)[4]; char **argv;
    _Bool ok; long double ld; FILE *fp; volatile int vol; uint8_t bytes[7];
    unsigned long ul; signed char sc; short unsigned us; char flexible[];
};
struct packed { char a; int b; short c : 9; } __attribute__((packed));
union both { double d; struct { short low, high; } parts; char text[12]; };
struct node one; struct packed two; union both three;
"""

CPP = r"""
namespace space {
enum class Kind : short { A, B };
struct Base { virtual ~Base(); int id; static int count; };
template <typename T, int N> struct Box { T items[N]; struct Inner { T t; } in; };
struct Derived : Base {
    Kind k; Box<unsigned long, 2> box; int &ref; int &&other; bool b;
    Derived(int &n) : ref(n), other(static_cast<int &&>(n)) {}
};
}
space::Base::~Base() {}
int space::Base::count = 3;
int use(int n) { space::Derived derived(n); return derived.id; }
"""

LINE = re.compile(r"^/\*\s+(?:(\d+)(?::\s*(\d+))?\s+\|)?\s+(\d+) \*/ {4}(\S.*)$")


def gdb_layout(path: Path, language: str, name: str) -> list[tuple[int, int, int, str]]:
    """Offset, bit offset, size and declaration of each member, as `ptype /o` has them."""
    lines = (f"set language {'c++' if language == 'cpp' else 'c'}", f"ptype /o {name}")
    command = [
        "gdb",
        "-nx",
        "-batch",
        *(word for line in lines for word in ("-ex", line)),
        str(path),
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [
        (
            int(found[1] or 0),
            int(found[2] or 0),
            int(found[3]),
            re.sub(r"^T ", "unsigned long ", found[4].rstrip(";")),
        )
        for found in map(LINE.match, text.splitlines())
        if found
    ]


def declaration(types: Types, data: TypeData, name: str, bits: int) -> str:
    before, after = types.spelling(data.id)
    gap = "" if before.endswith(("*", "&")) else " "
    return f"{before}{gap}{name}{after}" + (f" : {bits}" if bits else "")


@pytest.mark.parametrize("flags", [("-gdwarf-5",), ("-gdwarf-3",)])
@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("c", "struct node"),
        ("c", "struct packed"),
        ("c", "union both"),
        ("cpp", "space::Derived"),
        ("cpp", "space::Box<unsigned long, 2>"),
    ],
)
def test_layouts_are_what_gdb_shows(
    tmp_path: Path, flags: tuple[str, ...], language: str, name: str
) -> None:
    made = library(tmp_path, C if language == "c" else CPP, *flags, language=language)
    expected = gdb_layout(made, language, name)
    with debug_info(made) as info:
        types = Types(info)
        number = types.find(name)
        assert number is not None
        data = types.type(number)
        ours = []
        for member in data.members or ():
            type_ = types.type(member.type)
            is_inner = type_.kind in ("struct", "class", "union")
            if member.kind != "field" or member.name.startswith("_vptr") or is_inner:
                continue
            text = declaration(types, type_, member.name, member.bit_size)
            ours.append((member.offset, member.bit_offset % 8, type_.size or 0, text))
    # Of structures inside, gdb shows the members.
    assert ours == [one for one in expected if not one[3].endswith("{")]
    assert ours


@pytest.mark.parametrize(
    ("name", "spelled", "size"),
    [
        ("int", "int", 4),
        ("unsigned", "unsigned int", 4),
        ("unsigned long", "unsigned long", 8),
        ("long unsigned int", "unsigned long", 8),
        ("unsigned short", "unsigned short", 2),
        ("char", "char", 1),
        ("anonymous_t", "anonymous_t", 16),
        ("enum color", "enum color", 4),
        ("color", "enum color", 4),
        ("packed", "struct packed", 7),
        ("uint8_t", "uint8_t", 1),
    ],
)
def test_types_are_found_by_name(tmp_path: Path, name: str, spelled: str, size: int) -> None:
    with debug_info(library(tmp_path, C)) as info:
        types = Types(info)
        number = types.find(name)
        assert number is not None
        assert (types.type(number).name, types.type(number).size) == (spelled, size)


def test_names_that_are_none(tmp_path: Path) -> None:
    with debug_info(library(tmp_path, C)) as info:
        types = Types(info)
        for name in ("", "nonsense", "union node", "struct", "struct later"):
            assert types.find(name) is None


def test_a_declared_type_is_completed_by_another_unit(tmp_path: Path) -> None:
    first, second = tmp_path / "first.c", tmp_path / "second.c"
    first.write_text("struct hidden; struct user { struct hidden *it; } user;")
    second.write_text("struct hidden { long a, b, c; } hidden;")
    made = tmp_path / "both.so"
    command = ["gcc", "-g", "-shared", "-fPIC", "-o", str(made), str(first), str(second)]
    subprocess.run(command, check=True)
    with debug_info(made) as info:
        types = Types(info)
        number = types.find("user")
        assert number is not None
        members = types.type(number).members or []
        pointed = types.stripped(types.type(members[0].type).target)
        assert (pointed.name, pointed.size) == ("struct hidden", 24)


def test_a_graph_leaves_out_what_is_only_pointed_to(tmp_path: Path) -> None:
    with debug_info(library(tmp_path, C)) as info:
        types = Types(info)
        number = types.find("struct node")
        assert number is not None
        graph = {data.name: data for data in types.graph(number).types}
    assert graph["struct node"].members
    assert graph["struct _IO_FILE"].members is None
    assert graph["struct _IO_FILE"].size == 216
    assert graph["struct {...}"].members


def test_debug_information_in_a_separate_file(
    tmp_path: Path,
) -> None:
    made = library(tmp_path, C)
    debug = tmp_path / "library.so.debug"
    subprocess.run(["objcopy", "--only-keep-debug", made, debug], check=True)
    subprocess.run(["strip", made], check=True)
    link = f"--add-gnu-debuglink={debug}"
    subprocess.run(["objcopy", link, made], check=True, cwd=tmp_path)
    with debug_info(made) as info:
        types = Types(info)
        number = types.find("struct node")
        assert number is not None
        assert types.type(number).size == 208


# A member: C text before and after its name, size of the value, how to write a random one.
INTEGERS = [
    ("char", 8), ("short", 16), ("int", 32), ("long", 64), ("unsigned char", 8),
    ("unsigned short", 16), ("unsigned", 32), ("unsigned long long", 64), ("_Bool", 1),
]  # fmt: skip


@st.composite
def structures(draw: st.DrawFn, depth: int = 0) -> list[tuple[str, Any]]:
    """Members as (type, value); a value that is a list is a structure's, a tuple (value, bits)
    is a bit field's."""
    members: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 6))):
        choice = draw(st.integers(0, 5))
        name, bits = draw(st.sampled_from(INTEGERS))
        if choice == 0 and depth < 2:
            members.append(("struct", draw(structures(depth + 1))))
        elif choice == 1 and bits > 1:
            width = draw(st.integers(1, bits))
            members.append((name, (draw(st.integers(0, (1 << width) - 1)), width)))
        elif choice == 2:
            members.append(("double", draw(st.floats(allow_nan=False, allow_infinity=False))))
        elif choice == 3:
            members.append((name, [draw(st.integers(0, min((1 << bits) - 1, 127))) for _ in "abc"]))
        else:
            members.append(
                (name, draw(st.integers(0, min((1 << max(bits - 1, 1)) - 1, (1 << 31) - 1))))
            )
    return members


def written(members: list[tuple[str, Any]], prefix: str) -> tuple[str, str, dict[str, Any]]:
    """C text of the members, of their initializers, and values by the path of their names."""
    text, values = "", []
    expected: dict[str, Any] = {}
    for number, (type_, value) in enumerate(members):
        name = f"m{number}"
        if type_ == "struct":
            inner, initial, found = written(value, f"{prefix}{name}.")
            text += f"struct {{ {inner} }} {name}; "
            values.append(f"{{ {initial} }}")
            expected |= found
        elif isinstance(value, tuple):
            text += f"{type_} {name} : {value[1]}; "
            values.append(f"{value[0]}u" if value[0] < 1 << 32 else f"{value[0]}ull")
            is_signed = not type_.startswith("unsigned")
            is_negative = is_signed and value[0] >> value[1] - 1
            expected[prefix + name] = value[0] - (1 << value[1]) if is_negative else value[0]
        elif isinstance(value, list):
            text += f"{type_} {name}[{len(value)}]; "
            values.append("{" + ", ".join(map(str, value)) + "}")
            expected[prefix + name] = value
        else:
            text += f"{type_} {name}; "
            values.append(value.hex() if isinstance(value, float) else str(value))
            expected[prefix + name] = bool(value) if type_ == "_Bool" else value
    return text, ", ".join(values), expected


def read_path(instance: Any, path: str) -> Any:
    *outer, last = path.split(".")
    for name in outer:
        instance = instance.field(name).read_struct()
    return instance.field(last).read()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(members=structures(), flag=st.sampled_from(["-gdwarf-5", "-gdwarf-4", "-gdwarf-3"]))
def test_fields_of_any_structure_hold_what_the_compiler_put_there(
    members: list[tuple[str, Any]], flag: str
) -> None:
    text, initial, expected = written(members, "")
    source = f"struct any {{ {text} }}; struct any value = {{ {initial} }};"
    with TemporaryDirectory() as folder:
        made = library(Path(folder), source, flag)
        with debug_info(made) as info:
            types = Types(info)
            number = types.find("any")
            assert number is not None
            service: Any = TypesOnly(types)
            struct = BinaryTypes(service, 0).of_graph(types.graph(number))
            assert isinstance(struct, Struct)
            value = struct.parse(bytes_of(ElfImage.open(made), "value", struct.size()))
            assert {path: read_path(value, path) for path in expected} == expected
    # The parser of prototypes lays the same source out the same way.
    unit = parse(f"struct any {{ {text} }}; void f(struct any one);", Sysv64())
    parsed: Any = unit.functions[0].parameters[0].type.type
    assert parsed.size() == struct.size()
    again = parsed.parse(value.as_bytes())
    assert {path: read_path(again, path) for path in expected} == expected
