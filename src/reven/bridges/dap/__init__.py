# SPDX-License-Identifier: Apache-2.0
"""`reven bridge dap`: editors debug a recording, over the Debug Adapter Protocol."""

from __future__ import annotations

import contextlib
import os
import sys

from reven.bridges.dap.session import EditorSession
from reven.bridges.dap.wire import NotThisProtocol, Wire
from reven.bridges.listening import accepted, listening
from reven.bridges.protocol import BridgeOptions, ToolBridge

__all__ = ["BRIDGE"]


class DapBridge:
    """On standard input and output, as editors start it; with `--listen` on a socket."""

    title = "Debug Adapter Protocol"

    def run(self, options: BridgeOptions) -> None:
        if options.listen is None:
            # What else is printed must not stand between the messages.
            output = os.fdopen(os.dup(1), "wb")
            os.dup2(2, 1)
            _serve(Wire(sys.stdin.buffer, output), options)
            return
        with listening(options.listen) as (door, address):
            print(f"Listening for editors on {address}", flush=True)
            for connection in accepted(door):
                with (
                    connection.makefile("rb") as reader,
                    connection.makefile("wb") as writer,
                    contextlib.suppress(OSError),
                ):
                    _serve(Wire(reader, writer), options)


BRIDGE: ToolBridge = DapBridge()


def _serve(wire: Wire, options: BridgeOptions) -> None:
    session = EditorSession(wire, options.trace, options.session, options.at, options.publish)
    with contextlib.suppress(NotThisProtocol):
        session.run()
