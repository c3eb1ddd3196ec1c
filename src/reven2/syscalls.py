# SPDX-License-Identifier: Apache-2.0
"""The system calls of a trace, decoded; the files, pipes and sockets that they used; the bytes
that they moved. An addition to the documented interface.

    for call in trace.syscalls.calls("openat", failed=True):
        print(call.transition, call)
    print(trace.syscalls.output())
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reven2._printable import printable
from reven2._service.syscalls import ArgumentData, MovedByte, OpenFileData, SyscallData
from reven2._service.syscalls import TransferData as _TransferData

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition
    from reven2.trace._arguments import AnyMoment

__all__ = ["ArgumentData", "OpenFile", "OutputByte", "Syscall", "Syscalls", "Transfer"]

_PAGE = 500
_ALL = 1 << 62


class Syscall:
    """A system call. `str`: as strace prints it: `read(3</etc/passwd>, "root:x:0:0…", 4096) = 32`.

    Not meant to be constructed directly: ask `Trace.syscalls`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: SyscallData) -> None:
        self._trace, self._data = trace, data

    @property
    def transition(self) -> Transition:
        """The `syscall` instruction."""
        return self._trace.transition(self._data.transition)

    @property
    def thread(self) -> int:
        """Number of the thread that called, from 1."""
        return self._data.thread

    @property
    def name(self) -> str:
        """Its name: `read`."""
        return self._data.name

    @property
    def number(self) -> int:
        """Its number."""
        return self._data.number

    @property
    def group(self) -> str:
        """What it has to do with: `files`, `memory`, `network` …"""
        return self._data.group

    @property
    def arguments(self) -> list[ArgumentData]:
        """Name, value and text of each argument."""
        return list(self._data.arguments)

    @property
    def result(self) -> int | None:
        """What it returned; negative errno on failure; None: it had not returned."""
        return self._data.result

    @property
    def error(self) -> str:
        """The name of its error: `ENOENT`; "" if it succeeded."""
        return self._data.error

    def __str__(self) -> str:
        return printable(self._data.text)

    def __repr__(self) -> str:
        return f"Syscall({self._data.transition}, {self._data.text!r})"


class OpenFile:
    """What descriptors stand for: a file, pipe, socket … from when it was opened.

    Not meant to be constructed directly: ask `Syscalls.files`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: OpenFileData) -> None:
        self._trace, self._data = trace, data

    @property
    def id(self) -> int:
        """Number, in the order in which they were made."""
        return self._data.id

    @property
    def kind(self) -> str:
        """`file`, `directory`, `device`, `pipe`, `socket`, `inherited` (open before the trace
        began) or `anonymous` (memfd, eventfd, epoll …)."""
        return self._data.kind

    @property
    def name(self) -> str:
        """The path that it was opened by, the peer of a socket, the call that made a pipe."""
        return self._data.name

    @property
    def descriptors(self) -> list[int]:
        """The descriptors that stood for it."""
        return list(self._data.descriptors)

    @property
    def opened(self) -> Transition | None:
        """The call that opened it; None: it was open before."""
        number = self._data.opened
        return None if number is None else self._trace.transition(number)

    @property
    def closed(self) -> Transition | None:
        """The call that closed its last descriptor; None: it was open at the end."""
        number = self._data.closed
        return None if number is None else self._trace.transition(number)

    @property
    def other(self) -> int | None:
        """The id of the other end of a pipe or socket pair."""
        return self._data.other

    @property
    def reads(self) -> int:
        """How often it was read."""
        return self._data.reads

    @property
    def writes(self) -> int:
        """How often it was written."""
        return self._data.writes

    @property
    def bytes_read(self) -> int:
        """Bytes that were read from it."""
        return self._data.bytes_read

    @property
    def bytes_written(self) -> int:
        """Bytes that were written to it."""
        return self._data.bytes_written

    def transfers(self, is_write: bool | None = None) -> Iterator[Transfer]:
        """What was read from it and written to it, or one of the two."""
        return Syscalls(self._trace).transfers(self, is_write)

    def __str__(self) -> str:
        return printable(f"{self.kind} {self.name}")

    def __repr__(self) -> str:
        return f"OpenFile({self._data.id}, {self.kind!r}, {self.name!r})"


class Transfer:
    """Bytes that a system call moved.

    Not meant to be constructed directly: ask `Syscalls.transfers`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: _TransferData) -> None:
        self._trace, self._data = trace, data

    @property
    def transition(self) -> Transition:
        """The call."""
        return self._trace.transition(self._data.transition)

    @property
    def descriptor(self) -> int:
        """The descriptor that it was given."""
        return self._data.descriptor

    @property
    def is_write(self) -> bool:
        """Whether the program wrote."""
        return self._data.is_write

    @property
    def offset(self) -> int | None:
        """Position of the first byte in the file, or in the stream of that direction; None if
        it is not known."""
        return self._data.offset

    @property
    def size(self) -> int:
        """Bytes."""
        return self._data.size

    @property
    def data(self) -> bytes:
        """The bytes, as far as they are known."""
        return self._data.data

    def __repr__(self) -> str:
        verb = "write" if self.is_write else "read"
        return f"Transfer({verb} of {self.size} bytes, #{self._data.transition})"


class OutputByte:
    """A byte that the program wrote: the call, and where the byte stood in memory.

    Not meant to be constructed directly: ask `Syscalls.output_byte`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: MovedByte) -> None:
        self._trace, self._data = trace, data

    @property
    def transition(self) -> Transition:
        """The call that wrote it."""
        return self._trace.transition(self._data.transition)

    @property
    def address(self) -> int:
        """Where it stood in memory, linear."""
        return self._data.address

    @property
    def file(self) -> str:
        """The name of what it was written to."""
        return self._data.name


class Syscalls:
    """The system calls of a trace.

    Not meant to be constructed directly: it is `Trace.syscalls`.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def calls(
        self,
        *names: str,
        failed: bool = False,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
    ) -> Iterator[Syscall]:
        """System calls in their order.

        Parameters:
            names: only these, or those of these groups (`files`, `network`, `memory` …).
            failed: only those that failed.
            from_context: where to begin; default: the trace's start.
            to_context: where to end; default: its end.

        Raises:
            InvalidArgumentError (a ValueError): no such call, and no such group.
        """
        start, stop = self._range(from_context, to_context)
        while True:
            page = self._trace._service.decoded_syscalls(
                start, stop, names=list(names), failed=failed, limit=_PAGE
            )
            for call in page.calls:
                yield Syscall(self._trace, call)
            if page.next is None:
                return
            start = page.next

    def __iter__(self) -> Iterator[Syscall]:
        return self.calls()

    @property
    def files(self) -> list[OpenFile]:
        """Everything that descriptors stood for."""
        return [OpenFile(self._trace, one) for one in self._trace._service.open_files()]

    def transfers(
        self,
        file: OpenFile | None = None,
        is_write: bool | None = None,
        from_context: AnyMoment | None = None,
        to_context: AnyMoment | None = None,
    ) -> Iterator[Transfer]:
        """The bytes that system calls moved, in their order: of one file or all, read, written,
        or both."""
        start, stop = self._range(from_context, to_context)
        while True:
            page = self._trace._service.transfers(
                start,
                stop,
                file=None if file is None else file.id,
                is_write=is_write,
                most_bytes=1 << 20,
                limit=_PAGE,
                forward=True,
            )
            for one in page.transfers:
                yield Transfer(self._trace, one)
            if page.next is None:
                return
            start = page.next

    def output(self, descriptors: Sequence[int] = (1, 2), at: AnyMoment | None = None) -> bytes:
        """What the program had written to descriptors at a moment: without `at`, at the end."""
        wanted = set(descriptors)
        found = self.transfers(is_write=True, to_context=at)
        return b"".join(one.data for one in found if one.descriptor in wanted)

    def output_byte(self, file: str, position: int) -> OutputByte:
        """The last write of a byte of an output.

        Parameters:
            file: the file's path or its last components, `stdout`, `stderr`, or the number of a
                descriptor.
            position: the byte, from 0.

        Raises:
            OutOfRangeError (an IndexError): no system call of the trace wrote it.
        """
        return OutputByte(self._trace, self._trace._service.output_byte(file, position))

    def _range(self, first: AnyMoment | None, last: AnyMoment | None) -> tuple[int, int]:
        start = 0 if first is None else self._trace._moment(first, "context")
        count = self._trace.transition_count
        return start, count if last is None else self._trace._moment(last, "context")
