# SPDX-License-Identifier: Apache-2.0
"""Every HTTP request that the API answers: one table, from which routes and the OpenAPI
document are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from litestar import Request

from reven import __version__
from reven.server.access import Access, Right
from reven.server.bookmark_watch import BookmarkWatch
from reven.server.hub import Hub
from reven.server.links import Links
from reven.server.queries import QUERIES, Queries, Query
from reven.server.scenarios import Scenarios
from reven.server.session_names import DEFAULT
from reven.server.views import VIEWS, View
from reven.server.wire import encode
from reven2._client.messages import (
    ClientKind,
    Origin,
    PresentClient,
    Selection,
    SessionState,
    check_session_name,
)
from reven2.errors import InvalidArgumentError

__all__ = ["Endpoint", "EndpointCall", "endpoints"]

API = "/api/v1"


class EndpointCall(msgspec.Struct, frozen=True):
    """One request: `arguments` is of the endpoint's type; `msgpack`: how to answer."""

    request: Request[Any, Any, Any]
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
    right: Right
    arguments: type[msgspec.Struct] | None
    answer: Any
    run: Callable[[EndpointCall], Awaitable[Any]]
    tag: str
    errors: tuple[int, ...] = ()


class ServerInfo(msgspec.Struct, frozen=True):
    """`epoch` names this life of the server. Scenarios in the order of the command line."""

    version: str
    epoch: str
    scenarios: list[str]


class PublishRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`client`: id of the sender's own sessions connection, which then gets no echo."""

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


class LoginAnswer(msgspec.Struct, frozen=True):
    """Path, below the server's address, that logs one browser in, once."""

    path: str


class Nothing(msgspec.Struct, frozen=True):
    pass


def endpoints(
    scenarios: Scenarios,
    queries: Queries,
    hub: Hub,
    links: Links,
    access: Access,
    bookmarks: BookmarkWatch,
) -> list[Endpoint]:
    """The table, for one server."""

    async def info(call: EndpointCall) -> ServerInfo:
        return ServerInfo(__version__, hub.epoch, scenarios.names)

    async def login(call: EndpointCall) -> LoginAnswer:
        return LoginAnswer(f"/login?code={access.make_code()}")

    async def sessions(call: EndpointCall) -> list[SessionState]:
        return hub.states()

    async def presence(call: EndpointCall) -> list[PresentClient]:
        check_session_name(call.parameters["session"])
        return hub.presence(call.parameters["session"])

    async def publish(call: EndpointCall) -> PublishAnswer:
        sent: PublishRequest = call.arguments
        await scenarios.check(sent.selection)
        origin = Origin(sent.client[:64], sent.name[:200], sent.kind)
        return PublishAnswer(await hub.publish(sent.sessions, sent.selection, origin))

    async def make_link(call: EndpointCall) -> LinkKey:
        sent: LinkRequest = call.arguments
        hub.know(sent.tracked)
        return LinkKey(links.make(sent.tracked, sent.client[:64]))

    async def change_link(call: EndpointCall) -> Nothing:
        sent: LinkRequest = call.arguments
        hub.know(sent.tracked)
        link = links.get(call.parameters["key"])
        link.tracked, link.client = list(sent.tracked), sent.client[:64] or link.client
        return Nothing()

    async def publish_link(call: EndpointCall) -> PublishAnswer:
        sent: LinkPublishRequest = call.arguments
        link = links.get(sent.key)
        await scenarios.check(sent.selection)
        origin = Origin(link.client, "", "notebook")
        return PublishAnswer(await hub.publish(link.tracked, sent.selection, origin))

    def query_endpoint(query: Query) -> Endpoint:
        async def run(call: EndpointCall) -> bytes:
            def finish(answer: Any) -> bytes:
                return encode(answer, msgpack=call.msgpack)

            scenario = scenarios.get(call.parameters["scenario"])
            answer = await queries.run(query, scenario, call.arguments, call.gone, finish)
            if query.changes:
                await bookmarks.look(scenario)
            return answer

        return Endpoint(
            "POST",
            f"{API}/scenarios/{{scenario}}/{query.name}",
            query.summary,
            query.right,
            query.arguments,
            query.answer,
            run,
            "queries",
            (403, 404, 409, 410, 422) if query.right > Right.LOOK else (404, 409, 410, 422),
        )

    def view_endpoint(view: View) -> Endpoint:
        async def run(call: EndpointCall) -> bytes:
            service = scenarios.get(call.parameters["scenario"]).service

            def answer() -> bytes:
                try:
                    shown = view.show(service, call.arguments)
                except (TypeError, OverflowError):
                    # The engine's integers are narrower than those of a message.
                    raise InvalidArgumentError(f"A number for {view.name} is too large.") from None
                return encode(shown, msgpack=call.msgpack)

            return await queries.carry_out(answer, call.gone, slow=view.slow)

        return Endpoint(
            "POST",
            f"{API}/scenarios/{{scenario}}/views/{view.name}",
            view.summary,
            Right.LOOK,
            view.arguments,
            view.answer,
            run,
            "views",
            (404, 409, 410, 422),
        )

    look, control = Right.LOOK, Right.CONTROL
    return [
        Endpoint("GET", f"{API}/server", "The server.", look, None, ServerInfo, info, "server"),
        Endpoint(
            "POST", f"{API}/login", "Let one browser log in.", control, None, LoginAnswer, login,
            "server", (403,),
        ),
        Endpoint(
            "GET", f"{API}/sessions", "All known sessions and how many listen to each.", look,
            None, list[SessionState], sessions, "sessions",
        ),
        Endpoint(
            "GET", f"{API}/sessions/{{session}}/presence", "Who listens to a session.", look,
            None, list[PresentClient], presence, "sessions",
        ),
        Endpoint(
            "POST", f"{API}/sessions/publish", "Publish a selection to sessions.", control,
            PublishRequest, PublishAnswer, publish, "sessions", (403, 503),
        ),
        Endpoint(
            "POST", f"{API}/links", "Make a key for notebook links.", control, LinkRequest,
            LinkKey, make_link, "links", (403,),
        ),
        Endpoint(
            "PUT", f"{API}/links/{{key}}", "Change what a key publishes to.", control,
            LinkRequest, Nothing, change_link, "links", (403,),
        ),
        Endpoint(
            "POST", f"{API}/links/publish", "Publish with a key, from any page; no token.",
            Right.NOTHING, LinkPublishRequest, PublishAnswer, publish_link, "links", (403, 503),
        ),
        *map(query_endpoint, QUERIES.values()),
        *map(view_endpoint, VIEWS.values()),
    ]  # fmt: skip
