# SPDX-License-Identifier: Apache-2.0
"""The machine: x86-64 registers as Python objects, by register file.

`x64` general, segment and flag registers; `sse2` vectors; `x87` floating point;
`msr` model-specific registers; `helpers` to iterate over them.
"""

from __future__ import annotations

from reven2.arch import helpers, msr, register, sse2, x64, x87

__all__ = ["helpers", "msr", "register", "sse2", "x64", "x87"]
