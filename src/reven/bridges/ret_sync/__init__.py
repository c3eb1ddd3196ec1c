# SPDX-License-Identifier: Apache-2.0
"""`reven bridge ret-sync`: IDA, Ghidra and Binary Ninja follow a session through the plug-ins of
ret-sync, and debuggers that have its plug-in lead one.

Without `--listen` the bridge plays the debugger: it connects to the dispatcher of IDA, or to
Ghidra or Binary Ninja, and shows there what is selected in the session. With `--listen` it plays
the disassembler: gdb, LLDB, WinDbg or x64dbg with the plug-in connect, and where they stop the
session goes.
"""

from __future__ import annotations

from reven.bridges.joined import Joined
from reven.bridges.listening import accepted, listening
from reven.bridges.protocol import BridgeError, BridgeOptions, ToolBridge
from reven.bridges.ret_sync.as_debugger import Debugger
from reven.bridges.ret_sync.as_disassembler import Disassembler

__all__ = ["BRIDGE"]

_DISPATCHER = ("127.0.0.1", 9100)


class RetSyncBridge:
    """Both roles."""

    title = "ret-sync"

    def run(self, options: BridgeOptions) -> None:
        if options.trace is None:
            raise BridgeError("Say whose session: reven bridge ret-sync HOST:PORT/TRACE.")
        with Joined(options.trace, options.session, "ret-sync") as joined:
            if not joined.is_shared:
                raise BridgeError(
                    f"{options.trace} has no session, for it is opened by its path: serve it with "
                    "reven serve, and give HOST:PORT/TRACE."
                )
            if options.listen is None:
                Debugger(joined, options.connect or _DISPATCHER).run()
                return
            with listening(options.listen) as (door, address):
                print(f"Listening for debuggers' ret-sync plug-ins on {address}", flush=True)
                for connection in accepted(door):
                    Disassembler(joined, connection).run()


BRIDGE: ToolBridge = RetSyncBridge()
