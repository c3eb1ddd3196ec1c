# SPDX-License-Identifier: Apache-2.0
"""Instructions as what is painted: coloured words, and the registers they are about."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

from reven.trace.disassembly import disassemble, operands
from reven2._service import OperandData
from reven2.arch.register import Category, Register

__all__ = ["Text", "TokenKind", "is_branch", "text"]

TokenKind = Literal[
    "mnemonic", "register", "number", "address", "symbol", "segment", "keyword", "text"
]

_WORD = re.compile(
    r"(?P<segment>\b[cdefgs]s(?=:))|(?P<number>-?\b0x[0-9a-f]+\b|\b\d+\b)"
    r"|(?P<keyword>\b(?:byte|word|dword|qword|xword|xmmword|ymmword|tbyte|ptr)\b)"
    r"|(?P<word>[a-z][a-z0-9]*)|(?P<text>[^\w]+|\w)"
)
# What goes without saying: segments whose base is 0, and how far a branch goes.
_LEFT_OUT = re.compile(r" ptr\b|\b[cdes]s:(?=\[)| \(\$[+-]0x[0-9a-f]+\)$")
_ENDS_BLOCK = re.compile(
    r"^(?:bnd |notrack |rep\w* )*(?:j\w+|call|ret\w*|loop\w*|syscall|hlt|ud2)$"
)
_CONDITIONAL = re.compile(r"^(?:bnd |notrack )*(?:j(?!mp)\w+|loop\w*)$")
_SHOWN_CATEGORIES = (Category.General, Category.Vector)
_TEXTS_KEPT = 1 << 16


class Text(msgspec.Struct, frozen=True):
    """An instruction in words (kind, text). `reads`: registers named in its operands whose
    value it takes, but for those that tell where it accesses memory; `writes`: those it
    gives a new one. `destination`: of a direct branch."""

    tokens: tuple[tuple[TokenKind, str], ...]
    destination: int | None
    ends_block: bool
    is_conditional: bool
    reads: tuple[Register, ...]
    writes: tuple[Register, ...]


@lru_cache(_TEXTS_KEPT)
def text(address: int, code: bytes) -> Text:
    """The words of an instruction."""
    (line,) = disassemble([(address, code)])
    found = operands(address, code)
    reads = [name for operand in found for name in _read_by(operand)]
    writes = [operand.register for operand in found if operand.is_written and operand.register]
    direct = is_branch(line.mnemonic) and found and found[0].kind == "immediate"
    return Text(
        (("mnemonic", line.mnemonic), *_words(line.operands, is_branch(line.mnemonic))),
        found[0].immediate if direct else None,
        bool(_ENDS_BLOCK.match(line.mnemonic)),
        bool(_CONDITIONAL.match(line.mnemonic)),
        _registers(reads),
        _registers(writes),
    )


def is_branch(mnemonic: str) -> bool:
    """Whether the operand of an instruction is where it goes on."""
    word = mnemonic.rpartition(" ")[2]
    return word.startswith(("j", "loop")) or word in {"call", "xbegin"}


def _words(operands: str, branch: bool) -> list[tuple[TokenKind, str]]:
    words: list[tuple[TokenKind, str]] = []
    for match in _WORD.finditer(_LEFT_OUT.sub("", operands)):
        word = match[0]
        kind: TokenKind
        if match["segment"]:
            kind = "segment"
        elif match["number"]:
            kind = "address" if branch and not words else "number"
        elif match["keyword"]:
            kind = "keyword"
        elif match["word"] and word in Register._by_name:
            kind = "register"
        else:
            kind = "text"
        if words and kind == "text" == words[-1][0]:
            words[-1] = ("text", words[-1][1] + word)
        else:
            words.append((kind, word))
    return words


def _read_by(operand: OperandData) -> list[str]:
    if operand.kind == "register":
        return [operand.register] if operand.is_read else []
    # Where memory is accessed, the access itself says at which address.
    if operand.is_read or operand.is_written:
        return []
    return [name for name in (operand.base, operand.index) if name]


def _registers(names: list[str]) -> tuple[Register, ...]:
    known = [Register._by_name.get(name) for name in dict.fromkeys(names)]
    return tuple(
        register
        for register in known
        if register is not None and register.category in _SHOWN_CATEGORIES and register.is_recorded
    )
