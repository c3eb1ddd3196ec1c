# SPDX-License-Identifier: Apache-2.0
"""The names of sessions: which are allowed, and those that a server knows, kept in a file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from reven2._client.messages import session_name
from reven2.errors import InvalidArgumentError

__all__ = ["DEFAULT", "SessionNames", "state_file"]

DEFAULT = "default"
NAMES_KEPT = 1000


def state_file(port: int) -> Path:
    """Where the server on this port keeps the names of its sessions."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "reven" / f"sessions-{port}.json"


class SessionNames:
    """Names in the order in which they came to be known.

    Parameters:
        file: where they are kept; None: nowhere.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._names: dict[str, None] = {DEFAULT: None}
        # Names are a convenience: without, or with a damaged file, they start anew.
        with contextlib.suppress(OSError, msgspec.DecodeError, InvalidArgumentError):
            if file is not None:
                for name in msgspec.json.decode(file.read_bytes(), type=list[str]):
                    self._names[session_name(name)] = None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def add(self, name: str) -> str:
        """Make the name known. Returns it as all know it.

        Raises:
            InvalidArgumentError: it is no name of a session, or there are too many.
        """
        name = session_name(name)
        if name in self._names:
            return name
        if len(self._names) >= NAMES_KEPT:
            raise InvalidArgumentError(
                f"There are {NAMES_KEPT} sessions already: use one of them, or remove "
                f"{self._file} while the server is stopped."
            )
        self._names[name] = None
        self._save()
        return name

    def _save(self) -> None:
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = self._file.with_name(f"{self._file.name}.{os.getpid()}.new")
            new.write_bytes(msgspec.json.encode(list(self._names)))
            new.replace(self._file)
