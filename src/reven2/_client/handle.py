# SPDX-License-Identifier: Apache-2.0
"""What a client has of a server: `_rvn` of the documented objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reven2._client.connection import Connection
    from reven2._client.live import Live
    from reven2.trace import Trace

__all__ = ["Handle"]


@dataclass(frozen=True, eq=False)
class Handle:
    """A connection, this client's part in the sessions there, and the trace it looks at, which
    the server calls `scenario`."""

    connection: Connection
    live: Live
    trace: Trace
    scenario: str

    def __repr__(self) -> str:
        return f"<connection to {self.connection.name}>"
