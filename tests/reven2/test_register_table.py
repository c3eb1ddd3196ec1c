# SPDX-License-Identifier: Apache-2.0
"""native/event_stream/registers.toml is the only place that says where a register stands."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reven2.arch import _table, helpers, msr, sse2, x64, x87
from reven2.arch.register import Register

ROOT = Path(__file__).parents[2]
GENERATED = {
    "native/event_stream/registers.h",
    "src/reven2/arch/_table.py",
    "src/reven/recorders/kit/registers.py",
    "axion/src/registers.ts",
}
SUFFIXES = {".py", ".pyi", ".c", ".h", ".cpp", ".ts", ".tsx"}
HIDDEN = ("sse_round", "fpu_round", "fpu_c3210", "fpu_top", "fpu_tags", "fpu_regs", "scratch")
LAYOUT = {
    _table.REGISTER_FILE_SIZE,
    _table.REGISTER_VIEW_SIZE,
    _table.MACHINE_FILE_SIZE,
    *(_table.REGISTERS[name].offset for name in HIDDEN),
}
# What else these numbers are: layouts of others, and counts.
OTHER_NUMBERS = {
    "benchmarks/axion.py": {240},  # frames
    "src/reven/recorders/kit/transport.py": {248},  # reven_ring_header
    "native/recorders/valgrind/float.c": {224},  # struct of the core's signal frame
    "native/recorders/valgrind/kernel_reads.c": {208},  # struct timex
    "src/reven/end/notices.py": {216},  # a system call
    "tests/proof/stepping.py": {216, 240, 248, 832},  # user_regs_struct, FXSAVE
    "tests/ossi/linux/dwarf/test_types.py": {208, 216},  # types of the C library
    "tests/reven2/test_register_table.py": LAYOUT,  # this list
    "tests/proof/single_step.c": {832},  # XSAVE
    "tests/proof/test_single_step.py": {216, 240, 248, 832},  # user_regs_struct, FXSAVE
}


def layout_numbers(text: str) -> set[int]:
    """Sizes and offsets of the register file that a text has as decimal numbers."""
    return {int(word) for word in re.findall(r"(?<![\w.#])\d{3,4}(?![\w.])", text)} & LAYOUT


def sources(root: Path) -> Iterator[Path]:
    for folder in ("src", "native", "axion/src", "tests", "examples", "scripts", "benchmarks"):
        for path in (root / folder).rglob("*"):
            if path.suffix in SUFFIXES and "node_modules" not in path.parts:
                yield path


def test_what_is_made_from_the_table_is_current() -> None:
    script = [sys.executable, str(ROOT / "scripts/registers.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("number", sorted(LAYOUT))
def test_a_layout_number_would_be_seen(number: int) -> None:
    assert layout_numbers(f"size_t size = {number};") == {number}
    assert layout_numbers(f"#{number}, 0.{number}, x{number}, {number}0") == set()


def test_no_other_file_writes_a_layout_number() -> None:
    found = {}
    for path in sources(ROOT):
        name = str(path.relative_to(ROOT))
        numbers = layout_numbers(path.read_text("utf-8")) - OTHER_NUMBERS.get(name, set())
        if numbers and name not in GENERATED:
            found[name] = sorted(numbers)
    assert found == {}


def test_every_register_of_the_table_has_an_object() -> None:
    for name, row in _table.REGISTERS.items():
        if row.kind == "hidden":
            continue
        register = Register.from_name(name)
        assert (register.bit_size, register.root_name) == (row.bits, row.root)
        assert register.fields[0].offset in range(row.offset, row.offset + 2)
        assert any(
            getattr(module, register.name, getattr(module, f"{register.name}_", None)) is register
            for module in (x64, sse2, x87, msr)
        )


def test_numbers_of_debuggers_name_registers() -> None:
    for numbers in (_table.DWARF_NUMBERS, _table.GDB_NUMBERS):
        assert {Register.from_name(name).name for name in numbers.values()} == set(numbers.values())
    # System V ABI, AMD64 supplement, figure 3.36; gdb/features/i386/64bit-core.xml.
    assert [_table.DWARF_NUMBERS[n] for n in (1, 7, 16, 17, 33, 49)] == [
        *("rdx", "rsp", "rip", "xmm0", "st0", "rflags"),
    ]
    assert [_table.GDB_NUMBERS[n] for n in (1, 7, 16, 17, 18, 24, 40)] == [
        *("rbx", "rsp", "rip", "eflags", "cs", "st0", "xmm0"),
    ]


def test_a_program_records_what_it_did() -> None:
    recorded = {register.name for register in helpers.registers()}
    assert {"rax", "cs", "zf", "fs_base", "st7", "ymm15"} <= recorded
    assert not recorded & {"cr0", "cr3", "dr7", "tr", "lstar", "efer", "kernel_gs_base"}
