# SPDX-License-Identifier: Apache-2.0
"""Source lines, with addr2line and pyelftools' own interpreter as independent witnesses."""

from __future__ import annotations

import io
import logging
import posixpath
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.construct.lib.container import Container
from elftools.dwarf.lineprogram import LineProgram
from elftools.dwarf.structs import DWARFStructs
from hypothesis import given
from hypothesis import strategies as st

from reven.ossi import ElfImage, SourceLine
from reven.ossi.linux.line_header import LineHeader
from reven.ossi.linux.line_program import run_line_program
from tests.ossi.programs import C_SOURCE, CPP_SOURCE, output_of

FLAGS = [
    ("-gdwarf-5", "-O0"),
    ("-gdwarf-5", "-O2"),
    ("-gdwarf-4", "-O0"),
    ("-gdwarf-4", "-O2", "-no-pie"),
    ("-gdwarf-3", "-O1"),
    ("-g", "-static"),
    ("-gz=zlib",),
    ("-ffunction-sections", "-Wl,--gc-sections", "-O0"),
]


def lines_of_addr2line(program: Path, addresses: list[int]) -> list[tuple[str, int] | None]:
    output = output_of("addr2line", "-e", program, stdin="\n".join(map(hex, addresses)))
    found: list[tuple[str, int] | None] = []
    for answer in output.splitlines():
        file, _, line = answer.split(" (")[0].rpartition(":")
        known = file != "??" and line not in ("?", "0")
        found.append((posixpath.normpath(file), int(line)) if known else None)
    return found


def function_addresses(image: ElfImage) -> list[int]:
    """RVAs of every byte of the functions that the sources define, and some of the others."""
    addresses: set[int] = set()
    for symbol in image.symbols():
        if symbol.kind == "function":
            own = symbol.name in ("main", "add", "helper") or "shapes" in symbol.name
            addresses.update(range(symbol.rva, symbol.rva + (symbol.size if own else 1)))
    return sorted(addresses)


@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_lines_are_those_of_addr2line(
    flags: tuple[str, ...], language: str, compile_program: Any
) -> None:
    source = C_SOURCE if language == "c" else CPP_SOURCE
    program = compile_program(source, *flags, language=language)
    image = ElfImage.open(program)
    rvas = function_addresses(image)
    base = image.header.image_vaddr
    expected = lines_of_addr2line(program, [rva + base for rva in rvas])
    found = [(line.file, line.line) if (line := image.line_at(rva)) else None for rva in rvas]
    if "-gdwarf-4" not in flags and language == "cpp":
        # binutils 2.40 takes the file of inlined functions from another table (DWARF 5).
        found, expected = ([one and ("", one[1]) for one in lines] for lines in (found, expected))
    assert found == expected
    assert any(expected)


@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_files_and_lines_are_those_of_the_decoded_table(
    flags: tuple[str, ...], language: str, compile_program: Any
) -> None:
    source = C_SOURCE if language == "c" else CPP_SOURCE
    program = compile_program(source, *flags, language=language)
    image = ElfImage.open(program)
    listing = output_of("objdump", "--dwarf=decodedline", "-w", program)
    rows = re.findall(r"^(\S+) +(\d+|-) +0x(\w+)", listing, re.MULTILINE)
    last = {int(address, 16): (name, line) for name, line, address in rows if line != "0"}
    checked = 0
    for address, (name, number) in last.items():
        line = image.line_at(address - image.header.image_vaddr)
        # A sequence's end row may coincide with the next one's start.
        if number != "-" and line is not None:
            assert (posixpath.basename(line.file), line.line) == (
                posixpath.basename(name),
                int(number),
            )
            checked += 1
    assert checked > 15


def test_lines_without_an_address_table(compile_program: Any, tmp_path: Path) -> None:
    # As clang writes them: compile units say their ranges themselves.
    for number, flags in enumerate((("-gdwarf-5",), ("-gdwarf-4",), ("-O2", "-gdwarf-5"))):
        program = compile_program(CPP_SOURCE, *flags, language="cpp")
        bare = tmp_path / f"bare{number}"
        output_of("objcopy", "--remove-section=.debug_aranges", program, bare)
        whole_image, bare_image = ElfImage.open(program), ElfImage.open(bare)
        for rva in function_addresses(whole_image):
            assert bare_image.line_at(rva) == whole_image.line_at(rva)


def test_a_line_gives_its_addresses(compile_program: Any) -> None:
    program = compile_program(C_SOURCE, "-O0")
    image = ElfImage.open(program)
    number = next(n for n, text in enumerate(C_SOURCE.splitlines(), 1) if "sum += add" in text)
    source = str(program.with_suffix(".c"))
    addresses = image.addresses_of_line(source, number)
    assert addresses
    for rva in addresses:
        assert image.line_at(rva) == SourceLine(source, number, image.line_at(rva).column)  # type: ignore[union-attr]
        assert image.symbol_at(rva).name == "helper"  # type: ignore[union-attr]
    assert image.addresses_of_line("program.c", number) == addresses
    assert image.addresses_of_line(f"{program.parent.name}/program.c", number) == addresses
    assert image.addresses_of_line("other.c", number) == []
    assert image.addresses_of_line("gram.c", number) == []
    assert image.addresses_of_line(source, 1) == []


def test_without_debug_information_there_are_no_lines(compile_program: Any) -> None:
    image = ElfImage.open(compile_program(C_SOURCE, "-g0"))
    assert image.line_at(image.symbol_table.named("main")[0].rva) is None
    assert image.addresses_of_line("program.c", 10) == []


def test_outside_of_code_there_are_no_lines(compile_program: Any) -> None:
    image = ElfImage.open(compile_program(C_SOURCE))
    for rva in (0, image.symbol_table.named("shared_total")[0].rva, 1 << 40):
        assert image.line_at(rva) is None


def test_a_damaged_unit_is_reported_and_the_others_keep_their_lines(
    compile_program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "one.c").write_text("int one(void)\n{\n    return 1;\n}\n")
    (tmp_path / "two.c").write_text("int one(void);\nint main(void)\n{\n    return one() - 1;\n}\n")
    command = ["gcc", "-g", "-O0", "-gdwarf-5", "-o", "two", "two.c", "one.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    data = bytearray((tmp_path / "two").read_bytes())
    image = ElfImage(bytes(data))
    one, main = (image.symbol_table.named(name)[0].rva for name in ("one", "main"))
    assert image.line_at(one)
    assert image.line_at(main)
    section: Any = image.elf.get_section_by_name(".debug_line")
    first_unit = int.from_bytes(section.data()[:4], "little") + 4
    data[section["sh_offset"] + first_unit + 16] = 0  # its line_range
    damaged = ElfImage(bytes(data), "/bin/two")
    with caplog.at_level(logging.WARNING):
        assert damaged.line_at(main) == image.line_at(main)
        assert damaged.line_at(one) is None
    assert "/bin/two" in caplog.text


@st.composite
def line_programs(draw: st.DrawFn) -> bytes:
    """Opcodes of DWARF 5, each of the standard ones and the extended ones, any operands."""
    uleb = st.integers(0, 1 << 40).map(encode_uleb)
    operations = st.one_of(
        st.integers(13, 255).map(lambda opcode: bytes([opcode])),
        st.sampled_from([b"\x01", b"\x06", b"\x07", b"\x08", b"\x0a", b"\x0b", b"\x00\x01\x01"]),
        st.tuples(st.sampled_from([2, 4, 5, 12]), uleb).map(lambda p: bytes([p[0]]) + p[1]),
        st.integers(-(1 << 30), 1 << 30).map(lambda n: b"\x03" + encode_sleb(n)),
        st.binary(min_size=2, max_size=2).map(lambda b: b"\x09" + b),
        st.integers(0, (1 << 63) - 1).map(lambda n: b"\x00\x09\x02" + n.to_bytes(8, "little")),
        uleb.map(lambda b: b"\x00" + bytes([1 + len(b)]) + b"\x04" + b),
    )
    return b"".join(draw(st.lists(operations, max_size=60)))


def encode_uleb(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def encode_sleb(number: int) -> bytes:
    encoded = bytearray()
    while not -64 <= number < 64:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number & 0x7F])


@given(line_programs(), st.booleans(), st.integers(-10, 1), st.integers(1, 20))
def test_line_programs_run_as_in_pyelftools(
    code: bytes, default_is_stmt: bool, line_base: int, line_range: int
) -> None:
    header = Container(
        opcode_base=13,
        line_base=line_base,
        line_range=line_range,
        minimum_instruction_length=1,
        maximum_operations_per_instruction=1,
        default_is_stmt=default_is_stmt,
        standard_opcode_lengths=[0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1],
    )
    structs = DWARFStructs(little_endian=True, dwarf_format=32, address_size=8, dwarf_version=5)
    program = LineProgram(header, io.BytesIO(code), structs, 0, len(code))

    expected: list[list[tuple[int, ...]]] = []
    rows: list[tuple[int, ...]] = []
    for state in (entry.state for entry in program.get_entries()):
        if state is not None:
            if rows and rows[-1][0] == state.address:
                rows.pop()
            # An end row is no statement, whatever the register holds.
            rows.append((state.address, state.file, state.line, state.column))
            if state.end_sequence:
                expected.append(rows)
                rows = []
    lengths = bytes(header.standard_opcode_lengths)
    ours = LineHeader(
        5, 1, bool(default_is_stmt), line_base, line_range, 13, lengths, [], [], 0, len(code)
    )
    found = run_line_program(ours, code)
    assert [[tuple(row)[:4] for row in sequence] for sequence in found] == expected
    assert all(sequence[-1].end_sequence for sequence in found)
