# SPDX-License-Identifier: Apache-2.0
"""What a binary's DWARF debug information says of its types, variables and functions.

DWARF 2 to 5. The native engine finds where things are (`reven._engine.DebugIndex`), pyelftools
reads those that are asked for.
"""

from __future__ import annotations

from reven.ossi.linux.dwarf.debug_info import DebugInfo, read_debug_info

__all__ = ["DebugInfo", "read_debug_info"]
