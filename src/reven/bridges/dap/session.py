# SPDX-License-Identifier: Apache-2.0
"""What an editor asks over the Debug Adapter Protocol, answered out of a trace.

Source: the Debug Adapter Protocol's specification, version 1.71. What it has no request for is
asked with `reven/origin`, `reven/goto`, `reven/publish` and `reven/reverseStepOut`.
"""

from __future__ import annotations

import base64
import contextlib
import re
import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

from reven.bridges.dap.breakpoints import Breakpoints
from reven.bridges.dap.lines import step_line, step_out
from reven.bridges.dap.shown import Shown
from reven.bridges.dap.wire import Wire
from reven.bridges.joined import Joined
from reven.bridges.machine import Machine, Stop
from reven2.errors import InvalidArgumentError, RevenError
from reven2.preview.taint import origin
from reven2.session import AddressEvent

__all__ = ["EditorSession"]

_CAPABILITIES = (
    *("ConfigurationDoneRequest", "FunctionBreakpoints", "StepBack", "ConditionalBreakpoints"),
    *("EvaluateForHovers", "GotoTargetsRequest", "ExceptionInfoRequest", "DataBreakpoints"),
    *("DataBreakpointBytes", "ReadMemoryRequest", "DisassembleRequest"),
    *("InstructionBreakpoints", "SteppingGranularity", "TerminateRequest"),
)
_REASONS = {
    "step": "step", "breakpoint": "breakpoint", "write": "data breakpoint",
    "read": "data breakpoint", "access": "data breakpoint", "signal": "exception",
    "begin": "entry", "end": "pause", "interrupted": "pause",
}  # fmt: skip
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, OverflowError)
"""What requests raise whose fields are not what the protocol says."""
_BEFORE_LAUNCH = ("initialize", "launch", "attach", "disconnect", "terminate", "pause")
_QUIET = 0.2  # seconds
_MOST_MEMORY = 1 << 20
_MOST_INSTRUCTIONS = 2000


class EditorSession:
    """One editor's connection.

    Parameters:
        wire: to the editor.
        trace, session, at: what to open if the editor does not say.
        publishes: whether each stop is shown to the session.
    """

    def __init__(
        self, wire: Wire, trace: str | None, session: str, at: str, publishes: bool
    ) -> None:
        self._wire, self._trace, self._session_name = wire, trace, session
        self._at, self._publishes = at, publishes
        self._joined: Joined | None = None
        self._last: Stop | None = None
        self._lock = threading.RLock()
        self._interrupted = threading.Event()
        self._is_over = threading.Event()
        self._runner: threading.Thread | None = None

    def run(self) -> None:
        """Until the editor disconnects. Raises NotThisProtocol if it is none."""
        try:
            while not self._is_over.is_set() and (message := self._wire.read()) is not None:
                if message.get("type") == "request":
                    self._answer(message)
        finally:
            self._is_over.set()
            self._interrupted.set()
            if self._runner is not None:
                self._runner.join()
            if self._joined is not None:
                self._joined.close()

    def _answer(self, message: dict[str, Any]) -> None:
        command, arguments = message.get("command"), message.get("arguments")
        arguments = arguments if isinstance(arguments, dict) else {}
        name = re.sub(r"([A-Z])", r"_\1", str(command).replace("/", "_")).lower()
        method: Callable[[dict[str, Any]], Any] | None = getattr(self, f"do_{name}", None)
        reply = {"request_seq": message.get("seq", 0), "command": command}
        try:
            if method is None:
                raise InvalidArgumentError(f"There is no request {str(command)[:60]!r}.")
            if name not in _BEFORE_LAUNCH:
                self._opened()
            if name == "pause":
                body = method(arguments)
            else:
                with self._lock:
                    body = method(arguments)
        except (RevenError, *_MALFORMED) as error:
            said = str(error) if isinstance(error, RevenError) else f"{command}: {error!r}"
            problem = {"id": 1, "format": said.replace("{", "("), "showUser": True}
            self._wire.send(
                "response", success=False, message=said, body={"error": problem}, **reply
            )
            return
        self._wire.send("response", success=True, body=body or {}, **reply)
        after = getattr(self, f"after_{name}", None)
        if after is not None:
            after()

    # ------------------------------------------------------------------ beginning and end

    def do_initialize(self, _: dict[str, Any]) -> dict[str, Any]:
        return {f"supports{name}": True for name in _CAPABILITIES}

    def do_launch(self, arguments: dict[str, Any]) -> None:
        trace = arguments.get("trace") or arguments.get("program") or self._trace
        if not isinstance(trace, str):
            raise InvalidArgumentError(
                'Say which trace: "trace": "NAME.reven" or "HOST:PORT/TRACE".'
            )
        if self._joined is not None:
            raise InvalidArgumentError("A trace is open already.")
        session = str(arguments.get("session") or self._session_name)
        self._joined = Joined(trace, session, str(arguments.get("name") or "editor"))
        self._publishes = bool(arguments.get("publish", self._publishes))
        begin = self._joined.trace.resolve(str(arguments.get("at") or self._at)).transition
        if begin is None:
            raise InvalidArgumentError("The trace never executes that place.")
        self._machine = Machine(self._joined.server, begin.id)
        self._machine.is_interrupted = self._interrupted.is_set
        self._breakpoints = Breakpoints(self._machine)
        self._shown = Shown(self._machine)

    do_attach = do_launch

    def after_launch(self) -> None:
        self._wire.event("initialized")

    after_attach = after_launch

    def do_configuration_done(self, _: dict[str, Any]) -> None:
        """All of it is set."""

    def after_configuration_done(self) -> None:
        self._tell(Stop(self._machine.context, "begin", self._machine.thread))
        if self._opened().is_shared:
            threading.Thread(target=self._follow, daemon=True).start()

    def do_disconnect(self, _: dict[str, Any]) -> None:
        self._interrupted.set()

    def after_disconnect(self) -> None:
        self._is_over.set()

    do_terminate = do_disconnect

    def after_terminate(self) -> None:
        self._wire.event("terminated")

    def _opened(self) -> Joined:
        if self._joined is None:
            raise InvalidArgumentError("No trace is open: launch first.")
        return self._joined

    # ------------------------------------------------------------------ moving

    def _move(self, run: Callable[[], Stop]) -> None:
        """In the background, for the editor may ask to pause."""
        if self._runner is not None and self._runner.is_alive():
            raise InvalidArgumentError("The program runs: pause it first.")
        self._interrupted.clear()

        def work() -> None:
            with self._lock, contextlib.suppress(OSError, ValueError):
                try:
                    stop = run()
                except (RevenError, *_MALFORMED) as error:
                    self._wire.event("output", category="stderr", output=f"{error}\n")
                    stop = Stop(self._machine.context, "step", self._machine.thread)
                self._tell(stop)

        self._runner = threading.Thread(target=work, daemon=True)

    def _start(self) -> None:
        assert self._runner is not None
        self._runner.start()

    def _tell(self, stop: Stop) -> None:
        self._last = stop
        self._shown.forget()
        context = self._machine.context
        self._opened().set_where(context)
        if self._publishes:
            self._opened().show(context)
        text = f"#{context}"
        if stop.reason in ("begin", "end"):
            text += f", the {'beginning' if stop.reason == 'begin' else 'end'} of the recording"
        self._wire.event(
            "stopped",
            reason=_REASONS[stop.reason],
            description=text,
            text=text,
            threadId=self._machine.thread,
            allThreadsStopped=True,
            hitBreakpointIds=self._breakpoints.hit(stop),
        )

    def do_continue(self, _: dict[str, Any]) -> dict[str, Any]:
        self._move(lambda: self._machine.resume(True))
        return {"allThreadsContinued": True}

    def do_reverse_continue(self, _: dict[str, Any]) -> None:
        self._move(lambda: self._machine.resume(False))

    def do_next(self, arguments: dict[str, Any]) -> None:
        self._step(arguments, "over", True)

    def do_step_in(self, arguments: dict[str, Any]) -> None:
        self._step(arguments, "in", True)

    def do_step_back(self, arguments: dict[str, Any]) -> None:
        self._step(arguments, "over", False)

    def do_step_out(self, _: dict[str, Any]) -> None:
        self._move(lambda: step_out(self._machine, True))

    def do_reven_reverse_step_out(self, _: dict[str, Any]) -> None:
        self._move(lambda: step_out(self._machine, False))

    def _step(self, arguments: dict[str, Any], kind: Any, is_forward: bool) -> None:
        thread = int(arguments.get("threadId", 0)) or self._machine.thread
        if arguments.get("granularity") == "instruction":
            self._move(lambda: self._machine.step(thread, is_forward))
        else:
            self._move(lambda: step_line(self._machine, kind, is_forward))

    after_continue = after_reverse_continue = after_next = after_step_in = _start
    after_step_back = after_step_out = after_reven_reverse_step_out = _start

    def do_pause(self, _: dict[str, Any]) -> None:
        self._interrupted.set()

    def do_goto_targets(self, arguments: dict[str, Any]) -> dict[str, Any]:
        file, line = str(arguments["source"]["path"]), int(arguments["line"])
        runs = self._breakpoints.runs_of(file, line, self._machine.context)
        return {"targets": [{"id": number, "label": f"#{number}", "line": line} for number in runs]}

    def do_goto(self, arguments: dict[str, Any]) -> None:
        self._machine.go(int(arguments["targetId"]))

    def do_reven_goto(self, arguments: dict[str, Any]) -> None:
        found = self._opened().trace.resolve(str(arguments["where"]), self._machine.context)
        if found.transition is None:
            raise InvalidArgumentError("The trace never executes that place.")
        self._machine.go(found.transition.id)

    def after_goto(self) -> None:
        self._tell(Stop(self._machine.context, "step", self._machine.thread))

    after_reven_goto = after_goto

    # ------------------------------------------------------------------ sessions

    def _follow(self) -> None:
        joined = self._opened()
        while not self._is_over.is_set():
            with contextlib.suppress(RevenError, OSError, ValueError):
                event = joined.next_event(_QUIET)
                if event is None or isinstance(event, AddressEvent):
                    continue
                with self._lock:
                    self._machine.go(event.transition_id)
                    self._tell(Stop(self._machine.context, "step", self._machine.thread))

    def do_reven_publish(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"shown": self._opened().show(self._machine.context)}

    # ------------------------------------------------------------------ breakpoints

    def do_set_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"breakpoints": self._breakpoints.set_lines(arguments)}

    def do_set_function_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"breakpoints": self._breakpoints.set_functions(arguments)}

    def do_set_instruction_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"breakpoints": self._breakpoints.set_instructions(arguments)}

    def do_data_breakpoint_info(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._breakpoints.data_info(arguments, self._shown.memory_of)

    def do_set_data_breakpoints(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"breakpoints": self._breakpoints.set_data(arguments)}

    def do_set_exception_breakpoints(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"breakpoints": []}

    def do_exception_info(self, _: dict[str, Any]) -> dict[str, Any]:
        machine = self._machine
        event = machine.event_at(min(machine.context, machine.count - 1))
        if event is None or not event.signal:
            raise InvalidArgumentError("There is no signal here.")
        end = self._opened().trace.end
        is_end = end is not None and machine.context == machine.count - 1
        return {
            "exceptionId": event.signal_name,
            "description": f"The process {end}" if is_end else f"signal {event.signal_name}",
            "breakMode": "always",
        }

    # ------------------------------------------------------------------ what is there

    def do_threads(self, _: dict[str, Any]) -> dict[str, Any]:
        threads = self._machine.threads()
        return {"threads": [{"id": one, "name": f"thread {one}"} for one in threads]}

    def do_stack_trace(self, arguments: dict[str, Any]) -> dict[str, Any]:
        frames = self._shown.frames(int(arguments["threadId"]))
        start = int(arguments.get("startFrame") or 0)
        levels = int(arguments.get("levels") or 0) or len(frames)
        return {"stackFrames": frames[start : start + levels], "totalFrames": len(frames)}

    def do_scopes(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"scopes": self._shown.scopes(int(arguments["frameId"]))}

    def do_variables(self, arguments: dict[str, Any]) -> dict[str, Any]:
        found = self._shown.variables(int(arguments["variablesReference"]))
        start = int(arguments.get("start") or 0)
        count = int(arguments.get("count") or 0) or len(found)
        return {"variables": found[start : start + count]}

    def do_evaluate(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self._shown.evaluate(
            str(arguments["expression"]), int(arguments.get("frameId") or 0)
        )

    def do_source(self, arguments: dict[str, Any]) -> dict[str, Any]:
        path = str((arguments.get("source") or {}).get("path", ""))
        text = self._opened().trace._service.source_text(path)
        if text.problem:
            raise InvalidArgumentError(text.problem)
        return {"content": text.text}

    def do_read_memory(self, arguments: dict[str, Any]) -> dict[str, Any]:
        address = int(str(arguments["memoryReference"]), 0) + int(arguments.get("offset") or 0)
        size = max(0, min(int(arguments["count"]), _MOST_MEMORY))
        data = self._machine.read_memory(address, size) if 0 <= address < 1 << 64 and size else b""
        return {
            "address": hex(address),
            "data": base64.b64encode(data).decode(),
            "unreadableBytes": size - len(data),
        }

    def do_disassemble(self, arguments: dict[str, Any]) -> dict[str, Any]:
        address = int(str(arguments["memoryReference"]), 0) + int(arguments.get("offset") or 0)
        count = max(1, min(int(arguments["instructionCount"]), _MOST_INSTRUCTIONS))
        offset = int(arguments.get("instructionOffset") or 0)
        return {"instructions": self._shown.disassembly(address, offset, count)}

    def do_reven_origin(self, arguments: dict[str, Any]) -> dict[str, Any]:
        context = self._opened().trace._context(self._machine.context)
        found = origin(context, str(arguments["what"]), int(arguments.get("steps") or 100))
        hops = [
            {
                "transition": None if hop.transition is None else hop.transition.id,
                "kind": hop.kind,
                "text": hop.text,
            }
            for hop in islice(found, 1000)
        ]
        return {"text": str(found), "hops": hops}
