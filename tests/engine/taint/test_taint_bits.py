# SPDX-License-Identifier: Apache-2.0
"""Taint of single bits against what flipping them does when the program runs by itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from reven._engine import Taint, TaintItems, Trace

from .taint_programs import expressions

ARGUMENTS = (7, 6, 2)  # numbers of rdi, rsi, rdx in the register file
RET, CALL = 0xC3, 0xE8


class Function(NamedTuple):
    """A call of one function: its arguments' influence on its result, by flipping and by
    taint."""

    trace: Trace
    entry: int
    exit: int
    truth: list[int]  # for each argument, the bits that depend on it


def functions(
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    source: str,
    optimization: str,
) -> Iterator[Function]:
    program = compile_program(source, "-static", "-w", optimization)
    flipped = subprocess.run([program, "flip"], capture_output=True, text=True, check=False)
    truth = [int(word, 16) for word in flipped.stdout.split()]
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = {words[-1]: int(words[0], 16) for words in map(str.split, listing.splitlines())}
    trace = Trace(str(record_command([program])))
    for number in range(len(truth) // 3):
        pc = symbols[f"f{number}"]
        entry = int(trace.find_pcs([(pc, pc + 1)], 0, trace.transition_count, limit=1)[0])
        code = trace.transitions(entry, min(entry + 3000, trace.transition_count)).code
        count = next(i for i, instruction in enumerate(code) if instruction[0] == RET)
        if any(is_control_flow(instruction) for instruction in code[:count]):
            continue  # Conditions are no data flow.
        yield Function(trace, entry, entry + count, truth[3 * number : 3 * number + 3])


def is_control_flow(code: bytes) -> bool:
    return (
        0x70 <= code[0] <= 0x7F or code[0] == CALL or (code[0] == 0x0F and 0x80 <= code[1] <= 0x8F)
    )


def register_bits(items: TaintItems, register: int, tag: int) -> int:
    bits = 0
    for is_memory, first, size, after in zip(
        items.is_memory, items.address, items.size, items.after, strict=True
    ):
        if not is_memory and first // 64 == register and after >> tag & 1:
            bits |= ((1 << int(size)) - 1) << int(first % 64)
    return bits


def forward(function: Function) -> list[int]:
    """The bits of rax that each argument reaches."""
    seeds = [(tag, False, register * 64, 64) for tag, register in enumerate(ARGUMENTS)]
    taint = Taint(function.trace, seeds, 3, function.entry, function.exit, True)
    taint.run()
    state = taint.state(function.exit)
    return [register_bits(state, 0, tag) for tag in range(3)]


def backward(function: Function) -> list[int]:
    """The bits of each argument that rax comes from."""
    taint = Taint(function.trace, [(0, False, 0, 64)], 1, function.entry, function.exit, False)
    taint.run()
    state = taint.state(function.entry)
    return [register_bits(state, register, 0) for register in ARGUMENTS]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("optimization", ["-O0", "-O2"])
def test_every_bit_that_depends_on_an_argument_is_tainted_by_it(
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    seed: int,
    optimization: str,
) -> None:
    source = expressions(seed, 60, 4)
    tested = 0
    for function in functions(compile_program, record_command, source, optimization):
        tainted, asked = forward(function), backward(function)
        for truth, found, origin in zip(function.truth, tainted, asked, strict=True):
            assert truth & ~found == 0
            assert bool(found) <= bool(origin)
            tested += 1
    assert tested > 100


def test_moving_bits_taints_no_others(
    compile_program: Callable[..., Path], record_command: Callable[..., Path]
) -> None:
    source = expressions(7, 60, 5, exact=True)
    for function in functions(compile_program, record_command, source, "-O1"):
        assert forward(function) == function.truth
