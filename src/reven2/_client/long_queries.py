# SPDX-License-Identifier: Apache-2.0
"""The long queries that a server carries out, and cancelling them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

if TYPE_CHECKING:
    from reven2._client.connection import Connection

__all__ = ["LongQuery", "long_queries"]

PATH = "/api/v1/queries"


class _Told(msgspec.Struct, frozen=True):
    id: str
    what: str
    scenario: str
    since: float
    waits: bool
    own: bool


class LongQuery:
    """A query that takes long, and runs or waits for its turn on a server: a search, or what
    reads much of a trace. Not meant to be constructed directly: `server.queries` gives them.

    Attributes:
        id: on the server.
        what: name of the query, or of the view of Axion.
        scenario: name of the trace.
        since: when it was asked, in seconds since 1970 (UTC).
        waits: whether others have their turn now.
        is_own: whether this program asked it; an owner sees those of others too.
    """

    def __init__(self, connection: Connection, told: _Told) -> None:
        self._connection = connection
        self.id, self.what, self.scenario = told.id, told.what, told.scenario
        self.since, self.waits, self.is_own = told.since, told.waits, told.own

    def cancel(self) -> None:
        """Stop it: who waits for its answer gets a QueryCancelledError.

        Raises:
            ServerError (a RuntimeError): it has ended already, or the server does not answer.
        """
        self._connection.request_json("POST", f"{PATH}/{quote(self.id, safe='')}/cancel")

    def __repr__(self) -> str:
        state = "waits" if self.waits else "runs"
        return f"<{self.what} on {self.scenario}: {state}>"


def long_queries(connection: Connection) -> list[LongQuery]:
    """Those that a client sees, the oldest first."""
    told = msgspec.convert(connection.request_json("GET", PATH), list[_Told])
    return [LongQuery(connection, one) for one in told]
