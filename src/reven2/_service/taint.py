# SPDX-License-Identifier: Apache-2.0
"""Taint: where data goes, and where it came from.

A taint is named by its whole question, `TaintQuery`. The first query about it starts it; it
runs by itself, and the others give what it has found so far. A service keeps a bounded
number of taints: one that was dropped starts again when it is asked about.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.code_places import CodePlace
from reven2._service.declared import query

FollowMode = Literal["values", "meant", "pointers"]
"""Whether what decides an address counts as a part of what is loaded from there, or stored to.
Of an origin: never; where the value alone leads to nothing (a table), or where both lead to the
program's input; always. Of a taint: never; for loads from memory that the program cannot write
(a constant table); always, and so does what decides which of two values is taken."""


class TaintQuery(msgspec.Struct, frozen=True):
    """What is tainted, and between which contexts. Forward from `first` on, backward from
    `last` on.

    `seeds`: tag, whether it is memory, address, size. Of memory, the first byte and a number
    of bytes; of registers, the first bit in the register view and a number of bits.
    `key`: a text that nobody else chooses, such as a UUID: cancelling a taint does not
    concern who asked the same. `sinks`: whether they shall be found, of a forward taint.
    `conditions`: branches whose condition a backward taint asks for as well, by transition.
    """

    seeds: list[tuple[int, bool, int, int]]
    tag_count: int
    first: int
    last: int
    forward: bool
    key: str
    follow: FollowMode = "values"
    sinks: bool = False
    conditions: list[int] = []


class TaintStatus(msgspec.Struct, frozen=True):
    """`reached`: the context up to which results are there. `error`: "" or why it failed."""

    reached: int
    finished: bool
    cancelled: bool
    accesses: int
    changes: int
    error: str


class TaintItems(msgspec.Struct, frozen=True):
    """Columns of tainted data: u8 is_memory, u64 address, u32 size, u16 before, u16 after.
    Address and size as in `TaintQuery.seeds`. `before` and `after`, in the taint's direction:
    a bit for each tag that holds the data."""

    is_memory: bytes
    address: bytes
    size: bytes
    before: bytes
    after: bytes


class TaintAccessPage(msgspec.Struct, frozen=True):
    """Columns of transitions that touch tainted data, in the taint's direction: u64
    transition, u8 changes (the taint), u32 item_count. `items`: of all of them, one after
    the other. `next`: transition to go on with; None where what was found ends. `reached`,
    `finished`: as of this page."""

    transition: bytes
    changes: bytes
    item_count: bytes
    items: TaintItems
    next: int | None
    reached: int
    finished: bool


class TaintStatePage(msgspec.Struct, frozen=True):
    """What is tainted in a context: `after` of `items` says by whom. `next`: the address that
    the memory goes on with, None at the end."""

    items: TaintItems
    next: int | None


class TaintWarningData(msgspec.Struct, frozen=True):
    """Something that may make the taint wrong from a transition on."""

    transition: int
    text: str


SinkKind = Literal[
    "file",
    "standard output",
    "standard error",
    "pipe",
    "socket",
    "device",
    "program",
    "exit status",
    "argument",
    "system call",
    "branch",
    "jump",
    "address",
]
"""What data leads to: bytes that are written; a path or an argument of a program that is started;
the exit status; a number that a system call is given; other memory that it reads; or what the
data decides: a branch, where a jump goes, an address."""


class SinkData(msgspec.Struct, frozen=True):
    """Where tainted data leaves the program, or decides what it does. `name`: the file's path,
    `argv[1] of execve` …; `offset`: the first byte's position in it, None if unknown or without
    meaning; `transition`: the (first) one that does it; `size` in bytes; `tags`: a bit for each
    tag; `count`: how often the instruction decided it; `place`: its place."""

    kind: SinkKind
    name: str
    offset: int | None
    transition: int
    size: int
    tags: int
    count: int
    place: CodePlace


class SinkPage(msgspec.Struct, frozen=True):
    """Sinks found so far. `next`: the number to go on with, None if there are no more yet.
    `left_out`: how many were more than are kept."""

    sinks: list[SinkData]
    next: int | None
    left_out: int


class OriginHop(msgspec.Struct, frozen=True):
    """A step back towards where a value came from. Places: whether it is memory, address and
    size, as in `TaintQuery.seeds`.

    `kind`: copy, load, store, arithmetic, constant, kernel move, processor, syscall input,
    syscall result, signal, mapping, start, other mapping, outside, not recorded. `transition`:
    the one that gave `after` its value; None at the start. It came from `before`, as of
    `context`; None: it ends here.
    `others`: what else flowed in, or gave the rest of the place. `text`: more about the end.
    """

    kind: str
    transition: int | None
    after: tuple[bool, int, int]
    before: tuple[bool, int, int] | None
    context: int
    others: list[tuple[bool, int, int]]
    text: str


SourceKind = Literal[
    "constant",
    "file",
    "standard input",
    "pipe",
    "socket",
    "device",
    "argument",
    "environment",
    "time",
    "random",
    "processor",
    "uninitialised",
    "process",
    "system call",
    "static data",
    "address",
    "start",
    "unknown",
]
"""What a value comes from: `static data` of a binary; `system call`: a result, or what the
kernel said; `address`: where something lies (a stack pointer, a mapping)."""


class SourceData(msgspec.Struct, frozen=True):
    """Where a value came into the program. `name`: the file's path, `argv[1]`, `environment
    HOME` …; `offset`: the byte's position in it, None if unknown or without meaning;
    `transition`: the one that brought it, None: there since the trace's start; `size` in bytes;
    `value`: of a constant."""

    kind: SourceKind
    name: str
    offset: int | None
    transition: int | None
    size: int
    value: int | None = None

    @property
    def is_input(self) -> bool:
        """Whether the program was given it from outside."""
        return self.kind in _INPUTS

    @property
    def is_made_elsewhere(self) -> bool:
        """Whether the program did not make it itself."""
        return self.kind in _INPUTS or self.kind in _MADE_ELSEWHERE


_INPUTS = frozenset(
    {
        *("file", "standard input", "pipe", "socket", "device", "argument", "environment"),
        *("time", "random", "process"),
    }
)
_MADE_ELSEWHERE = frozenset({"processor", "uninitialised", "system call", "start"})


class OriginStep(msgspec.Struct, frozen=True):
    """A hop and where in the code it happened (None where there is no instruction)."""

    hop: OriginHop
    place: CodePlace | None


class OriginPath(msgspec.Struct, frozen=True):
    """A chain of steps, the latest first. `role`: what it is to the step `parent_step` of the
    path `parent`: its `other` source, or the `address` of what that one loads; the first path
    is the `value`. `source`: what it ends in; None if it `joins` another path, or was cut."""

    role: Literal["value", "other", "address"]
    parent: int | None
    parent_step: int
    steps: list[OriginStep]
    source: SourceData | None
    joins: int | None


class OriginTree(msgspec.Struct, frozen=True):
    """Where a value came from, all ways that are meant. `followed`: the hops that were looked
    at; `is_cut`: there was more than asked for."""

    paths: list[OriginPath]
    followed: int
    is_cut: bool


class TaintService(Protocol):
    """Taints of one trace. They raise InvalidArgumentError and OutOfRangeError for a query
    that cannot be."""

    @query(kept=False)
    def taint_status(self, query: TaintQuery) -> TaintStatus:
        """How far a taint is. Starts it."""

    @query(slow=True, kept=False)
    def taint_accesses(
        self, query: TaintQuery, start: int, *, changes_only: bool, limit: int
    ) -> TaintAccessPage:
        """Transitions that touch tainted data, from `start` on in the direction, as far as the
        taint is."""

    @query(slow=True, kept=False)
    def taint_state(
        self, query: TaintQuery, context: int, address: int, *, limit: int
    ) -> TaintStatePage:
        """What is tainted in a context that was reached: registers, and memory from `address`
        on, at most `limit` ranges; registers only come with address 0."""

    @query(slow=True, kept=False)
    def taint_warnings(
        self, query: TaintQuery, start: int, *, limit: int
    ) -> list[TaintWarningData]:
        """Warnings so far, from number `start` on."""

    @query(slow=True, kept=False)
    def taint_sinks(self, query: TaintQuery, start: int, *, limit: int) -> SinkPage:
        """What the data led to so far, from number `start` on, in the order of their first
        transitions."""

    @query(kept=False)
    def cancel_taint(self, query: TaintQuery) -> None:
        """Stop it; what it found stays."""

    @query(slow=True)
    def origin(
        self, context: int, is_memory: bool, address: int, size: int, *, limit: int
    ) -> list[OriginHop]:
        """Where a place's value in a context came from: at most `limit` steps back. Unless the
        last one ends, go on from its `before`."""

    @query(slow=True)
    def origin_tree(
        self,
        context: int,
        is_memory: bool,
        address: int,
        size: int,
        *,
        follow: FollowMode,
        limit: int,
    ) -> OriginTree:
        """The same through forks and addresses to named sources; looks at most at `limit` hops."""
