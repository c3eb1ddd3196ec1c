# SPDX-License-Identifier: Apache-2.0
"""Searches: bytes in memory, instructions by their text, values."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reven2._service.core import TransitionIds
from reven2._service.declared import query


class AddressPage(msgspec.Struct, frozen=True):
    """Addresses, ascending; `next`: the first one to go on with, None at the end."""

    address: bytes  # u64
    next: int | None


class CreatedPage(msgspec.Struct, frozen=True):
    """Occurrences by the transition that brought each about. `is_mapping`: as contents of a
    new mapping, which is no access. `next` as in `AccessPage`."""

    transition: bytes  # u64
    address: bytes  # u64
    is_mapping: bytes  # u8
    next: int | None


class ValuePage(msgspec.Struct, frozen=True):
    """Where a value occurs. `register`: 0 … 15 the general ones in encoding order, 16 … 31 the
    vector ones, 255 for a memory access, to which the other columns belong. `next` as in
    `AccessPage`."""

    transition: bytes  # u64
    register: bytes  # u8
    address: bytes  # u64
    size: bytes  # u32
    is_write: bytes  # u8
    next: int | None


class SearchService(Protocol):
    """Searches over memory, code and values."""

    @query(scans=True)
    def find_in_memory(
        self, pattern: bytes, context: int, address: int, size: int, *, limit: int
    ) -> AddressPage:
        """Occurrences inside [address, address+size) at one context."""

    @query(scans=True)
    def standing_matches(
        self, pattern: bytes, context: int, stop: int, *, first: int, limit: int
    ) -> AddressPage:
        """Occurrences at a context, from an address on, near which transitions of
        [context, stop) access memory."""

    @query(scans=True)
    def created_matches(self, pattern: bytes, start: int, stop: int, *, limit: int) -> CreatedPage:
        """Occurrences that transitions of [start, stop) bring about; a few more than `limit`,
        for those of a transition stay together."""

    @query(scans=True)
    def find_instructions(
        self, pattern: str, start: int, stop: int, *, forward: bool, limit: int
    ) -> TransitionIds:
        """Executions of the instructions in whose text the regular expression is found."""

    @query(scans=True)
    def find_value(
        self, value: bytes, start: int, stop: int, *, size: int, limit: int
    ) -> ValuePage:
        """Where a value (little endian) comes into a register, is read or written, in
        [start, stop); `size`: bytes of it that count, 0 for whole registers and accesses."""
