# SPDX-License-Identifier: Apache-2.0
"""Other tools that look at a trace and join its sessions: gdb, disassemblers, editors.

Each module here that has a `BRIDGE` is one, under the module's name (`ret_sync` is `ret-sync`).
A bridge is a client of `reven2` and of sessions: what it answers is asked of the trace.
"""

from __future__ import annotations

from reven.bridges.protocol import BridgeError, BridgeOptions, ToolBridge
from reven.modules import names_with, object_of

__all__ = ["BridgeError", "BridgeOptions", "ToolBridge", "bridge_names", "get_bridge"]

_BRIDGE = "BRIDGE"


def bridge_names() -> list[str]:
    """The names of all bridges."""
    return [name.replace("_", "-") for name in names_with(__name__, _BRIDGE)]


def get_bridge(name: str) -> ToolBridge:
    """The bridge of that name. Raises BridgeError if there is none."""
    if name not in bridge_names():
        known = ", ".join(bridge_names())
        raise BridgeError(f"There is no bridge {name!r}; there is {known}.")
    bridge: ToolBridge = object_of(__name__, name.replace("-", "_"), _BRIDGE)
    return bridge
