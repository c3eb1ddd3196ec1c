# SPDX-License-Identifier: Apache-2.0
"""Strings that the trace accesses."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reven2._service.declared import query


class StringPage(msgspec.Struct, frozen=True):
    """Strings by ascending id; columns of the same length, and each one's text. `size` is
    that in memory, in bytes; accesses are transitions. `next`: id to go on with, None at
    the end."""

    id: bytes  # u64
    address: bytes  # u64
    size: bytes  # u32
    is_utf16: bytes  # u8
    first_access: bytes  # u64
    last_access: bytes  # u64
    text: list[str]
    next: int | None


class StringService(Protocol):
    """Queries on the strings that the trace accesses."""

    @query(scans=True)
    def strings(self, pattern: str, *, first: int, limit: int) -> StringPage:
        """Those that contain the pattern as it is, ids from `first` on."""
