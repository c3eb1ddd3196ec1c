# SPDX-License-Identifier: Apache-2.0
"""Files of this machine whose names come from a trace or a binary, and so from a stranger: which
of them may be read at all (docs/how-to/sources.md), and how."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["DEBUG_ROOT", "HostFiles", "read_foreign_file", "resolved_file", "source_folders"]

DEBUG_ROOT = Path("/usr/lib/debug")
_SYSTEM_SOURCES = (Path("/usr/include"), Path("/usr/src"), Path("/usr/lib/gcc"))
_CROWDED = (Path("/tmp"), Path("/var/tmp"))
_VARIABLE = "REVEN_SOURCE_PATH"
_REPOSITORY = (".git", ".hg", ".svn")


def read_foreign_file(path: str | Path, largest: int) -> bytes:
    """The contents of a regular file of at most `largest` bytes.

    No device and no pipe is opened: they would be read without end, or waited for.

    Raises:
        OSError: it is none, is larger, or cannot be read.
    """
    # Without O_NONBLOCK, opening a pipe that was put there meanwhile would wait.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no regular file")
        if status.st_size > largest:
            raise OSError(f"{path} is larger than {largest:,} bytes")
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(f"{path} is larger than {largest:,} bytes")
    return data


def resolved_file(path: str | Path) -> Path | None:
    """Where a path leads once every link is followed, if that is a regular file."""
    try:
        found = Path(path).resolve(strict=True)
        # Opening a link of /proc leads to what a process has open, whatever its name says.
        if found.is_relative_to("/proc") or not stat.S_ISREG(found.stat().st_mode):
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    return found


@dataclass(frozen=True)
class HostFiles:
    """Where on this machine files may be looked for that a trace names.

    Attributes:
        sources: folders of source files, with all that is below them.
        debug: folders of separate debug files, likewise.
        own: folders that a trace of one's own recorder was made in; see `source_folders`.
        trusts_own: whether those count.
    """

    sources: tuple[Path, ...] = ()
    debug: tuple[Path, ...] = ()
    own: tuple[Path, ...] = ()
    trusts_own: bool = True

    @classmethod
    def of_user(cls, added: Iterable[Path] = (), *, shared: bool = False) -> HostFiles:
        """What the user allows: the system's own folders, those of REVEN_SOURCE_PATH, of the
        file `source-path` in the user's configuration, and `added`.

        `shared`: others see it too; then it is only what was allowed by name.
        """
        named = [
            *added,
            *(Path(one) for one in os.environ.get(_VARIABLE, "").split(os.pathsep) if one),
            *_configured(),
        ]
        system = () if shared else _SYSTEM_SOURCES
        return cls((*named, *system), (DEBUG_ROOT,), trusts_own=not shared)

    def without_system(self) -> HostFiles:
        """The same without the folders of sources that every machine has."""
        return replace(
            self, sources=tuple(one for one in self.sources if one not in _SYSTEM_SOURCES)
        )

    def with_own(self, folders: Iterable[str]) -> HostFiles:
        """The same, and the folders of a trace that is known to be one's own."""
        return replace(self, own=tuple(map(Path, folders))) if self.trusts_own else self

    def source(self, path: str | Path) -> Path | None:
        """Where a source file is, if it may be read."""
        return self._allowed(path, self.sources)

    def debug_file(self, path: str | Path) -> Path | None:
        """Where a debug file is, if it may be read."""
        return self._allowed(path, self.debug)

    def _allowed(self, path: str | Path, folders: tuple[Path, ...]) -> Path | None:
        found = resolved_file(path)
        if found is None:
            return None
        if any(found.is_relative_to(_real(folder)) for folder in folders):
            return found
        return found if any(_holds(_real(folder), found) for folder in self.own) else None


def source_folders(program: str, folder: str) -> list[str]:
    """The folders whose files a recording of `program`, started in `folder`, may take for its
    sources: both folders, and the repositories that they are in."""
    found: dict[str, None] = {}
    for start in (Path(folder), Path(program).parent):
        if not start.is_absolute():
            continue
        found[str(_real(start))] = None
        for above in (_real(start), *_real(start).parents):
            if not _is_crowded(above) and any((above / name).exists() for name in _REPOSITORY):
                found[str(above)] = None
                break
    return list(found)


def _holds(folder: Path, file: Path) -> bool:
    # In a home folder or a shared one lie things that have nothing to do with each other.
    return file.parent == folder if _is_crowded(folder) else file.is_relative_to(folder)


def _is_crowded(folder: Path) -> bool:
    home = _real(Path(os.environ.get("HOME") or "/"))
    return folder in _CROWDED or home.is_relative_to(folder)


def _real(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError, ValueError):
        return folder


def _configured() -> list[Path]:
    """The lines of the user's file."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path(os.environ.get("HOME") or "/") / ".config")
    try:
        lines = (Path(base) / "reven" / "source-path").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [Path(line.strip()) for line in lines if line.strip().startswith("/")]
