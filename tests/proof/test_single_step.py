# SPDX-License-Identifier: Apache-2.0
"""The record of a program equals the processor's own state after every instruction.

The same static program runs natively, one instruction at a time under ptrace, and under
the recorder. Every transition must agree in its address, and every context in the general
registers, the flags that the architecture defines, the vector registers and the x87
stack (which the recorder keeps as doubles).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from .instruction_cases import BUFFER, assembly, groups
from .stepping import (
    REGISTERS,
    Run,
    flag_effects,
    step_both,
    wrong_flags,
    wrong_memory,
    wrong_vectors,
)

SEED = 1  # of the operands
STRIDE = 61  # instructions between comparisons of memory
FLAGS = ("-nostdlib", "-static", "-no-pie")


@pytest.fixture(scope="module")
def run(
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    folder = tmp_path_factory.mktemp("single-step")
    program = compile_program(assembly(SEED), *FLAGS, language="S")
    stepper = compile_program((Path(__file__).parent / "single_step.c").read_text())
    return step_both(program, stepper, record_command, folder, STRIDE)


def first_of_each(run: Run, steps: npt.NDArray[np.intp]) -> list[int]:
    """The first of the steps that each instruction is at fault for."""
    starts = [int(s) for s in steps if s - 1 not in set(steps.tolist())]
    pcs = {int(run.native["rip"][step - 1]): step for step in reversed(starts)}
    return sorted(pcs.values())


def fail_at(run: Run, steps: npt.NDArray[np.intp], what: str) -> None:
    shown = "; ".join(run.instruction(int(step)) for step in first_of_each(run, steps)[:8])
    assert not len(steps), f"{len(steps)} contexts differ in {what}: {shown}"


def test_every_group_of_instructions_ran(run: Run) -> None:
    """This machine's processor runs all groups: otherwise less is proved than it seems."""
    assert len(groups()) >= 8
    assert len(run.native) > 50_000


def test_the_same_instructions_in_the_same_order(run: Run) -> None:
    """One transition per instruction, per iteration of a repeated one, and one for a
    repeat of nothing: what the processor counts as steps."""
    pcs = run.trace.transitions(run.first, run.trace.transition_count).pc
    assert len(pcs) == len(run.native)
    fail_at(run, np.flatnonzero(pcs != run.native["rip"]), "rip")


@pytest.mark.parametrize("name", REGISTERS)
def test_general_registers(run: Run, name: str) -> None:
    fail_at(run, np.flatnonzero(run.recorded[name] != run.native[name]), name)


def test_flags_that_the_architecture_defines(run: Run) -> None:
    left_undefined = sum(undefined.bit_count() for _, undefined in flag_effects(run))
    assert left_undefined < len(run.native), "what is undefined is hardly compared"
    fail_at(run, wrong_flags(run), "rflags")


def test_vector_registers(run: Run) -> None:
    fail_at(run, wrong_vectors(run), "the ymm registers")


def test_x87_stack(run: Run) -> None:
    """The same stack, with values that agree as far as doubles do."""
    top = run.native["fsw"] >> 11 & 7
    fail_at(run, np.flatnonzero(run.recorded["top"] & 7 != top), "the top of the x87 stack")
    bits = np.unpackbits(run.native["ftw"][:, None], axis=1, bitorder="little")
    filled = run.recorded["tags"] != 0
    fail_at(run, np.flatnonzero((filled != bits).any(axis=1)), "the x87 tags")
    physical = (top[:, None] + np.arange(8)) & 7
    recorded = np.take_along_axis(run.recorded["fpu"], physical, axis=1)
    used = np.take_along_axis(filled, physical, axis=1)
    native = run.native["st"]
    with np.errstate(all="ignore"):
        close = np.isclose(recorded, native.astype(np.float64), rtol=1e-12, atol=1e-12)
    close |= np.isnan(recorded) & np.isnan(native)
    assert used.sum() > 1000
    fail_at(run, np.flatnonzero((used & ~close).any(axis=1)), "the x87 registers")


def test_rounding_modes(run: Run) -> None:
    fail_at(run, np.flatnonzero(run.recorded["fpu_round"] != run.native["fcw"] >> 10 & 3), "fcw")
    fail_at(
        run, np.flatnonzero(run.recorded["sse_round"] != run.native["mxcsr"] >> 13 & 3), "mxcsr"
    )


def test_memory(run: Run) -> None:
    """All the memory that the program uses, every STRIDE instructions."""
    # Valgrind executes bts, btr and btc of registers by way of memory below the stack.
    through_memory = slice(BUFFER - 288 - 8, BUFFER - 288 + 8)
    assert len(run.memory) > 1000
    assert next(wrong_memory(run, through_memory), None) is None
