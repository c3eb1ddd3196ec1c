# SPDX-License-Identifier: Apache-2.0
"""Instructions that a processor executes and the recorder does not."""

from __future__ import annotations

from capstone import x86_const

from reven.trace.disassembly import detailed_disassembler

_BY_PROGRAM = frozenset({"ud0", "ud1", "ud2", "hlt", "cli", "sti", "in", "out", "lgdt", "lidt"})
_GROUPS = {
    x86_const.X86_GRP_SHA: ("SHA", "-mno-sha"),
    x86_const.X86_GRP_SSE4A: ("SSE4a", "-mno-sse4a"),
    x86_const.X86_GRP_FSGSBASE: ("FSGSBASE", "-mno-fsgsbase"),
    x86_const.X86_GRP_RTM: ("RTM", "-mno-rtm"),
}
_NAMES = (
    ("vaes", ("VAES", "-mno-vaes")),
    ("gf2p8", ("GFNI", "-mno-gfni")),
    ("vgf2p8", ("GFNI", "-mno-gfni")),
    ("vpclmul", ("VPCLMULQDQ", "-mno-vpclmulqdq")),
    ("xsavec", ("XSAVEC", "-mno-xsavec")),
    ("clflushopt", ("CLFLUSHOPT", "-mno-clflushopt")),
    ("clwb", ("CLWB", "-mno-clwb")),
)
_EVEX = 0x62


def unsupported_instruction(code: bytes) -> str:
    """Why the recorder stopped at an instruction, and what to do; "" if a processor would
    have stopped there too, or nothing is known of it."""
    decoded = next(detailed_disassembler().disasm(code, 0, 1), None)
    if code[:1] == bytes([_EVEX]):
        text = f"{decoded.mnemonic} {decoded.op_str}".rstrip() if decoded else code.hex(" ")
        return (
            f"it does not execute AVX-512 ({text}); build the program without it "
            "(-mno-avx512f), or, if a library chose it, record with "
            "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F"
        )
    if decoded is None or decoded.mnemonic in _BY_PROGRAM:
        return ""
    text = f"{decoded.mnemonic} {decoded.op_str}".rstrip()
    if decoded.mnemonic == "int":
        return f"it does not make 32-bit system calls ({text}); use the syscall instruction"
    for start, (name, option) in _NAMES:
        if decoded.mnemonic.startswith(start):
            return f"it does not execute {name} ({text}); build the program with {option}"
    for group, (name, option) in _GROUPS.items():
        if decoded.group(group):
            return f"it does not execute {name} ({text}); build the program with {option}"
    return f"it does not execute {text}; build the program for an older processor (-march)"
