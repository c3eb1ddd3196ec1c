# SPDX-License-Identifier: Apache-2.0
"""General, instruction pointer, segment, control and flag registers of x86-64.

Segment registers hold the values that every 64-bit Linux program sees (cs 0x33,
ss 0x2b, the others 0); the bases of fs and gs are in `reven2.arch.msr`. Control
registers exist for scripts that name them, but reading one raises RegisterReadError:
a user program's trace does not hold them.
"""

from __future__ import annotations

from reven2.arch.register import Category, Register, constant, stored, unrecorded

_RIP = 128
_RFLAGS = 864


def _quarters(
    number: int, whole: str, half: str, quarter: str, low: str
) -> tuple[Register, Register, Register, Register]:
    return (
        stored(whole, number * 8, 64, Category.General),
        stored(half, number * 8, 32, Category.General, root=whole),
        stored(quarter, number * 8, 16, Category.General, root=whole),
        stored(low, number * 8, 8, Category.General, root=whole),
    )


def _high(number: int, name: str, whole: str) -> Register:
    return stored(name, number * 8 + 1, 8, Category.General, root=whole, root_begin=8)


def _numbered(number: int) -> tuple[Register, Register, Register, Register]:
    name = f"r{number}"
    return _quarters(number, name, f"{name}d", f"{name}w", f"{name}b")


def _flag(name: str, bit: int, width: int = 1) -> Register:
    return stored(name, _RFLAGS, width, Category.Flag, root="rflags", root_begin=bit, shift=bit)


rax, eax, ax, al = _quarters(0, "rax", "eax", "ax", "al")
rcx, ecx, cx, cl = _quarters(1, "rcx", "ecx", "cx", "cl")
rdx, edx, dx, dl = _quarters(2, "rdx", "edx", "dx", "dl")
rbx, ebx, bx, bl = _quarters(3, "rbx", "ebx", "bx", "bl")
rsp, esp, sp, spl = _quarters(4, "rsp", "esp", "sp", "spl")
rbp, ebp, bp, bpl = _quarters(5, "rbp", "ebp", "bp", "bpl")
rsi, esi, si, sil = _quarters(6, "rsi", "esi", "si", "sil")
rdi, edi, di, dil = _quarters(7, "rdi", "edi", "di", "dil")
r8, r8d, r8w, r8b = _numbered(8)
r9, r9d, r9w, r9b = _numbered(9)
r10, r10d, r10w, r10b = _numbered(10)
r11, r11d, r11w, r11b = _numbered(11)
r12, r12d, r12w, r12b = _numbered(12)
r13, r13d, r13w, r13b = _numbered(13)
r14, r14d, r14w, r14b = _numbered(14)
r15, r15d, r15w, r15b = _numbered(15)
ah = _high(0, "ah", "rax")
ch = _high(1, "ch", "rcx")
dh = _high(2, "dh", "rdx")
bh = _high(3, "bh", "rbx")

rip = stored("rip", _RIP, 64, Category.InstructionPointer)
eip = stored("eip", _RIP, 32, Category.InstructionPointer, root="rip")
ip = stored("ip", _RIP, 16, Category.InstructionPointer, root="rip")

rflags = stored("rflags", _RFLAGS, 64, Category.Flag)
eflags = stored("eflags", _RFLAGS, 32, Category.Flag, root="rflags")
flags = stored("flags", _RFLAGS, 16, Category.Flag, root="rflags")
cf = _flag("cf", 0)
pf = _flag("pf", 2)
af = _flag("af", 4)
zf = _flag("zf", 6)
sf = _flag("sf", 7)
tf = _flag("tf", 8)
if_ = _flag("if", 9)
df = _flag("df", 10)
of = _flag("of", 11)
iopl = _flag("iopl", 12, 2)
nt = _flag("nt", 14)
rf = _flag("rf", 16)
vm = _flag("vm", 17)
ac = _flag("ac", 18)
vif = _flag("vif", 19)
vip = _flag("vip", 20)
id_ = _flag("id", 21)

cs = constant("cs", 16, Category.Segment, 0x33)
ss = constant("ss", 16, Category.Segment, 0x2B)
ds = constant("ds", 16, Category.Segment, 0)
es = constant("es", 16, Category.Segment, 0)
fs = constant("fs", 16, Category.Segment, 0)
gs = constant("gs", 16, Category.Segment, 0)

cr0 = unrecorded("cr0", 64, Category.Control)
cr2 = unrecorded("cr2", 64, Category.Control)
cr3 = unrecorded("cr3", 64, Category.Control)
cr4 = unrecorded("cr4", 64, Category.Control)
cr8 = unrecorded("cr8", 64, Category.Control)
