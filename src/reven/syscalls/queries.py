# SPDX-License-Identifier: Apache-2.0
"""`SyscallService`: system calls, and the bytes that they moved."""

from __future__ import annotations

from reven.syscalls.descriptors import Descriptors
from reven.trace.core import CoreQueries
from reven.trace.opened import translated

__all__ = ["SyscallQueries"]

_PAGE = 1 << 16


class SyscallQueries(CoreQueries):
    """See `reven2._service.syscalls`."""

    def _descriptors(self) -> Descriptors:
        return self._kept("descriptors", self._follow_descriptors)

    def _follow_descriptors(self) -> Descriptors:
        trace = self._trace()
        found = Descriptors(self._known_bytes)
        count = trace.transition_count
        at = 0
        with translated():
            while at < count:
                calls = trace.syscalls(at, count, _PAGE)
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
