# SPDX-License-Identifier: Apache-2.0
"""Programs whose debug information is small, and stands for very much."""

from __future__ import annotations

import subprocess
from pathlib import Path

PLAIN = "0x10,0x17, 0x11,0x01, 0x12,0x07, 0x1b,0x08, 0x03,0x08"
RANGED = "0x10,0x17, 0x55,0x17, 0x11,0x01, 0x1b,0x08, 0x03,0x08"
FLAG = "0x3f,0x19"
"""An attribute that takes no bytes."""
OLD_FILES = 'lh: .byte 1,1,1,-5,14,13,0,1,1,1,1,0,0,0,1,0,0,1,0; .rept {}; .asciz "a.c"; '
OLD_FILES += ".byte 0,0,0; .endr; .byte 0"
MANY_FILES = (
    "lh: .byte 1,1,1,-5,14,13,0,1,1,1,1,0,0,0,1,0,0,1,0,0,0; .byte 0xff,0xff,0xff,0xff,0x7f"
)
"""A count of files none of which takes a byte."""


def program(
    folder: Path, units: int, *, files: int = 1, rows: int = 1, attributes: str = PLAIN,
    ranges: int = 0, nested: bool = False, version: int = 4, header: str = "", address: int = 9,
) -> Path:  # fmt: skip
    """A program of so many compile units.

    Parameters:
        files, rows: how many the line table has that all units point to.
        attributes: of the units' entries.
        ranges: how many the list has that all units point to.
        nested: whether the units point to different places of the line section.
        version, header: of the line table.
        address: how long the program says that its address is.
    """
    lines = [".text; .globl main", f"main: .rept {units + 8}; nop; .endr; xor %eax,%eax; ret"]
    lines += ['.section .debug_abbrev,"",@progbits', ".byte 1,0x11,0", f".byte {attributes},0,0,0"]
    lines += ['.section .debug_info,"",@progbits']
    last = "; .long 0" if ranges else ""
    size = "" if ranges else "; .quad 1"
    for number in range(units):
        table = f"{number}" if nested else "0"
        lines += [
            f".long e{number}-b{number}; b{number}: .short 4; .long 0; .byte 8,1; .long {table}"
            f'{last}; .quad main+{number}{size}; .asciz "/x"; .asciz "a.c"; e{number}:'
        ]
    addresses = "" if version < 5 else "; .byte 8,0"
    lines += [
        '.section .debug_line,"",@progbits',
        f".long le-lb; lb: .short {version}{addresses}; .long lp-lh",
        header or OLD_FILES.format(files),
        f"lp: .byte 0,{address},2; .quad main; .rept {address - 9}; .byte 1; .endr",
        f".rept {rows}; .byte 0x21; .endr; .byte 0,1,1; le:",
        '.section .debug_ranges,"",@progbits',
        f".rept {ranges}; .quad 1; .quad 2; .endr; .quad 0; .quad 0",
        '.section .note.GNU-stack,"",@progbits',
    ]
    source, made = folder / "bomb.s", folder / "bomb"
    source.write_text("\n".join(lines) + "\n")
    subprocess.run(["gcc", "-no-pie", source, "-o", made], check=True)
    return made
