# SPDX-License-Identifier: Apache-2.0
"""An open trace directory, and what its queries share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.ossi import AddressSpace, BinaryError, StoredBinaries
from reven.ossi.foreign_files import HostFiles
from reven.printable import storable
from reven.trace.manifest import read_manifest
from reven.trace.own import is_own
from reven.trace.stopping import Progress, acquired
from reven.trace.symbols import Symbols
from reven2._service import TraceInfo
from reven2.errors import (
    ClosedError,
    InvalidArgumentError,
    OutOfRangeError,
    RevenError,
    TraceError,
)

__all__ = ["DamagedIndexError", "OpenedTrace", "next_part", "translated"]

Result = TypeVar("Result")


class DamagedIndexError(TraceError):
    """An index beside the trace is damaged; `OpenedTrace.heal` drops it."""


class OpenedTrace:
    """The engine on a trace directory, its manifest, and what is derived from them once.

    Parameters:
        path: the trace directory.
        host: where files of this machine may be looked for; default: where its user allows.

    Raises:
        reven2.errors.TraceError (a RuntimeError): missing, damaged, or of another version.
    """

    def __init__(self, path: str | os.PathLike[str], host: HostFiles | None = None) -> None:
        self._path = Path(path)
        self._host = host or HostFiles.of_user()
        with translated():
            self._engine: _engine.Trace | None = _engine.Trace(self._path)
        self._manifest = read_manifest(self._path)
        self._lock = threading.Lock()
        self._derived: dict[str, object] = {}
        self._making: dict[str, threading.RLock] = {}

    def info(self) -> TraceInfo:
        known = self._manifest
        return TraceInfo(
            uuid=known.uuid or str(self._path.resolve()),
            name=storable(self._path.resolve().name.removesuffix(".reven")),
            path=str(self._path),
            complete=known.complete,
            kernel=known.kernel.rpartition(" ")[2],
            imported=known.source,
            kind=known.kind,
            architecture=known.architecture,
            features=known.features,
        )

    def transition_count(self) -> int:
        return self._trace().transition_count

    def refresh(self) -> int:
        before = self._trace().transition_count
        with translated():
            count = self._trace().refresh()
        manifest = read_manifest(self._path)
        with self._lock:
            # What is derived is slow to make again, and clients ask often.
            if count != before or manifest != self._manifest:
                self._manifest = manifest
                self._derived = {}
        return count

    def heal(self) -> list[str]:
        """Drop what is damaged of the indexes beside the trace: it is made anew when it is
        needed. Gives the names of these files; raises TraceError if one cannot be written."""
        with translated():
            dropped = _engine.drop_damaged_indexes(self._path)
            if dropped and self._engine is not None:
                self._engine = _engine.Trace(self._path)
        with self._lock:
            self._derived = {}
        return dropped

    def build_index(self, progress: Progress | None) -> None:
        """Build what is missing of the index of memory; queries do so by themselves."""
        with translated():
            self._trace().build_index(progress)

    def close(self) -> None:
        self._engine = None
        with self._lock:
            self._derived = {}

    def _trace(self) -> _engine.Trace:
        engine = self._engine
        if engine is None:
            raise ClosedError(f"The trace {self._path} is closed: open it again.")
        return engine

    def _is_imported(self) -> bool:
        return self._manifest.source is not None

    def _need_instructions(self, otherwise: str) -> None:
        """Raises TraceError if the trace was imported: it then has no instruction bytes.

        `otherwise`: what that prevents, a sentence's end.
        """
        imported = self.info().imported
        if imported is not None:
            raise TraceError(
                f"This trace was imported from a {imported.format}, which does not hold "
                f"instructions: {otherwise}."
            )

    def _kept(self, what: str, make: Callable[[], Result]) -> Result:
        """What `make` gave the first time since the trace was opened or refreshed."""
        with self._lock:
            derived = self._derived
            if what in derived:
                return cast("Result", derived[what])
            making = self._making.setdefault(what, threading.RLock())
        # What takes long to make keeps only those waiting who want the same.
        with acquired(making):
            if what not in derived:
                derived[what] = make()
            return cast("Result", derived[what])

    def _ossi(self) -> Symbols:
        return self._kept("symbols", self._make_symbols)

    def _host_files(self) -> HostFiles:
        """Where on this machine debug files and sources may be looked for."""
        known = self._manifest
        signed = known.uuid, known.source_folders, [*known.binaries, *known.debug_files]
        if not self._host.trusts_own or not is_own(known.signature, *signed):
            return self._host
        return self._host.with_own(known.source_folders)

    def _left_out(self) -> list[str]:
        """Sentences: what was not read of binaries because of what it costs; so far."""
        with self._lock:
            symbols = self._derived.get("symbols")
        return symbols.left_out() if isinstance(symbols, Symbols) else []

    def _make_symbols(self) -> Symbols:
        trace = self._trace()
        with translated():
            known = self._manifest
            stored = StoredBinaries(
                self._path, known.binaries, known.debug_files, self._host_files()
            )
            space = AddressSpace(trace.mappings(), stored)
            return Symbols(space, trace.executed_ranges())


def next_part(
    transitions: npt.NDArray[np.uint64], start: int, stop: int, forward: bool, limit: int
) -> int | None:
    """Where a query goes on after a page of answers; None at the end."""
    if len(transitions) < limit:
        return None
    last = int(transitions[-1])
    if forward:
        return last + 1 if last + 1 < stop else None
    return last if last > start else None


@contextmanager
def translated() -> Iterator[None]:
    """The errors of the engine and of binaries as those of the client API."""
    try:
        yield
    except _engine.DamagedIndex as error:
        raise DamagedIndexError(str(error)) from None
    except (_engine.TraceError, BinaryError) as error:
        raise TraceError(str(error)) from None
    except RevenError:
        raise
    except IndexError as error:
        raise OutOfRangeError(str(error)) from None
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from None
