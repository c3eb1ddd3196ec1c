# SPDX-License-Identifier: Apache-2.0
"""The contents of a section of debug information."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from elftools.dwarf.dwarfinfo import DebugSectionDescriptor


def section_bytes(section: DebugSectionDescriptor | None) -> bytes:
    """Its bytes, uncompressed; none of a section that is not there."""
    return cast("BytesIO", section.stream).getvalue() if section else b""
