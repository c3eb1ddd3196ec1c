# SPDX-License-Identifier: Apache-2.0
"""The tools that assistants are given. Each docstring is what an assistant reads of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePath
from typing import Literal

from reven.bridges.joined import Joined
from reven.bridges.mcp.answers import Cursor, clipped, paged
from reven.bridges.mcp.traces import Traces
from reven2.call import Call
from reven2.errors import InvalidArgumentError, MemoryReadError, RegisterReadError, RevenError
from reven2.memhist import MemoryAccess, MemoryAccessOperation
from reven2.preview import bugs as bug_finding
from reven2.preview import unpacking
from reven2.preview.taint import Tainter
from reven2.preview.taint import origin as find_origin
from reven2.trace import Context, Transition

__all__ = ["Tools"]

_GENERAL = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12"),
    *("r13", "r14", "r15", "rip", "rflags"),
)
_ARGUMENTS = ("rdi", "rsi", "rdx", "rcx")
_MOST_LINES = 200
_MOST_MEMORY = 256
_VALUE_BYTES = 16
_STRINGS_SKIPPED = 1 << 20


class Tools:
    """What is answered, of the traces that are open."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def all(self) -> list[Callable[..., str]]:
        """The tools."""
        tools: list[Callable[..., str]] = [
            *(self.list_traces, self.end, self.explain, self.diff, self.instructions, self.state),
            *(self.calls, self.search, self.history, self.origin, self.bugs, self.strings),
            *(self.source, self.publish, self.current),
        ]
        return [*tools, self.open_trace] if self._traces.may_open else tools

    # ------------------------------------------------------------------ traces

    def list_traces(self) -> str:
        """The open traces (the handle that other tools take as `trace`; with one open trace it
        may be left out), what each recorded, and traces that can be opened."""
        lines = []
        for handle, joined in self._traces.handles().items():
            trace = joined.trace
            where = " (of a server, with sessions)" if joined.is_shared else ""
            lines.append(
                f"{handle}: {trace.transition_count} transitions, #0 … "
                f"#{trace.transition_count - 1}, {len(trace.threads)} threads{where}"
            )
        lines += [f"can be opened: {path}" for path in self._traces.here()]
        return "\n".join(lines) or "No trace is open, and there is none in this directory."

    def open_trace(self, path: str) -> str:
        """Open a trace directory (NAME.reven, made by `reven record -- PROGRAM`) or
        HOST:PORT/TRACE of a server. Answers with its handle."""
        handle = self._traces.open(path)
        return f"Opened as {handle}.\n{self.end(handle)}"

    def end(self, trace: str = "") -> str:
        """How the recorded program ended and why: exit status, or the signal, the instruction that
        faulted, what it accessed and with which registers; the call stack there; what the
        recorder had to do otherwise. Ask this first."""
        found = self._traces.get(trace).trace
        last = found.last_transition
        lines = [f"#{last.id}: the process {found.end or 'still runs'}"]
        lines += [clipped(notice) for notice in islice(found.notices, 5)]
        return "\n".join([*lines, *_stack(last.context_before(), 12)])

    def explain(self, trace: str = "") -> str:
        """Why the program ended as it did, with evidence: where the values that mattered came
        from, and the first moment at which something was wrong in the program's own code. Of a
        crash, ask this after `end`."""
        text = str(self._traces.get(trace).trace.explain())
        lines = enumerate(line for line in text.splitlines() if line.strip())
        return paged(lines, Cursor(0), _MOST_LINES, "Nothing is to be explained.")

    def diff(self, good: str, bad: str) -> str:
        """How the execution in trace `bad` differs from that in `good` (handles): what came out
        otherwise, the first decision that led there, where the difference came in, with the
        transitions of both. Of a run that works and one that does not, ask this first."""
        text = str(self._traces.get(good).trace.diff(self._traces.get(bad).trace))
        lines = enumerate(line for line in text.splitlines() if line.strip())
        return paged(lines, Cursor(0), _MOST_LINES, "Nothing differs.")

    # ------------------------------------------------------------------ moments

    def instructions(self, trace: str = "", at: str = "last", count: int = 20) -> str:
        """The executed instructions from a moment on, with the registers and memory that each
        changed or read. `at`: #4242, 50%, first, last, or a place such as main, main+0x12,
        parse.c:41 (the first time it runs). A negative `count` gives those before, and `at`
        itself last."""
        joined = self._traces.get(trace)
        number = self._transition(joined, at)
        size = min(abs(count), _MOST_LINES)
        total = joined.trace.transition_count
        start = max(0, number + 1 - size) if count < 0 else number
        stop = number + 1 if count < 0 else min(start + size, total)
        lines = ((one.id, _line(one)) for one in joined.trace.transitions(start, stop))
        return paged(lines, Cursor(start), size, "None.")

    def state(self, trace: str = "", at: str = "last", memory: str = "", size: int = 64) -> str:
        """The machine before a transition: place and source line, general registers, call stack,
        variables in scope; with `memory` (an address expression: rsp+8, [rbp-8], main, 0x4010)
        `size` bytes of memory there instead, in hexadecimal and as text."""
        joined = self._traces.get(trace)
        context = joined.trace.context_before(self._transition(joined, at))
        if memory:
            return _dump(joined, context, memory, max(1, min(size, _MOST_MEMORY)))
        lines = [_line(context.transition_after()), _registers(context)]
        lines += _stack(context, 12)
        try:
            lines += [clipped(f"variable {one}") for one in islice(context.variables(), 20)]
        except RevenError as error:
            lines.append(clipped(str(error)))
        return "\n".join(lines)

    def source(self, trace: str = "", at: str = "last", around: int = 5) -> str:
        """The source code at a moment, if it is on this machine: the line that runs is marked
        with >, others around it stand with it."""
        joined = self._traces.get(trace)
        number = self._transition(joined, at)
        location = joined.trace.context_before(number).ossi.location()
        if location is None or location.file is None or location.line is None:
            return f"#{number}: there is no source line, at {location}."
        text = joined.trace._service.source_text(location.file)
        if text.problem:
            return f"#{number} {location.file}:{location.line}: {text.problem}"
        lines = text.text.splitlines()
        low = max(0, location.line - 1 - min(around, 40))
        high = min(len(lines), location.line + min(around, 40))
        shown = [
            clipped(f"{'>' if at == location.line else ' '} {at} {lines[at - 1]}")
            for at in range(low + 1, high + 1)
        ]
        return "\n".join([f"#{number} {location.file}:{location.line}", *shown])

    # ------------------------------------------------------------------ questions

    def calls(
        self,
        trace: str = "",
        function: str = "",
        start: str = "first",
        cursor: str = "",
        limit: int = 30,
    ) -> str:
        """Calls of functions, in the order of the trace: transition, function, who called, the
        first arguments as registers, when it returned and with which rax. `function`: a regular
        expression searched in names (^malloc$ for exactly that); empty: all. `cursor`: what
        `more:` of the answer before says."""  # fmt: skip
        joined = self._traces.get(trace)
        place = Cursor.of(cursor, self._transition(joined, start))
        found = joined.trace.calls(function or None, place.position)
        lines = ((_began(one), _call(one)) for one in found)
        return paged(lines, place, _lines(limit), "No such call from there on.")

    def search(
        self,
        what: str,
        kind: Literal["place", "instruction", "value", "bytes", "unpacked"] = "place",
        trace: str = "",
        start: str = "first",
        cursor: str = "",
        limit: int = 20,
    ) -> str:
        """When something happens. kind `place`: what runs there (main, main+0x12, 0x401136,
        parse.c:41); `instruction`: a regular expression in the text of instructions (^div );
        `value`: a number that comes into a register or is read or written (0xdeadbeef); `bytes`:
        a text (or hex:4142) that stands in memory, and when it came there; `unpacked`: code that
        the program wrote before it ran it, and when it began to run (`what` may be empty)."""
        joined = self._traces.get(trace)
        place = Cursor.of(cursor, self._transition(joined, start))
        search, begin = joined.trace.search, place.position
        lines: Iterator[tuple[int, str]]
        if kind == "instruction":
            lines = _moments(search.instruction(what, begin))
        elif kind == "value":
            hits = search.value(_number(what), from_context=begin)
            lines = ((hit.transition.id, _plain(f"{hit}")) for hit in hits)
        elif kind == "unpacked":
            layers = unpacking.layers(joined.trace)
            lines = ((one.transition.id, str(one)) for one in layers if one.transition.id >= begin)
        elif kind == "bytes":
            pattern = bytes.fromhex(what[4:]) if what.startswith("hex:") else what.encode()
            matches = search.memory(pattern, from_context=begin).matches()
            lines = ((begin, clipped(str(match))) for match in matches)
        else:
            found = joined.trace.resolve(what, begin)
            if found.address is None:
                lines = iter([(begin, str(found))])
            else:
                lines = _moments(search.pc(found.address, begin))
        return paged(lines, place, _lines(limit), f"Nothing from #{begin} on.")

    def history(
        self,
        address: str,
        size: int = 8,
        trace: str = "",
        at: str = "last",
        operation: Literal["write", "read", "both"] = "write",
        direction: Literal["backward", "forward"] = "backward",
        cursor: str = "",
        limit: int = 20,
    ) -> str:
        """Who wrote or read memory: the accesses to `size` bytes at an address expression (as it
        means at the moment `at`), from there backward or forward, each with its transition,
        place, and value."""
        joined = self._traces.get(trace)
        number = self._transition(joined, at)
        where = joined.trace.resolve(address, number).address
        if where is None:
            raise InvalidArgumentError(f"{address[:60]!r} is a moment: give an address.")
        place = Cursor.of(cursor, number)
        wanted = {
            "write": MemoryAccessOperation.Write,
            "read": MemoryAccessOperation.Read,
            "both": None,
        }[operation]
        accesses = joined.trace.memory_accesses(
            where,
            max(1, size),
            from_transition=place.position,
            is_forward=direction == "forward",
            operation=wanted,
        )
        lines = ((one.transition.id, _access(one)) for one in accesses)
        nothing = f"No {operation} of these bytes, {direction} from #{place.position}."
        return paged(lines, place, _lines(limit), nothing)

    def origin(
        self,
        what: str,
        trace: str = "",
        at: str = "last",
        steps: int = 30,
        forward: bool = False,
        follow: Literal["values", "meant", "pointers"] = "values",
    ) -> str:
        """Where a value came from: what = a register (rax) or memory ([rsp+8], [0x4010; 4]) at the
        moment before `at`; goes back step by step to where it came into the program, each step
        with its transition. With `forward`, where it goes instead: bytes of files and sockets,
        arguments of programs and system calls, the exit status; then the branches, jumps and
        addresses that it decides; `follow`: also through the indices of constant tables (meant) or
        any pointer (pointers)."""
        joined = self._traces.get(trace)
        context = joined.trace.context_before(self._transition(joined, at))
        steps = max(1, min(steps, 100))
        if forward:
            lines = _sinks(context, what, follow)
            return paged(enumerate(lines), Cursor(0), steps, "It leads to nothing.")
        text = str(find_origin(context, what, steps))
        return paged(enumerate(text.splitlines()), Cursor(0), _MOST_LINES, "Nothing.")

    def bugs(
        self,
        trace: str = "",
        kind: Literal["all", "overflow", "use-after-free", "double-free", "uninitialized"] = "all",
        cursor: str = "",
        limit: int = 10,
    ) -> str:
        """Errors with the heap and uninitialized memory that the program made, whether or not it
        crashed: what, where, of which block, allocated and freed where."""
        joined = self._traces.get(trace)
        place = Cursor.of(cursor, 0)
        kinds = [] if kind == "all" else [kind]
        found = enumerate(bug_finding.find(joined.trace, *kinds))
        lines = ((at, clipped(str(bug))) for at, bug in found if at >= place.position)
        return paged(lines, place, _lines(limit), "None were found.")

    def strings(self, pattern: str = "", trace: str = "", cursor: str = "", limit: int = 20) -> str:
        """Strings that the program read or wrote and that contain `pattern`: first and last
        access, address, text."""
        joined = self._traces.get(trace)
        place = Cursor.of(cursor, 0)
        begin = min(place.position, _STRINGS_SKIPPED)
        found = islice(enumerate(joined.trace.strings(pattern)), begin, _STRINGS_SKIPPED)
        lines = (
            (
                at,
                f"#{one.first_access.id} … #{one.last_access.id} {one.address} {one.data!r}",
            )
            for at, one in found
        )
        return paged(lines, place, _lines(limit), "None.")

    # ------------------------------------------------------------------ sessions

    def publish(self, at: str, trace: str = "") -> str:
        """Have everybody who listens to the session go to a moment: people in their browser,
        debugger or disassembler. Only for the trace of a server."""
        joined = self._traces.get(trace)
        number = self._transition(joined, at)
        if not joined.is_shared:
            return _NO_SESSION
        shown = joined.show(number)
        return f"#{number} shown." if shown else f"#{number}: nobody listened, or all are there."

    def current(self, trace: str = "") -> str:
        """Where the others of the session are now."""
        joined = self._traces.get(trace)
        if joined.bridge is None:
            return _NO_SESSION
        lines = [
            f"{one.name or one.kind}: "
            + ("nowhere yet" if one.transition_id is None else f"#{one.transition_id}")
            for one in islice(joined.bridge.others(), 20)
        ]
        return "\n".join(map(clipped, lines)) or "Nobody else listens."

    def _transition(self, joined: Joined, at: str) -> int:
        text = f"#{at.strip()}" if at.strip().lstrip("-").isdecimal() else at
        found = joined.trace.resolve(text).transition
        if found is None:
            raise InvalidArgumentError(f"The trace never executes {at[:60]!r}.")
        return found.id


_NO_SESSION = "This trace was opened by its path: only one of a server has sessions."


def _lines(limit: int) -> int:
    return max(1, min(limit, _MOST_LINES))


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise InvalidArgumentError(f"{text[:40]!r} is no number: write 255 or 0xff.") from None


def _plain(text: str) -> str:
    return clipped(" ".join(text.split()))


def _place(context: Context) -> str:
    location = context.ossi.location()
    if location is None:
        return hex(context._pc())
    line = f" {PurePath(location.file).name}:{location.line}" if location.file else ""
    return f"{location}{line}"


def _line(transition: Transition) -> str:
    before, after = transition.context_before(), transition.context_after()
    parts = [f"{transition} | {_place(before)}"]
    if before.thread == after.thread:
        parts += [
            f"{name} {old:#x}→{new:#x}"
            for name in _GENERAL
            if name not in ("rip", "rflags")
            and (old := _register(before, name)) is not None
            and (new := _register(after, name)) is not None
            and old != new
        ]
    accesses = islice(transition.memory_accesses(), 3)
    parts += [_access(access).partition(" | ")[2] for access in accesses]
    return clipped(" ".join(parts))


def _register(context: Context, name: str) -> int | None:
    try:
        value: int = context.read(name)
    except RegisterReadError:
        return None
    return value


def _registers(context: Context) -> str:
    values = [(name, _register(context, name)) for name in _GENERAL]
    return " ".join(f"{name}={value:#x}" for name, value in values if value is not None)


def _sinks(
    context: Context, what: str, follow: Literal["values", "meant", "pointers"]
) -> Iterator[str]:
    """What a value leads to; what leaves the program first."""
    taint = Tainter(context._trace).simple_taint(
        what, from_context=context, follow=follow, sinks=True
    )
    try:
        for one in sorted(taint.sinks(), key=lambda one: one.is_decision):
            yield clipped(str(one))
    finally:
        taint.cancel()


def _stack(context: Context, limit: int) -> list[str]:
    return [clipped(f"stack {frame}") for frame in context.stack.source_frames()[:limit]]


def _moments(contexts: Iterator[Context]) -> Iterator[tuple[int, str]]:
    return ((one.transition_after().id, _line(one.transition_after())) for one in contexts)


def _access(access: MemoryAccess) -> str:
    transition = access.transition
    is_write = access.operation is MemoryAccessOperation.Write
    context = transition.context_after() if is_write else transition.context_before()
    size = min(access.size, _VALUE_BYTES)
    try:
        data = bytes(context.read(access.virtual_address, size, raw=True))
        value = f"{int.from_bytes(data, 'little'):#x}" if access.size <= 8 else data.hex()
    except MemoryReadError:
        value = "?"
    return clipped(
        f"{transition} {_place(transition.context_before())} | "
        f"{access.operation.value} {access.size} bytes at {access.virtual_address.offset:#x} "
        f"= {value}{access._words()}"
    )


def _began(call: Call) -> int:
    number = call._data.transition
    return call._data.first_context if number is None else number


def _call(call: Call) -> str:
    context = call.first_context
    arguments = ", ".join(
        f"{name}={value:#x}"
        for name in _ARGUMENTS
        if (value := _register(context, name)) is not None
    )
    returned = call.return_transition
    end = ""
    if returned is not None:
        value = _register(returned.context_after(), "rax")
        end = f" → #{returned.id}" + ("" if value is None else f" rax={value:#x}")
    caller = f" from {call.caller}" if call.caller is not None else ""
    return clipped(f"{call}({arguments}){caller}{end}")


def _dump(joined: Joined, context: Context, memory: str, size: int) -> str:
    address = joined.trace.resolve(memory, context).address
    if address is None:
        raise InvalidArgumentError(f"{memory[:60]!r} is a moment: give an address.")
    start = address.offset
    data, known = context._read_known_memory(start, size)
    lines = [f"memory before #{context.transition_after().id}, {context.ossi.location(start)}"]
    for at in range(0, size, 16):
        row = range(at, min(at + 16, size))
        cells = " ".join(f"{data[i]:02x}" if known[i] else "??" for i in row)
        text = "".join(chr(data[i]) if known[i] and 32 <= data[i] < 127 else "." for i in row)
        lines.append(f"{start + at:#x} {cells:<47} {text}")
    return "\n".join(lines)
