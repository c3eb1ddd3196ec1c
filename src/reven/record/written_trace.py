# SPDX-License-Identifier: Apache-2.0
"""Write a trace from within this process: what importers say instead of a recorder."""

from __future__ import annotations

import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import reven
from reven import _engine
from reven.record.errors import CannotRecord
from reven.record.manifest import END_REASONS, ImportedFrom, Manifest, write_manifest
from reven.record.trace_folder import create_trace
from reven.recorders.kit import EventStream, Ring, WriterGone
from reven.recorders.kit.stream import Registers

_LOOK = 1.0  # seconds between two looks whether all is written


@contextmanager
def write_trace(
    path: Path, source: ImportedFrom, registers: Registers, *, force: bool = False
) -> Iterator[EventStream]:
    """Make a trace directory of what the block says.

    Parameters:
        path: the directory to make.
        source: where what is said comes from.
        registers: as `EventStream` takes it.
        force: replace the trace that is there.

    A block that raises leaves nothing behind.

    Raises: TraceExists, CannotRecord.
    """
    held = create_trace(path, replace=force)
    try:
        started = time.monotonic()
        manifest = Manifest(
            uuid=str(uuid.uuid4()),
            recorder=f"reven {reven.__version__} (import)",
            command=[],
            cwd="",
            program="",
            start_time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            kernel="",
            pid=0,
            ppid=0,
            source=source,
        )
        write_manifest(path, manifest)
        writer, connection = socket.socketpair(socket.AF_UNIX)
        with connection, writer:
            recording = _engine.Recording(path, writer.fileno())
            writer.close()
            ring = Ring(connection)
            try:
                with suppress(WriterGone):  # its status says why
                    yield EventStream(ring, registers)
            finally:
                ring.close()
            while not recording.wait(_LOOK):
                pass
        status = recording.status()
        if status.error:
            raise CannotRecord(f"{path} cannot be written: {status.error}.")
        manifest.transitions = status.transitions
        manifest.executions = status.executions
        manifest.threads = status.threads
        manifest.end_reason = END_REASONS.get(status.end_reason)
        manifest.complete = manifest.end_reason is not None
        manifest.seconds = round(time.monotonic() - started, 3)
        write_manifest(path, manifest)
    except OSError as error:
        shutil.rmtree(path, ignore_errors=True)
        raise CannotRecord(f"{path} cannot be written: {error.strerror}.") from None
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    finally:
        held.close()
