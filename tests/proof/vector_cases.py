# SPDX-License-Identifier: Apache-2.0
"""Cases for SSE, AVX and x87; see `instruction_cases`.

Intel syntax, several instructions separated by semicolons.
"""

from __future__ import annotations

from collections.abc import Iterator

from .instruction_words import words

INTEGER_VECTOR = words("""
paddb paddw paddd paddq psubb psubw psubd psubq paddsb paddsw paddusb paddusw psubsb psubsw
psubusb psubusw pavgb pavgw pmulhw pmulhuw pmullw pmuludq pmaddwd psadbw pminsw pminub pmaxsw
pmaxub pand pandn por pxor pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd packsswb packssdw
packuswb punpckhbw punpckhwd punpckhdq punpckhqdq punpcklbw punpcklwd punpckldq punpcklqdq
pshufb phaddw phaddd phaddsw phsubw phsubd phsubsw pmaddubsw pmulhrsw psignb psignw psignd
pmuldq pmulld pminsb pminuw pminud pminsd pmaxsb pmaxuw pmaxud pmaxsd pcmpeqq pcmpgtq packusdw
""")
UNARY_VECTOR = words("""
pabsb pabsw pabsd pmovsxbw pmovsxbd pmovsxbq pmovsxwd pmovsxwq pmovsxdq pmovzxbw pmovzxbd
pmovzxbq pmovzxwd pmovzxwq pmovzxdq
""")
FLOAT_VECTOR = words("add sub mul div min max")


def vectors() -> Iterator[str]:
    load = (
        "movdqu xmm0, [r15+32]; movdqu xmm1, [r15+64]; vmovdqu ymm2, [r15+32]; "
        "vmovdqu ymm3, [r15+64]"
    )
    yield load
    for op in INTEGER_VECTOR:
        yield (
            f"movdqa xmm4, xmm0; {op} xmm4, xmm1; v{op} ymm5, ymm2, ymm3; "
            f"v{op} xmm6, xmm1, [r15+32]"
        )
    for op in UNARY_VECTOR:
        yield f"{op} xmm4, xmm1; v{op} ymm5, {'ymm' if 'abs' in op else 'xmm'}3; v{op} xmm6, xmm2"
    for op in words("psllw pslld psllq psrlw psrld psrlq psraw psrad"):
        yield (
            f"movdqa xmm4, xmm0; {op} xmm4, 3; v{op} ymm5, ymm2, 9; movd xmm7, ecx; {op} xmm4, xmm7"
        )
        yield f"mov edx, 7; movd xmm7, edx; v{op} ymm6, ymm3, xmm7"
    yield (
        "vpsllvd ymm4, ymm2, ymm3; vpsllvq ymm5, ymm2, ymm3; vpsrlvd ymm6, ymm2, ymm3; "
        "vpsrlvq ymm7, ymm2, ymm3; vpsravd ymm8, ymm2, ymm3"
    )
    yield (
        "pslldq xmm0, 3; psrldq xmm1, 5; vpslldq ymm4, ymm2, 7; vpsrldq ymm5, ymm3, 2; "
        "palignr xmm0, xmm1, 6; vpalignr ymm6, ymm2, ymm3, 9"
    )
    yield (
        "pshufd xmm4, xmm1, 0x1b; pshuflw xmm5, xmm1, 0x4e; pshufhw xmm6, xmm1, 0x93; "
        "vpshufd ymm7, ymm3, 0x39"
    )
    yield (
        "shufps xmm0, xmm1, 0x2d; shufpd xmm0, xmm1, 1; unpcklps xmm0, xmm1; "
        "unpckhps xmm0, xmm1; unpcklpd xmm0, xmm1; unpckhpd xmm0, xmm1"
    )
    yield (
        f"{load}; pblendw xmm0, xmm1, 0x55; blendps xmm0, xmm1, 6; blendpd xmm0, xmm1, 1; "
        "pblendvb xmm1, xmm2, xmm0; blendvps xmm1, xmm3, xmm0; "
        "vpblendvb ymm4, ymm2, ymm3, ymm3; vpblendd ymm5, ymm2, ymm3, 0xa5"
    )
    yield (
        "pinsrb xmm0, eax, 3; pinsrw xmm0, ecx, 6; pinsrd xmm0, eax, 2; pinsrq xmm0, rcx, 1; "
        "pextrb edx, xmm1, 5; pextrw edx, xmm1, 2; pextrd edx, xmm1, 3; pextrq rdx, xmm1, 0; "
        "insertps xmm0, xmm1, 0x4c; extractps edx, xmm1, 2"
    )
    yield (
        "pmovmskb edx, xmm1; vpmovmskb edx, ymm3; movmskps edx, xmm1; movmskpd edx, xmm1; "
        "vmovmskps edx, ymm3; vmovmskpd edx, ymm2"
    )
    yield (
        "ptest xmm0, xmm1; vptest ymm2, ymm3; vptest ymm2, ymm2; vtestps ymm2, ymm3; "
        "vtestpd xmm2, xmm3"
    )
    yield (
        "movd xmm4, eax; movq xmm5, rcx; movq xmm6, xmm1; movd edx, xmm1; movq rdx, xmm0; "
        "movss xmm4, xmm1; movsd xmm5, xmm1; movss xmm6, [r15+36]; movsd xmm7, [r15+40]"
    )
    yield (
        "movaps [r13], xmm1; movups [r13+17], xmm0; vmovdqu [r13+35], ymm2; "
        "vmovaps [r13+64], ymm3; movlps [r13+1], xmm0; movhps [r13+9], xmm1; "
        "movlpd xmm4, [r13]; movhpd xmm4, [r13+8]; movntdq [r13+32], xmm0; lddqu xmm6, [r13+3]"
    )
    yield (
        "movhlps xmm4, xmm1; movlhps xmm5, xmm0; movddup xmm6, xmm1; movshdup xmm7, xmm1; "
        "movsldup xmm8, xmm1; vmovddup ymm9, ymm3"
    )
    yield (
        "vpbroadcastb ymm4, xmm1; vpbroadcastw ymm5, xmm1; vpbroadcastd ymm6, xmm1; "
        "vpbroadcastq ymm7, xmm1; vbroadcastss ymm8, [r15+32]; vbroadcastsd ymm9, [r15+32]; "
        "vbroadcastf128 ymm10, [r15+32]; vbroadcasti128 ymm11, [r15+64]"
    )
    yield (
        "vperm2f128 ymm4, ymm2, ymm3, 0x21; vperm2i128 ymm5, ymm2, ymm3, 0x13; "
        "vpermq ymm6, ymm2, 0x1e; vpermpd ymm7, ymm3, 0xb1; vpermd ymm8, ymm2, ymm3; "
        "vpermilps ymm9, ymm2, 0x1b; vpermilpd ymm10, ymm2, ymm3; "
        "vinserti128 ymm11, ymm2, xmm1, 1; vextracti128 xmm12, ymm3, 1; "
        "vextractf128 [r13], ymm2, 1; vpermps ymm14, ymm2, ymm3"
    )
    yield (
        "vpmaskmovd ymm4, ymm3, [r15+32]; vpmaskmovq [r13], ymm3, ymm2; "
        "vmaskmovps ymm5, ymm2, [r15+64]; vmaskmovpd [r13+32], ymm2, ymm3"
    )
    yield (
        "vpxor xmm4, xmm4, xmm4; vpslld ymm5, ymm2, 26; vpsrld ymm5, ymm5, 26; "
        "vpcmpeqd ymm6, ymm6, ymm6; vpgatherdd ymm7, [r13+ymm5*4], ymm6; vmovdqa ymm6, ymm3; "
        "vpgatherdq ymm8, [r13+xmm5*8], ymm6; vpcmpeqd ymm6, ymm6, ymm6; "
        "vgatherdps ymm9, [r13+ymm5], ymm6"
    )
    yield (
        f"{load}; mpsadbw xmm0, xmm1, 5; phminposuw xmm4, xmm1; "
        "vmpsadbw ymm5, ymm2, ymm3, 0x1a; pclmulqdq xmm0, xmm1, 0x10; aesenc xmm0, xmm1; "
        "aesdec xmm1, xmm0; aesenclast xmm0, xmm1; aesdeclast xmm1, xmm0; aesimc xmm4, xmm1; "
        "aeskeygenassist xmm5, xmm1, 0x1b"
    )
    yield (
        f"{load}; mov edx, 11; pcmpistri xmm0, xmm1, 0x0c; pcmpistrm xmm4, xmm1, 0x44; "
        "mov eax, 9; mov edx, 12; pcmpestri xmm0, xmm1, 0x08; pcmpestrm xmm1, xmm2, 0x40"
    )
    yield "ldmxcsr [r15+288]; stmxcsr [r13+40]; vzeroupper; vpcmpeqb ymm15, ymm15, ymm15; vzeroall"


def floats() -> Iterator[str]:
    # Offsets of two doubles, two vectors of doubles and two of singles in an operand set.
    x, y = "[r15+96]", "[r15+104]"
    load = (
        "vmovupd ymm0, [r15+96]; vmovupd ymm1, [r15+128]; vmovups ymm2, [r15+160]; "
        "vmovups ymm3, [r15+192]"
    )
    yield load
    for op in FLOAT_VECTOR:
        yield (
            f"movapd xmm4, xmm0; {op}sd xmm4, xmm1; {op}pd xmm4, xmm1; "
            f"v{op}pd ymm5, ymm0, ymm1; movaps xmm6, xmm2; {op}ss xmm6, xmm3; "
            f"{op}ps xmm6, xmm3; v{op}ps ymm7, ymm2, ymm3; v{op}sd xmm8, xmm0, xmm1; "
            f"v{op}ss xmm9, xmm2, xmm3"
        )
    for op in words("addsub hadd hsub"):
        yield (
            f"movapd xmm4, xmm0; {op}pd xmm4, xmm1; movaps xmm5, xmm2; {op}ps xmm5, xmm3; "
            f"v{op}pd ymm6, ymm0, ymm1; v{op}ps ymm7, ymm2, ymm3"
        )
    for op in words("and andn or xor"):
        yield f"v{op}ps ymm4, ymm2, ymm3; v{op}pd xmm5, xmm0, xmm1"
    for predicate in range(8):
        yield (
            f"movapd xmm4, xmm0; cmppd xmm4, xmm1, {predicate}; cmpsd xmm4, xmm1, {predicate}; "
            f"vcmpps ymm5, ymm2, ymm3, {predicate + 8}; "
            f"vcmpss xmm6, xmm2, xmm3, {predicate + 16}"
        )
    yield f"sqrtsd xmm4, {x}; vsqrtpd ymm5, ymm0; sqrtps xmm6, xmm2; sqrtss xmm7, xmm3"
    yield (
        f"comisd xmm0, {y}; ucomisd xmm0, xmm0; comiss xmm2, xmm3; ucomiss xmm3, xmm2; "
        "vcomisd xmm1, xmm0; vucomiss xmm2, xmm2"
    )
    yield (
        "cvtsi2sd xmm4, eax; cvtsi2sd xmm5, rcx; cvtsi2ss xmm6, eax; cvtsi2ss xmm7, rcx; "
        "cvtsd2ss xmm8, xmm0; cvtss2sd xmm9, xmm2"
    )
    yield "cvttsd2si eax, xmm0; cvtsd2si rcx, xmm1; cvttss2si edx, xmm2; cvtss2si rdx, xmm3"
    yield (
        "cvtdq2pd xmm4, [r15+32]; cvtdq2ps xmm5, [r15+32]; cvtps2dq xmm6, xmm2; "
        "cvttps2dq xmm7, xmm3; cvtpd2dq xmm8, xmm0; cvttpd2dq xmm9, xmm1; "
        "cvtps2pd xmm10, xmm2; cvtpd2ps xmm11, xmm0; vcvtdq2pd ymm12, [r15+32]; "
        "vcvtps2pd ymm13, xmm3; vcvtpd2ps xmm14, ymm0; vcvttpd2dq xmm15, ymm1"
    )
    for mode in range(4):
        yield (
            f"roundsd xmm4, xmm0, {mode}; roundps xmm5, xmm2, {mode}; "
            f"vroundpd ymm6, ymm1, {mode}; roundss xmm7, xmm3, {mode}"
        )
    yield f"{load}; dpps xmm2, xmm3, 0xf1; dppd xmm0, xmm1, 0x31; vdpps ymm4, ymm2, ymm3, 0x7e"
    for order in ("132", "213", "231"):
        yield (
            f"{load}; vfnmsub{order}ps ymm2, ymm3, ymm2; vfmsub{order}pd ymm1, ymm0, ymm1; "
            f"movq xmm0, xmm0; vfmadd{order}sd xmm0, xmm1, {y}; movss xmm3, [r15+164]; "
            f"vfnmadd{order}ss xmm3, xmm2, xmm3"
        )
    yield f"{load}; vcvtps2ph xmm4, ymm2, 0; vcvtph2ps ymm5, xmm4"


def x87() -> Iterator[str]:
    """With the precision control at 53 bits, as Valgrind computes."""
    for case in x87_cases():
        yield f"fninit; mov word ptr [r13+1000], 0x27f; fldcw [r13+1000]; {case}"


def x87_cases() -> Iterator[str]:
    x, y = "qword ptr [r15+96]", "qword ptr [r15+104]"
    for op in words("fadd fsub fsubr fmul fdiv fdivr"):
        yield (
            f"fld {x}; fld {y}; {op} st, st(1); {op}p st(1), st; {op} {x}; "
            f"{op} dword ptr [r15+160]; fstp qword ptr [r13]"
        )
        yield (
            f"fld {x}; fi{op[1:]} word ptr [r15+280]; fi{op[1:]} dword ptr [r15+284]; "
            "fstp dword ptr [r13]"
        )
    yield (
        "fldz; fld1; fldpi; fldl2e; fldl2t; fldlg2; fldln2; fxch st(3); fincstp; ffree st(2); finit"
    )
    yield (
        f"fld {x}; fabs; fchs; fld st(0); fsqrt; fxch; fabs; fsqrt; frndint; fstp st(1); "
        "fstp qword ptr [r13+8]"
    )
    yield (
        "fild word ptr [r15+280]; fild dword ptr [r15+284]; movsxd rdi, edi; mov [r13], rdi; "
        "fild qword ptr [r13]; fistp qword ptr [r13]; fist dword ptr [r13+8]; "
        "fisttp dword ptr [r13+12]; fistp word ptr [r13+16]; mov rdx, [r13]"
    )
    for mode in (0x27F, 0x67F, 0xA7F, 0xE7F):
        yield (
            f"mov word ptr [r13], {mode}; fldcw [r13]; fld {x}; fld st(0); frndint; "
            "fistp dword ptr [r13+4]; fstp dword ptr [r13+8]; fninit"
        )
    yield (
        f"fld {x}; fld {y}; fcomi st, st(1); fucomi st, st(1); fcomip st, st(1); fstp st(0); "
        f"fld {y}; fld {x}; fucomip st, st(1); fstp st(0)"
    )
    yield (
        f"fnclex; fld {x}; fld {y}; fcom st(1); fnstsw ax; fucompp; fnstsw ax; fld {x}; "
        f"fcomp {y}; fnstsw ax; fldz; fld {x}; fxam; fnstsw ax; fstp st(0); fstp st(0)"
    )
    for condition in words("b e be u nb ne nbe nu"):
        yield f"fld {x}; fld {y}; cmp rax, rcx; fcmov{condition} st, st(1); fstp st(0); fstp st(0)"
    yield (
        f"fld {x}; fstp tbyte ptr [r13]; fld tbyte ptr [r13]; fstp qword ptr [r13+16]; "
        "mov rdx, [r13+16]"
    )
    yield (
        f"fild word ptr [r15+280]; fld {x}; fscale; fstp st(1); fstp st(0); fld {y}; fld {x}; "
        "fabs; fprem; fstp st(1); fstp st(0)"
    )
    yield (
        f"fld {x}; fsin; fld {y}; fcos; fpatan; fstp st(0); fld {x}; fabs; fld1; faddp; fldln2; "
        "fxch; fyl2x; fstp st(0)"
    )
