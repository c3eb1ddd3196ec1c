# SPDX-License-Identifier: Apache-2.0
"""`SyscallService`: system calls, and the bytes that they moved."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from reven import _engine
from reven.ossi.linux.system_calls import system_calls
from reven.syscalls.decoding import Decoder
from reven.syscalls.descriptors import Descriptors, OpenFile, Transfer
from reven.trace.core import CoreQueries
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service.syscalls import (
    MovedByte,
    OpenFileData,
    SyscallData,
    SyscallPage,
    TransferData,
    TransferPage,
)
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["SyscallQueries"]

_PAGE = 1 << 14
_MOST = 1 << 16
_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}
_FAILED = range(-4095, 0)
_LONGEST_SOUGHT = 200
_SEARCHES_KEPT = 8
_LONGEST_NUMBER = 9
"""Of a descriptor, in digits."""


class SyscallQueries(CoreQueries):
    """See `reven2._service.syscalls`."""

    def decoded_syscalls(
        self, start: int, stop: int, *, names: list[str], failed: bool, limit: int
    ) -> SyscallPage:
        numbers = _numbers(names)
        decoder = Decoder(self._known_bytes, self._descriptor_name)
        self._descriptors()
        found: list[SyscallData] = []
        stop = min(stop, self.transition_count())
        while start < stop:
            keep_going()
            with translated():
                calls = self._trace().syscalls(start, stop, _PAGE)
            for call in calls:
                if numbers and call.number not in numbers:
                    continue
                if failed and call.result not in _FAILED:
                    continue
                found.append(decoder.call(call))
                if len(found) == min(limit, _MOST):
                    return SyscallPage(found, call.transition + 1)
            if len(calls) < _PAGE:
                break
            start = calls[-1].transition + 1
        return SyscallPage(found, None)

    def syscall_transitions(self, *, names: list[str], failed: bool, text: str) -> bytes:
        if len(text) > _LONGEST_SOUGHT:
            raise InvalidArgumentError(f"Look for {_LONGEST_SOUGHT} characters at most.")
        wanted = (tuple(sorted(names)), failed, text.casefold())
        found = self._kept("matching system calls", dict[object, bytes])
        if wanted not in found:
            matching = self._matching(_numbers(names), failed, text.casefold())
            while len(found) >= _SEARCHES_KEPT:
                found.pop(next(iter(found)), None)
            found[wanted] = matching
        return found[wanted]

    def _matching(self, numbers: set[int], failed: bool, text: str) -> bytes:
        decoder = Decoder(self._known_bytes, self._descriptor_name) if text else None
        found = array("Q")
        start, stop = 0, self.transition_count()
        while start < stop:
            keep_going()
            with translated():
                calls = self._trace().syscalls(start, stop, _PAGE)
            for number, call in enumerate(calls):
                if number % 256 == 0:
                    keep_going()
                if numbers and call.number not in numbers:
                    continue
                if failed and call.result not in _FAILED:
                    continue
                if decoder is None or text in decoder.call(call).text.casefold():
                    found.append(call.transition)
            if len(calls) < _PAGE:
                break
            start = calls[-1].transition + 1
        return found.tobytes()

    def open_files(self) -> list[OpenFileData]:
        descriptors = self._descriptors()
        used: dict[int, set[int]] = {}
        counts: dict[int, list[int]] = {}
        for one in descriptors.transfers:
            used.setdefault(one.file, set()).add(one.descriptor)
            row = counts.setdefault(one.file, [0, 0, 0, 0])
            row[one.is_write] += 1
            row[2 + one.is_write] += one.size
        for given in descriptors.results.values():
            for usage in given:
                used.setdefault(usage.file, set()).add(usage.descriptor)
        return [
            OpenFileData(
                file.id,
                file.kind,
                file.name,
                sorted(used.get(file.id, ())),
                file.opened,
                file.closed,
                file.other,
                *counts.get(file.id, (0, 0, 0, 0)),
            )
            for file in descriptors.files
        ]

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
        moved = self._descriptors().transfers
        first = bisect_left(moved, start, key=lambda one: one.transition)
        last = bisect_left(moved, stop, key=lambda one: one.transition)
        found: list[TransferData] = []
        for at in range(first, last) if forward else range(last - 1, first - 1, -1):
            one = moved[at]
            if file is not None and one.file != file:
                continue
            if is_write is not None and one.is_write != is_write:
                continue
            # Those of one call stay together.
            if len(found) >= limit and one.transition != found[-1].transition:
                return TransferPage(found, one.transition + (not forward))
            found.append(self._transfer_data(one, most_bytes))
        return TransferPage(found, None)

    def output_byte(self, name: str, position: int) -> MovedByte:
        descriptors = self._descriptors()
        wanted = _STREAMS.get(name)
        if wanted is None and name.isdecimal() and len(name) <= _LONGEST_NUMBER:
            wanted = int(name)
        seen = False
        for one in reversed(descriptors.transfers):
            file = descriptors.files[one.file]
            if not one.is_write or not _is_named(file, one, name, wanted):
                continue
            seen = True
            address = one.address_of(position)
            if address is not None:
                return MovedByte(one.transition, address, file.id, file.name)
        if not seen:
            raise OutOfRangeError(
                f"No system call of the trace wrote to {name}: `reven syscalls --files` lists "
                "what was written."
            )
        raise OutOfRangeError(f"No system call of the trace wrote byte {position} of {name}.")

    def _transfer_data(self, one: Transfer, most: int) -> TransferData:
        data = b""
        context = one.transition if one.is_write else one.transition + 1
        for address, size in one.parts:
            taken = min(size, most - len(data))
            part = self._known_bytes(context, address, taken) if taken > 0 else None
            if part is None:
                break
            data += part
        return TransferData(
            one.transition,
            one.thread,
            one.descriptor,
            one.file,
            one.is_write,
            one.offset,
            one.size,
            list(one.parts),
            data,
        )

    def _descriptor_name(self, context: int, descriptor: int) -> str:
        """What a descriptor stands for as of a context."""
        histories = self._descriptors().histories
        history = histories.get(descriptor)
        if history is None:
            return ""
        at = bisect_right(history, context, key=lambda entry: entry[0])
        found = history[at - 1][1] if at else None
        return "" if found is None or found.kind == "inherited" else found.name

    def _descriptors(self) -> Descriptors:
        return self._kept("descriptors", self._follow_descriptors)

    def _follow_descriptors(self) -> Descriptors:
        trace = self._trace()
        found = Descriptors(self._known_bytes, self._manifest.cwd)
        count = trace.transition_count
        at = 0
        with translated():
            while at < count:
                keep_going()
                calls: list[_engine.Syscall] = trace.syscalls(at, count, _PAGE)
                found.follow(calls)
                if len(calls) < _PAGE:
                    break
                at = calls[-1].transition + 1
        return found

    def _known_bytes(self, context: int, address: int, size: int) -> bytes | None:
        if address + size > 1 << 64:
            return None
        data, known = self.read_known_memory(context, address, size)
        return data if all(known) else None


def _is_named(file: OpenFile, one: Transfer, name: str, wanted: int | None) -> bool:
    if wanted is not None:
        return one.descriptor == wanted
    return file.name == name or file.name.endswith("/" + name.removeprefix("./"))


def _numbers(names: list[str]) -> set[int]:
    """Numbers of the calls of these names or groups."""
    found: set[int] = set()
    calls = system_calls()
    groups = sorted({call.group for call in calls.values()})
    for name in names:
        numbers = {call.number for call in calls.values() if name in (call.name, call.group)}
        if not numbers:
            raise InvalidArgumentError(
                f"There is no system call {name!r}, and no group of that name: the groups are "
                f"{', '.join(groups)}."
            )
        found |= numbers
    return found
