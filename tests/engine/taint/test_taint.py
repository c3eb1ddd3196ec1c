# SPDX-License-Identifier: Apache-2.0
"""Taint through programs whose data flow is known."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reven._engine import Taint, Trace

from .taint_programs import CASES

SIZE = 24
READ = 0  # its number
STRIDE = 3  # bytes of the source that share a tag
TAGS = SIZE // STRIDE
CASE_NAMES = re.findall(r"CASE\((\w+)\)[,}]", CASES)


def tag_of(index: int) -> int:
    return 1 << index // STRIDE


@dataclass
class Case:
    trace: Trace
    first: int
    last: int
    source: int
    sink: int

    def forward(self, seeds: list[tuple[int, bool, int, int]]) -> Taint:
        taint = Taint(self.trace, seeds, TAGS, self.first, self.last, True)
        taint.run()
        return taint

    def source_seeds(self) -> list[tuple[int, bool, int, int]]:
        return [(tag, True, self.source + STRIDE * tag, STRIDE) for tag in range(TAGS)]

    def sink_tags(self, count: int = SIZE) -> list[int]:
        """Of each byte of the sink: a bit for each tag that reaches it."""
        return memory_tags(self.forward(self.source_seeds()), self.last, self.sink, count)

    def asked(self, index: int) -> set[int]:
        """Indexes of the source bytes that one byte of the sink comes from, found backward."""
        taint = Taint(
            self.trace, [(0, True, self.sink + index, 1)], 1, self.first, self.last, False
        )
        taint.run()
        tags = memory_tags(taint, self.first, self.source, SIZE)
        return {i for i, tag in enumerate(tags) if tag}


def memory_tags(taint: Taint, context: int, address: int, count: int) -> list[int]:
    tags = [0] * count
    items = taint.state(context, 0, 10_000)
    for is_memory, first, size, after in zip(
        items.is_memory, items.address, items.size, items.after, strict=True
    ):
        for byte in range(int(first), int(first) + int(size)):
            if is_memory and address <= byte < address + count:
                tags[byte - address] = int(after)
    return tags


@pytest.fixture(scope="module")
def cases(
    compile_program: Callable[..., Path], record_command: Callable[..., Path]
) -> dict[str, Case]:
    program = compile_program(CASES, "-static", "-pthread", "-mssse3", "-fno-strict-aliasing", "-w")
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = {words[-1]: int(words[0], 16) for words in map(str.split, listing.splitlines())}
    trace = Trace(str(record_command([program])))
    ends = [
        [int(t) for t in trace.find_pcs([(pc, pc + 1)], 0, trace.transition_count)]
        for pc in (symbols["begin"], symbols["end"])
    ]
    assert len(ends[0]) == len(ends[1]) == len(CASE_NAMES)
    return {
        name: Case(trace, first, last, symbols["source"], symbols["sink"])
        for name, first, last in zip(CASE_NAMES, *ends, strict=True)
    }


@pytest.mark.parametrize("name", [name for name in CASE_NAMES if name.startswith("copy_")])
def test_a_copy_holds_what_the_original_held(cases: dict[str, Case], name: str) -> None:
    # The last byte of a text is its end: not copied, but written as such.
    count = SIZE - 1 if name in ("copy_text", "copy_printed") else SIZE
    assert cases[name].sink_tags(count) == [tag_of(i) for i in range(count)]
    for index in (0, 5, SIZE - 2):
        assert cases[name].asked(index) == {index}


def test_bytes_keep_their_tags_wherever_they_are_moved(cases: dict[str, Case]) -> None:
    backward = [tag_of(i) for i in reversed(range(SIZE))]
    assert cases["reversed"].sink_tags() == backward
    assert cases["shuffled"].sink_tags(16) == [tag_of(i) for i in reversed(range(16))]
    order = sorted(range(SIZE), key=lambda i: -source_bytes()[i])
    assert cases["sorted"].sink_tags() == [tag_of(i) for i in order]


def source_bytes() -> bytes:
    return bytes(32 + i * 7 % 90 for i in range(SIZE - 1)) + b"\0"


def test_overwritten_data_is_not_tainted(cases: dict[str, Case]) -> None:
    assert cases["wiped"].sink_tags() == [0] * SIZE


def test_nothing_flows_through_addresses(cases: dict[str, Case]) -> None:
    assert cases["looked_up"].sink_tags() == [0] * SIZE


def test_base64_depends_on_the_bytes_that_a_digit_encodes(cases: dict[str, Case]) -> None:
    tags = cases["base64"].sink_tags(32)
    for digit, found in enumerate(tags):
        first = digit * 6 // 8
        last = (digit * 6 + 5) // 8
        assert found == tag_of(first) | tag_of(last)
        assert cases["base64"].asked(digit) == {first, last}


def test_a_sum_depends_on_everything(cases: dict[str, Case]) -> None:
    everything = (1 << TAGS) - 1
    assert cases["summed"].sink_tags(4)[0] == everything
    assert cases["summed"].asked(0) == set(range(SIZE))


def test_every_byte_of_a_cipher_depends_on_every_byte(cases: dict[str, Case]) -> None:
    sixteen = 0
    for index in range(16):
        sixteen |= tag_of(index)
    assert cases["encrypted"].sink_tags(16) == [sixteen] * 16
    assert cases["encrypted"].asked(3) == set(range(16))


def test_what_the_kernel_overwrites_ends_with_a_warning(cases: dict[str, Case]) -> None:
    case = cases["overwritten"]
    taint = case.forward(case.source_seeds())
    assert memory_tags(taint, case.last, case.sink, SIZE) == [0] * SIZE
    [warning] = taint.warnings(0, 10)
    assert (warning.address, warning.size) == (case.sink, SIZE)
    [call] = case.trace.syscalls(warning.transition, warning.transition + 1)
    assert call.number == READ
    lost = taint.accesses(warning.transition, 1, True)
    assert int(lost.transition[0]) == warning.transition
    assert [int(bits) for bits in lost.items.after if bits] == []


def test_copies_give_no_warning(cases: dict[str, Case]) -> None:
    for name in ("copy_library", "copy_pipe", "copy_sockets", "copy_file", "copy_remapped"):
        case = cases[name]
        assert case.forward(case.source_seeds()).warnings(0, 10) == []
