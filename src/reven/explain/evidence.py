# SPDX-License-Identifier: Apache-2.0
"""What explanations are made of: statements with their transitions and places in own code."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple

from reven import _engine
from reven.end.queries import EndQueries
from reven.heap.detectors import HeapErrorQueries
from reven.ossi import syscall_name
from reven.source.queries import TypeQueries
from reven.taint.origin_tree import Chain, Explorer
from reven.taint.queries import TaintQueries
from reven.trace.own_code import OwnCode, code_place, short_name
from reven2._service import CallData, FrameData
from reven2._service.code_places import CodePlace
from reven2._service.explain import FrameText, StatementData, StatementRole
from reven2._service.taint import FollowMode, OriginHop
from reven2.arch.register import Register

__all__ = ["Evidence", "Service", "Standing"]

MASK = (1 << 64) - 1
_HOPS = 3000
_MOST_FRAMES = 64
_DEEPEST = 4096
_FAILED = range(-4095, 0)


class Service(HeapErrorQueries, EndQueries, TaintQueries, TypeQueries):
    """The queries that explanations ask."""

    def place_of_code(self, context: int, pc: int, own: OwnCode) -> CodePlace:
        return code_place(
            pc,
            lambda address: self.locate(context, address),
            own,
            lambda found: self.call_line(context, pc),
        )


class Standing(NamedTuple):
    """A frame of a stack, where it stands: `transition`, the instruction (of a caller, the
    call); `number` from the top."""

    number: int
    transition: int | None
    place: CodePlace
    frame: FrameData


class Evidence:
    """Looks things up for explanations, in one trace with one notion of own code.

    `limits`: what was not looked at.
    """

    def __init__(self, service: Service, own: OwnCode) -> None:
        self.service, self.own = service, own
        self.limits: list[str] = []
        self.count = service.transition_count()
        self.place_of = lru_cache(maxsize=4096)(self._place_of)
        self.stack = lru_cache(maxsize=256)(self._stack)

    def trace(self) -> _engine.Trace:
        return self.service._trace()

    def statement(
        self, role: StatementRole, text: str, transition: int | None, *, own: bool = True
    ) -> StatementData:
        """`own`: the place is that of own code, if there is some on the stack there."""
        place = None
        if transition is not None and transition < self.count:
            standing = self.own_standing(transition) if own else None
            place = self.place_of(transition) if standing is None else standing.place
        return StatementData(role, text, transition, place)

    def own_standing(self, transition: int) -> Standing | None:
        """The innermost frame of own code at a transition."""
        place = self.place_of(transition)
        if place.is_own:
            return next(iter(self.stack(transition)), None)
        return next((one for one in self.stack(transition) if one.place.is_own), None)

    def called_from_own(self, transition: int) -> tuple[Standing, Standing] | None:
        """What own code called at a transition that lies in a library: the frame of the function
        that it called, and its own."""
        frames = self.stack(transition)
        for callee, caller in pairwise(frames):
            if caller.place.is_own:
                return None if callee.place.is_own else (callee, caller)
        return None

    def frames(self, transition: int) -> list[FrameText]:
        """The stack as it is shown."""
        return [
            FrameText(one.transition, one.place)
            for one in islice(self.stack(transition), _MOST_FRAMES)
        ]

    def _stack(self, transition: int) -> list[Standing]:
        found: list[Standing] = []
        at: int | None = transition
        for number, frame in enumerate(self.service.frames(transition)):
            pc = frame.pc - (number > 0)
            place = self.service.place_of_code(transition, pc, self.own)
            found.append(Standing(number, at, place, frame))
            if number < _MOST_FRAMES:
                found += self._replaced(number, frame)
            at = frame.creation_transition
            if number > _DEEPEST:
                break
        return found

    def _replaced(self, number: int, frame: FrameData) -> Iterator[Standing]:
        """The functions that jumped to a frame's in place of a call: they are gone, but it was
        they who called."""
        identity = frame.call
        for _ in range(8):
            call = None if identity is None else self.service.call(identity)
            if call is None or call.kind != "tail" or call.transition is None:
                return
            before = self.service.call_at(call.transition)
            place = self.place_of(call.transition)
            if before is None:
                return
            gone = FrameData(
                "Call",
                before.id,
                before.first_context,
                frame.creation_transition,
                place.pc,
                before.function,
                before.stack_pointer,
            )
            yield Standing(number, call.transition, place, gone)
            identity = before.id

    def _place_of(self, transition: int) -> CodePlace:
        return self.service.code_place(transition, self.own)

    def function_named(self, standing: Standing) -> str:
        """The function that a frame was created for, as people call it."""
        entry, context = standing.frame.function, standing.frame.first_context
        if standing.frame.call is not None and not standing.place.is_own:
            start = self._called_first(standing.frame.call)
            entry, context = start.function, start.first_context
        if entry is not None:
            found = self.service.locate(context, entry)
            if found is not None and found.symbol is not None:
                symbol = found.symbol
                names = [short_name(name) for name in symbol.names]
                plain = [name for name in names if not name.startswith("_")]
                if symbol.demangled_name:
                    return short_name(symbol.demangled_name)
                return min(plain or names, key=len)
        return short_name(standing.place.function) or f"{standing.place.pc:#x}"

    def _called_first(self, identity: int) -> CallData:
        """Of a library's functions that replaced each other by jumps, the one that was called."""
        call = self.service.call(identity)
        for _ in range(8):
            if call.kind != "tail" or call.transition is None:
                break
            before = self.service.call_at(call.transition)
            if before is None or self.place_of(call.transition).is_own:
                break
            call = before
        return call

    def register(self, name: str, context: int) -> int:
        return Register.from_name(name).bits(self.service.registers([context]).view) & MASK

    def argument(self, standing: Standing, number: int) -> int:
        """An integer argument of a frame's function, as it was entered."""
        names = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
        context = standing.frame.first_context
        if standing.frame.call is not None:
            context = self._called_first(standing.frame.call).first_context
        return self.register(names[number], context)

    def returned(self, standing: Standing) -> tuple[int, int] | None:
        """What a frame's function returned, and the transition of its return."""
        if standing.frame.call is None:
            return None
        end = self.service.frame_end(standing.frame.call)
        if end is None:
            return None
        return self.register("rax", end + 1), end

    def memory(self, context: int, address: int, size: int) -> bytes | None:
        return self.service._known_bytes(context, address, size)

    def number(self, context: int, address: int, size: int = 8) -> int | None:
        data = self.memory(context, address, size)
        return None if data is None else int.from_bytes(data, "little")

    def text(self, context: int, address: int, most: int = 256) -> str | None:
        """A string of C in memory; None if none is there."""
        data, known = self.service.read_known_memory(context, address, most)
        end = data.find(0)
        if end < 0 or not all(known[:end]):
            return None
        return data[:end].decode("utf-8", "replace")

    def explore(
        self,
        context: int,
        place: tuple[bool, int, int],
        follow: FollowMode = "meant",
        limit: int = _HOPS,
        *,
        of_address: bool = False,
    ) -> list[Chain]:
        """Where a value came from: see `Explorer`."""
        explorer = Explorer(
            self.service,
            follow,
            limit,
            lambda transition: self.place_of(transition).is_own,
            of_address=of_address,
        )
        chains = explorer.explore(context, place)
        if explorer.is_cut:
            self.limit(f"The origin of a value was followed for {limit} steps only.")
        return chains

    def value_after(self, hop: OriginHop) -> int | None:
        """The number that a hop gave to its place."""
        return self.service._value_after(hop)

    def register_place(self, name: str) -> tuple[bool, int, int]:
        register = Register.from_name(name)
        field = register.fields[0]
        shift = (field.mask & -field.mask).bit_length() - 1
        return False, field.offset * 8 + shift, min(register.bit_size, 64)

    def limit(self, sentence: str) -> None:
        if sentence not in self.limits:
            self.limits.append(sentence)

    def last_failure(
        self, first: int, stop: int, thread: int
    ) -> tuple[_engine.Syscall, str] | None:
        """The last system call of a thread in [first, stop) that failed, in words."""
        with_errors = [
            call
            for call in self.trace().syscalls(first, stop, 1 << 20)
            if call.thread == thread and call.result in _FAILED
        ]
        if not with_errors:
            return None
        call = with_errors[-1]
        return call, self.failure_text(call)

    def failure_text(self, call: _engine.Syscall) -> str:
        """`open of "settings" failed with ENOENT (No such file or directory)`."""
        name = syscall_name(call.number) or f"system call {call.number}"
        number = -(call.result or 0)
        code = errno.errorcode.get(number, str(number))
        path = self._path_argument(name, call)
        of = f' of "{path}"' if path else ""
        return f"{name}{of} failed with {code} ({os.strerror(number)})"

    def _path_argument(self, name: str, call: _engine.Syscall) -> str | None:
        at = _PATH_ARGUMENTS.get(name)
        return None if at is None else self.text(call.transition, call.arguments[at])

    def conditional_jumps_before(
        self, transition: int, low: int, high: int, thread: int, most: int = 512
    ) -> Iterator[tuple[int, int, bytes]]:
        """Conditional jumps that a thread executed within [low, high) before a transition, the
        latest first: transition, address, code."""
        found = self.trace().find_pcs([(low, high)], 0, transition, forward=False, limit=most)
        for number in found.tolist():
            pc, code = self.service.instruction_at(number)
            if is_conditional_jump(code) and self.thread_at(number) == thread:
                yield number, pc, code

    def thread_at(self, context: int) -> int:
        return self.trace().registers(context)[0]


_PATH_ARGUMENTS = {
    **dict.fromkeys(
        (
            *("open", "stat", "lstat", "access", "chdir", "mkdir", "rmdir", "unlink", "readlink"),
            *("chmod", "chown", "truncate", "rename", "execve", "creat", "statfs", "mknod"),
        ),
        0,
    ),
    **dict.fromkeys(
        (
            *("openat", "newfstatat", "faccessat", "faccessat2", "mkdirat", "unlinkat", "statx"),
            *("readlinkat", "openat2", "renameat", "renameat2", "fchmodat", "utimensat"),
        ),
        1,
    ),
}


def is_conditional_jump(code: bytes) -> bool:
    """Whether an instruction is jcc (AMD64 manual, volume 3: opcodes 70-7F, 0F 80-8F)."""
    while code[:1] in (b"\x2e", b"\x3e", b"\xf2", b"\xf3", b"\x66"):
        code = code[1:]
    if code[:1] and 0x70 <= code[0] <= 0x7F:
        return True
    return len(code) > 1 and code[0] == 0x0F and 0x80 <= code[1] <= 0x8F
