# SPDX-License-Identifier: Apache-2.0
"""System calls, decoded, and the bytes that they moved."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.declared import query

FileKind = Literal["file", "directory", "device", "pipe", "socket", "inherited", "anonymous"]
"""`inherited`: it was open before the trace began, what it is is not known; `anonymous`: made
without a name (memfd, eventfd, epoll …)."""


class ArgumentData(msgspec.Struct, frozen=True):
    """An argument: its name, the number that was passed, and how it is written: flags by their
    names, a text in quotes, a descriptor with what it stands for, a structure by its fields."""

    name: str
    value: int
    text: str


class SyscallData(msgspec.Struct, frozen=True):
    """A system call. `result`: what it returned, negative errno on failure, None: it had not
    returned. `error`: its name, "" if it succeeded. `text`: the whole as strace prints it."""

    transition: int
    thread: int
    number: int
    name: str
    group: str
    arguments: list[ArgumentData]
    result: int | None
    error: str
    text: str


class SyscallPage(msgspec.Struct, frozen=True):
    """System calls in their order; `next`: the transition to go on with, None at the end."""

    calls: list[SyscallData]
    next: int | None


class OpenFileData(msgspec.Struct, frozen=True):
    """What descriptors stand for. `opened`, `closed`: the transitions of the calls, None: before
    the trace, or never. `other`: the id of the other end of a pipe or socket pair. `reads`,
    `writes`: how often; `bytes_read`, `bytes_written`: how much."""

    id: int
    kind: FileKind
    name: str
    descriptors: list[int]
    opened: int | None
    closed: int | None
    other: int | None
    reads: int
    writes: int
    bytes_read: int
    bytes_written: int


class TransferData(msgspec.Struct, frozen=True):
    """Bytes that a system call moved: `offset` is the position of the first in the file, or in
    the stream of that direction, None if it is not known; `parts`: where they stand in memory
    (address, size); `data`: the bytes, as many as are known, at most the limit asked for."""

    transition: int
    thread: int
    descriptor: int
    file: int
    is_write: bool
    offset: int | None
    size: int
    parts: list[tuple[int, int]]
    data: bytes


class TransferPage(msgspec.Struct, frozen=True):
    """Transfers in their order; `next`: the transition to go on with, None at the end."""

    transfers: list[TransferData]
    next: int | None


class MovedByte(msgspec.Struct, frozen=True):
    """A byte as a system call moved it: the call, where it stood in memory, of which file."""

    transition: int
    address: int
    file: int
    name: str


class SyscallService(Protocol):
    """Queries on system calls."""

    @query(slow=True)
    def decoded_syscalls(
        self, start: int, stop: int, *, names: list[str], failed: bool, limit: int
    ) -> SyscallPage:
        """The system calls of transitions [start, stop): those of these names or groups, or
        all; with `failed`, only those that failed."""

    @query(slow=True)
    def syscall_transitions(self, *, names: list[str], failed: bool, text: str) -> bytes:
        """The transitions (u64) of all system calls of these names or groups, or of all; with
        `failed`, of those that failed; with a `text`, of those that contain it as they are
        written, in any case."""

    @query(slow=True)
    def open_files(self) -> list[OpenFileData]:
        """Everything that descriptors stood for, by id."""

    @query(slow=True)
    def transfers(
        self,
        start: int,
        stop: int,
        *,
        file: int | None,
        is_write: bool | None,
        most_bytes: int,
        limit: int,
        forward: bool,
    ) -> TransferPage:
        """What system calls of transitions [start, stop) moved: of one file or of all, in one
        direction or both. `most_bytes`: of each transfer. Backward: the last first, and `next` is
        the `stop` to go on with."""

    @query(slow=True)
    def output_byte(self, name: str, position: int) -> MovedByte:
        """The last write of a byte of an output. `name`: the file's path or its last components,
        `stdout`, `stderr`, or a descriptor's number.

        Raises OutOfRangeError: no system call of the trace wrote it."""
