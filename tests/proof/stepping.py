# SPDX-License-Identifier: Apache-2.0
"""An oracle that shares nothing with the recorder: the same static program runs natively, one
instruction at a time under ptrace, and recorded; here is what compares the two."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import capstone
import numpy as np
import numpy.typing as npt
from capstone import x86

from reven._engine import Trace
from reven2.arch import _table

from .instruction_cases import REGION_SIZE
from .instruction_words import words
from .undefined_flags import ARITHMETIC, COMPARED, flags_of, flags_of_shift, is_shift

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
    memory: npt.NDArray[np.uint8]  # native, every `stride` instructions
    region: int
    stride: int

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


def step_both(
    program: Path, stepper: Path, record_command: Callable[..., Path], folder: Path, stride: int
) -> Run:
    """Run `program` natively one instruction at a time from its symbol `measured` on, and
    recorded; its memory from `region` on is kept every `stride` instructions."""
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[2]: int(line.split()[0], 16) for line in listing.splitlines()}
    states, memory = folder / "states", folder / "memory"
    where = [symbols["measured"], symbols["region"], REGION_SIZE, stride]
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
    return Run(trace, first, native, recorded, copies, symbols["region"], stride)


def wrong_flags(run: Run) -> npt.NDArray[np.intp]:
    """The contexts in which a flag differs that the architecture defines."""
    differing = (run.recorded["rflags"] ^ run.native["rflags"]) & COMPARED
    undefined = 0
    bad = []
    for step, (written, left_undefined) in enumerate(flag_effects(run), 1):
        undefined = undefined & ~written | left_undefined
        if step < len(differing) and int(differing[step]) & ~undefined:
            bad.append(step)
    return np.array(bad, dtype=np.intp)


def wrong_vectors(run: Run) -> npt.NDArray[np.intp]:
    """The contexts in which a ymm register differs."""
    native = np.concatenate([run.native["xmm"], run.native["ymm_high"]], axis=2)
    return np.flatnonzero((run.recorded["ymm"] != native).any(axis=(1, 2)))


def wrong_memory(run: Run, but: slice = slice(0, 0)) -> Iterator[str]:
    """Where memory, rebuilt at the moments at which it was kept, differs; not looked at are
    the offsets `but`."""
    for index, native in enumerate(run.memory):
        step = index * run.stride
        found = run.trace.read_memory(run.first + step, run.region, REGION_SIZE)
        differs = np.frombuffer(found, np.uint8) != native
        differs[but] = False
        if differs.any():
            yield f"{run.instruction(step)}: offsets {np.flatnonzero(differs)[:8]}"


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
