# SPDX-License-Identifier: Apache-2.0
"""manifest.json: what a trace is of, and how far it got (docs/trace-format.md).

It is replaced atomically whenever it changes, so that a reader always finds a whole one.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from reven.ossi.stored_binaries import BinaryEntry, SourceEntry
from reven.printable import stored_json
from reven.recorders.kit.registers import ARCHITECTURE, REGISTER_FILE_SIZE
from reven.trace.manifest_parts import FORMAT, EndManifest, Mark, TraceKind
from reven.trace.own import sign

MANIFEST = "manifest.json"

END_REASONS = {1: "exit", 2: "signal", 3: "exec", 4: "until", 5: "limit", 6: "source"}
"""REVEN_END_… of event_stream.h."""


class ImportedFrom(msgspec.Struct, kw_only=True):
    """Where a trace that was not recorded here came from, and what that does not hold.

    `registers`: those that it has at all, each with the first context in which its value is
    known; `missing`: a phrase for each thing that the trace lacks; `slide`: as the file says
    it; addresses are the file's own.
    """

    format: str
    file: str
    registers: dict[str, int]
    missing: list[str]
    slide: str | None = None


class Manifest(EndManifest, kw_only=True):
    """The contents of manifest.json."""

    format: int = FORMAT
    kind: TraceKind = "program"
    architecture: str = ARCHITECTURE
    features: list[str] = []  # of the recorded processor
    register_file_size: int = REGISTER_FILE_SIZE  # bytes
    uuid: str
    recorder: str  # name and version
    command: list[str]  # the program's argument vector
    cwd: str  # where the recording was started
    program: str  # path of the executable
    start_time: str  # ISO 8601, UTC
    kernel: str  # of the recorded machine
    ppid: int
    parent: str | None = None  # name of the trace, beside this one, of the process that forked it
    binaries: list[BinaryEntry] = []
    debug_files: list[BinaryEntry] = []  # separate ones, by the path of their binary
    sources: list[SourceEntry] = []
    source_folders: list[str] = []  # that source files may be looked for in, by who recorded it
    signature: str = ""  # of these, by the recorder's user: reven.trace.own
    transitions: int = 0
    executions: int = 0
    threads: int = 0
    complete: bool = False  # the recording ended, and all of it was written
    seconds: float = 0.0  # wall time
    dropped: int = 0  # transitions before the first one, of a recording that kept its end
    marks: list[Mark] = []  # that the program set
    source: ImportedFrom | None = None  # None: recorded


def write_manifest(trace: Path, manifest: Manifest) -> None:
    """Replace the manifest of a trace directory. Raises OSError."""
    folders, binaries = manifest.source_folders, [*manifest.binaries, *manifest.debug_files]
    manifest.signature = sign(manifest.uuid, folders, binaries) if folders else ""
    data = msgspec.json.format(stored_json(manifest), indent=2) + b"\n"
    temporary = trace / f".{MANIFEST}.new"
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(trace / MANIFEST)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
