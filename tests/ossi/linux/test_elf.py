# SPDX-License-Identifier: Apache-2.0
"""ELF files: identity, segments, and what damaged ones do."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven.ossi import BinaryError, ElfImage
from tests.ossi.programs import BUILDS, C_SOURCE, output_of


@pytest.mark.parametrize("build", BUILDS)
def test_identity_and_segments_are_those_of_readelf(build: str, compile_program: Any) -> None:
    program = compile_program(C_SOURCE, *BUILDS[build])
    image = ElfImage.open(program)
    assert image.machine == "EM_X86_64"
    assert image.is_pie == (build not in ("fixed address", "static"))
    match = re.search(r"Build ID: (\w+)", output_of("readelf", "-n", program))
    assert image.build_id == (match[1] if match else None)
    loads = re.findall(
        r"LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x(\w+) (R| )(W| )(E| )",
        output_of("readelf", "-lW", program),
    )
    assert [
        (s.offset, s.vaddr, s.file_size, s.memory_size, s.protection) for s in image.segments
    ] == [
        (*(int(number, 16) for number in load[:4]),
         ("R" in load[4:]) + 2 * ("W" in load[4:]) + 4 * ("E" in load[4:]))
        for load in loads
    ]  # fmt: skip


def test_rvas_count_from_the_lowest_page(compile_program: Any) -> None:
    fixed = ElfImage.open(compile_program(C_SOURCE, "-no-pie"))
    assert fixed.header.image_vaddr == 0x400000
    assert ElfImage.open(compile_program(C_SOURCE)).header.image_vaddr == 0
    end = max(s.vaddr + s.memory_size for s in fixed.segments)
    assert 0 <= fixed.header.image_vaddr + fixed.header.image_size - end < 4096


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a 64-bit little-endian ELF file"),
        (b"#!/bin/sh\n" * 10, "is not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x01\x01" + bytes(100), "is not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x02\x01\x01" + bytes(100), "has no segments to load"),
        (
            b"\x7fELF\x02\x01\x01"
            + bytes(31)
            + b"\x40"
            + bytes(15)
            + b"\x40\0\x38\0\x01"
            + bytes(70),
            "is a truncated ELF file",
        ),
    ],
)
def test_what_is_no_such_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BinaryError, match=message):
        ElfImage(data, "/some/file")


def test_an_object_file_has_nothing_to_load(compile_program: Any) -> None:
    program = compile_program(C_SOURCE, "-c")
    with pytest.raises(BinaryError, match="has no segments to load"):
        ElfImage.open(program)


def use_all_of(data: bytes) -> None:
    image = ElfImage(data, "/damaged")
    assert image.build_id is None or image.build_id
    assert image.is_pie in (True, False)
    for symbol in image.symbols()[:50]:
        image.symbol_at(symbol.rva)
        image.line_at(symbol.rva)
    image.addresses_of_line("program.c", 10)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_raises_our_error_or_costs_only_what_is_damaged(
    data: st.DataObject, compile_program: Any
) -> None:
    flags = data.draw(st.sampled_from([("-gdwarf-5",), ("-gdwarf-4",), ("-gz=zlib",)]))
    original = Path(compile_program(C_SOURCE, *flags)).read_bytes()
    places = {
        section.name: (section["sh_offset"], section["sh_offset"] + section["sh_size"])
        for section in ElfImage(original).elf.iter_sections()
        if section["sh_type"] != "SHT_NOBITS" and section["sh_size"]
    }
    places["headers"] = (0, 0x400)
    places["section headers"] = (int.from_bytes(original[0x28:0x30], "little"), len(original))
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(0, 4))):
        low, high = places[data.draw(st.sampled_from(sorted(places)))]
        damaged[data.draw(st.integers(low, high - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(0, len(original) - 1)) :]
    with suppress(BinaryError):
        use_all_of(bytes(damaged))


def test_nonsense_in_the_section_headers_leaves_what_the_loader_reads(compile_program: Any) -> None:
    # As packers do against analysis; the program runs all the same.
    program = compile_program(C_SOURCE, "-s", "-rdynamic")
    data = bytearray(program.read_bytes())
    section_headers = int.from_bytes(data[0x28:0x30], "little")
    data[section_headers + 64 :] = b"\xff" * (len(data) - section_headers - 64)
    names = {symbol.name for symbol in ElfImage(bytes(data)).symbols()}
    assert {"main", "add", "malloc@plt"} <= names
