# SPDX-License-Identifier: Apache-2.0
"""Run a program under the recorder and write its traces."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import FrameType

from reven import _engine
from reven.end import is_fault, notice_sentence
from reven.ossi import signal_name
from reven.record.amounts import Amount, parse_amount, parse_size
from reven.record.binaries import BinaryCopier
from reven.record.errors import CannotRecord, NothingRecorded, ProgramNotExecutable
from reven.record.places import check_code, resolve_place
from reven.record.process_recording import Hello, ProcessRecording, receive_hello, refuse
from reven.record.program import resolve_program
from reven.record.requests import Request, receive_request
from reven.record.sources import SourceOptions
from reven.record.trace_folder import create_child_trace, create_trace
from reven.recorders import Order, ReadyRecorder, Recorder, get_recorder
from reven.trace.manifest_parts import Successor

_POLL = 0.05  # seconds between looks at what happens
_LATE_CONNECTIONS = 0.15  # seconds to wait for a last child when all seems over
_FORK_MEMORY = 5.0  # seconds for which an ended recording can still be forked from
GRACE = 3.0
"""Seconds from Ctrl-C to SIGTERM, and from that to SIGKILL."""
_BACKLOG = 256
_LONGEST_BASE = 64  # characters; the path of a Unix socket has 107


@dataclass(frozen=True)
class RecordOptions:
    """How to record."""

    start: str | None = None
    """Record from here on: a place of `reven.record.places`."""
    until: str | None = None
    """Record up to here; then the program runs on unrecorded."""
    after: str | None = None
    """Record after so long, or so many transitions: `5s`, `1000000`. Counted from `start`."""
    duration: str | None = None
    """Record for so long, or so many transitions, of each process."""
    wait: bool = False
    """Record when the program asks for it (reven.h)."""
    only: tuple[str, ...] = ()
    """Binaries, functions or BINARY!FUNCTIONs whose code alone is recorded."""
    skip: tuple[str, ...] = ()
    """… whose code is not recorded."""
    max_transitions: int = 0
    """Most transitions to record of each process; 0: no limit."""
    last: str | None = None
    """Keep so much of the end of each process, as `500MB`; None: all."""
    children: tuple[str, ...] = ()
    """Names of the programs, as `gcc` or `python*`, that are recorded of child processes;
    none: all."""
    follow: bool = True
    """Record child processes too."""
    force: bool = False
    """Replace an existing trace."""
    with_sources: bool | None = None
    """Copy source files and separate debug files into the trace: True: all; False: none; None:
    what is small."""


@dataclass(frozen=True)
class Progress:
    """How far a recording is."""

    transitions: int  # of all processes
    bytes_written: int
    seconds: float  # wall time since the start
    processes: int  # recorded so far


@dataclass(frozen=True)
class RecordedProcess:
    """One process's trace."""

    trace: Path
    pid: int
    program: str
    command: tuple[str, ...]
    transitions: int
    dropped: int  # transitions before those
    bytes_written: int
    threads: int
    complete: bool  # the recording ended, and all of it was written
    end_reason: str | None  # "exit", "signal", "exec", … of EndData; None: cut off
    end_code: int | None  # exit status, or signal number
    error: str  # why not everything was written, or ""
    ending: str  # how it ended and why, as a sentence without its subject; "": it was cut off
    notices: tuple[str, ...]  # what it met that the recorder does otherwise
    faults: tuple[str, ...]  # those of them by which the record is wrong


@dataclass(frozen=True)
class RecordSummary:
    """What became of a recording."""

    exit_status: int  # the program's; 128+n if signal n ended it
    signal: int  # that ended the program; 0: none
    seconds: float  # wall time
    processes: tuple[RecordedProcess, ...]  # the program's own first
    interrupted: bool  # by Ctrl-C or a signal to this process
    never_reached: str  # where the record was to end, if that was never met; else ""

    @property
    def main(self) -> RecordedProcess:
        """The program's own trace."""
        return self.processes[0]


def record(
    command: Sequence[str],
    output: Path,
    *,
    options: RecordOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    recorder: Recorder | None = None,
) -> RecordSummary:
    """Run a program, with this process's standard streams, and record what it does.

    Parameters:
        command: the program (a path, or a name to find in PATH) and its arguments.
        output: the trace directory to make. Traces of child processes are made beside it.
        options: see RecordOptions.
        on_progress: called from this thread some times a second, and once at the end.
        recorder: what to record with; default: `reven.recorders.DEFAULT`.

    While it runs, Ctrl-C is left to the program; if that has not ended some seconds
    later, it is ended. The trace is kept.

    Raises: exceptions of reven.record.errors.
    """
    options = options or RecordOptions()
    program = resolve_program(command[0])
    recorder = recorder or get_recorder()
    _check_options(options, recorder)
    if refusal := recorder.refusal(program, os.environ):
        raise ProgramNotExecutable(f"{command[0]} {refusal}.")
    order = _order(command, program, options)
    ready = recorder.find()
    with create_trace(output, replace=options.force), _private_folder() as folder:
        try:
            sources = SourceOptions.of(options.with_sources, program)
            with _Session(output, options, folder, ready, sources) as session:
                session.start(order)
                session.run(on_progress)
                return session.summary()
        finally:
            _remove_if_empty(output)


class _Session:
    def __init__(
        self,
        output: Path,
        options: RecordOptions,
        folder: Path,
        recorder: ReadyRecorder,
        sources: SourceOptions,
    ) -> None:
        self._recorder = recorder
        self._limit = parse_amount(options.duration, "--for") if options.duration else Amount()
        self._keep_bytes = parse_size(options.last, "--last") if options.last else 0
        self._output = output
        self._options = options
        self._folder = folder
        self._socket = folder / "socket"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._socket))
        # For forks of a process that has become another user; the folder is private.
        self._socket.chmod(0o666)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="copy-binaries")
        self._copier = BinaryCopier(sources)
        self._all: list[ProcessRecording] = []
        self._running: list[ProcessRecording] = []
        self._forkable: dict[int, tuple[ProcessRecording, float]] = {}  # by pid; until when
        self._problem = ""
        self._paused = False  # by `reven mark stop`
        self._started = time.monotonic()
        self._program: subprocess.Popen[bytes] | None = None
        self._interrupted = 0.0  # when
        self._escalation = [signal.SIGTERM, signal.SIGKILL]  # what is still to be sent then

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._program is not None and self._program.poll() is None:
            self._program.kill()  # an error: nobody is left to record it
            self._program.wait()
        self._listener.close()
        self._executor.shutdown()

    # ------------------------------------------------------------- the program

    def start(self, order: Order) -> None:
        launch = self._recorder.launch(replace(order, socket=self._socket, folder=self._folder))
        self._started = time.monotonic()
        # What this process inherited, it inherits.
        self._program = subprocess.Popen(
            launch.arguments, env={**os.environ, **launch.environment}, close_fds=False
        )

    def run(self, on_progress: Callable[[Progress], None] | None) -> None:
        """Serve recorders until the program and everything recorded has ended."""
        assert self._program is not None
        quiet_since = 0.0
        with self._signals_to_program():
            while True:
                self._accept(_POLL)
                self._poll()
                self._hurry()
                if on_progress:
                    on_progress(self._progress())
                if self._running or self._program.poll() is None:
                    quiet_since = 0.0
                elif quiet_since == 0.0:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > _LATE_CONNECTIONS:
                    return

    @contextmanager
    def _signals_to_program(self) -> Iterator[None]:
        """The terminal sends SIGINT to the program too; other signals are passed on."""
        assert self._program is not None
        program = self._program

        def note(number: int, _frame: FrameType | None) -> None:
            self._interrupted = self._interrupted or time.monotonic()
            if number != signal.SIGINT:
                program.send_signal(number)

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, note)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hurry(self) -> None:
        """End what a Ctrl-C has not ended: the program, and children that are recorded."""
        assert self._program is not None
        if not self._interrupted or not self._escalation:
            return
        if time.monotonic() - self._interrupted < GRACE * (3 - len(self._escalation)):
            return
        number = self._escalation.pop(0)
        if self._program.poll() is None:
            self._program.send_signal(number)
        for recording in self._running:
            if recording.hello.process not in (0, self._program.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(recording.hello.process, number)

    # ----------------------------------------------------------- the recorders

    def _accept(self, seconds: float) -> None:
        self._listener.settimeout(seconds)
        try:
            connection, _ = self._listener.accept()
        except TimeoutError:
            return
        with connection:
            if (request := receive_request(connection)) is not None:
                self._meet(request)
                with suppress(OSError):
                    connection.sendall(b"\1")
                return
            hello = receive_hello(connection)
            try:
                if hello is None or not self._begin(connection, hello):
                    refuse(connection)
            except (OSError, _engine.TraceError) as error:
                self._problem = self._problem or str(error)
                refuse(connection)

    def _begin(self, connection: socket.socket, hello: Hello) -> bool:
        """False if the process cannot be recorded."""
        for other in self._running:
            if other.hello.process == hello.process:
                other.replaced = True
        if self._all and not self._is_wanted(hello):
            return False
        parent = None
        if hello.forked:
            if hello.parent_pid not in self._forkable:
                return False
            parent, _ = self._forkable[hello.parent_pid]
        trace = create_child_trace(self._output) if self._all else self._output
        recording = ProcessRecording(
            trace,
            connection,
            hello,
            max_transitions=self._limit.transitions or self._options.max_transitions,
            seconds=self._limit.seconds,
            keep_bytes=self._keep_bytes,
            parent=parent,
            copier=self._copier,
            executor=self._executor,
        )
        recording.pause(self._paused)
        self._all.append(recording)
        self._running.append(recording)
        self._forkable[hello.pid] = recording, float("inf")
        return True

    def _meet(self, request: Request) -> None:
        """Do what `reven mark` asks for."""
        if request.text == "start":
            Path(f"{self._socket}.start").touch()
            self._paused = False
        elif request.text == "stop":
            self._paused = True
        else:
            # Of the nearest process that is recorded.
            by_pid = {recording.hello.process: recording for recording in self._running}
            marked = next((by_pid[pid] for pid in request.ancestors if pid in by_pid), None)
            if marked is not None:
                marked.mark(request.text)
            return
        for recording in self._running:
            recording.pause(self._paused)

    def _is_wanted(self, hello: Hello) -> bool:
        """Whether a child process, or the program that replaces another, is to be recorded."""
        names = {Path(hello.program).name, *(Path(word).name for word in hello.command[:1])}
        wanted = self._options.children
        return not wanted or any(fnmatchcase(name, one) for name in names for one in wanted)

    def _poll(self) -> None:
        now = time.monotonic()
        for recording in [r for r in self._running if r.poll()]:
            recording.close()
            self._running.remove(recording)
            if self._forkable[recording.hello.pid][0] is recording:
                self._forkable[recording.hello.pid] = recording, now + _FORK_MEMORY
        for pid in [pid for pid, (_, until) in self._forkable.items() if until < now]:
            del self._forkable[pid]

    # ------------------------------------------------------------- the outcome

    def _progress(self) -> Progress:
        return Progress(
            sum(recording.status.transitions for recording in self._all),
            sum(recording.status.bytes_written for recording in self._all),
            time.monotonic() - self._started,
            len(self._all),
        )

    def summary(self) -> RecordSummary:
        assert self._program is not None
        code = self._program.wait()
        status = code if code >= 0 else 128 - code
        if not self._all:
            raise NothingRecorded(self._why_nothing(), status)
        for recording in self._all:
            if recording.manifest.end_reason is None and not recording.error:
                pid = recording.hello.pid
                killed = -code if pid == self._program.pid and code < 0 else 0
                recording.cut_off(self._recorder.complaint(self._folder, pid), killed)
        self._note_successors(code)
        return RecordSummary(
            exit_status=status,
            signal=max(0, -code),
            seconds=time.monotonic() - self._started,
            processes=tuple(self._recorded(recording) for recording in self._all),
            interrupted=self._interrupted > 0,
            never_reached=self._never_reached(),
        )

    def _note_successors(self, code: int) -> None:
        """Tell each trace of a program that another replaced which one did, and its end."""
        assert self._program is not None
        later: dict[int, ProcessRecording] = {}
        for recording in reversed(self._all):
            process = recording.hello.process
            successor = later.get(process)
            if recording.manifest.end_reason == "exec":
                # A later process may have got the same number.
                if successor is not None and not successor.hello.forked:
                    recording.note_successor(
                        Successor(
                            trace=successor.trace.name,
                            program=successor.manifest.program,
                            ending=successor.ending(),
                        )
                    )
                elif successor is None and recording.hello.pid == self._program.pid:
                    recording.note_successor(Successor(ending=_plain_ending(code)))
            later[process] = recording

    def _never_reached(self) -> str:
        reasons = {recording.manifest.end_reason for recording in self._all}
        return "" if "until" in reasons else self._options.until or ""

    def _recorded(self, recording: ProcessRecording) -> RecordedProcess:
        manifest, status = recording.manifest, recording.status
        return RecordedProcess(
            trace=recording.trace,
            pid=recording.hello.pid,
            program=manifest.program,
            command=tuple(manifest.command),
            transitions=status.transitions,
            dropped=status.dropped_transitions,
            bytes_written=status.bytes_written,
            threads=status.threads,
            complete=manifest.complete,
            end_reason=manifest.end_reason,
            end_code=manifest.end_code,
            error=recording.error,
            ending=recording.ending(),
            notices=tuple(notice_sentence(notice) for notice in manifest.notices),
            faults=tuple(notice_sentence(one) for one in manifest.notices if is_fault(one)),
        )

    def _why_nothing(self) -> str:
        assert self._program is not None
        if self._problem:
            return f"The trace could not be begun: {self._problem}."
        complaint = self._recorder.complaint(self._folder, self._program.pid)
        if complaint:
            return f"The program could not be recorded: {complaint}."
        options = self._options
        if options.start is not None:
            later = "" if options.after is None else f", or {options.after} after it"
            return (
                f"The program ended without reaching {options.start}{later}; nothing was recorded."
            )
        if options.after is not None:
            return f"The program ended before {_amount_text(options.after)}; nothing was recorded."
        if options.wait:
            return (
                "The program ended without asking for the record to begin (REVEN_START); nothing "
                "was recorded."
            )
        return "The program ended before the recorder could begin; nothing was recorded."


@contextmanager
def _private_folder() -> Iterator[Path]:
    """For the socket, whose path must be short, and the recorder's messages."""
    base = tempfile.gettempdir()
    try:
        folder = tempfile.TemporaryDirectory(
            prefix="reven-", dir=base if len(base) <= _LONGEST_BASE else "/tmp"
        )
    except OSError as error:
        raise CannotRecord(
            f"The recorder's socket cannot be made in {base}: {error.strerror}; "
            "set TMPDIR to a folder that can be written."
        ) from None
    with folder as name:
        yield Path(name)


def _check_options(options: RecordOptions, recorder: Recorder) -> None:
    """Raises CannotRecord for what is asked for and the recorder cannot do."""
    for name, flag, asked in (
        ("start", "--from", options.start),
        ("until", "--until", options.until),
        ("after", "--after", options.after),
        ("wait", "--wait", options.wait),
        ("code", "--only", options.only),
        ("code", "--skip", options.skip),
    ):
        if asked and name not in recorder.options:
            raise CannotRecord(f"This recorder does not know {flag}; leave it out.")


def _order(command: Sequence[str], program: Path, options: RecordOptions) -> Order:
    """What the recorder is told, as yet without where to report to. Raises CannotRecord."""
    after = parse_amount(options.after, "--after") if options.after else Amount()
    for flag, names in (("--only", options.only), ("--skip", options.skip)):
        for name in names:
            check_code(name, flag, program)
    return Order(
        program=program,
        command=tuple(command),
        socket=Path(),
        folder=Path(),
        start=resolve_place(options.start, "--from", program) if options.start else None,
        until=resolve_place(options.until, "--until", program) if options.until else None,
        after_seconds=after.seconds,
        after_transitions=after.transitions,
        wait=options.wait,
        only=options.only,
        skip=options.skip,
        follow=options.follow,
    )


def _plain_ending(code: int) -> str:
    """How the program ended, by what waiting for it gave."""
    if code >= 0:
        return f"exited with status {code}"
    return f"was killed by {signal_name(-code) or -code}"


def _amount_text(written: str) -> str:
    amount = parse_amount(written, "--after")
    if amount.seconds:
        return f"{written} had passed"
    return f"it had executed {amount.transitions:,} instructions"


def _remove_if_empty(trace: Path) -> None:
    with suppress(OSError):  # it holds a trace
        trace.rmdir()
