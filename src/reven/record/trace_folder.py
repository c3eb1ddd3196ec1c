# SPDX-License-Identifier: Apache-2.0
"""The trace directories of a recording: the program's, and its children's beside it."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

from reven.record.errors import CannotRecord, TraceExists
from reven.record.manifest import MANIFEST

SUFFIX = ".reven"


def create_trace(path: Path, *, replace: bool) -> None:
    """Make an empty trace directory, and the folders above it.

    Raises TraceExists if something is there (with `replace`: something that is no
    trace), CannotRecord if it cannot be made.
    """
    try:
        if path.is_symlink() or path.exists():
            _remove(path, replace=replace)
        path.mkdir(parents=True)
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
    if not _is_trace(path):
        raise TraceExists(
            f"{path} is no trace, so it is not replaced; choose another name with -o."
        )
    remove_child_traces(path)
    shutil.rmtree(path)


def _is_trace(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and (path / MANIFEST).is_file()
