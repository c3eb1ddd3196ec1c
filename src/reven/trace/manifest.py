# SPDX-License-Identifier: Apache-2.0
"""What reading a trace needs of its manifest.json (docs/trace-format.md), and whether this
version of reven can read the trace at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from reven.ossi.foreign_files import read_foreign_file
from reven.ossi.stored_binaries import BinaryEntry, SourceEntry
from reven.trace.manifest_parts import FORMAT, EndManifest, TraceKind
from reven2._service import ImportData
from reven2.arch._table import ARCHITECTURE, MACHINE_FILE_SIZE, REGISTER_FILE_SIZE
from reven2.errors import TraceError

__all__ = ["OpenManifest", "check_readable", "manifest_bytes", "read_manifest"]

T = TypeVar("T")

_LARGEST = 64 << 20  # bytes; one of 100,000 binaries has 20 MB
_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]


class OpenManifest(EndManifest, kw_only=True):
    """What every reader needs."""

    program: str
    cwd: str = ""
    pid: _Number
    ppid: _Number | None = None
    uuid: str = ""
    complete: bool = False
    kernel: str = ""
    kind: TraceKind = "program"
    architecture: str = ARCHITECTURE
    features: list[str] = []
    register_file_size: _Number = REGISTER_FILE_SIZE
    binaries: list[BinaryEntry] = []
    debug_files: list[BinaryEntry] = []  # by the path of their binary
    sources: list[SourceEntry] = []
    source_folders: list[str] = []
    signature: str = ""
    source: ImportData | None = None  # None: recorded


class _Header(msgspec.Struct):
    """What stays where it is in every format."""

    format: int = 1
    architecture: str = ARCHITECTURE
    register_file_size: int = REGISTER_FILE_SIZE


def check_readable(data: bytes, trace: Path) -> None:
    """Refuse by name what a newer version wrote, before anything else of it is read.

    `data`: the contents of manifest.json. Raises TraceError.
    """
    header = _decoded(data, _Header, trace)
    newer = "use a newer version of reven."
    if header.format > FORMAT:
        raise TraceError(
            f"The manifest of {trace} has format {header.format}, but this version of reven "
            f"reads up to {FORMAT}: {newer}"
        )
    if header.format < 1:
        raise _damaged(trace, f"there is no format {header.format}")
    if header.architecture != ARCHITECTURE:
        raise TraceError(
            f"The trace {trace} is of the architecture {header.architecture!r}, but this version "
            f"of reven reads {ARCHITECTURE} only: {newer}"
        )
    if header.register_file_size > MACHINE_FILE_SIZE:
        raise TraceError(
            f"The trace {trace} has register files of {header.register_file_size} bytes, but this "
            f"version of reven knows {MACHINE_FILE_SIZE}: {newer}"
        )


def manifest_bytes(trace: Path) -> bytes:
    """The contents of a trace directory's manifest.json. Raises TraceError."""
    file = trace / "manifest.json"
    try:
        return read_foreign_file(file, _LARGEST)
    except OSError as error:
        raise TraceError(f"{file} cannot be read: {error.strerror or error}.") from None


def read_manifest(trace: Path) -> OpenManifest:
    """The manifest of a trace directory. Raises TraceError."""
    data = manifest_bytes(trace)
    check_readable(data, trace)
    return _decoded(data, OpenManifest, trace)


def _decoded(data: bytes, kind: type[T], trace: Path) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _damaged(trace, str(error)) from None


def _damaged(trace: Path, what: str) -> TraceError:
    what = what.rstrip(".").replace("\n", " ")
    return TraceError(
        f"The manifest of {trace} is damaged: {what}. Restore manifest.json, or record again."
    )
