# SPDX-License-Identifier: Apache-2.0
"""Connect to the scenarios of a server by name."""

from __future__ import annotations

from types import TracebackType
from urllib.parse import urlsplit

from reven2._client.connection import DEFAULT_PORT, Connection
from reven2._client.reven_server import RevenServer
from reven2.errors import InvalidArgumentError

__all__ = ["ProjectManager", "ScenarioConnection"]


class ScenarioConnection:
    """A connection to one scenario; a context manager that gives its server and closes it.

    Not meant to be constructed directly: it is what `ProjectManager.connect` gives.
    """

    def __init__(self, server: RevenServer) -> None:
        self._server = server

    @property
    def server(self) -> RevenServer:
        """The connected server."""
        return self._server

    def __enter__(self) -> RevenServer:
        return self._server

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()


class ProjectManager:
    """The scenarios of one server.

    Parameters:
        url: of the server: `http://localhost:13370`, or https.
        token: as for `reven2.RevenServer`.

    Raises:
        InvalidArgumentError (a ValueError): no such URL.
    """

    def __init__(
        self, url: str = f"http://localhost:{DEFAULT_PORT}", token: str | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidArgumentError(f"{url!r} is no address such as http://localhost:13370.")
        self._host, self._port = parts.hostname, parts.port or DEFAULT_PORT
        self._ssl, self._token = parts.scheme == "https", token

    def scenarios(self) -> list[str]:
        """Names of the scenarios.

        Raises:
            reven2.errors.ServerError (a RuntimeError): the connection fails.
        """
        connection = Connection(self._host, self._port, self._token, self._ssl)
        try:
            return connection.describe().scenarios
        finally:
            connection.close()

    def connect(self, scenario_name: str) -> ScenarioConnection:
        """Connect to a scenario.

        Raises:
            reven2.errors.ServerError (a RuntimeError): the connection fails, or there is no
                such scenario.
        """
        return ScenarioConnection(self.get_server_by(name=scenario_name))

    def get_server_by(self, name: str) -> RevenServer:
        """The same, as the server itself."""
        return RevenServer(self._host, self._port, name, token=self._token, ssl=self._ssl)
