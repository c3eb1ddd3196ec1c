# SPDX-License-Identifier: Apache-2.0
"""Symbols of binaries, with nm, objdump and c++filt as independent witnesses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.ossi import ElfImage, ElfSymbol
from reven.ossi.symbols import SymbolTable
from tests.ossi.programs import BUILDS, C_SOURCE, CPP_SOURCE, nm, output_of, plt_of_objdump

ALIASES = """
    .text
    .globl _internal_name, plain_name, weak_name
    .weak weak_name
    .type _internal_name, @function
    .type plain_name, @function
    .type weak_name, @function
    .type local_name, @function
    .type weaker_but_plain, @function
    .type __strong, @function
    .weak weaker_but_plain
    .globl __strong, main, _label
_internal_name:
plain_name:
weak_name:
local_name:
    nop
    .size _internal_name, 1
    .size plain_name, 1
    .size weak_name, 1
    .size local_name, 1
__strong:
weaker_but_plain:
    nop
    .size __strong, 1
    .size weaker_but_plain, 1
_label:
main:
    .type main, @function
    xor %eax, %eax
    ret
    .size main, 3
    .section .note.GNU-stack, "", @progbits
"""


@pytest.fixture(params=BUILDS)
def c_program(request: pytest.FixtureRequest, compile_program: Any) -> Path:
    return Path(compile_program(C_SOURCE, *BUILDS[request.param]))


def test_every_symbol_of_nm_is_found_at_its_address(c_program: Path) -> None:
    image = ElfImage.open(c_program)
    found = {(symbol.rva, symbol.name) for symbol in image.symbols()}
    base = image.header.image_vaddr
    expected = {(address - base, name) for address, name in nm(c_program) if "@" not in name}
    thread_local = {
        line.split()[-1]
        for line in output_of("readelf", "-sW", c_program).splitlines()
        if " TLS " in line
    }
    missing = {one for one in expected - found if one[1] not in thread_local}
    assert not missing


def test_dynamic_symbols_remain_in_a_stripped_library(compile_program: Any) -> None:
    library = compile_program(C_SOURCE, "-shared", "-fPIC", "-s")
    image = ElfImage.open(library)
    found = {(symbol.rva, symbol.name, symbol.kind) for symbol in image.symbols()}
    addresses = {name: address for address, name in nm(library, "-D")}
    assert (addresses["add"], "add", "function") in found
    assert (addresses["shared_total"], "shared_total", "object") in found
    assert image.symbol_at(addresses["add"] + 1) == image.symbol_table.named("add")[0]


def stubs_of(image: ElfImage) -> dict[int, ElfSymbol]:
    base = image.header.image_vaddr
    return {symbol.rva + base: symbol for symbol in image.symbols() if symbol.kind == "plt"}


@pytest.mark.parametrize("build", [build for build in BUILDS if not build.startswith("static")])
def test_plt_stubs_are_those_that_objdump_names(build: str, compile_program: Any) -> None:
    program = compile_program(C_SOURCE, *BUILDS[build])
    image = ElfImage.open(program)
    stubs = stubs_of(image)
    assert {address: stub.name for address, stub in stubs.items()} == plt_of_objdump(program)
    for stub in stubs.values():
        assert image.symbol_at(stub.rva) == image.symbol_at(stub.rva + 7) == stub


@pytest.mark.parametrize("build", ["static", "static pie"])
def test_static_programs_have_stubs_for_the_functions_chosen_at_start(
    build: str, compile_program: Any
) -> None:
    # objdump does not name these, but it shows their jumps.
    program = compile_program(C_SOURCE, *BUILDS[build])
    listing = output_of("objdump", "-d", "-j", ".plt", program)
    found = re.findall(r"^ *(\w+):.*jmp +\*0x", listing, re.MULTILINE)
    # The PLT's own first entry, for lazy binding, jumps from within.
    jumps = {int(at, 16) for at in found if int(at, 16) % 8 == 0}
    stubs = stubs_of(ElfImage.open(program))
    assert jumps
    assert stubs.keys() == jumps
    assert {"strlen@plt", "memcpy@plt"} <= {stub.name for stub in stubs.values()}


def test_a_stripped_static_program_has_stubs_without_names(compile_program: Any) -> None:
    whole = stubs_of(ElfImage.open(compile_program(C_SOURCE, "-static")))
    stripped = stubs_of(ElfImage.open(compile_program(C_SOURCE, "-static", "-s")))
    assert stripped.keys() == whole.keys()
    assert all(stub.name.startswith("*ABS*+0x") for stub in stripped.values())


def test_a_file_without_section_headers_keeps_what_its_loader_needs(compile_program: Any) -> None:
    program = compile_program(C_SOURCE, "-s", "-rdynamic")
    data = bytearray(program.read_bytes())
    data[0x28:0x30] = bytes(8)  # e_shoff
    data[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    whole, bare = ElfImage.open(program), ElfImage(bytes(data))
    assert {(s.rva, s.name) for s in bare.symbols()} == {(s.rva, s.name) for s in whole.symbols()}
    assert "malloc@plt" in {symbol.name for symbol in bare.symbols()}


def test_cpp_names_read_as_in_cppfilt(compile_program: Any) -> None:
    program = compile_program(CPP_SOURCE, language="cpp")
    symbols = [s for s in ElfImage.open(program).symbols() if s.kind != "plt"]
    lines = output_of("c++filt", stdin="\n".join(s.name for s in symbols)).splitlines()
    for symbol, line in zip(symbols, lines, strict=True):
        assert (symbol.demangled_name or symbol.name) == line
    names = {symbol.demangled_name for symbol in symbols}
    assert {"shapes::scale(int)", "shapes::scale(double)", "shapes::Square::area() const"} <= names


def test_the_stub_of_a_cpp_function_is_demangled(compile_program: Any) -> None:
    program = compile_program(CPP_SOURCE, language="cpp")
    names = {s.demangled_name for s in ElfImage.open(program).symbols() if s.kind == "plt"}
    assert "operator delete(void*, unsigned long)@plt" in names
    assert None in names  # printf@plt


def test_the_preferred_name_of_an_address(compile_program: Any) -> None:
    image = ElfImage.open(compile_program(ALIASES, "-no-pie", language="s"))

    def preferred(name: str) -> str:
        (symbol,) = image.symbol_table.named(name)
        found = image.symbol_at(symbol.rva)
        assert found is not None
        return found.name

    assert preferred("local_name") == "plain_name"  # global before weak before local
    assert preferred("__strong") == "weaker_but_plain"  # few underscores
    assert preferred("_label") == "main"  # a declared function before a bare label
    rva = image.symbol_table.named("plain_name")[0].rva
    aliases = [symbol.name for symbol in image.symbols() if symbol.rva == rva]
    assert aliases == ["plain_name", "weak_name", "_internal_name", "local_name"]


def test_versions_are_no_part_of_a_name() -> None:
    libc = ElfImage.open("/lib/x86_64-linux-gnu/libc.so.6")
    assert libc.symbol_table.named("memcpy")
    assert not [symbol for symbol in libc.symbols() if "@" in symbol.name.removesuffix("@plt")]


def test_the_c_library_shows_the_names_that_programs_use() -> None:
    libc = ElfImage.open("/lib/x86_64-linux-gnu/libc.so.6")
    for name in ("puts", "malloc", "write", "printf"):
        symbol = libc.symbol_table.named(name)[0]
        assert libc.symbol_at(symbol.rva) == symbol


symbol_lists = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 25)), max_size=12).map(
    lambda pairs: [
        ElfSymbol(f"s{n}", rva, size, "function") for n, (rva, size) in enumerate(sorted(pairs))
    ]
)
limit_lists = st.lists(st.integers(0, 90), unique=True, max_size=6).map(
    lambda edges: list(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(symbol_lists, limit_lists)
def test_symbol_at_is_the_last_start_that_covers(
    symbols: list[ElfSymbol], limits: list[tuple[int, int]]
) -> None:
    table = SymbolTable(symbols, limits)

    def end(symbol: ElfSymbol) -> int:
        if symbol.size:
            return symbol.rva + symbol.size
        ends = [high for low, high in limits if low <= symbol.rva < high] or [symbol.rva + 1]
        return min(ends + [other.rva for other in symbols if other.rva > symbol.rva])

    for rva in range(100):
        covering = [s for s in symbols if s.rva <= rva < end(s)]
        last = max((s.rva for s in covering), default=None)
        expected = next((s for s in covering if s.rva == last), None)
        assert table.at(rva) == expected
