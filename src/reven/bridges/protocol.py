# SPDX-License-Identifier: Apache-2.0
"""What `reven bridge` asks of a bridge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reven.errors import CommandError


class BridgeError(CommandError):
    """The bridge cannot be made, or not so."""


@dataclass(frozen=True)
class BridgeOptions:
    """What the user says of a bridge.

    Attributes:
        trace: a trace directory, or HOST:PORT/TRACE of a server; None: the tool says it.
        listen: (host, port) to wait for the tool on; None: as is usual for the tool.
        connect: (host, port) at which the tool waits; None: it comes to us.
        session: the session to join.
        publish: whether each move of the tool is shown to the others of the session.
        at: the moment to begin with, as text.
    """

    trace: str | None = None
    listen: tuple[str, int] | None = None
    connect: tuple[str, int] | None = None
    session: str = "default"
    publish: bool = False
    at: str = "first"


class ToolBridge(Protocol):
    """A tool that can be joined to a trace."""

    @property
    def title(self) -> str:
        """What people call the tool."""

    def run(self, options: BridgeOptions) -> None:
        """Serve the tool until it or the user ends it. Raises BridgeError, RevenError."""
