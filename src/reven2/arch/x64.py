# SPDX-License-Identifier: Apache-2.0
"""General, instruction pointer, segment, control and flag registers of x86-64.

Segment registers hold the values that every 64-bit Linux program sees (cs 0x33,
ss 0x2b, the others 0), or in the trace of a machine what they were; the bases of fs and gs
are in `reven2.arch.msr`. Control and debug registers, and where the descriptor tables are, stand
in the trace of a machine; in the trace of a program reading one raises RegisterReadError.
"""

from __future__ import annotations

from reven2.arch.register import Register, stored


def _quarters(*names: str) -> tuple[Register, Register, Register, Register]:
    whole, half, quarter, low = map(stored, names)
    return whole, half, quarter, low


def _numbered(number: int) -> tuple[Register, Register, Register, Register]:
    name = f"r{number}"
    return _quarters(name, f"{name}d", f"{name}w", f"{name}b")


rax, eax, ax, al = _quarters("rax", "eax", "ax", "al")
rcx, ecx, cx, cl = _quarters("rcx", "ecx", "cx", "cl")
rdx, edx, dx, dl = _quarters("rdx", "edx", "dx", "dl")
rbx, ebx, bx, bl = _quarters("rbx", "ebx", "bx", "bl")
rsp, esp, sp, spl = _quarters("rsp", "esp", "sp", "spl")
rbp, ebp, bp, bpl = _quarters("rbp", "ebp", "bp", "bpl")
rsi, esi, si, sil = _quarters("rsi", "esi", "si", "sil")
rdi, edi, di, dil = _quarters("rdi", "edi", "di", "dil")
r8, r8d, r8w, r8b = _numbered(8)
r9, r9d, r9w, r9b = _numbered(9)
r10, r10d, r10w, r10b = _numbered(10)
r11, r11d, r11w, r11b = _numbered(11)
r12, r12d, r12w, r12b = _numbered(12)
r13, r13d, r13w, r13b = _numbered(13)
r14, r14d, r14w, r14b = _numbered(14)
r15, r15d, r15w, r15b = _numbered(15)
ah = stored("ah")
ch = stored("ch")
dh = stored("dh")
bh = stored("bh")

rip = stored("rip")
eip = stored("eip")
ip = stored("ip")

rflags = stored("rflags")
eflags = stored("eflags")
flags = stored("flags")
cf = stored("cf")
pf = stored("pf")
af = stored("af")
zf = stored("zf")
sf = stored("sf")
tf = stored("tf")
if_ = stored("if")
df = stored("df")
of = stored("of")
iopl = stored("iopl")
nt = stored("nt")
rf = stored("rf")
vm = stored("vm")
ac = stored("ac")
vif = stored("vif")
vip = stored("vip")
id_ = stored("id")

cs = stored("cs")
ss = stored("ss")
ds = stored("ds")
es = stored("es")
fs = stored("fs")
gs = stored("gs")
ldtr = stored("ldtr")
tr = stored("tr")

cr0 = stored("cr0")
cr2 = stored("cr2")
cr3 = stored("cr3")
cr4 = stored("cr4")
cr8 = stored("cr8")
xcr0 = stored("xcr0")
dr0 = stored("dr0")
dr1 = stored("dr1")
dr2 = stored("dr2")
dr3 = stored("dr3")
dr6 = stored("dr6")
dr7 = stored("dr7")
gdt_base = stored("gdt_base")
gdt_limit = stored("gdt_limit")
idt_base = stored("idt_base")
idt_limit = stored("idt_limit")
ldt_base = stored("ldt_base")
tr_base = stored("tr_base")
