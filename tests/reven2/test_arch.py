# SPDX-License-Identifier: Apache-2.0
"""Registers read out of a register view, whose layout is that of event_stream.h."""

from __future__ import annotations

import math
import re
import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven2.arch import helpers, msr, sse2, x64, x87
from reven2.arch.register import Category, Register
from reven2.errors import InvalidArgumentError, RegisterReadError

VIEW_SIZE = 872
GENERAL = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"]
GENERAL += [f"r{number}" for number in range(8, 16)]
views = st.binary(min_size=VIEW_SIZE, max_size=VIEW_SIZE)


def _offsets() -> dict[str, int]:
    """The register file's offsets, from the header that defines them."""
    header = Path(__file__).parents[2] / "native/event_stream/event_stream.h"
    found = re.findall(r"^    REVEN_(\w+) = (\d+)", header.read_text(), re.MULTILINE)
    return {name: int(offset) for name, offset in found}


OFFSETS = _offsets()


def _u64(view: bytes, offset: int) -> int:
    return int.from_bytes(view[offset : offset + 8], "little")


@given(views)
def test_general_registers_and_their_parts(view: bytes) -> None:
    for number, name in enumerate(GENERAL):
        value = _u64(view, OFFSETS["RAX"] + 8 * number)
        legacy = name[1:] if not name[1].isdigit() else None
        parts = (
            (name, f"e{legacy}", legacy, f"{legacy[0]}l" if legacy[1] == "x" else f"{legacy}l")
            if legacy
            else (name, f"{name}d", f"{name}w", f"{name}b")
        )
        for part, bits in zip(parts, (64, 32, 16, 8), strict=True):
            register = Register.from_name(part)
            assert register is getattr(x64, part)
            assert register.bit_size == bits
            assert register.root.name == name
            assert register.value(view) == value & (1 << bits) - 1
            assert register.raw_value(view) == value.to_bytes(8, "little")[: bits // 8]
        if legacy and legacy[1] == "x":
            assert Register.from_name(f"{legacy[0]}h").value(view) == value >> 8 & 0xFF
    assert x64.rip.value(view) == _u64(view, OFFSETS["RIP"])
    assert x64.eip.value(view) == _u64(view, OFFSETS["RIP"]) & 0xFFFFFFFF


@given(views)
def test_flags(view: bytes) -> None:
    rflags = _u64(view, OFFSETS["REGISTER_FILE_SIZE"])
    assert x64.rflags.value(view) == rflags
    assert x64.eflags.value(view) == rflags & 0xFFFFFFFF
    bits = {"cf": 0, "pf": 2, "af": 4, "zf": 6, "sf": 7, "tf": 8, "if_": 9, "df": 10, "of": 11,
            "nt": 14, "rf": 16, "ac": 18}  # fmt: skip
    for name, bit in bits.items():
        assert getattr(x64, name).value(view) == rflags >> bit & 1
    assert x64.iopl.value(view) == rflags >> 12 & 3


@given(views)
def test_vector_registers(view: bytes) -> None:
    for number in range(16):
        begin = OFFSETS["YMM"] + 32 * number
        whole = int.from_bytes(view[begin : begin + 32], "little")
        assert getattr(sse2, f"ymm{number}").value(view) == whole
        assert getattr(sse2, f"xmm{number}").value(view) == whole & (1 << 128) - 1
    assert sse2.mxcsr.value(view) == 0x1F80 | (view[OFFSETS["SSE_ROUND"]] & 3) << 13


@given(views)
def test_x87_registers_count_from_the_top_of_the_stack(view: bytes) -> None:
    top = view[OFFSETS["FPU_TOP"]] & 7
    for number in range(8):
        begin = OFFSETS["FPU_REGS"] + 8 * ((top + number) & 7)
        stored = view[begin : begin + 8]
        value = getattr(x87, f"st{number}").value(view)
        assert struct.pack("<d", value) == stored or math.isnan(value)
        mmx = _u64(view, OFFSETS["FPU_REGS"] + 8 * number)
        assert getattr(x87, f"mm{number}").value(view) == mmx
    assert x87.fsw.value(view) >> 11 & 7 == top
    assert x87.fsw.value(view) & 0x4700 == _u64(view, OFFSETS["FPU_C3210"]) & 0x4700
    assert x87.fcw.value(view) == 0x037F | (view[OFFSETS["FPU_ROUND"]] & 3) << 10


@given(st.floats(allow_nan=False))
def test_the_raw_form_of_a_float_is_the_extended_encoding(value: float) -> None:
    view = bytearray(VIEW_SIZE)
    view[OFFSETS["FPU_REGS"] : OFFSETS["FPU_REGS"] + 8] = struct.pack("<d", value)
    raw = int.from_bytes(x87.st0.raw_value(bytes(view)), "little")
    sign, exponent, mantissa = raw >> 79, raw >> 64 & 0x7FFF, raw & (1 << 64) - 1
    if math.isinf(value):
        assert (exponent, mantissa) == (0x7FFF, 1 << 63)
    else:
        assert mantissa >> 63 == (value != 0)
        exact = Fraction(mantissa) * Fraction(2) ** (exponent - 16383 - 63)
        assert exact == abs(Fraction(value))
    assert sign == (math.copysign(1, value) < 0)


def test_the_tag_word_classifies_each_register() -> None:
    view = bytearray(VIEW_SIZE)
    for number, value in enumerate([1.0, 0.0, math.inf]):
        begin = OFFSETS["FPU_REGS"] + 8 * number
        view[begin : begin + 8] = struct.pack("<d", value)
        view[OFFSETS["FPU_TAGS"] + number] = 1
    assert x87.ftw.value(bytes(view)) == 0b11_11_11_11_11_10_01_00


@given(views)
def test_segments_are_those_of_a_linux_program(view: bytes) -> None:
    assert x64.cs.value(view) == 0x33
    assert x64.ss.value(view) == 0x2B
    for register in (x64.ds, x64.es, x64.fs, x64.gs):
        assert register.value(view) == 0
    assert msr.fs_base.value(view) == _u64(view, OFFSETS["FS_BASE"])
    assert msr.gs_base.value(view) == _u64(view, OFFSETS["GS_BASE"])


@pytest.mark.parametrize("register", [x64.cr3, msr.kernel_gs_base], ids=str)
def test_what_is_not_recorded_cannot_be_read(register: Register) -> None:
    with pytest.raises(RegisterReadError, match=register.name):
        register.value(bytes(VIEW_SIZE))
    assert register not in list(helpers.registers())


def test_registers_by_name() -> None:
    assert Register.from_name("RAX") is x64.rax
    assert Register.from_name("if") is Register.from_name("if_") is x64.if_
    with pytest.raises(InvalidArgumentError, match="no register 'eaz'"):
        Register.from_name("eaz")


def test_helpers_list_every_readable_register_once() -> None:
    names = [register.name for register in helpers.registers()]
    assert len(names) == len(set(names))
    assert {"rax", "al", "zf", "cs", "rip", "r15b"} <= {r.name for r in helpers.x64_registers()}
    assert {"xmm0", "ymm15", "mxcsr"} <= {r.name for r in helpers.sse2_registers()}
    assert {"st0", "mm7", "fcw"} <= {r.name for r in helpers.x87_registers()}
    assert {r.name for r in helpers.msr_registers()} == {"fs_base", "gs_base"}
    assert helpers.msr_from_number(0xC0000101) is msr.gs_base


@given(views, views)
def test_a_value_depends_on_its_fields_only(one: bytes, other: bytes) -> None:
    for register in helpers.registers():
        mixed = bytearray(other)
        for field in register.fields:
            assert field.size <= 8 or field.mask == (1 << 8 * field.size) - 1
            old = int.from_bytes(mixed[field.offset : field.offset + field.size], "little")
            new = int.from_bytes(one[field.offset : field.offset + field.size], "little")
            kept = old & ~field.mask | new & field.mask
            mixed[field.offset : field.offset + field.size] = kept.to_bytes(field.size, "little")
        assert register.bits(bytes(mixed)) == register.bits(one)


def test_categories_are_named_in_lower_case() -> None:
    assert x64.zf.category is Category.flags
    assert x64.zf.category == "flags"
    assert (x64.zf.category.name, x64.zf.category.value, str(x64.zf.category)) == ("flags",) * 3
    assert [category.name for category in Category] == [
        "general",
        "instruction_pointers",
        "flags",
        "segments",
        "control",
        "floating_point",
        "vectors",
        "model_specific",
    ]
    for register in helpers.registers():
        assert register.category.name == register.category.value == str(register.category)
    # The names that came before mean the same.
    assert (Category.Flag, Category.General) == (Category.flags, Category.general)
