# SPDX-License-Identifier: Apache-2.0
"""Model-specific registers. fs_base and gs_base are recorded; reading kernel_gs_base raises
RegisterReadError, since no user program can see it."""

from __future__ import annotations

from reven2.arch.register import Category, stored, unrecorded

fs_base = stored("fs_base", 192, 64, Category.ModelSpecific, number=0xC000_0100)
gs_base = stored("gs_base", 200, 64, Category.ModelSpecific, number=0xC000_0101)
kernel_gs_base = unrecorded("kernel_gs_base", 64, Category.ModelSpecific, number=0xC000_0102)
