# SPDX-License-Identifier: Apache-2.0
"""Instructions as text and as operands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.trace.disassembly import disassemble, operands
from reven2._service import Disassembly, OperandData

ADDRESS = 0x400000


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("c3", "ret "),
        ("9d", "popfq "),
        ("52", "push rdx"),
        ("4c89742440", "mov qword ptr ss:[rsp+0x40], r14"),
        ("838c249000000002", "or dword ptr ss:[rsp+0x90], 0x2"),
        ("8948fc", "mov dword ptr ds:[rax-0x4], ecx"),
        ("48891d717defe7", "mov qword ptr ds:[rip-0x1810828f], rbx"),
        ("48a314000000000080f7", "mov qword ptr ds:[0xf780000000000014], rax"),
        ("64488b042528000000", "mov rax, qword ptr fs:[0x28]"),
        ("8b0485ffffff00", "mov eax, dword ptr ds:[rax*4+0xffffff]"),
        ("488b44c8f8", "mov rax, qword ptr ds:[rax+rcx*8-0x8]"),
        ("488d45f8", "lea rax, [rbp-0x8]"),
        ("8b4500", "mov eax, dword ptr ss:[rbp]"),
        ("f3a4", "rep movsb byte ptr es:[rdi], byte ptr ds:[rsi]"),
        ("f2ae", "repne scasb al, byte ptr es:[rdi]"),
        ("f20f1007", "movsd xmm0, qword ptr ds:[rdi]"),
        ("f00fb10f", "lock cmpxchg dword ptr ds:[rdi], ecx"),
        ("d8c1", "fadd st(1)"),
        ("4883ecff", "sub rsp, -0x1"),
        ("e800010000", "call 0x400105 ($+0x105)"),
        ("ebfe", "jmp 0x400000 ($+0x0)"),
        ("75f0", "jne 0x3ffff2 ($-0xe)"),
        ("ffe0", "jmp rax"),
        ("ff2500000000", "jmp qword ptr ds:[rip]"),
        ("06", "db 0x6"),
    ],
)
def test_text(code: str, text: str) -> None:
    [found] = disassemble([(ADDRESS, bytes.fromhex(code))])
    assert f"{found.mnemonic} {found.operands}" == text


def test_branches_wrap_around_the_end_of_memory() -> None:
    [found] = disassemble([((1 << 64) - 2, b"\xeb\x02")])
    assert found == Disassembly("jmp", "0x2 ($+0x4)")


def test_operands() -> None:
    assert operands(ADDRESS, bytes.fromhex("4c89742440")) == [
        OperandData("memory", 8, False, True, segment="ss", base="rsp", displacement=0x40),
        OperandData("register", 8, True, False, register="r14"),
    ]
    assert operands(ADDRESS, bytes.fromhex("e800010000")) == [
        OperandData("immediate", 8, True, False, immediate=0x400105)
    ]
    assert operands(ADDRESS, b"\x06") == []


@given(st.binary(min_size=1, max_size=15), st.integers(0, (1 << 64) - 16))
def test_any_bytes_give_a_text_and_operands(code: bytes, address: int) -> None:
    [found] = disassemble([(address, code)])
    assert found.mnemonic
    operands(address, code)
