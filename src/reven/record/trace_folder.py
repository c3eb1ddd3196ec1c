# SPDX-License-Identifier: Apache-2.0
"""The trace directories of a recording: the program's, and its children's beside it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import Self

from reven.record.errors import CannotRecord, TraceExists
from reven.record.manifest import MANIFEST

SUFFIX = ".reven"


class TraceFolder:
    """A trace directory that is being written, by this process alone until it is closed.

    Raises BlockingIOError if another process holds it, unless it is to `wait`;
    NotADirectoryError also for a symbolic link.
    """

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        self.path = path
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            self.close()
            raise
        except OSError:
            pass  # a file system without locks

    def is_at_its_path(self) -> bool:
        """False once somebody has moved it away, whatever has taken its name since."""
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(self._descriptor), there)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def create_trace(path: Path, *, replace: bool) -> TraceFolder:
    """Make an empty trace directory, and the folders above it.

    Raises TraceExists if something is there (with `replace`: something that is no
    trace, or one that is being recorded now), CannotRecord if it cannot be made.
    """
    try:
        if path.is_symlink() or path.exists():
            _remove(path, replace=replace)
        path.mkdir(parents=True)
        # Who holds it now looked for a trace to replace, finds none, and lets go of it.
        return TraceFolder(path, wait=True)
    except FileExistsError:
        raise _being_recorded(path) from None
    except OSError as error:
        raise CannotRecord(f"{path} cannot be made: {error.strerror}.") from None


def create_child_trace(parent: Path) -> Path:
    """Make an empty trace directory `<stem>.<n>.reven` beside `parent`, with the first
    free n from 1. Raises OSError."""
    stem = parent.name.removesuffix(SUFFIX)
    for number in count(1):
        path = parent.with_name(f"{stem}.{number}{SUFFIX}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError


def remove_child_traces(parent: Path) -> None:
    """Remove the traces that an earlier recording to `parent` made of children."""
    stem = parent.name.removesuffix(SUFFIX)
    for number in count(1):
        path = parent.with_name(f"{stem}.{number}{SUFFIX}")
        if not _is_trace(path):
            return
        shutil.rmtree(path)


def _remove(path: Path, *, replace: bool) -> None:
    if not replace:
        raise TraceExists(
            f"{path} exists; choose another name with -o, or replace it with --force."
        )
    try:
        held = TraceFolder(path)
    except NotADirectoryError:
        raise _no_trace(path) from None
    except (BlockingIOError, FileNotFoundError):
        raise _being_recorded(path) from None
    with held:
        # Another may have replaced it after it was opened and before it was locked.
        if not held.is_at_its_path():
            raise _being_recorded(path)
        if not _is_trace(path):
            raise _no_trace(path)
        remove_child_traces(path)
        # Under its name it is there whole or not at all, whoever else replaces it now.
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.absolute().parent))
        try:
            path.rename(aside / path.name)
        finally:
            shutil.rmtree(aside)


def _no_trace(path: Path) -> TraceExists:
    return TraceExists(f"{path} is no trace, so it is not replaced; choose another name with -o.")


def _being_recorded(path: Path) -> TraceExists:
    return TraceExists(
        f"{path} is being recorded by another reven: wait for it, or choose another name with -o."
    )


def _is_trace(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and (path / MANIFEST).is_file()
