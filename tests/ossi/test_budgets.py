# SPDX-License-Identifier: Apache-2.0
"""A few kilobytes that stand for gigabytes: not unpacked, and said."""

from __future__ import annotations

import json
import lzma
import os
import resource
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from reven.ossi import ElfImage, SourceLine
from reven.ossi.demangle import demangle, is_too_large
from reven.ossi.linux import lines
from reven.ossi.linux.budgets import Budget
from reven.ossi.linux.debug_files import decompress_xz
from reven.ossi.linux.elf_header import TooLargeError
from reven.ossi.linux.line_header import LineHeader, read_line_header
from reven.ossi.linux.line_program import Row, run_line_program
from reven.record import record
from reven.service.local import LocalService
from tests.ossi import dwarf_bombs

SOURCE = "int main(void) { return 0; }"


def bomb(depth: int) -> str:
    """A name whose argument types double with each level: `A<A<B,B>,A<B,B>>` …"""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def reference(number: int) -> str:
        text = ""
        while number or not text:
            number, digit = divmod(number, 36)
            text = digits[digit] + text
        return f"S{text}_"

    levels = "".join(f"S_I{reference(at)}{reference(at)}E" for at in range(1, depth))
    return f"_Z1f1AI1B1BE{levels}"


def test_a_name_that_stands_for_gigabytes_stays_as_it_is() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert demangle(bomb(5)) is not None
    huge = bomb(60)
    assert len(huge) < 700
    assert demangle(huge) is None
    assert is_too_large([huge])
    assert not is_too_large([bomb(5), "main"])
    assert demangle("_ZN3foo3barEi") == "foo::bar(int)"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


@pytest.mark.parametrize("name", ["_Z", "_Z\n1fv", "_Z1f\0v", "_Z" + "1" * 20_000, "_Z\udcff", ""])
def test_what_is_no_name_is_none(name: str) -> None:
    assert demangle(name) is None
    assert demangle("_Z1gj") == "g(unsigned int)"


def test_two_processes_ask_at_once() -> None:
    assert demangle("_Z1hi") == "h(int)"
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = [demangle(f"_Z2h{number}i") for number in range(10)]
        os.write(writing, b"1" if found == [f"h{number}(int)" for number in range(10)] else b"0")
        os._exit(0)
    assert [demangle(f"_Z2k{number}i") for number in range(10)] == [
        f"k{number}(int)" for number in range(10)
    ]
    os.waitpid(child, 0)
    os.close(writing)
    assert os.read(reading, 1) == b"1"
    os.close(reading)


def test_a_compressed_section_that_becomes_too_much_is_left_out(
    compile_program: Callable[..., Path], tmp_path: Path
) -> None:
    zeros, program = tmp_path / "zeros", tmp_path / "program"
    with zeros.open("wb") as file:
        file.truncate(100 << 20)
    plain = compile_program(SOURCE, "-g0")
    added = [f"--add-section=.debug_{name}={zeros}" for name in ("info", "line")]
    subprocess.run(["objcopy", *added, plain, program], check=True)
    subprocess.run(["objcopy", "--compress-debug-sections=zlib", program], check=True)
    assert program.stat().st_size < 1 << 20
    image = ElfImage.open(program)
    assert image.symbol_table.named("main")
    assert image.line_table is None
    assert any("too many to be read" in said for said in image.left_out)


def test_units_that_share_their_lines_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def counted(header: LineHeader, section: bytes) -> list[list[Row]]:
        ran.append(header.start)
        return run_line_program(header, section)

    monkeypatch.setattr(lines, "run_line_program", counted)
    image = ElfImage.open(dwarf_bombs.program(tmp_path, 400, files=100, rows=100))
    table = image.line_table
    assert table is not None
    assert len(image.addresses_of_line("a.c", 2)) == 1
    assert set(table.files()) == {"", "/x/a.c"}
    (main,) = image.symbol_table.named("main")
    assert image.line_at(main.rva + 1) == SourceLine("/x/a.c", 2, 0)
    assert len(ran) == 1


def test_line_tables_that_lie_in_each_other_are_read_once(tmp_path: Path) -> None:
    image = ElfImage.open(dwarf_bombs.program(tmp_path, 400, rows=2000, nested=True))
    table = image.line_table
    assert table is not None
    assert len(image.addresses_of_line("a.c", 2)) == 1
    assert len(table._extents) == 1


def test_more_ranges_than_there_are_bytes_are_left_out(tmp_path: Path) -> None:
    bomb = dwarf_bombs.program(tmp_path, 100, ranges=2000, attributes=dwarf_bombs.RANGED)
    image = ElfImage.open(bomb)
    assert image.addresses_of_line("a.c", 2) == []
    assert image.left_out == [f"{bomb}: its ranges of code would take too much to be read"]


def test_entries_with_thousands_of_attributes_are_left_out(tmp_path: Path) -> None:
    attributes = (
        f"{dwarf_bombs.PLAIN}; .rept 2000; .byte {dwarf_bombs.FLAG}; .endr; .byte 0x3f,0x19"
    )
    bomb = dwarf_bombs.program(tmp_path, 3, attributes=attributes)
    image = ElfImage.open(bomb)
    assert image.addresses_of_line("a.c", 2) == []
    assert [said.partition(": ")[2] for said in image.left_out] == [
        "its abbreviations have too many attributes to be read"
    ]


@pytest.mark.parametrize(
    "header", [{"version": 5, "header": dwarf_bombs.MANY_FILES}, {"address": 60}]
)
def test_a_line_table_that_says_too_much_is_left_out(
    header: dict[str, Any], tmp_path: Path
) -> None:
    image = ElfImage.open(dwarf_bombs.program(tmp_path, 2, **header))
    assert image.addresses_of_line("a.c", 2) == []
    assert image.line_at(0x1000) is None


def test_names_of_files_are_bounded_together() -> None:
    directory, section = b"/" + b"a" * 60_000, b"\0" * 100
    files = b"".join(b"a\0\0\0\0" for _ in range(2000)) + b"\0"
    head = bytes((1, 1, 1, 0xFB, 14, 1)) + b"\0" + files
    body = struct.pack("<HI", 4, len(head)) + head
    section = struct.pack("<I", len(body)) + body
    budget = Budget(len(section), "it")
    header = read_line_header(section, 0, {}, budget)
    assert len(header.files) == 2000
    with pytest.raises(TooLargeError):
        lines._file_names(header, directory, budget)


def test_an_xz_stream_that_becomes_too_much_is_refused() -> None:
    with pytest.raises(TooLargeError):
        decompress_xz(lzma.compress(bytes(65 << 20), preset=0))


def test_a_copy_of_a_binary_is_not_as_large_as_the_manifest_says(tmp_path: Path) -> None:
    trace = tmp_path / "a.reven"
    record(["/bin/true"], trace)
    manifest = json.loads((trace / "manifest.json").read_text())
    entry = next(one for one in manifest["binaries"] if one["path"].endswith("true"))
    copy = trace / "binaries" / f"{entry['sha256']}.zst"
    data = zstandard.ZstdDecompressor().decompress(copy.read_bytes())
    compressor = zstandard.ZstdCompressor().compressobj()
    with copy.open("wb") as file:
        file.write(compressor.compress(data))
        for _ in range(200):
            file.write(compressor.compress(bytes(1 << 20)))
        file.write(compressor.flush())
    entry["size"] = len(data) + (200 << 20)
    (trace / "manifest.json").write_text(json.dumps(manifest))
    service = LocalService(trace)
    try:
        assert service.transition_count() > 0
        number = next(one.id for one in service.binaries() if one.path == entry["path"])
        assert (
            service.symbols(number, "", case_sensitive=True, kind="", start=0, limit=10).symbols
            == []
        )
        assert any("would take" in said for said in service.notices())
    finally:
        service.close()
    shutil.rmtree(trace)
