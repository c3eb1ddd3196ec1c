# SPDX-License-Identifier: Apache-2.0
"""Cases for the general registers and flags; see `instruction_cases`.

Intel syntax, several instructions separated by semicolons.
"""

from __future__ import annotations

from collections.abc import Iterator

from .instruction_words import words

CONDITIONS = words("o no b ae e ne be a s ns p np l ge le g")
WIDTHS = (
    (8, "al", "cl", "dl", "byte ptr"),
    (16, "ax", "cx", "dx", "word ptr"),
    (32, "eax", "ecx", "edx", "dword ptr"),
    (64, "rax", "rcx", "rdx", "qword ptr"),
)
WIDER = WIDTHS[1:]
WIDEST = WIDTHS[2:]

TO_BUFFER = "mov [r13], rcx"
STRINGS = (("b", 1), ("w", 2), ("d", 4), ("q", 8))


def integer() -> Iterator[str]:
    for op in words("add sub adc sbb and or xor cmp test"):
        for _, a, b, _, size in WIDTHS:
            yield f"{op} {a}, {b}"
            yield f"{op} {a}, 0x5b"
            yield f"{TO_BUFFER}; {op} {size} [r13], {a}; mov rdx, [r13]"
            if op != "test":
                yield f"{TO_BUFFER}; {op} {a}, {size} [r13]"
                yield f"{TO_BUFFER}; {op} {size} [r13+1], -3"
    for op in words("inc dec neg not"):
        for _, a, _, _, size in WIDTHS:
            yield f"{op} {a}"
            yield f"{TO_BUFFER}; {op} {size} [r13]; mov rdx, [r13]"
    for _, a, b, d, size in WIDTHS:
        yield f"xadd {a}, {b}"
        yield f"{TO_BUFFER}; lock xadd {size} [r13], {a}; mov rdx, [r13]"
        if a != "ax":
            yield f"xchg {a}, {b}"
        yield f"{TO_BUFFER}; xchg {size} [r13], {a}"
        yield f"{TO_BUFFER}; lock add {size} [r13], {a}"
        yield f"{TO_BUFFER}; lock dec {size} [r13]"
        clear = "mov eax, eax; mov ecx, ecx; " if a == "eax" else ""
        yield f"{clear}cmpxchg {b}, {a}"
        yield f"{clear}mov rdx, rdi; cmpxchg {b}, {d}"
        yield f"{clear}{TO_BUFFER}; mov rdx, rdi; lock cmpxchg {size} [r13], {d}"
        yield f"{clear}mov [r13], rax; mov rdx, rdi; lock cmpxchg {size} [r13], {d}"
    for size, high, low in (("8b", "edx", "eax"), ("16b", "rdx", "rax")):
        step = 4 if size == "8b" else 8
        for prefix in ("", "lock "):
            load = f"mov rbx, rdi; mov rdx, rcx; mov [r13], {low}; mov [r13+{step}], {high}"
            yield f"{load}; {prefix}cmpxchg{size} [r13]; mov r8, [r13]"
            yield f"{load}; not rdx; {prefix}cmpxchg{size} [r13]; mov r8, [r13]"
            yield f"{load}; not rax; {prefix}cmpxchg{size} [r13]; mov r8, [r13]"


def shifts() -> Iterator[str]:
    for op in words("rol ror rcl rcr shl shr sar"):
        for bits, a, _, _, size in WIDTHS:
            through_carry = op in ("rcl", "rcr")
            count = "and cl, 6; inc cl; add rdi, rdi; " if through_carry else ""
            for by in ("1", "5", str(bits - 1), *(() if through_carry else ("0",))):
                yield f"{op} {a}, {by}"
            yield f"{count}{op} {a}, cl"
            yield f"{count}mov [r13], rax; {op} {size} [r13], cl; mov rdx, [r13]"
            yield f"mov [r13], rax; {op} {size} [r13], 1"
    for op in ("shld", "shrd"):
        for bits, a, _, d, _ in WIDER:
            yield f"mov rdx, rdi; {op} {a}, {d}, 7"
            yield f"mov rdx, rdi; {op} {a}, {d}, 1"
            if bits > 16:
                yield f"mov rdx, rdi; {op} {a}, {d}, cl"


def multiplications() -> Iterator[str]:
    for _, a, b, _, size in WIDTHS:
        for op in ("mul", "imul"):
            yield f"{op} {b}"
            yield f"{TO_BUFFER}; {op} {size} [r13]"
        # A positive divisor, and a dividend that is not too large for it.
        divisor = f"shr {b}, 1; or {b}, 1"
        yield f"{divisor}; {'movzx eax, al' if a == 'al' else 'xor edx, edx'}; div {b}"
        extend = {"al": "cbw", "ax": "cwd", "eax": "cdq", "rax": "cqo"}[a]
        yield f"{divisor}; {extend}; idiv {b}"
    yield "mov rdx, rdi; mov rcx, -1; shr rdx, 1; div rcx"
    for _, a, b, d, size in WIDER:
        yield f"imul {a}, {b}"
        yield f"imul {d}, {b}, 77"
        yield f"imul {d}, {b}, -3000"
        yield f"{TO_BUFFER}; imul {a}, {size} [r13]"


def bits() -> Iterator[str]:
    for _, a, b, _, size in WIDER:
        for op in words("bt bts btr btc"):
            yield f"{op} {a}, {b}"
            yield f"{op} {a}, 9"
            yield f"mov [r13+16], rax; {op} {size} [r13+16], 12; mov rdx, [r13+16]"
            yield f"mov [r13+16], rax; and ecx, 511; {op} {size} [r13], {b}"
            if op != "bt":
                yield f"mov [r13+16], rax; lock {op} {size} [r13+16], 3"
        for op in ("bsf", "bsr"):
            yield f"or cx, 0x1400; {op} {a}, {b}"
        yield f"popcnt {a}, {b}"
    yield "bswap eax; bswap rcx"


def moves() -> Iterator[str]:
    for condition in CONDITIONS:
        yield f"cmp rax, rcx; set{condition} dl; set{condition} byte ptr [r13]"
        for _, a, b, _, size in WIDER:
            yield f"cmp rax, rcx; cmov{condition} {a}, {b}"
            yield f"{TO_BUFFER}; cmp eax, ecx; cmov{condition} {a}, {size} [r13]"
        yield f"cmp ax, cx; j{condition} 1f; inc rdx; 1:"
        yield f"sub eax, ecx; j{condition} 1f; inc rdx; 1:"
    for narrow, wide in (
        ("al", "cx"),
        ("al", "ecx"),
        ("al", "rcx"),
        ("ax", "ecx"),
        ("ax", "rcx"),
    ):
        yield f"movzx {wide}, {narrow}; movsx {wide}, {narrow}"
    yield "movsxd rdx, eax; movsx rdx, byte ptr [r15+3]; movzx edx, word ptr [r15+5]"
    yield "cbw; cwde; cdqe; cwd; cdq; cqo; mov ah, cl; mov cl, ch; add ah, ch; xchg ah, al"
    yield "lea rdx, [rax+rcx*8+0x1234]; lea edx, [rax+rcx]; lea rdx, [rip]"
    yield "lahf; mov rbx, rax; sahf; clc; stc; cmc; std; cld"
    yield "mov rax, 0x1122334455667788; mov eax, -1; mov dword ptr [r13+4], -5; nop; mov edx, edx"
    yield "movnti [r13], rax; mov rdx, [r13]; mfence; lfence; sfence; pause; prefetcht0 [r13]"
    for operand in ("eax", "rax"):
        size = "dword" if operand == "eax" else "qword"
        yield f"{TO_BUFFER}; crc32 {operand}, {'byte' if operand == 'rax' else size} ptr [r13]"
    yield "crc32 rax, rcx; crc32 eax, cx; crc32 eax, cl"


def control() -> Iterator[str]:
    yield (
        "push rax; push cx; push 0x1234; push -1; push qword ptr [r15]; pop rdx; "
        "pop qword ptr [r13]; pop rbx; pop cx; pop rax"
    )
    yield "call 2f; jmp 3f; 2: inc rdx; ret; 3:"
    yield "push rax; push rcx; call 2f; jmp 3f; 2: ret 16; 3:"
    yield "lea rbx, [rip+2f]; call rbx; jmp 3f; 2: lea rdx, [rip+3f]; mov [rsp], rdx; ret; 3:"
    yield "lea rbx, [rip+2f]; mov [r13+64], rbx; jmp qword ptr [r13+64]; ud2; 2:"
    yield (
        "enter 32, 0; mov [rbp-8], rax; leave; push rbp; mov rbp, rsp; sub rsp, 100; "
        "and rsp, -32; mov [rsp], rcx; mov rsp, rbp; pop rbp"
    )
    yield "pushfq; and qword ptr [rsp], 0xcd5; popfq; push 0x8d5; popfq; push 0; popfq"
    yield "and ecx, 6; inc ecx; 1: inc rdx; loop 1b; jrcxz 2f; inc rdx; 2: jecxz 3f; ud2; 3:"
    yield "mov ecx, 5; 1: inc al; cmp al, 3; loopne 1b; cmp eax, eax; loope 2f; 2:"


def strings() -> Iterator[str]:
    source, target = "lea rsi, [r13+256]", "lea rdi, [r13+512]"
    for letter, size in STRINGS:
        for direction in ("cld", "std"):
            begin = f"{direction}; {source}; {target}"
            for op in words("movs stos lods scas"):
                yield f"{begin}; {op}{letter}; cld"
            for count in (0, 1, 7):
                for op in ("movs", "stos"):
                    yield f"{begin}; mov ecx, {count}; rep {op}{letter}; cld"
                for op in ("repe cmps", "repe scas", "repne scas"):
                    yield f"{begin}; mov ecx, {count}; {op}{letter}; cld"
        # Runs of equal elements, so that a repeat goes on until its count or a difference.
        fill = f"xor eax, eax; {target}; mov ecx, 9; rep stosq; mov byte ptr [r13+512+5*{size}], 4"
        yield f"{fill}; {target}; mov ecx, 8; repe scas{letter}"
        yield f"{fill}; {target}; mov al, 4; mov ecx, 8; repne scas{letter}"
        yield (
            f"{fill}; {target}; {source}; mov ecx, 3; rep movsq; lea rsi, [r13+512]; "
            f"lea rdi, [r13+520]; mov ecx, 8; repe cmps{letter}"
        )


def bit_manipulation() -> Iterator[str]:
    for _, a, b, d, _ in WIDEST:
        r8, r9 = ("r8d", "r9d") if a == "eax" else ("r8", "r9")
        yield f"andn {d}, {a}, {b}; bextr {r8}, {a}, {b}; blsi {d}, {a}"
        yield f"blsi {d}, {b}; blsmsk {d}, {a}; blsr {d}, {a}; blsr {r8}, {b}"
        yield f"xor ebx, ebx; blsi {d}, {'ebx' if a == 'eax' else 'rbx'}"
        yield f"bzhi {d}, {a}, {b}; pdep {r8}, {a}, {b}; pext {r9}, {a}, {b}"
        yield f"mov rdx, rdi; mulx {r8}, {r9}, {a}; rorx {r8}, {a}, 13"
        yield f"sarx {r8}, {a}, {b}; shlx {r9}, {a}, {b}; shrx {d}, {a}, {b}"
        yield f"adcx {a}, {b}; adox {a}, {b}; adcx {d}, {a}; adox {d}, {b}"
    for _, a, b, _, size in WIDER:
        yield f"lzcnt {a}, {b}; tzcnt {a}, {b}; tzcnt {b}, {a}"
        yield f"{TO_BUFFER}; movbe {a}, {size} [r13]; movbe {size} [r13+8], {a}"
