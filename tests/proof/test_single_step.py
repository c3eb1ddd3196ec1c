# SPDX-License-Identifier: Apache-2.0
"""The record of a program equals the processor's own state after every instruction.

The same static program runs natively, one instruction at a time under ptrace, and under
the recorder. Every transition must agree in its address, and every context in the general
registers, the flags that the architecture defines, the vector registers and the x87
stack (which the recorder keeps as doubles).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import capstone
import numpy as np
import numpy.typing as npt
import pytest
from capstone import x86

from reven._engine import Trace
from reven2.arch import _table

from .instruction_cases import BUFFER, REGION_SIZE, assembly, groups
from .instruction_words import words
from .undefined_flags import ARITHMETIC, COMPARED, flags_of, flags_of_shift, is_shift

SEED = 1  # of the operands
STRIDE = 61  # instructions between comparisons of memory
FLAGS = ("-nostdlib", "-static", "-no-pie")

# sys/user.h, struct user_regs_struct
USER_REGISTERS = words(
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags rsp ss "
    "fs_base gs_base ds es fs gs"
)
# Encoding order, as in event_stream.h
REGISTERS = words("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15")

# Intel SDM volume 1, table 10-2 (FXSAVE), then the XSAVE header and the AVX component.
NATIVE = np.dtype(
    {
        "names": [*USER_REGISTERS, "fcw", "fsw", "ftw", "mxcsr", "st", "xmm", "ymm_high"],
        "formats": [
            *["<u8"] * 27, "<u2", "<u2", "u1", "<u4", (np.longdouble, 8), ("u1", (16, 16)),
            ("u1", (16, 16)),
        ],
        "offsets": [*range(0, 216, 8), 216, 218, 220, 240, 248, 216 + 160, 216 + 576],
        "itemsize": 216 + 832,
    }
)  # fmt: skip
RECORDED = np.dtype(
    {
        "names": [*REGISTERS, "rip", "sse_round", "fpu_round", "c3210", "top", "tags", "fpu",
                  "ymm", "rflags"],
        "formats": [*["<u8"] * 17, "<u8", "<u8", "<u8", "<u8", ("u1", 8), ("<f8", 8),
                    ("u1", (16, 32)), "<u8"],
        "offsets": [_table.REGISTERS[name].offset for name in (
            *REGISTERS, "rip", "sse_round", "fpu_round", "fpu_c3210", "fpu_top", "fpu_tags",
            "fpu_regs", "ymm0", "rflags")],
        "itemsize": _table.REGISTER_VIEW_SIZE,
    }
)  # fmt: skip


@dataclass
class Run:
    trace: Trace
    first: int  # the transition of the first compared instruction
    native: npt.NDArray[np.void]
    recorded: npt.NDArray[np.void]  # of the same moments
    memory: npt.NDArray[np.uint8]  # native, every STRIDE instructions
    region: int

    def instruction(self, step: int) -> str:
        """For messages: the instruction before the compared state `step`."""
        page = self.trace.transitions(self.first + step - 1, self.first + step)
        code = bytes(page.code[0][: page.size[0]])
        texts = [f"{i.mnemonic} {i.op_str}" for i in decoder().disasm(code, int(page.pc[0]))]
        return f"after {texts[0] if texts else code.hex()} (step {step}, {int(page.pc[0]):#x})"


def decoder() -> capstone.Cs:
    made = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    made.detail = True
    return made


@pytest.fixture(scope="module")
def run(
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    folder = tmp_path_factory.mktemp("single-step")
    program = compile_program(assembly(SEED), *FLAGS, language="S")
    stepper = compile_program((Path(__file__).parent / "single_step.c").read_text())
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in listing.splitlines()}
    states, memory = folder / "states", folder / "memory"
    where = [symbols["measured"], symbols["region"], REGION_SIZE, STRIDE]
    subprocess.run([stepper, *map(str, where), states, memory, program], check=True)
    native = np.fromfile(states, NATIVE)
    copies = np.fromfile(memory, np.uint8).reshape(-1, REGION_SIZE)
    states.unlink()
    memory.unlink()

    trace = Trace(str(record_command([program])))
    start = symbols["measured"]
    first = int(trace.find_pcs([(start, start + 1)], 0, trace.transition_count, limit=1)[0])
    contexts = np.arange(first, trace.transition_count, dtype=np.uint64)
    _, views = trace.registers_at(contexts)
    recorded = views.reshape(-1).view(RECORDED)
    return Run(trace, first, native, recorded, copies, symbols["region"])


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
    differing = (run.recorded["rflags"] ^ run.native["rflags"]) & COMPARED
    undefined = 0
    bad = []
    compared = 0
    for step, effect in enumerate(flag_effects(run), 1):
        written, left_undefined = effect
        undefined = undefined & ~written | left_undefined
        compared += (COMPARED & ~undefined).bit_count()
        if step < len(differing) and int(differing[step]) & ~undefined:
            bad.append(step)
    assert compared > 6 * len(differing)
    fail_at(run, np.array(bad, dtype=np.intp), "rflags")


def flag_effects(run: Run) -> Iterator[tuple[int, int]]:
    """Flags written and left undefined by each instruction."""
    decode = decoder()
    page = run.trace.transitions(run.first, run.trace.transition_count)
    cl = run.native["rcx"].astype(np.uint8)
    known: dict[int, tuple[str, int, int | None, tuple[int, int]]] = {}
    pcs = page.pc.tolist()
    for step, (pc, next_pc) in enumerate(zip(pcs, [*pcs[1:], 0], strict=True)):
        if pc not in known:
            code = bytes(page.code[step][: page.size[step]])
            instruction = next(decode.disasm(code, pc))
            words = instruction.mnemonic.split()
            count, bits = None, 0
            if is_shift(words[-1]):
                bits = instruction.operands[0].size * 8
                last = instruction.operands[-1]
                one = len(instruction.operands) == 1
                count = 1 if one else last.imm if last.type == x86.X86_OP_IMM else -1
            known[pc] = words[-1], bits, count, flags_of(words)
        name, bits, count, effect = known[pc]
        if count is not None:
            effect = flags_of_shift(name, bits, int(cl[step]) if count < 0 else count)
        elif pc == next_pc:
            # A repeated comparison may write the flags at its end only.
            effect = 0, ARITHMETIC
        yield effect


def test_vector_registers(run: Run) -> None:
    native = np.concatenate([run.native["xmm"], run.native["ymm_high"]], axis=2)
    differs = (run.recorded["ymm"] != native).any(axis=(1, 2))
    fail_at(run, np.flatnonzero(differs), "the ymm registers")


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
    for index, native in enumerate(run.memory):
        step = index * STRIDE
        found = run.trace.read_memory(run.first + step, run.region, REGION_SIZE)
        differs = np.frombuffer(found, np.uint8) != native
        differs[through_memory] = False
        differing = np.flatnonzero(differs)
        assert not len(differing), f"{run.instruction(step)}: offsets {differing[:8]}"
