# SPDX-License-Identifier: Apache-2.0
"""Functions that were inlined, as frames of the source.

Source: DWARF 5, §3.3.8 "Inlinable and Inlined Subroutines".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven.source.debug_information import BinaryDebug
from reven2._service.source import SourceFrameData

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE

__all__ = ["source_frames"]


def source_frames(debug: BinaryDebug, rva: int) -> list[SourceFrameData]:
    """The functions of the source that the instruction at an offset of a binary belongs to, the
    innermost first. Holders of the lock of `debug` only."""
    if debug.source is None or debug.image is None:
        return []
    info, lines = debug.source.info, debug.image.line_table
    at = lines.statement_at(rva) if lines else None
    file, line, column = (at.file, at.line, at.column) if at else ("", 0, 0)
    found = []
    for die in debug.source.scopes.functions_at(rva + debug.image_vaddr):
        is_inlined = die.tag == "DW_TAG_inlined_subroutine"
        found.append(
            SourceFrameData(
                info.qualified_name(die), info.linkage_name(die), file, line, column, is_inlined
            )
        )
        if is_inlined:
            number, line, column = (
                _number(die, f"DW_AT_call_{what}") for what in ("file", "line", "column")
            )
            file = lines.file_name(die.cu.cu_offset, number) if lines else ""
    return found


def _number(die: DIE, attribute: str) -> int:
    found = die.attributes.get(attribute)
    return found.value if found is not None and isinstance(found.value, int) else 0
