# SPDX-License-Identifier: Apache-2.0
"""Values print as gdb prints them."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reven.ossi import ElfImage
from reven.ossi.linux.dwarf.printing import (
    Bytes,
    Memory,
    Printer,
    characters_text,
    quoted_character,
)
from reven.ossi.linux.dwarf.types import Types
from reven2._service.source import MemberData, TypeData

from .sources import bytes_of, debug_info, library

TYPES = """
enum color { RED, GREEN = 5, BLUE = -3 };
enum flags { A = 1, B = 2, C = 4, WIDE = 0x30 };
enum mixed { ONE = 1, TWO = 2, THREE = 3 };
union real { unsigned bits; float value; };
union longer { unsigned long bits; double value; };
union longest { unsigned long bits[2]; long double value; };
struct bits { int a : 3; unsigned b : 5; enum color c : 4; _Bool d : 1; };
struct nested { struct bits inner[3]; char name[8]; union { short low; int all; }; };
"""


def random_globals(made: random.Random) -> str:
    """Definitions of v0, v1 … with values of all kinds."""
    found: list[str] = []

    def numbers(low: int, high: int, count: int) -> str:
        values: list[str] = []
        while len(values) < count:
            value = str(made.randint(low, high))
            values += [value] * made.choice((1, 1, 1, 2, 9, 10, 11, 40))
        return "{" + ", ".join(values[:count]) + "}"

    def add(type_: str, value: str, bounds: str = "") -> None:
        found.append(f"{type_} v{len(found)}{bounds} = {value};")

    for count in (1, 3, 16, 199, 200, 201, 300):
        add("int", numbers(-5, 5, count), f"[{count}]")
        add("char", numbers(-128, 127, count), f"[{count}]")
        add("unsigned char", numbers(32, 126, count), f"[{count + 1}]")
        add("char", numbers(0, 1, count), f"[{count}]")
    for _ in range(10):
        add("union real", f"{{{made.getrandbits(32)}u}}")
        add("union longer", f"{{{made.getrandbits(64)}ul}}")
        exponent = made.randint(1, 0x7FFE) | made.choice((0, 0x8000))
        fraction = made.getrandbits(64) | 1 << 63
        add("union longest", f"{{{{{fraction}ul, {exponent}ul}}}}")
        add("double", repr(made.choice((0.1, 1e22, 1e-5, 100000.0, 123456789.0, -0.0, 1e16))))
        add("float", repr(round(made.uniform(-10, 10), 2)))
        add("enum color", str(made.choice((0, 5, -3, 7))))
        add("enum flags", str(made.randint(0, 127)))
        add("enum mixed", str(made.randint(0, 4)))
        add("char", str(made.randint(-128, 127)))
        add("struct bits", f"{{{made.randint(-4, 3)}, {made.randint(0, 31)}, 5, 1}}")
    for bits in (0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 1, 0x80000000):
        add("union real", f"{{{bits}u}}")
    add("struct nested", '{{{1, 2, 0, 1}, {1, 2, 0, 1}, {-1, 3, 5, 0}}, "abcdefgh", {-2}}')
    add("int", "{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}", "[2][2][2]")
    add("struct bits", "{{0}}", "[30]")
    add("_Bool", "1")
    add("__int128", "-1")
    add("_Complex double", "1.5")
    return "\n".join(found)


class Nothing(Memory):
    """No memory but the value's own."""

    def known(self, address: int, size: int) -> bytes | None:
        return None

    def symbol(self, address: int) -> str | None:
        return None

    def static_address(self, owner: TypeData, name: str) -> int | None:
        return None

    def virtual_base(self, owner: TypeData, address: int | None, base: MemberData) -> int | None:
        return None


def gdb_output(path: Path, names: list[str]) -> list[str]:
    script = path.with_suffix(".gdb")
    script.write_text("".join(f"output {name}\necho \\n\n" for name in names))
    command = ["gdb", "-nx", "-batch", "-x", str(script), str(path)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, capture_output=True, env=environment, encoding="utf-8", check=True
    )
    return done.stdout.split("\n")[:-1]


def test_values_are_what_gdb_prints(tmp_path: Path) -> None:
    source = TYPES + random_globals(random.Random(7))
    made = library(tmp_path, source)
    image = ElfImage.open(made)
    with debug_info(made) as info:
        types = Types(info)
        names = [f"v{number}" for number in range(source.count(";\n"))]
        names = [name for name in names if info.index.variables(name)]
        ours = []
        for name in names:
            number = types.of(info.entry(info.index.variables(name)[0].offset))
            data = bytes_of(image, name, types.stripped(number).size or 0)
            ours.append(Printer(types, Nothing()).text(number, Bytes(data)))
    assert len(names) > 100
    for name, text, expected in zip(names, ours, gdb_output(made, names), strict=True):
        assert text == expected, name


@pytest.fixture
def printer(tmp_path: Path) -> Any:
    with debug_info(library(tmp_path, TYPES + "struct nested one; int many[100000];")) as info:
        yield Printer(Types(info), Nothing()), info


def test_parts_that_are_not_known(printer: Any) -> None:
    made, _ = printer
    number = made.types.find("struct nested")
    size = made.types.type(number).size
    known = b"\1" * 4 + b"\0" * (size - 4)
    text = made.text(number, Bytes(bytes(size), None, known))
    gone = "{a = <optimized out>, b = <optimized out>, c = <optimized out>, d = <optimized out>}"
    assert text == (
        f"{{inner = {{{{a = 0, b = 0, c = RED, d = false}}, {gone}, {gone}}}, "
        f"name = {{{', '.join(['<optimized out>'] * 8)}}}, "
        "{low = <optimized out>, all = <optimized out>}}"
    )
    assert made.text(made.types.find("int"), Bytes(b"")) == "<optimized out>"


def test_an_array_that_was_read_in_part_is_cut(printer: Any) -> None:
    made, info = printer
    number = made.types.of(info.entry(info.index.variables("many")[0].offset))
    assert made.text(number, Bytes(bytes(4000), 16)) == "{0 <repeats 1000 times>...}"
    assert made.text(number, Bytes(b"", 16)) == "<optimized out>"


@pytest.mark.parametrize(
    ("data", "is_cut", "expected"),
    [
        (b"", False, '""'),
        (b"abc", False, '"abc"'),
        (b'a"\\\n\x1b\x7f\xff', False, r'"a\"\\\n\033\177\377"'),
        (b"a" * 10, False, '"' + "a" * 10 + '"'),
        (b"a" * 11 + b"b", False, "'a' <repeats 11 times>, \"b\""),
        (b"abc", True, '"abc"...'),
        ("Grüße, 漢字".encode(), False, '"Grüße, 漢字"'),
        ("ü".encode() * 12 + b"\xc3", False, "'ü' <repeats 12 times>, \"\\303\""),
    ],
)
def test_strings(data: bytes, is_cut: bool, expected: str) -> None:
    assert characters_text(data, is_cut) == expected


@pytest.mark.parametrize(
    ("byte", "expected"), [(97, "'a'"), (0, "'\\000'"), (39, "'\\''"), (34, "'\"'"), (10, "'\\n'")]
)
def test_characters(byte: int, expected: str) -> None:
    assert quoted_character(byte) == expected
