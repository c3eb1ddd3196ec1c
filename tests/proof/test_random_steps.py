# SPDX-License-Identifier: Apache-2.0
"""Programs of random instructions, natively and recorded: the same after each instruction.

`make proof` draws many: PROOF_PROGRAMS says how many.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from .random_programs import PROGRAM, assembly
from .stepping import REGISTERS, Run, step_both, wrong_flags, wrong_memory, wrong_vectors

PROGRAMS = int(os.environ.get("PROOF_PROGRAMS", "4"))
FLAGS = ("-nostdlib", "-static", "-no-pie")
Step = Callable[[str, int], Run]


@pytest.fixture(scope="module")
def step(compile_program: Callable[..., Path]) -> Step:
    """Runs a source natively and recorded; keeps neither program nor trace."""
    from reven.record import RecordOptions, record

    stepper = compile_program((Path(__file__).parent / "single_step.c").read_text())

    def step_(source: str, stride: int) -> Run:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "program.S").write_text(source)
            program = folder / "program"
            subprocess.run(["gcc", *FLAGS, "-o", program, folder / "program.S"], check=True)

            def record_command(command: list[Path]) -> Path:
                trace = folder / "t.reven"
                record([str(word) for word in command], trace, options=RecordOptions())
                return trace

            return step_both(program, stepper, record_command, folder, stride)

    return step_


def differences(run: Run) -> list[str]:
    """In words; empty if the two runs agree."""
    pcs = run.trace.transitions(run.first, run.trace.transition_count).pc
    if len(pcs) != len(run.native) or (pcs != run.native["rip"]).any():
        count = min(len(pcs), len(run.native))
        other = np.flatnonzero(pcs[:count] != run.native["rip"][:count])
        return [f"another way: {run.instruction(int(other[0]) if len(other) else count)}"]
    found = []
    for what, steps in (
        *((name, np.flatnonzero(run.recorded[name] != run.native[name])) for name in REGISTERS),
        ("rflags", wrong_flags(run)),
        ("vectors", wrong_vectors(run)),
    ):
        if len(steps):
            found.append(f"{what} {run.instruction(int(steps[0]))}")
    return [*found, *wrong_memory(run)]


@settings(
    max_examples=PROGRAMS,
    phases=(Phase.generate, Phase.shrink) if "PROOF_PROGRAMS" in os.environ else (Phase.generate,),
    suppress_health_check=list(HealthCheck),
    derandomize="PROOF_PROGRAMS" not in os.environ,
    database=None,
)
@given(program=PROGRAM, seed=st.integers(0, 1 << 32), stride=st.integers(1, 40))
def test_random_instructions(step: Step, program: list[str], seed: int, stride: int) -> None:
    run = step(assembly(program, seed), stride)
    assert len(run.native) >= 2 * len(program)
    assert len(run.memory) >= len(run.native) // stride
    assert differences(run) == []


def test_a_difference_is_found(step: Step) -> None:
    """One bit of what the processor did, changed: in a register, a flag, memory."""
    run = step(assembly(["add rax, rcx", "mov [r13], rax", "paddb xmm1, xmm2"], 1), 1)
    assert differences(run) == []
    assert shutil.which("gcc")
    for name, value in (("rax", 1), ("rflags", 0x40), ("xmm", 1)):
        kept = run.native[name][5].copy()
        run.native[name][5] ^= value
        assert len(differences(run)) == 1, name
        run.native[name][5] = kept
    run.memory[4][8192 + 3] ^= 1
    assert len(differences(run)) == 1
