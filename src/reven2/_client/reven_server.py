# SPDX-License-Identifier: Apache-2.0
"""A connection to a server, shaped as the documented server object."""

from __future__ import annotations

import getpass
import socket
import ssl as tls
import sys
from typing import Literal

from reven2._arguments import integer, shown, wrong_type
from reven2._client.connection import DEFAULT_PORT, Connection
from reven2._client.handle import Handle
from reven2._client.live import Live
from reven2._client.long_queries import LongQuery, long_queries
from reven2._client.messages import ClientKind
from reven2._client.processes import Opening
from reven2._client.remote import remote_service
from reven2._client.server import OpenTrace
from reven2._printable import printable
from reven2._tables.html import show_lists_as_tables
from reven2.errors import InvalidArgumentError, RevenError, ServerError
from reven2.session import Sessions

__all__ = ["RevenServer"]


class RevenServer(OpenTrace):
    """A connection to a server that `reven serve` started: what `reven2.open` gives for a
    trace in this process, over the network, and the server's sessions.

    A context manager: leaving it closes the connection. Any number of them may be open.

    Parameters:
        host: name or address of the server.
        port: its TCP port.
        scenario: which of its traces, by name; needed if it serves several.
        token: what the server wants to see; default: what a server of the same user on
            this machine left for its clients.
        ssl: True for TLS with the certificates that the system trusts, or a context.
        name: how others see this client; default: the user's name and the machine's.

    Raises:
        reven2.errors.ServerError (a RuntimeError): the connection fails; the text says why.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = DEFAULT_PORT,
        scenario: str | None = None,
        *,
        token: str | None = None,
        ssl: tls.SSLContext | bool = False,
        name: str | None = None,
    ) -> None:
        host, port = _address(host, port)
        self._connect(Connection(host, port, token, ssl), scenario, name or _who(), _kind())
        # A context of one's own cannot be sent to another process; then this cannot either.
        if isinstance(ssl, bool):
            arguments = (host, port, self._scenario, token, ssl, name)
            self.trace._opening = Opening(_reopened, arguments)

    def _connect(
        self, connection: Connection, scenario: str | None, name: str, kind: ClientKind
    ) -> None:
        try:
            scenario = _chosen(connection, scenario)
            service = remote_service(connection, scenario)
        except RevenError:
            connection.close()
            raise
        super().__init__(service)
        self._connection = connection
        self._scenario = scenario
        self._live = Live(connection, name, kind, self._renew_links)
        self._handle = Handle(connection, self._live, self.trace, scenario)
        self._sessions = Sessions(self._handle)
        self.trace._links = self._sessions._links
        show_lists_as_tables()

    @property
    def host(self) -> str:
        """Name or address of the server."""
        return self._connection.host

    @property
    def port(self) -> int:
        """TCP port of the server."""
        return self._connection.port

    @property
    def scenario_name(self) -> str:
        """Name of the trace on the server."""
        return self._scenario

    @property
    def _rvn(self) -> Handle:
        return self._handle

    @property
    def sessions(self) -> Sessions:
        """The server's sessions: publish a moment to others, and follow theirs."""
        return self._sessions

    @property
    def queries(self) -> list[LongQuery]:
        """The long queries of this program that the server carries out now, or that wait for
        their turn, the oldest first: list them from another thread than the one that waits for
        an answer, and `cancel()` them. Of a server that one owns, those of all clients. An
        addition to the documented interface.

        Raises:
            ServerError (a RuntimeError): the server does not answer.
        """
        return long_queries(self._connection)

    def close(self) -> None:
        """Leave the sessions and close the connection. Using what came from it then raises
        ClosedError."""
        self._live.close()
        super().close()

    def _renew_links(self) -> None:
        for sessions in list(Sessions._instances):
            if sessions._rvn is self._handle:
                sessions._links.renew()

    def __str__(self) -> str:
        state = "closed" if self._connection.closed else "connected"
        return printable(f"Reven server on {self._scenario} ({self._connection.name}) [{state}]")

    def __repr__(self) -> str:
        state = "closed" if self._connection.closed else "connected"
        return f"Reven server ({self._connection.name}) [{state}]"


def connect_as(
    kind: Literal["cli", "bridge"],
    host: str,
    port: int,
    scenario: str | None = None,
    *,
    token: str | None = None,
    name: str | None = None,
    ssl: tls.SSLContext | bool = False,
) -> RevenServer:
    """A `RevenServer` that others see as another kind of client than a script."""
    server = RevenServer.__new__(RevenServer)
    host, port = _address(host, port)
    server._connect(Connection(host, port, token, ssl), scenario, name or _who(), kind)
    return server


def connect_to_any(kind: Literal["cli", "bridge"], host: str, port: int) -> RevenServer:
    """The same, for whom it does not matter which of the server's traces it is."""
    connection = Connection(host, port, None)
    try:
        first = next(iter(connection.describe().scenarios), None)
    finally:
        connection.close()
    return connect_as(kind, host, port, first)


def _reopened(
    host: str, port: int, scenario: str, token: str | None, ssl: bool, name: str | None
) -> RevenServer:
    return RevenServer(host, port, scenario, token=token, ssl=ssl, name=name)


def _address(host: object, port: object) -> tuple[str, int]:
    """The server's host and port as they were passed; a port may be written as text."""
    if isinstance(port, str) and port.strip().isdecimal():
        port = int(port)
    if not isinstance(host, str):
        advice = f"pass its name first, RevenServer('localhost', {shown(host)})"
        raise wrong_type("The host", host, advice)
    number = integer(port, "The port")
    if not 0 < number < 1 << 16:
        raise InvalidArgumentError(f"A port lies between 1 and 65535: {number} does not.")
    name, colon, last = host.rpartition(":")
    if colon and name and ":" not in name and last.isdecimal():
        raise InvalidArgumentError(
            f"{host!r} is a host and a port: write RevenServer({name!r}, {last})."
        )
    if not host or any(letter.isspace() or letter in "/@?#" for letter in host):
        raise InvalidArgumentError(
            f"{host[:60]!r} is no host: write its name or address alone, as 'localhost'."
        )
    return host, number


def _chosen(connection: Connection, scenario: str | None) -> str:
    scenarios = connection.describe().scenarios
    if scenario is None and len(scenarios) == 1:
        return scenarios[0]
    known = ", ".join(map(repr, scenarios)) or "none"
    if scenario is None:
        raise ServerError(
            f"{connection.name} serves several scenarios ({known}): choose one with scenario=…"
        )
    if scenario not in scenarios:
        raise ServerError(f"{connection.name} serves no scenario {scenario!r}, but {known}.")
    return scenario


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _kind() -> ClientKind:
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return "notebook" if shell is not None and "IPKernelApp" in shell.config else "python"
