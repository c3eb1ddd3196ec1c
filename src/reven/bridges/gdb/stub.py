# SPDX-License-Identifier: Apache-2.0
"""gdb's remote protocol over a recorded program: each packet's answer.

Source: the gdb manual, appendix "gdb Remote Serial Protocol". LLDB's additions: its page
"GDB Remote Protocol Extensions".
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Literal

from reven.bridges.gdb.agent import CannotEvaluate, evaluate
from reven.bridges.gdb.host_files import HostFiles
from reven.bridges.gdb.monitor import Monitor
from reven.bridges.gdb.packets import LARGEST_PACKET, escaped
from reven.bridges.gdb.process import Process
from reven.bridges.gdb.registers import EXPEDITED, REGISTERS, all_registers, target_description
from reven.bridges.gdb.signals import from_gdb, to_gdb
from reven.bridges.joined import Joined
from reven.bridges.machine import Condition, Machine, Stop, Watchpoint
from reven2.errors import RevenError

__all__ = ["Stub"]

_ERROR = b"E01"
_UNCHANGEABLE = b"E.A recorded program cannot be changed."
_SWBREAK, _HWBREAK = b"swbreak+", b"hwbreak+"
_FEATURES = (
    "QStartNoAckMode+;multiprocess+;vContSupported+;ReverseStep+;ReverseContinue+;swbreak+;"
    "hwbreak+;QPassSignals+;ConditionalBreakpoints+;qXfer:features:read+;qXfer:auxv:read+;"
    "qXfer:exec-file:read+;qXfer:libraries-svr4:read+;qXfer:memory-map:read+;qXfer:threads:read+"
)
_WATCH: dict[str, Literal["write", "read", "access"]] = {
    "2": "write",
    "3": "read",
    "4": "access",
}
_MOST_POINTS = 4096
_MOST_READ = LARGEST_PACKET // 2 - 64


class Stub:
    """One debugger's connection.

    Parameters:
        machine: the program.
        joined: its trace, and its session.
        publishes: whether each stop is shown to the others of the session.
    """

    def __init__(self, machine: Machine, joined: Joined, publishes: bool) -> None:
        self._machine, self._joined, self._publishes = machine, joined, publishes
        self._process = Process(machine)
        self._files = HostFiles(self._process)
        self._monitor = Monitor(machine, joined)
        self._objects: dict[bytes, bytes] = {}
        self._breakpoints: dict[tuple[str, int], list[Condition]] = {}
        self._thread: int | None = None
        self._step_thread: int | None = None
        self._features: set[bytes] = set()
        self._has_moved = False
        self.acknowledges = True
        self.is_over = False

    def let_interrupt(self, is_interrupted: Callable[[], bool]) -> None:
        """Say how to find out whether the debugger's user pressed Ctrl-C."""
        self._machine.is_interrupted = is_interrupted

    def answer(self, packet: bytes) -> bytes | None:
        """The answer to a packet; None: there is none. Whatever comes, nothing is raised but for
        faults of this program."""
        try:
            return self._answer(packet)
        except RevenError as error:
            return b"E." + " ".join(str(error).split()).encode(errors="replace")[:200]
        except (ValueError, IndexError, OverflowError):
            return _ERROR

    def settled(self) -> None:
        """The debugger's user sees where it stopped."""
        if self._has_moved and self._publishes:
            with contextlib.suppress(RevenError):
                self._joined.show(self._machine.context)
        self._has_moved = False

    def _answer(self, packet: bytes) -> bytes | None:
        kind, rest = packet[:1], packet[1:]
        # A program's data may be anything; all else in packets is ASCII.
        if packet.startswith(b"vFile:"):
            return self._files.answer(packet[6:])
        if kind in (b"X", b"M", b"G", b"P"):
            return _UNCHANGEABLE
        text = rest.decode("latin-1")
        method = {
            b"?": self._halted,
            b"g": self._read_all,
            b"p": self._read_one,
            b"m": self._read_memory,
            b"x": self._read_binary,
            b"H": self._choose_thread,
            b"T": self._is_alive,
            b"Z": self._insert,
            b"z": self._remove,
            b"c": lambda _: self._go(True),
            b"C": lambda _: self._go(True),
            b"s": lambda _: self._step(None, True),
            b"S": lambda _: self._step(None, True),
            b"b": self._reverse,
            b"D": self._detach,
            b"k": self._kill,
            b"q": self._query,
            b"Q": self._set,
            b"v": self._verbose,
        }.get(kind)
        return b"" if method is None else method(text)

    # ------------------------------------------------------------------ state

    def _halted(self, _: str) -> bytes:
        # The registers come with it, and so "the program is stopped" is all that it says.
        return self._reply(b"T05", self._machine.thread)

    def _view(self) -> bytes | None:
        return self._machine.view(self._thread or self._machine.thread)

    def _read_all(self, _: str) -> bytes:
        view = self._view()
        return _ERROR if view is None else all_registers(view).encode()

    def _read_one(self, text: str) -> bytes:
        view, number = self._view(), int(text.partition(";")[0], 16)
        if view is None or not 0 <= number < len(REGISTERS):
            return _ERROR
        return REGISTERS[number].text(view).encode()

    def _read_memory(self, text: str) -> bytes:
        data = self._bytes_at(text)
        return data.hex().encode() if data else _ERROR

    def _read_binary(self, text: str) -> bytes:
        if _numbers(text)[1] == 0:
            return b"OK" if self._is_lldb() else b"b"
        data = self._bytes_at(text)
        if not data:
            return _ERROR
        return (b"" if self._is_lldb() else b"b") + escaped(data)

    def _bytes_at(self, text: str) -> bytes:
        address, size = _numbers(text)
        size = min(size, _MOST_READ, (1 << 64) - address)
        return self._machine.read_memory(address, size) if size > 0 else b""

    def _is_lldb(self) -> bool:
        # Only gdb says this of itself.
        return b"qRelocInsn+" not in self._features

    # ------------------------------------------------------------------ threads

    def _id(self, thread: int) -> str:
        if b"multiprocess+" in self._features:
            return f"p{self._process.pid:x}.{thread:x}"
        return f"{thread:x}"

    def _choose_thread(self, text: str) -> bytes:
        chosen = _thread(text[1:])
        if chosen is not None and chosen not in {one.id for one in self._machine.trace.threads}:
            return _ERROR
        if text.startswith("g"):
            self._thread = chosen
        else:
            self._step_thread = chosen
        return b"OK"

    def _is_alive(self, text: str) -> bytes:
        return b"OK" if _thread(text) in self._machine.threads() else _ERROR

    def _threads_xml(self) -> str:
        return "<threads>" + "".join(
            f'<thread id="{self._id(one)}" name="thread {one}">{self._where(one)}</thread>'
            for one in self._machine.threads()
        ) + "</threads>"  # fmt: skip

    def _where(self, thread: int) -> str:
        return "runs" if thread == self._machine.thread else "does not run at this moment"

    # ------------------------------------------------------------------ breakpoints

    def _insert(self, text: str) -> bytes:
        place, _, conditions = text.partition(";")
        kind, address, size = self._point(place)
        if kind in _WATCH:
            if not 0 < size <= 1 << 20 or len(self._machine.watchpoints) >= _MOST_POINTS:
                return _ERROR
            self._machine.watchpoints.append(self._watchpoint(kind, address, size))
            return b"OK"
        if kind not in ("0", "1"):
            return b""
        if len(self._breakpoints) >= _MOST_POINTS:
            return _ERROR
        # Inserting one again sets its conditions anew.
        self._breakpoints[kind, address] = [
            self._condition(code) for code in _expressions(conditions)
        ]
        self._set_breakpoints()
        return b"OK"

    def _remove(self, text: str) -> bytes:
        kind, address, size = self._point(text)
        if kind in _WATCH:
            one = self._watchpoint(kind, address, size)
            if one in self._machine.watchpoints:
                self._machine.watchpoints.remove(one)
            return b"OK"
        if kind not in ("0", "1"):
            return b""
        self._breakpoints.pop((kind, address), None)
        self._set_breakpoints()
        return b"OK"

    def _set_breakpoints(self) -> None:
        merged: dict[int, list[Condition]] = {}
        for (_, address), conditions in self._breakpoints.items():
            if not conditions:
                merged[address] = []
            elif merged.get(address, conditions):
                merged.setdefault(address, []).extend(conditions)
        self._machine.breakpoints = merged

    def _point(self, text: str) -> tuple[str, int, int]:
        kind, address, size = text.split(",")[:3]
        return kind, int(address, 16) & (1 << 64) - 1, int(size, 16)

    def _watchpoint(self, kind: str, address: int, size: int) -> Watchpoint:
        # gdb goes on by itself where a write has left the value as it was: it need not stop there.
        return Watchpoint(_WATCH[kind], address, size, changes=kind == "2" and not self._is_lldb())

    def _condition(self, code: bytes) -> Condition:
        service = self._machine.service

        def holds(context: int, view: bytes) -> bool:
            def register(number: int) -> int:
                if number >= len(REGISTERS) or (data := REGISTERS[number].read(view)) is None:
                    raise CannotEvaluate("a register that is not recorded")
                return int.from_bytes(data[:8], "little")

            def memory(address: int, size: int) -> int:
                data, known = service.read_known_memory(context, address, size)
                if 0 in known:
                    raise CannotEvaluate("memory that is not known")
                return int.from_bytes(data, "little")

            try:
                return evaluate(code, register, memory) != 0
            except CannotEvaluate:
                # gdb looks at the condition again where it stops, and says what is wrong with it.
                return True

        return holds

    # ------------------------------------------------------------------ moving

    def _go(self, is_forward: bool) -> bytes:
        if is_forward and self._monitor.waits_for_others:
            return self._wait_for_others()
        return self._stopped(self._machine.resume(is_forward))

    def _step(self, thread: int | None, is_forward: bool) -> bytes:
        thread = thread or self._step_thread or self._machine.thread
        return self._stopped(self._machine.step(thread, is_forward))

    def _reverse(self, text: str) -> bytes:
        if text == "s":
            return self._step(None, False)
        return self._go(False) if text == "c" else b""

    def _wait_for_others(self) -> bytes:
        while not self._machine.is_interrupted():
            context = self._monitor.next_selection(0.1)
            if context is not None:
                self._machine.go(context)
                self._monitor.arrived(context)
                return self._reply(b"T05", self._machine.thread)
        self._monitor.waits_for_others = False
        return self._reply(b"T02", self._machine.thread)

    def _stopped(self, stop: Stop) -> bytes:
        self._thread = self._step_thread = None
        self._monitor.arrived(stop.context)
        self._has_moved = True
        words = {
            "begin": "replaylog:begin;",
            "end": "replaylog:end;",
            "write": f"watch:{stop.address:x};",
            "read": f"rwatch:{stop.address:x};",
            "access": f"awatch:{stop.address:x};",
        }
        text = words.get(stop.reason, "")
        if stop.reason == "breakpoint":
            is_hard = ("1", self._machine.pc()) in self._breakpoints
            text = "hwbreak:;" if is_hard else "swbreak:;"
            if (_HWBREAK if is_hard else _SWBREAK) not in self._features:
                text = ""
        number = {"signal": to_gdb(stop.signal), "interrupted": 2}.get(stop.reason, 5)
        # For gdb one thread's stop is everybody's; the one that runs is the one that stopped.
        return self._reply(b"T%02x" % number, self._machine.thread, text)

    def _reply(self, signal: bytes, thread: int, text: str = "") -> bytes:
        view = self._machine.view(thread)
        registers = "" if view is None else "".join(
            f"{number:x}:{REGISTERS[number].text(view)};" for number in EXPEDITED
        )  # fmt: skip
        return signal + f"thread:{self._id(thread)};{text}{registers}".encode()

    def _detach(self, _: str) -> bytes:
        self.is_over = True
        return b"OK"

    def _kill(self, _: str) -> None:
        self.is_over = True

    # ------------------------------------------------------------------ v packets

    def _verbose(self, text: str) -> bytes | None:
        name, mark, rest = text.partition(";")
        if text == "Cont?":
            return b"vCont;c;C;s;S;r"
        if name == "Cont" and mark:
            return self._continue(rest.split(";"))
        if name == "Kill":
            self.is_over = True
            return b"OK"
        return b""

    def _continue(self, actions: list[str]) -> bytes:
        """The first action that is a step says which thread moves; others run as they did."""
        for action in actions:
            what, _, thread = action.partition(":")
            if what[:1] in ("s", "S"):
                return self._step(_thread(thread), True)
            if what[:1] == "r":
                low, high = _numbers(what[1:])
                chosen = _thread(thread) or self._machine.thread
                return self._stopped(self._machine.step_while_in(chosen, low, high))
        if not all(action[:1] in ("c", "C") for action in actions):
            return _ERROR
        return self._go(True)

    # ------------------------------------------------------------------ q and Q packets

    def _query(self, text: str) -> bytes:
        name, _, rest = text.partition(":")
        if name == "Supported":
            self._features = set(rest.encode().split(b";"))
            return f"PacketSize={LARGEST_PACKET - 16:x};{_FEATURES}".encode()
        if name == "Xfer":
            return self._transfer(rest)
        if text.startswith("Rcmd,"):
            line = bytes.fromhex(text[5:]).decode(errors="replace")
            return self._monitor.run(line).encode()[:_MOST_READ].hex().encode()
        if name == "fThreadInfo":
            return ("m" + ",".join(map(self._id, self._machine.threads()))).encode()
        if text.startswith("ThreadExtraInfo,"):
            return self._where(_thread(text.partition(",")[2]) or 0).encode().hex().encode()
        simple: dict[str, Callable[[], str]] = {
            "sThreadInfo": lambda: "l",
            "C": lambda: f"QC{self._id(self._machine.thread)}",
            "Attached": lambda: "1",
            "Symbol": lambda: "OK",
            "HostInfo": lambda: _HOST,
            "ProcessInfo": lambda: f"pid:{self._process.pid:x};{_HOST}",
        }
        if name in simple:
            return simple[name]().encode()
        return self._region(int(rest, 16)) if name == "MemoryRegionInfo" else b""

    def _region(self, address: int) -> bytes:
        start = 0
        for one in self._process.mappings():
            if address < one.start:
                return f"start:{start:x};size:{one.start - start:x};".encode()
            if address < one.stop:
                rights = "".join(
                    letter for letter, bit in (("r", 1), ("w", 2), ("x", 4)) if one.protection & bit
                )
                name = one.path.encode().hex()
                return (
                    f"start:{one.start:x};size:{one.stop - one.start:x};permissions:{rights};"
                    f"name:{name};"
                ).encode()
            start = one.stop
        return f"start:{start:x};size:{(1 << 64) - start:x};".encode()

    def _transfer(self, text: str) -> bytes:
        what, operation, annex, part = text.split(":", 3)
        offset, size = _numbers(part)
        if operation != "read":
            return b""
        makers: dict[str, Callable[[], bytes]] = {
            "features": lambda: target_description().encode() if annex == "target.xml" else b"",
            "auxv": self._process.auxiliary_vector,
            "exec-file": lambda: self._process.executable().encode(),
            "libraries-svr4": lambda: self._process.libraries().encode(),
            "memory-map": lambda: self._process.memory_map().encode(),
            "threads": lambda: self._threads_xml().encode(),
        }
        if what not in makers:
            return b""
        key = f"{what}:{annex}".encode()
        # It is asked for piece by piece, and must not change between the pieces.
        if offset == 0 or key not in self._objects:
            self._objects[key] = makers[what]()
        data = self._objects[key]
        if not data and what in ("features", "auxv", "exec-file"):
            return b"E00"
        piece = data[offset : offset + min(size, _MOST_READ)]
        return (b"m" if offset + len(piece) < len(data) else b"l") + escaped(piece)

    def _set(self, text: str) -> bytes:
        name, _, rest = text.partition(":")
        if name == "StartNoAckMode":
            self.acknowledges = False
            return b"OK"
        if name == "NonStop":
            return b"OK" if rest == "0" else _ERROR
        if name == "PassSignals":
            numbers = (from_gdb(int(one, 16)) for one in rest.split(";") if one)
            self._machine.passed_signals = frozenset(one for one in numbers if one)
            return b"OK"
        return b""


_HOST = (
    "triple:7838365f36342d2d6c696e75782d676e75;ptrsize:8;endian:little;"  # x86_64--linux-gnu
    "watchpoint_exceptions_received:after;"
)


def _numbers(text: str) -> tuple[int, int]:
    """`ADDRESS,LENGTH` in hexadecimal."""
    first, second = text.split(",")
    low, high = int(first, 16), int(second, 16)
    if not (0 <= low < 1 << 64 and 0 <= high < 1 << 64):
        raise ValueError
    return low, high


def _thread(text: str) -> int | None:
    """A thread's number; None for any and all."""
    number = text.rpartition(".")[2].lstrip("p")
    if number in ("", "0", "-1"):
        return None
    return int(number, 16)


def _expressions(text: str) -> list[bytes]:
    """The conditions behind a breakpoint: `XLENGTH,CODE…`, and what is no condition left out."""
    found = []
    while text.startswith("X"):
        size, _, rest = text[1:].partition(",")
        length = 2 * int(size, 16)
        if length > len(rest):
            raise ValueError
        found.append(bytes.fromhex(rest[:length]))
        text = rest[length:].lstrip(";")
    return found
