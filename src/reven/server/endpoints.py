# SPDX-License-Identifier: Apache-2.0
"""Every HTTP request that the API answers: one table, from which routes and the OpenAPI
document are made. Who may send each is in `rights`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request

from reven import __version__
from reven.server.access import Access, Who
from reven.server.bookmark_watch import BookmarkWatch
from reven.server.hub import Hub
from reven.server.links import Links
from reven.server.queries import QUERIES, Query, bounded
from reven.server.rights import API, QUERY, VIEW, Role, needed, role_named
from reven.server.running import Asked, Pace, Queries
from reven.server.scenarios import Scenarios
from reven.server.session_names import DEFAULT
from reven.server.shown import shown_json
from reven.server.views import VIEWS, View
from reven.server.wire import RequestError, encode
from reven2._client.messages import (
    ClientKind,
    Origin,
    PresentClient,
    Selection,
    SessionState,
    client_of,
    session_name,
    shown_name,
)

__all__ = ["Endpoint", "EndpointCall", "endpoints"]


class EndpointCall(msgspec.Struct, frozen=True):
    """One request: `arguments` is of the endpoint's type; `msgpack`: how to answer."""

    request: Request[Any, Any, Any]
    who: Who
    parameters: dict[str, str]
    arguments: Any
    msgpack: bool

    async def gone(self) -> None:
        """Returns when the client has gone."""
        while (await self.request.receive())["type"] != "http.disconnect":
            pass


class Endpoint(msgspec.Struct, frozen=True):
    """`answer`: type of what `run` gives, or None where it gives the body itself."""

    method: Literal["GET", "POST", "PUT"]
    path: str
    summary: str
    role: Role
    arguments: type[msgspec.Struct] | None
    answer: Any
    run: Callable[[EndpointCall], Awaitable[Any]]
    tag: str
    errors: tuple[int, ...] = ()


class ServerInfo(msgspec.Struct, frozen=True):
    """`epoch` names this life of the server. Scenarios in the order of the command line. `role`:
    what the client is: viewer, editor or owner."""

    version: str
    epoch: str
    scenarios: list[str]
    role: str


class PublishRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`client`: key of the sender's own sessions connection (`Welcome.key`), which then gets no
    echo."""

    selection: Selection
    sessions: list[str] = msgspec.field(default_factory=lambda: [DEFAULT])
    client: str = ""
    name: str = ""
    kind: ClientKind = "cli"


class PublishAnswer(msgspec.Struct, frozen=True):
    """How many other clients listened to one of the sessions."""

    listeners: int


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sessions that a click publishes to. `client` as in PublishRequest."""

    tracked: list[str]
    client: str = ""


class LinkKey(msgspec.Struct, frozen=True):
    key: str


class LinkPublishRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    selection: Selection


class LoginRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a login link gives: a role, for `seconds` (null: while the server runs)."""

    role: Literal["viewer", "editor", "owner"] = "owner"
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None


class LoginAnswer(msgspec.Struct, frozen=True):
    """Path, below the server's address, that logs one browser in."""

    path: str


class RunningQuery(msgspec.Struct, frozen=True):
    """A long query or view that runs or waits for its turn. `since`: seconds since 1970.
    `own`: of the client that asks; an owner sees those of others too."""

    id: str
    what: str
    scenario: str
    since: float
    waits: bool
    own: bool


class Nothing(msgspec.Struct, frozen=True):
    pass


_Run = Callable[["_Answers", EndpointCall], Awaitable[Any]]
_TABLE: list[tuple[Endpoint, _Run]] = []


def _endpoint(
    request: str,
    summary: str,
    arguments: type[msgspec.Struct] | None,
    answer: Any,
    *errors: int,
    tag: str,
) -> Callable[[_Run], _Run]:
    """Declare a method of `_Answers` an endpoint; its role is in `rights`.

    Raises:
        TypeError: it is not.
    """
    method, _, path = request.partition(" ")
    role = needed(method, API + path)

    def declare(run: _Run) -> _Run:
        _TABLE.append(
            (_made(method, API + path, summary, role, arguments, answer, tag, errors), run)
        )
        return run

    return declare


def _made(
    method: Any,
    path: str,
    summary: str,
    role: Role,
    arguments: type[msgspec.Struct] | None,
    answer: Any,
    tag: str,
    errors: tuple[int, ...],
    run: Any = None,
) -> Endpoint:
    refused = (403,) if role > Role.VIEWER else ()
    return Endpoint(method, path, summary, role, arguments, answer, run, tag, (*errors, *refused))


class _Answers:
    """What each endpoint does, for one server."""

    def __init__(
        self,
        scenarios: Scenarios,
        queries: Queries,
        hub: Hub,
        links: Links,
        access: Access,
        bookmarks: BookmarkWatch,
    ) -> None:
        self._scenarios, self._queries, self._hub = scenarios, queries, hub
        self._links, self._access, self._bookmarks = links, access, bookmarks

    @_endpoint("GET /server", "The server.", None, ServerInfo, tag="server")
    async def info(self, call: EndpointCall) -> ServerInfo:
        return ServerInfo(__version__, self._hub.epoch, self._scenarios.names, _name(call.who))

    @_endpoint(
        "POST /login", "Make a link that lets one browser in.", LoginRequest, LoginAnswer,
        tag="server",
    )  # fmt: skip
    async def login(self, call: EndpointCall) -> LoginAnswer:
        wanted: LoginRequest = call.arguments
        code = self._access.make_code(role_named(wanted.role), wanted.seconds)
        return LoginAnswer(f"/login?code={code}")

    @_endpoint(
        "GET /queries", "The client's long queries that run or wait.", None, list[RunningQuery],
        tag="queries",
    )  # fmt: skip
    async def queries(self, call: EndpointCall) -> list[RunningQuery]:
        who = call.who
        return [
            RunningQuery(
                long.id, long.what, long.scenario, long.since,
                self._queries.turns.is_waiting(long),
                long.client == who.client,
            )
            for long in self._queries.turns.mine(None if who.role is Role.OWNER else who.client)
        ]  # fmt: skip

    @_endpoint(
        "POST /queries/{id}/cancel", "Cancel a long query of the client.", None, Nothing, 404,
        tag="queries",
    )  # fmt: skip
    async def cancel(self, call: EndpointCall) -> Nothing:
        who, turns = call.who, self._queries.turns
        for long in turns.mine(None if who.role is Role.OWNER else who.client):
            if long.id == call.parameters["id"]:
                turns.cancel(long, by_client=True)
                return Nothing()
        raise RequestError(404, "No long query of yours has this id: it may have ended.")

    @_endpoint(
        "GET /sessions", "All known sessions and how many listen to each.", None,
        list[SessionState], tag="sessions",
    )  # fmt: skip
    async def sessions(self, call: EndpointCall) -> list[SessionState]:
        return self._hub.states()

    @_endpoint(
        "GET /sessions/{session}/presence", "Who listens to a session.", None,
        list[PresentClient], tag="sessions",
    )  # fmt: skip
    async def presence(self, call: EndpointCall) -> list[PresentClient]:
        return self._hub.presence(session_name(call.parameters["session"]))

    @_endpoint(
        "POST /sessions/publish", "Publish a selection to sessions.", PublishRequest,
        PublishAnswer, 503, tag="sessions",
    )  # fmt: skip
    async def publish(self, call: EndpointCall) -> PublishAnswer:
        sent: PublishRequest = call.arguments
        await self._scenarios.check(sent.selection)
        origin = Origin(client_of(sent.client), shown_name(sent.name), sent.kind)
        return PublishAnswer(await self._hub.publish(sent.sessions, sent.selection, origin))

    @_endpoint("POST /links", "Make a key for notebook links.", LinkRequest, LinkKey, tag="links")
    async def make_link(self, call: EndpointCall) -> LinkKey:
        sent: LinkRequest = call.arguments
        tracked = self._hub.know(sent.tracked)
        return LinkKey(self._links.make(tracked, client_of(sent.client)))

    @_endpoint(
        "PUT /links/{key}", "Change what a key publishes to.", LinkRequest, Nothing, tag="links"
    )
    async def change_link(self, call: EndpointCall) -> Nothing:
        sent: LinkRequest = call.arguments
        link = self._links.get(call.parameters["key"])
        link.tracked = self._hub.know(sent.tracked)
        link.client = client_of(sent.client) or link.client
        return Nothing()

    @_endpoint(
        "POST /links/publish", "Publish with a key, from any page; no token.",
        LinkPublishRequest, PublishAnswer, 403, 503, tag="links",
    )  # fmt: skip
    async def publish_link(self, call: EndpointCall) -> PublishAnswer:
        sent: LinkPublishRequest = call.arguments
        link = self._links.get(sent.key)
        await self._scenarios.check(sent.selection)
        origin = Origin(link.client, "", "notebook")
        return PublishAnswer(await self._hub.publish(link.tracked, sent.selection, origin))

    async def query(self, query: Query, call: EndpointCall) -> bytes:
        scenario = self._scenarios.get(call.parameters["scenario"])
        values = msgspec.structs.asdict(call.arguments)
        ask = query.on(scenario, values)
        answer = await self._queries.carry_out(
            self._asked(call, query.name),
            lambda: encode(ask(), msgpack=call.msgpack),
            call.gone,
            query.pace(values),
        )
        if query.changes:
            await self._bookmarks.look(scenario)
        return answer

    async def view(self, view: View, call: EndpointCall) -> bytes:
        service = self._scenarios.get(call.parameters["scenario"]).service

        def answer() -> bytes:
            values = msgspec.structs.asdict(call.arguments)
            shown = bounded(lambda: view.show(service, call.arguments), view.name, values)
            data = encode(shown, msgpack=call.msgpack)
            return data if call.msgpack else shown_json(data)

        pace: Pace = "scan" if view.scans else "view" if view.slow else "quick"
        return await self._queries.carry_out(
            self._asked(call, view.name), answer, call.gone, pace, is_view=True
        )

    @staticmethod
    def _asked(call: EndpointCall, what: str) -> Asked:
        return Asked(call.who.client, call.who.share, what, call.parameters["scenario"])


def _of_query(query: Query) -> tuple[Endpoint, _Run]:
    def run(answers: _Answers, call: EndpointCall) -> Awaitable[bytes]:
        return answers.query(query, call)

    path = f"{QUERY}{query.name}"
    return _made(
        "POST", path, query.summary, needed("POST", path), query.arguments, query.answer,
        "queries", (404, 409, 410, 422, 429, 503),
    ), run  # fmt: skip


def _of_view(view: View) -> tuple[Endpoint, _Run]:
    def run(answers: _Answers, call: EndpointCall) -> Awaitable[bytes]:
        return answers.view(view, call)

    path = f"{VIEW}{view.name}"
    return _made(
        "POST", path, view.summary, needed("POST", path), view.arguments, view.answer,
        "views", (404, 409, 410, 422, 429, 503),
    ), run  # fmt: skip


_TABLE += map(_of_query, QUERIES.values())
_TABLE += map(_of_view, VIEWS.values())


def _name(who: Who) -> str:
    return who.role.name.lower()


def endpoints(
    scenarios: Scenarios,
    queries: Queries,
    hub: Hub,
    links: Links,
    access: Access,
    bookmarks: BookmarkWatch,
) -> list[Endpoint]:
    """The table, for one server."""
    answers = _Answers(scenarios, queries, hub, links, access, bookmarks)

    def bound(run: _Run) -> Callable[[EndpointCall], Awaitable[Any]]:
        return lambda call: run(answers, call)

    return [msgspec.structs.replace(endpoint, run=bound(run)) for endpoint, run in _TABLE]
