# SPDX-License-Identifier: Apache-2.0
"""What differs between two executions, where they part, and why."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.code_places import CodePlace
from reven2._service.declared import query

ReasonKind = Literal[
    "input",
    "argument",
    "order",
    "uninitialised",
    "code",
    "system call",
    "process",
    "random",
    "time",
    "environment",
    "address",
    "unknown",
]
"""What a difference comes from: `input`: a file, a stream; `order` of threads; `code`: other
constants, or other code; `system call`: its result; `address`: where the system put something."""

DifferenceRole = Literal["outcome", "decision", "value", "source", "order", "note"]


class DifferenceData(msgspec.Struct, frozen=True):
    """Something that is otherwise in one execution than in the other, and the transition of
    each that shows it (None: it has none). `role`: how they end, `outcome`; a `decision`, by
    which they part; a `value`; the `source` of one; the `order` of threads."""

    role: DifferenceRole
    text: str
    first: int | None
    second: int | None
    first_place: CodePlace | None = None
    second_place: CodePlace | None = None


class DivergenceData(msgspec.Struct, frozen=True):
    """Where a thread goes two ways. `first`, `second`: the last transitions that both have;
    `first_next`, `second_next`: the first that only one has, None: it has none left; `…_rejoin`:
    where they go on together, None: they do not. `thread`: its number, from 0."""

    thread: int
    first: int | None
    second: int | None
    first_next: int | None
    second_next: int | None
    first_rejoin: int | None
    second_rejoin: int | None
    place: CodePlace | None = None


class DiffData(msgspec.Struct, frozen=True):
    """How two executions differ. `kind`: what the difference comes from; None: there is none
    that matters. `headline`: a sentence without its full stop. `steps`: from what came out
    otherwise back to where the difference came in. `decisive`: the first decision on that way,
    in the order of the program. `origin`: the last of the steps. `outcomes`: all that came out
    otherwise. `divergences`: all that were found, harmless ones too, in their order;
    `is_cut`: there are more. `common`: instructions of own code (or lines) that both ran.
    `compared`: how code was told to be the same. `limits`: what was not looked at, or may
    mislead, a sentence each."""

    kind: ReasonKind | None
    headline: str
    decisive: DifferenceData | None
    origin: DifferenceData | None
    steps: list[DifferenceData]
    outcomes: list[DifferenceData]
    divergences: list[DivergenceData]
    is_cut: bool
    common: int
    compared: str
    limits: list[str]


class RegisterDifferenceData(msgspec.Struct, frozen=True):
    """A register that differs, and its values, little endian."""

    name: str
    first: bytes
    second: bytes


class MemoryDifferenceData(msgspec.Struct, frozen=True):
    """Bytes that differ: where they stand in each, how many, the variable that they are of ("" if
    none is known), and at most the first 64 of them."""

    address: int
    other_address: int
    size: int
    name: str
    first: bytes
    second: bytes


class ThingDifferenceData(msgspec.Struct, frozen=True):
    """A block of the heap, or what descriptors stand for, that only one of two moments has."""

    text: str
    is_first: bool


class MomentsData(msgspec.Struct, frozen=True):
    """What differs between two moments. Of one trace, memory is all that was written between
    them; of two, the data of own binaries and the blocks of the heap that both have."""

    registers: list[RegisterDifferenceData]
    memory: list[MemoryDifferenceData]
    blocks: list[ThingDifferenceData]
    descriptors: list[ThingDifferenceData]
    limits: list[str]


class DiffService(Protocol):
    """Differences. `other`: the trace that is compared with this one, by the name under which it
    is served beside it, or "" for this one itself."""

    @query(scans=True, kept=False)
    def diff(
        self,
        *,
        other: str,
        window: tuple[int, int] | None,
        other_window: tuple[int, int] | None,
        own: list[str],
        not_own: list[str],
    ) -> DiffData:
        """How the execution of another trace differs from this one's, and why. Windows: the
        transitions [start, stop) to compare; None: all. `own`, `not_own` as in `explain`."""

    @query(scans=True, kept=False)
    def diff_moments(
        self, *, other: str, context: int, other_context: int, limit: int
    ) -> MomentsData:
        """What differs between a context of this trace and one of the other: registers, memory,
        blocks of the heap and descriptors, at most `limit` of each."""
