# SPDX-License-Identifier: Apache-2.0
"""The client API: explore a recorded execution from Python.

    import reven2

    with reven2.open("crash.reven") as server:
        for transition in server.trace.transitions(0, 10):
            print(transition)

Importing this package makes every documented module reachable as an attribute.
"""

from __future__ import annotations

import os
from pathlib import Path

from reven2 import (
    address,
    arch,
    bookmark,
    bridge,
    call,
    calltree,
    errors,
    filter,
    heap,
    memhist,
    memory_range,
    ossi,
    place,
    preview,
    register_slice,
    search,
    search_in_memory,
    session,
    stack,
    string,
    trace,
    types,
    util,
)
from reven2._arguments import wrong_type
from reven2._client.processes import Opening
from reven2._client.reven_server import RevenServer
from reven2._client.server import OpenTrace

__all__ = [
    "OpenTrace",
    "RevenServer",
    "address",
    "arch",
    "bookmark",
    "bridge",
    "call",
    "calltree",
    "errors",
    "filter",
    "heap",
    "memhist",
    "memory_range",
    "open",
    "ossi",
    "place",
    "preview",
    "register_slice",
    "search",
    "search_in_memory",
    "session",
    "stack",
    "string",
    "trace",
    "types",
    "util",
]


def open(path: str | os.PathLike[str]) -> OpenTrace:
    """Open a trace in this process, with no server.

    Parameters:
        path: the trace directory that `reven record` made; it may still be recording.

    Returns:
        An object with the attributes of the documented server object: `trace`, `ossi`,
        `scenario_name`.

    Raises:
        reven2.errors.TraceError (a RuntimeError): there is no trace, or it is damaged or of
            another version.
    """
    from reven.service.local import LocalService

    if not isinstance(path, str | os.PathLike):
        raise wrong_type("A trace", path, "pass the path of its directory, as 'crash.reven'")
    server = OpenTrace(LocalService(path))
    server.trace._opening = Opening(open, (str(Path(path).resolve()),))
    return server
