# SPDX-License-Identifier: Apache-2.0
"""One recorded process: its stream, its trace, its manifest."""

from __future__ import annotations

import os
import platform
import socket
import struct
import time
import uuid
from concurrent.futures import Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reven import _engine
from reven.end import plain_end
from reven.printable import storable
from reven.record.binaries import BinaryCopier, Copied
from reven.record.manifest import END_REASONS, Manifest, write_manifest
from reven.recorders.kit.registers import ARCHITECTURE, MACHINE_FILE_SIZE, REGISTER_FILE_SIZE
from reven.trace.manifest_parts import EndSignal, Mark, Notice, Successor, TraceKind

# The live transport of native/event_stream/event_stream.h.
HELLO_MAGIC = 0x52455645
STREAM_VERSION = 3
_HELLO = struct.Struct("<7I2H")
_CREDENTIALS = struct.Struct("3i")  # ucred
_WELCOME = struct.Struct("<4IQ")
_HELLO_TIMEOUT = 10.0  # seconds
_LARGEST_TEXT = 1 << 20
MOST_MARKS = 10_000
"""Marks of the program that the manifest keeps."""
MOST_BOOKMARKS = 1_000
"""… and that become bookmarks."""
_KINDS: tuple[TraceKind, ...] = ("program", "machine")  # by REVEN_KIND_…

_SYSCALL = b"\x0f\x05"
_EXEC_NUMBERS = (59, 322)  # execve, execveat; rax before the instruction


@dataclass(frozen=True)
class Hello:
    """How a recorder introduces itself (reven_hello)."""

    pid: int  # as the process knows itself; in a namespace, others know it by another
    process: int  # its number here
    parent_pid: int
    forked: bool
    template_count: int
    recorder: str
    program: str
    architecture: str
    features: tuple[str, ...]
    kind: TraceKind
    register_file_size: int
    command: tuple[str, ...]


def receive_hello(connection: socket.socket) -> Hello | None:
    """Read reven_hello and its text; None if the other side is no recorder of this version."""
    connection.settimeout(_HELLO_TIMEOUT)
    try:
        magic, version, pid, parent, forked, templates, size, kind, file_size = _HELLO.unpack(
            _receive(connection, _HELLO.size)
        )
        if magic != HELLO_MAGIC or version != STREAM_VERSION or size > _LARGEST_TEXT:
            return None
        texts = _receive(connection, size).decode("utf-8", "surrogateescape").split("\0")[:-1]
    except (OSError, EOFError):
        return None
    connection.settimeout(None)
    texts += [""] * (3 - len(texts))
    architecture, *features = texts[2].split() or [ARCHITECTURE]
    if architecture != ARCHITECTURE or kind >= len(_KINDS) or file_size > MACHINE_FILE_SIZE:
        return None
    return Hello(
        pid=pid,
        process=_peer(connection),
        parent_pid=parent,
        forked=forked != 0,
        template_count=templates,
        recorder=texts[0],
        program=texts[1],
        architecture=architecture,
        features=tuple(features),
        kind=_KINDS[kind],
        register_file_size=file_size or REGISTER_FILE_SIZE,
        command=tuple(texts[3:]),
    )


def _peer(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid: int = _CREDENTIALS.unpack(credentials)[0]
    return pid


def refuse(connection: socket.socket) -> None:
    """Let the process go on unrecorded."""
    with suppress(OSError):
        connection.sendall(_WELCOME.pack(HELLO_MAGIC, 0, os.getpid(), 0, 0))
    connection.close()


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


class ProcessRecording:
    """Writes the trace of one process while it runs."""

    def __init__(
        self,
        trace: Path,
        connection: socket.socket,
        hello: Hello,
        *,
        max_transitions: int,
        seconds: float,
        keep_bytes: int,
        parent: ProcessRecording | None,
        copier: BinaryCopier,
        executor: Executor,
    ) -> None:
        """`trace`: an existing, empty directory. `parent`: the recording that the process
        was forked from. `seconds`: for how long to record; 0: no limit. `keep_bytes`: how much
        of the end to keep; 0: all. `executor`: where binaries are copied.

        Raises OSError or _engine.TraceError when the trace cannot be begun.
        """
        self.trace = trace
        self.hello = hello
        self.replaced = False  # a new program runs in this process
        self._limit = max_transitions
        self._seconds = seconds
        self._copier = copier
        self._executor = executor
        self._copies: list[Future[Copied | None]] = []
        self._seen: set[str] = set()
        self._started = time.monotonic()
        self._error = ""
        self.manifest = Manifest(
            uuid=str(uuid.uuid4()),
            recorder=hello.recorder,
            command=[storable(word) for word in hello.command],
            cwd=storable(str(Path.cwd())),
            program=storable(hello.program),
            kind=hello.kind,
            architecture=hello.architecture,
            features=[storable(word) for word in hello.features],
            register_file_size=hello.register_file_size,
            start_time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            kernel=f"{platform.system()} {platform.release()}",
            pid=hello.pid,
            ppid=hello.parent_pid,
            parent=parent.trace.name if parent else None,
            source_folders=[storable(folder) for folder in copier.source_folders],
        )
        # First of all: a trace whose recording is killed at once has a manifest too.
        write_manifest(trace, self.manifest)
        self._recording: _engine.Recording = _engine.Recording(
            str(trace),
            connection.fileno(),
            max_transitions=max_transitions,
            parent=parent._recording if parent else None,
            template_count=hello.template_count if hello.forked else 0,
            keep_bytes=keep_bytes,
        )
        self.status = self._recording.status()

    def poll(self) -> bool:
        """Take note of what came; True once the stream has ended and the trace is closed."""
        self.status = self._recording.status()
        for mapped in self._recording.mapped_files():
            path = os.fsdecode(mapped.path)
            if path not in self._seen:
                self._seen.add(path)
                self._copies.append(self._executor.submit(self._copier.copy, path, self.trace))
        for met in self._recording.notices():
            self.manifest.notices.append(
                Notice(met.kind, met.detail, met.ip, met.value, met.text.decode(errors="replace"))
            )
        for mark in self._recording.marks():
            self._add_mark(Mark(mark.transition, mark.text.decode(errors="replace")))
        if self._seconds and time.monotonic() - self._started >= self._seconds:
            self._recording.stop()
        self._collect()
        return self.status.finished

    def pause(self, paused: bool) -> None:
        """Leave out what runs, or no longer."""
        self._recording.pause(paused)

    def mark(self, text: str) -> None:
        """Name the last moment that has arrived."""
        status = self._recording.status()
        last = max(0, status.dropped_transitions + status.transitions - 1)
        self._add_mark(Mark(last, text))

    def _add_mark(self, mark: Mark) -> None:
        if len(self.manifest.marks) < MOST_MARKS:
            self.manifest.marks.append(mark)

    def close(self) -> None:
        """Complete the manifest. After poll() gave True."""
        wait(self._copies)
        self._collect()
        manifest = self.manifest
        manifest.end_reason = self._end_reason()
        if manifest.end_reason in ("exit", "signal"):
            manifest.end_code = self.status.end_code
        if self.status.end_signal is not None:
            manifest.end_signal = EndSignal(*self.status.end_signal[:3])
        manifest.complete = manifest.end_reason is not None and not self.error
        manifest.dropped = self.status.dropped_transitions
        # Counted from the first transition that was kept.
        manifest.marks = [
            Mark(mark.transition - manifest.dropped, mark.text)
            for mark in manifest.marks
            if mark.transition >= manifest.dropped
        ]
        if manifest.marks:
            self._bookmark_marks()
        self._write_manifest()

    def cut_off(self, complaint: str, signal: int) -> None:
        """The process ended without a word of its end: by the recorder, which complained, or
        killed by `signal`; 0: by which is not known."""
        self.manifest.end_reason = "recorder" if complaint else "killed"
        self.manifest.end_code = None if complaint else signal or None
        self._error = complaint
        self._write_manifest()

    def _bookmark_marks(self) -> None:
        """What the program marked becomes bookmarks, which every view of a trace shows."""
        # Slow to load, and few programs set marks.
        from reven.bookmarks.store import Bookmarks

        bookmarks = Bookmarks(self.trace, self.manifest.uuid)
        for number, mark in enumerate(self.manifest.marks[:MOST_BOOKMARKS]):
            bookmarks.add(f"mark-{number}", mark.transition, mark.text)

    @property
    def error(self) -> str:
        """Why not everything was written, or ""."""
        return self.status.error or self._error

    def ending(self) -> str:
        """How the process ended and why, without its subject; "" if it was cut off."""
        if self.manifest.end_reason != "signal":
            return plain_end(self.manifest)
        # What explains a crash is slow to load, and most programs do not crash.
        from reven.end.explain import explain_end

        try:
            end = explain_end(_engine.Trace(self.trace), self.manifest)
        except _engine.TraceError:
            return ""
        return end.sentence if end else ""

    def note_successor(self, successor: Successor) -> None:
        """Note the program that replaced this one."""
        self.manifest.successor = successor
        try:
            write_manifest(self.trace, self.manifest)
        except OSError as error:
            self._fail(error)

    def _end_reason(self) -> str | None:
        reason = END_REASONS.get(self.status.end_reason)
        if reason is None and self._limit and self.status.transitions >= self._limit:
            return "limit"
        if reason is None and (self.replaced or self._ended_in_exec()):
            return "exec"
        return reason

    def _ended_in_exec(self) -> bool:
        """Whether another program replaced the recorded one: a successful execve never
        returns, so the stream ends within it."""
        try:
            trace = _engine.Trace(self.trace)
            last = trace.transition_count - 1
            if last < 0:
                return False
            columns = trace.transitions(last, last + 1)
            _, registers = trace.registers(last)
        except _engine.TraceError:
            return False
        code = bytes(columns.code[0][: columns.size[0]])
        return code == _SYSCALL and int.from_bytes(registers[:8], "little") in _EXEC_NUMBERS

    def _collect(self) -> None:
        """Note the binaries that have been copied."""
        changed = False
        for copy in [copy for copy in self._copies if copy.done()]:
            self._copies.remove(copy)
            try:
                copied = copy.result()
            except OSError as error:
                self._fail(error)
                continue
            if copied is not None:
                self._take(copied)
                changed = True
        if changed:
            self._write_manifest()

    def _take(self, copied: Copied) -> None:
        manifest = self.manifest
        manifest.binaries.append(copied.binary)
        if copied.debug_file is not None:
            manifest.debug_files.append(copied.debug_file)
        known = {source.path for source in manifest.sources}
        manifest.sources += [one for one in copied.sources if one.path not in known]

    def _write_manifest(self) -> None:
        manifest, status = self.manifest, self.status
        manifest.transitions = status.transitions
        manifest.executions = status.executions
        manifest.threads = status.threads
        manifest.error = self.error
        manifest.seconds = round(time.monotonic() - self._started, 3)
        try:
            write_manifest(self.trace, manifest)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._error = self._error or f"{error.strerror or error}"
