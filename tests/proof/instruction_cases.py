# SPDX-License-Identifier: Apache-2.0
"""A program that executes most of the user-level instruction set on tables of operands.

Left out is what Valgrind 3.19 cannot execute (xlat, lea with a 16-bit destination, cmps
without a prefix or with repne, fdecstp, ftst) and what it executes otherwise than the
processor (docs/reference/limits.md): rep lods (once), xchg of ax with another 16-bit
register (clears the rest of rax), rcl and rcr by 0 (write OF), 64-bit fild of more than
53 bits; cmpxchg of 32 bits only with clear upper halves (it clears them), scalar fused
multiply-add only with clear upper elements (it clears them).

It needs no library, sets every register itself and touches no memory but its own
`region`, so that it runs alike natively and recorded. Intel syntax. In every case:

    r15  the operand set: four quadwords, then two ymm operands, then doubles
    r13  a buffer in `region`, of which the cases use the first 1024 bytes
    rax, rcx, rdi = operands a, b, c; the flags come from adding c to itself
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

from .instruction_words import words
from .scalar_cases import (
    bit_manipulation,
    bits,
    control,
    integer,
    moves,
    multiplications,
    shifts,
    strings,
)
from .vector_cases import floats, vectors, x87

REGION_SIZE = 16384
BUFFER = 8192  # offset of the buffer in the region; the stack is below it

LOAD = "mov rax, [r15]; mov rcx, [r15+8]; mov rdi, [r15+16]; add rdi, rdi"


@dataclass(frozen=True)
class Group:
    """Cases, the CPU features that they need (names of /proc/cpuinfo), and on how many
    operand sets they run."""

    name: str
    cases: tuple[str, ...]
    features: frozenset[str]
    rounds: int


def groups() -> list[Group]:
    """All groups that this processor can run natively."""
    made = [
        Group("integer", tuple(integer()), frozenset({"cx16"}), 12),
        Group("shifts", tuple(shifts()), frozenset(), 20),
        Group("multiplications", tuple(multiplications()), frozenset(), 20),
        Group("bits", tuple(bits()), frozenset({"popcnt"}), 12),
        Group("moves", tuple(moves()), frozenset({"sse4_2"}), 10),
        Group("control", tuple(control()), frozenset(), 10),
        Group("strings", tuple(strings()), frozenset(), 3),
        Group(
            "bit manipulation",
            tuple(bit_manipulation()),
            frozenset({"bmi1", "bmi2", "abm", "adx", "movbe"}),
            20,
        ),
        Group("vectors", tuple(vectors()), frozenset({"avx2", "aes", "pclmulqdq"}), 10),
        Group("floats", tuple(floats()), frozenset({"avx2", "fma", "f16c"}), 12),
        Group("x87", tuple(x87()), frozenset(), 12),
    ]
    line = next(s for s in Path("/proc/cpuinfo").read_text().splitlines() if "flags" in s)
    present = set(line.split())
    return [group for group in made if group.features <= present]


SPECIAL = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    0x8000000000000000,
    0xFFFFFFFFFFFFFFFF,
)
SET_SIZE = 320


def operand_set(draw: random.Random) -> bytes:
    """One operand set: edge cases as often as anything else."""

    def word() -> int:
        kind = draw.randrange(4)
        if kind == 0:
            return draw.choice(SPECIAL)
        return draw.getrandbits(draw.choice((8, 16, 33, 64)) if kind == 1 else 64)

    words = [word() for _ in range(4)]
    vectors_ = [draw.getrandbits(64) if draw.random() < 0.8 else words[0] for _ in range(8)]
    doubles = [draw.uniform(-1e6, 1e6) for _ in range(8)]
    singles = [draw.uniform(-1000, 1000) for _ in range(16)]
    packed = struct.pack("<4Q8Q8d16f", *words, *vectors_, *doubles, *singles)
    packed = packed.ljust(280, b"\0") + struct.pack(
        "<hxxiI", draw.randrange(1, 9), draw.randrange(-1000, -1), 0x1F80
    )
    return packed.ljust(SET_SIZE, b"\0")


def assembly(seed: int) -> str:
    """The program's source: `_start`, then from `measured` on what is to be compared."""
    draw = random.Random(seed)
    lines = [
        ".intel_syntax noprefix",
        ".globl _start, measured, region",
        f".comm region, {REGION_SIZE}, 64",
        ".text",
        "_start:",
        *(f"xor {name}d, {name}d" for name in (f"r{n}" for n in range(8, 16))),
        *(f"xor {name}, {name}" for name in words("eax ecx edx ebx ebp esi edi")),
        "cld; finit; vzeroall",
        f"lea rsp, [rip+region+{BUFFER}]",
        f"lea r13, [rip+region+{BUFFER}]",
        "cmp eax, eax",
        "measured:",
    ]
    tables = []
    for number, group in enumerate(groups()):
        lines += [
            f"lea r15, [rip+table{number}]; mov r14d, {group.rounds}",
            f"group{number}:",
        ]
        for case in group.cases:
            lines += [LOAD, case]
        lines.append(f"add r15, {SET_SIZE}; dec r14d; jne group{number}")
        operands = b"".join(operand_set(draw) for _ in range(group.rounds))
        tables += [
            f"table{number}:",
            ".quad " + ", ".join(hex(word) for (word,) in struct.iter_unpack("<Q", operands)),
        ]
    lines += ["mov eax, 60; xor edi, edi; syscall", ".data", ".balign 64", *tables]
    lines.append('.section .note.GNU-stack, "", @progbits')
    return "\n".join(lines) + "\n"
