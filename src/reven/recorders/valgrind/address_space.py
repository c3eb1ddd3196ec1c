# SPDX-License-Identifier: Apache-2.0
"""Give recorded programs the address space that the processor has.

Valgrind divides the first 128 GiB between the program and itself, so that a mapping of
64 GiB fails. Where they end is no option of it: it stands in the code of its address space
manager (`VG_(am_startup)`), as the operand of three instructions, and is changed there once
the recorder is linked.
"""

from __future__ import annotations

import re
from pathlib import Path

_LAST_ADDRESS = (1 << 37) - 1
_NEW_LAST_ADDRESS = (0x7F << 40) - 1  # above it, the kernel puts what it maps by itself
_STACK_BELOW = (16 << 20) - 4096  # where the program's stack ends, below the last address

_MOVE_IMMEDIATE = rb"\x48[\xb8-\xbf]"  # movabs of 64 bits to one of the first eight registers
_STEPS = (
    (_LAST_ADDRESS, _NEW_LAST_ADDRESS, 1),
    (_LAST_ADDRESS - _STACK_BELOW, _NEW_LAST_ADDRESS - _STACK_BELOW, 2),
)


def widen_address_space(recorder: Path) -> bool:
    """Change the linked recorder in place; False, and nothing changed, if its Valgrind is
    not built as is known. Raises OSError."""
    code = recorder.read_bytes()
    for old, new, count in _STEPS:
        code, found = re.subn(
            b"(" + _MOVE_IMMEDIATE + b")" + re.escape(old.to_bytes(8, "little")),
            rb"\g<1>" + new.to_bytes(8, "little").replace(b"\\", b"\\\\"),
            code,
        )
        if found != count:
            return False
    recorder.write_bytes(code)
    return True
