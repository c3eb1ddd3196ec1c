# SPDX-License-Identifier: Apache-2.0
"""What a client has of a server: `_rvn` of the documented objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._client.low_level import LowLevel

if TYPE_CHECKING:
    from reven2._client.connection import Connection
    from reven2._client.live import Live
    from reven2.trace import Trace

__all__ = ["Handle"]


class Handle(LowLevel):
    """A connection, this client's part in the sessions there, and the trace it looks at, which
    the server calls `scenario`."""

    def __init__(self, connection: Connection, live: Live, trace: Trace, scenario: str) -> None:
        super().__init__(trace)
        self.connection, self.live = connection, live
        self.trace, self.scenario = trace, scenario

    def __repr__(self) -> str:
        return f"<connection to {self.connection.name}>"
