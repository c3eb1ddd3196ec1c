# SPDX-License-Identifier: Apache-2.0
"""Where a running server leaves, for programs of the same user, how to reach it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

__all__ = ["RunFile", "read_run_file", "run_directory"]

_OTHERS = 0o077


class RunFile(msgspec.Struct, frozen=True):
    """What a server says of itself: tokens, and the scenarios it serves."""

    url: str
    pid: int
    token: str
    editor_token: str = ""
    read_only_token: str = ""
    scenarios: list[str] = []
    epoch: str = ""


def run_directory() -> Path:
    """The folder of the run files, `<port>.json` each; only its user may enter it."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, "reven") if runtime else Path.home() / ".cache" / "reven" / "run"


def read_run_file(port: int) -> RunFile | None:
    """What the server on a port of this machine left for this user; None if nothing, or if
    somebody else could have written it."""
    path = run_directory() / f"{port}.json"
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
                return None
            return msgspec.json.decode(file.read(), type=RunFile)
    except (OSError, msgspec.DecodeError):
        return None
