# SPDX-License-Identifier: Apache-2.0
"""Strategies for straight lines of random instructions.

Registers, sizes, memory operands and immediates are drawn; what the architecture leaves
undefined is never read: flags are defined again before they are consumed. Left out is what
docs/reference/limits.md names as executed otherwise. r13 and r15 keep the address of the
buffer, rsp that of the stack below it.
"""

from __future__ import annotations

from hypothesis import strategies as st

from .instruction_cases import BUFFER, REGION_SIZE
from .instruction_words import words
from .vector_cases import INTEGER_VECTOR, UNARY_VECTOR

_NAMES = {
    64: words("rax rcx rdx rbx rbp rsi rdi r8 r9 r10 r11 r12"),
    32: words("eax ecx edx ebx ebp esi edi r8d r9d r10d r11d r12d"),
    16: words("ax cx dx bx bp si di r8w r9w r10w r11w r12w"),
    8: words("al cl dl bl bpl sil dil r8b r9b r10b r11b r12b"),
}
_SIZES = {8: "byte", 16: "word", 32: "dword", 64: "qword", 128: "xmmword", 256: "ymmword"}
_DEFINED = "cmp r9, r10"  # before what reads flags
_CONDITIONS = words("o no b ae e ne be a s ns p np l ge le g")
SPAN = 512  # of the buffer's bytes on each side that memory operands reach


def _register(bits: int) -> st.SearchStrategy[str]:
    return st.sampled_from(_NAMES[bits])


def _memory(bits: int, aligned: bool = False) -> st.SearchStrategy[str]:
    offsets = st.integers(-SPAN, SPAN - 40)
    if aligned:
        offsets = offsets.map(lambda offset: offset & -32)
    return st.builds(
        "{} ptr [{}{:+}]".format, st.just(_SIZES[bits]), st.sampled_from(["r13", "r15"]), offsets
    )


def _immediate(bits: int) -> st.SearchStrategy[str]:
    width = min(bits, 32)
    low = -(1 << width - 1)
    return st.one_of(st.sampled_from([0, 1, -1, low, -low - 1]), st.integers(low, -low - 1)).map(
        str
    )


def _operands(bits: int) -> st.SearchStrategy[str]:
    register, memory = _register(bits), _memory(bits)
    return st.one_of(
        st.builds("{}, {}".format, register, st.one_of(register, memory, _immediate(bits))),
        st.builds("{}, {}".format, memory, st.one_of(register, _immediate(bits))),
    )


_BITS = st.sampled_from([8, 16, 32, 64])
_WIDE = st.sampled_from([32, 64])
_XMM = st.integers(0, 15).map("xmm{}".format)
_YMM = st.integers(0, 15).map("ymm{}".format)


def _line(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(form.format, *parts)


def _each(names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words(names))


_ARITHMETIC = _BITS.flatmap(
    lambda b: st.one_of(
        _line("{} {}", _each("add sub and or xor cmp mov"), _operands(b)),
        _line(_DEFINED + "; {} {}", _each("adc sbb"), _operands(b)),
        _line("test {}, {}", _register(b), _register(b)),
        _line("{} {}", _each("inc dec neg not"), st.one_of(_register(b), _memory(b))),
        _line("lock {} {}, {}", _each("add or xor and sub"), _memory(b), _register(b)),
        _line("{} {}, {}", _each("xadd"), st.one_of(_register(b), _memory(b)), _register(b)),
        _line("xchg {}, {}", _memory(b), _register(b)),
        _line("{} {}, {}", _each("shl shr sar rol ror"), st.one_of(_register(b), _memory(b)),
              st.integers(1, b - 1).map(str)),
        _line("{} {}, cl", _each("shl shr sar rol ror"), _register(b)),
        _line(_DEFINED + "; {} {}, {}", _each("rcl rcr"), _register(b),
              st.integers(1, b - 1).map(str)),
        _line("{} {}", _each("mul imul"), st.one_of(_register(b), _memory(b))),
        _line(_DEFINED + "; set{} {}", st.sampled_from(_CONDITIONS),
              st.one_of(_register(8), _memory(8))),
    )
)  # fmt: skip
_WIDER = _WIDE.flatmap(
    lambda b: st.one_of(
        _line("imul {}, {}", _register(b), st.one_of(_register(b), _memory(b))),
        _line("imul {}, {}, {}", _register(b), _memory(b), _immediate(b)),
        _line("{} {}, {}, {}", _each("shld shrd"), st.one_of(_register(b), _memory(b)),
              _register(b), st.integers(1, b - 1).map(str)),
        _line(_DEFINED + "; cmov{} {}, {}", st.sampled_from(_CONDITIONS), _register(b),
              st.one_of(_register(b), _memory(b))),
        _line("{} {}, {}", _each("popcnt lzcnt tzcnt"), _register(b),
              st.one_of(_register(b), _memory(b))),
        _line("{} {}, {}, {}", _each("andn pdep pext mulx"), _register(b), _register(b),
              st.one_of(_register(b), _memory(b))),
        _line("{} {}, {}", _each("blsi blsr blsmsk"), _register(b), _memory(b)),
        _line("{} {}, {}, {}", _each("bextr bzhi sarx shlx shrx"), _register(b), _memory(b),
              _register(b)),
        _line("rorx {}, {}, {}", _register(b), _memory(b), st.integers(0, b - 1).map(str)),
        _line(_DEFINED + "; {} {}, {}", _each("adcx adox"), _register(b), _memory(b)),
        _line("movbe {}, {}", _register(b), _memory(b)),
        _line("bswap {}", _register(b)),
        _line("bt {}, {}", _memory(b), st.integers(0, b - 1).map(str)),
        _line("{} {}, {}", _each("bts btr btc"), _memory(b), st.integers(0, b - 1).map(str)),
        _line("{} {}, {}", _each("movzx movsx"), _register(b),
              st.one_of(_register(8), _memory(16))),
        _line("lea {}, [{}+{}*4+{}]", _register(b), _register(64), _register(64),
              st.integers(-9999, 9999).map(str)),
    )
)  # fmt: skip
_OTHER = st.one_of(
    _each("cdq cqo cwd cbw cwde cdqe clc stc cmc"),
    _line(_DEFINED + "; lahf"),
    _line("push {}; pop {}", _register(64), _register(64)),
    _line("push {}; pop {}", _memory(64), _memory(64)),
    _line("xor edx, edx; or {0}, 1; div {0}", st.sampled_from(["ecx", "r8d", "ebx"])),
    _line("cdq; or {0}, 1; shr {0}, 1; or {0}, 1; sar eax, 1; sar edx, 1; idiv {0}",
          st.sampled_from(["r9d", "ebx"])),
    _line(_DEFINED + "; j{} 1f; {}; 1:", st.sampled_from(_CONDITIONS),
          _line("add {}, {}", _register(64), _memory(64))),
    _line("movsxd {}, {}", _register(64), _register(32)),
    _line("{} {}, {}", _each("crc32"), _register(64), _memory(64)),
    _line("mov rbx, {0}; mov rax, {0}; lock cmpxchg {0}, {1}", _memory(64), _register(64)),
    st.just("lock cmpxchg16b [r13-64]"),
)  # fmt: skip
_STRINGS = st.builds(
    "{}lea rsi, [r13{:+}]; lea rdi, [r15{:+}]; mov ecx, {}; {}; cld".format,
    _each("cld; std;").map(lambda word: word.strip(";") + "; "),
    st.integers(-200, 200),
    st.integers(-200, 200),
    st.integers(0, 20),
    st.one_of(
        _line("rep {}", _each("movsb movsw movsd movsq stosb stosw stosd stosq")),
        _line("{} {}", _each("repe repne"), _each("scasb scasw scasd scasq")),
        _line("repe {}", _each("cmpsb cmpsw cmpsd cmpsq")),
        _each("movsb movsq stosb stosq lodsb lodsw lodsq scasb scasq"),
    ),
)
_INTEGERS = st.one_of(
    _line("{} {}, {}", st.sampled_from(INTEGER_VECTOR), _XMM, st.one_of(_XMM, _memory(128, True))),
    _line("v{} {}, {}, {}", st.sampled_from(INTEGER_VECTOR), _YMM, _YMM,
          st.one_of(_YMM, _memory(256))),
    _line("v{} {}, {}, {}", st.sampled_from(INTEGER_VECTOR), _XMM, _XMM,
          st.one_of(_XMM, _memory(128))),
    _line("{} {}, {}", st.sampled_from(UNARY_VECTOR), _XMM, _XMM),
    _line("{} {}, {}", _each("psllw pslld psllq psrlw psrld psrlq psraw psrad pslldq psrldq"),
          _XMM, st.integers(0, 70).map(str)),
    _line("v{} {}, {}, {}", _each("psllvd psllvq psrlvd psrlvq psravd"), _YMM, _YMM, _YMM),
    _line("{} {}, {}, {}", _each("pshufd pshuflw pshufhw vpermq vpermpd"), st.just("ymm1"),
          st.just("ymm2"), st.integers(0, 255).map(str)).map(
              lambda line: line if line.startswith("vperm") else line.replace("ymm", "xmm")),
    _line("vpermd {}, {}, {}", _YMM, _YMM, _memory(256)),
    _line("{} {}, {}, {}", _each("palignr pblendw pclmulqdq pcmpestri pcmpistri").filter(
        lambda name: not name.startswith("pcmp")), _XMM, _XMM, st.integers(0, 17).map(str)),
    _line("vperm2i128 {}, {}, {}, {}", _YMM, _YMM, _YMM, st.integers(0, 255).map(str)),
    _line("vinserti128 {}, {}, {}, {}", _YMM, _YMM, _XMM, _each("0 1")),
    _line("vextracti128 {}, {}, {}", _memory(128), _YMM, _each("0 1")),
    _line("pinsr{}", st.sampled_from(["b xmm3, r8d, 5", "w xmm4, r9d, 3", "d xmm5, r10d, 2",
                                      "q xmm6, r11, 1"])),
    _line("pextr{}", st.sampled_from(["b r8d, xmm3, 5", "w r9d, xmm4, 3", "d r10d, xmm5, 2",
                                      "q r11, xmm6, 1"])),
    _line("{} {}, {}", _each("pmovmskb movmskps movmskpd"), _register(32), _XMM),
    _line("{} {}, {}", _each("movdqu vmovdqu movups vlddqu"), _XMM, _memory(128)),
    _line("{} {}, {}", _each("movdqu vmovdqu movupd"), _memory(128), _XMM),
    _line("vmovdqu {}, {}", _YMM, _memory(256)),
    _line("vmovdqu {}, {}", _memory(256), _YMM),
    _line("{} {}, {}", _each("movd"), _XMM, _register(32)),
    _line("{} {}, {}", _each("movq"), _register(64), _XMM),
    _line("{} {}, {}", _each("aesenc aesdec aesenclast aesdeclast aesimc"), _XMM, _XMM),
    _line("vpmaskmov{} {}, {}, {}", _each("d q"), _YMM, _YMM, _memory(256)),
    _line("vpblendvb {}, {}, {}, {}", _YMM, _YMM, _YMM, _YMM),
    _line("vpbroadcast{}", st.sampled_from(["b ymm3, xmm2", "w ymm4, xmm5", "d ymm6, xmm7",
                                            "q ymm8, xmm1"])),
    _line("{} {}, {}", _each("ptest"), _XMM, _XMM),
)  # fmt: skip
# Numbers are made from integers of 32 bits: a NaN's bits depend on the order of operands,
# which compilers and Valgrind may choose.
_NUMBERS = "cvtdq2pd xmm1, {0}; cvtdq2pd xmm2, {1}; cvtdq2ps xmm3, {0}; cvtdq2ps xmm4, {1}; "
_FLOATS = st.builds(
    (_NUMBERS + "{2}").format,
    _XMM,
    _XMM,
    st.one_of(
        _line("{}{} xmm5, xmm5; {}{} xmm1, xmm2", _each("xor"), _each("pd"),
              _each("add sub mul min max"), _each("sd pd")),
        _line("{}{} xmm3, xmm4", _each("add sub mul min max"), _each("ss ps")),
        _line("v{}{} xmm6, xmm1, xmm2", _each("add sub mul min max"), _each("sd pd")),
        _line("sqrt{}", st.sampled_from(["sd xmm7, xmm1", "pd xmm7, xmm2", "ps xmm8, xmm3"])).map(
            lambda line: "pand xmm1, xmm1; andnpd xmm9, xmm1; mulpd xmm1, xmm1; mulpd xmm2, xmm2; "
            "mulps xmm3, xmm3; " + line),
        _line("{} {}, {}", _each("cvtsd2si cvttsd2si"), _register(64), st.just("xmm1")),
        _line("{} {}, {}", _each("cvtss2si cvttss2si"), _register(32), st.just("xmm3")),
        _line("{}", _each("cvtsd2ss cvtss2sd cvtpd2ps cvtps2pd cvtpd2dq cvttps2dq cvtps2dq")).map(
            lambda name: f"{name} xmm10, {'xmm1' if name[3:5] in ('sd', 'pd') else 'xmm3'}"),
        _line("cmp{}{} xmm1, xmm2", _each("eq lt le unord neq nlt nle ord"), _each("sd pd")),
        _line("{} xmm1, xmm2", _each("comisd ucomisd")),
        _line("{} xmm1, xmm2, {}", _each("shufpd blendpd roundsd roundpd").filter(
            lambda name: True), st.integers(0, 3).map(str)),
        _line("{} xmm1, xmm2", _each("haddpd hsubpd addsubpd unpcklpd unpckhpd")),
    ),
)  # fmt: skip

INSTRUCTION = st.one_of(
    _ARITHMETIC, _ARITHMETIC, _WIDER, _OTHER, _STRINGS, _INTEGERS, _INTEGERS, _FLOATS
)
PROGRAM = st.lists(INSTRUCTION, min_size=20, max_size=120)


def assembly(instructions: list[str], seed: int) -> str:
    """A program that runs them twice, on registers and memory filled from `seed`."""
    filled = ", ".join(
        hex((seed + 1) * 6364136223846793005 * (index * index + 7) & (1 << 64) - 1)
        for index in range(16 + 2 * SPAN // 8)
    )
    body = "\n".join(instructions)
    return f"""
        .intel_syntax noprefix
        .globl _start, measured, region
        .comm region, {REGION_SIZE}, 64
        .text
_start: lea rsi, [rip+filled+128]
        lea rdi, [rip+region+{BUFFER - SPAN}]
        mov ecx, {2 * SPAN}
        cld
        rep movsb
        lea rsp, [rip+region+{BUFFER // 2}]
        lea r13, [rip+region+{BUFFER}]
        mov r15, r13
        {"; ".join(f"vmovdqu ymm{n}, [r13{32 * n - SPAN:+}]" for n in range(16))}
        {"; ".join(f"mov {name}, [rip+filled+{8 * n}]" for n, name in enumerate(_NAMES[64]))}
        mov r14d, 2
        cmp eax, eax
measured:
{body}
        dec r14d
        jne measured
        mov eax, 60
        xor edi, edi
        syscall
        .data
filled: .quad {filled}
        .section .note.GNU-stack, "", @progbits
"""
