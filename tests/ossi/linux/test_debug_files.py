# SPDX-License-Identifier: Apache-2.0
"""Debug files that are kept apart from their binaries."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path
from typing import Any

import pytest

from reven.ossi import ElfImage
from tests.ossi.programs import C_SOURCE, nm, output_of


@pytest.fixture
def split(compile_program: Any, tmp_path: Path) -> tuple[Path, Path, Path]:
    """A program, the same stripped, and its debug file beside that."""
    program = compile_program(C_SOURCE)
    debug, stripped = tmp_path / "program.debug", tmp_path / "program"
    output_of("objcopy", "--only-keep-debug", program, debug)
    output_of("objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", program, stripped)
    return program, stripped, debug


def assert_same(one: Path, other: Path) -> None:
    whole, image = ElfImage.open(one), ElfImage.open(other)
    assert {(s.rva, s.name) for s in image.symbols()} == {(s.rva, s.name) for s in whole.symbols()}
    for symbol in whole.symbols():
        assert image.line_at(symbol.rva) == whole.line_at(symbol.rva)


@pytest.mark.parametrize("folder", [".", ".debug"])
def test_a_linked_debug_file_gives_symbols_and_lines(
    folder: str, split: tuple[Path, Path, Path]
) -> None:
    program, stripped, debug = split
    place = debug.parent / folder
    place.mkdir(exist_ok=True)
    shutil.move(debug, place / debug.name)
    assert_same(program, stripped)


def test_a_debug_file_is_found_by_build_id(
    split: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, stripped, debug = split
    build_id = ElfImage.open(program).build_id
    assert build_id
    place = tmp_path / "root" / ".build-id" / build_id[:2]
    place.mkdir(parents=True)
    shutil.move(debug, place / f"{build_id[2:]}.debug")
    monkeypatch.setattr("reven.ossi.linux.elf.DEBUG_ROOT", tmp_path / "root")
    assert_same(program, stripped)


def test_a_debug_file_of_another_build_is_not_used(split: tuple[Path, Path, Path]) -> None:
    _, stripped, debug = split
    debug.write_bytes(debug.read_bytes() + b"\0")
    image = ElfImage.open(stripped)
    assert image.debug_image is None
    assert image.line_table is None


def test_symbols_in_compressed_mini_debug_information(compile_program: Any, tmp_path: Path) -> None:
    program = compile_program(C_SOURCE, "-g0")
    compressed, stripped = tmp_path / "debugdata.xz", tmp_path / "program"
    bare = tmp_path / "bare"
    output_of("objcopy", "--only-keep-debug", program, bare)
    compressed.write_bytes(lzma.compress(bare.read_bytes()))
    section = f".gnu_debugdata={compressed}"
    output_of("objcopy", "--strip-all", "--add-section", section, program, stripped)
    found = {(symbol.rva, symbol.name) for symbol in ElfImage.open(stripped).symbols()}
    assert {(address, name) for address, name in nm(program) if "@" not in name} <= found


def test_damaged_mini_debug_information_costs_only_its_symbols(
    compile_program: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = compile_program(C_SOURCE, "-g0")
    (tmp_path / "xz").write_bytes(lzma.compress(bytes(10000))[:-30])
    damaged = tmp_path / "program"
    section = f".gnu_debugdata={tmp_path / 'xz'}"
    output_of("objcopy", "--strip-all", "--add-section", section, program, damaged)
    assert ElfImage.open(damaged).symbol_table.named("malloc@plt")
    assert ".gnu_debugdata cannot be read" in caplog.text
