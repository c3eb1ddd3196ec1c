# SPDX-License-Identifier: Apache-2.0
"""Which flags an instruction writes and which it leaves undefined.

Source: "Flags Affected" of each instruction in the Intel 64 and IA-32 Architectures
Software Developer's Manual, volume 2. Only instructions that leave flags undefined are
listed, and those that define flags again; any other must agree in all flags.
"""

from __future__ import annotations

from collections.abc import Iterable

from .instruction_words import words

C, P, A, Z, S, D, O = 1, 4, 0x10, 0x40, 0x80, 0x400, 0x800  # noqa: E741
ARITHMETIC = C | P | A | Z | S | O
COMPARED = ARITHMETIC | D | 1 << 1 | 1 << 9

_ALL = words(
    """add sub cmp adc sbb neg xadd cmpxchg popcnt comisd comiss ucomisd ucomiss vcomisd
vcomiss vucomisd vucomiss ptest vptest vtestps vtestpd pcmpestri pcmpestrm pcmpistri
pcmpistrm popfq cmpsb cmpsw cmpsd cmpsq scasb scasw scasd scasq"""
)

# mnemonic: (written, undefined)
_FLAGS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(_ALL, (ARITHMETIC, 0)),
    **dict.fromkeys(("inc", "dec"), (ARITHMETIC & ~C, 0)),
    **dict.fromkeys(("and", "or", "xor", "test"), (ARITHMETIC & ~A, A)),
    **dict.fromkeys(("mul", "imul"), (C | O, S | Z | A | P)),
    **dict.fromkeys(("div", "idiv"), (0, ARITHMETIC)),
    **dict.fromkeys(("bt", "bts", "btr", "btc"), (C, O | S | A | P)),
    **dict.fromkeys(("bsf", "bsr"), (Z, C | O | S | A | P)),
    **dict.fromkeys(("lzcnt", "tzcnt"), (C | Z, O | S | A | P)),
    **dict.fromkeys(("andn", "blsi", "blsr", "blsmsk", "bzhi"), (C | Z | S | O, A | P)),
    "bextr": (C | Z | O, A | S | P),
    **dict.fromkeys(("fcomi", "fcompi", "fcomip", "fucomi", "fucompi", "fucomip"), (Z | P | C, 0)),
    "sahf": (ARITHMETIC & ~O, 0),
    **dict.fromkeys(("clc", "stc", "cmc", "adcx"), (C, 0)),
    "adox": (O, 0),
    **dict.fromkeys(("cmpxchg8b", "cmpxchg16b"), (Z, 0)),
}
_SHIFTS = frozenset(("shl", "sal", "shr", "sar", "shld", "shrd"))
_ROTATES = frozenset(("rol", "ror", "rcl", "rcr"))


def is_shift(mnemonic: str) -> bool:
    """The flags after it depend on its count."""
    return mnemonic in _SHIFTS or mnemonic in _ROTATES


def flags_of(mnemonics: Iterable[str]) -> tuple[int, int]:
    """Flags written, and left undefined, by an instruction, given with its prefixes."""
    for mnemonic in mnemonics:
        if mnemonic in _FLAGS:
            return _FLAGS[mnemonic]
    return 0, 0


def flags_of_shift(mnemonic: str, bits: int, count: int) -> tuple[int, int]:
    """The same for a shift or rotation by `count` (not yet masked) of `bits` bits."""
    count &= 63 if bits == 64 else 31
    if count == 0:
        return 0, 0
    overflow = (O, 0) if count == 1 else (0, O)
    if mnemonic in _ROTATES:
        # A rotation by a multiple of the width still writes CF.
        return C | overflow[0], overflow[1]
    # CF is undefined for SHL and SHR by at least the width.
    carry = (0, C) if count >= bits and mnemonic != "sar" else (C, 0)
    return overflow[0] | carry[0] | S | Z | P, overflow[1] | carry[1] | A
