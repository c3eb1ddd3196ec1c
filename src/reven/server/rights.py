# SPDX-License-Identifier: Apache-2.0
"""Who may do what: every request and message that the server takes, and the least role for it.

Routes, checks, documentation and the tests of access are made from this. What is not here is not
served: declaring an endpoint or a message without its line is an error when it is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import get_args

from reven.server.views import VIEWS
from reven2._client import messages
from reven2._service import query_methods, traits_of

__all__ = ["API", "MESSAGES", "REQUESTS", "ROLES", "Role", "needed", "role_named"]

API = "/api/v1"
QUERY, VIEW = f"{API}/scenarios/{{scenario}}/", f"{API}/scenarios/{{scenario}}/views/"


class Role(IntEnum):
    """What a client is; each may do what the ones before it may."""

    NOBODY = 0
    """Has shown no secret: gets the page that asks for one."""
    VIEWER = 1
    """Looks and follows. Changes nothing that others see, and nothing that stays."""
    EDITOR = 2
    """Publishes, makes sessions, changes bookmarks."""
    OWNER = 3
    """Lets others in, and sees and cancels everybody's long queries."""


ROLES: Mapping[str, Role] = {role.name.lower(): role for role in Role if role > Role.NOBODY}


def role_named(name: str) -> Role:
    """Raises KeyError."""
    return ROLES[name]


def _of_queries() -> dict[str, Role]:
    return {
        f"POST {QUERY}{name}": Role.EDITOR if traits_of(method).changes else Role.VIEWER
        for name, method in query_methods().items()
    }


REQUESTS: Mapping[str, Role] = {
    "GET /": Role.NOBODY,
    "GET /assets/{name}": Role.NOBODY,
    "GET /login": Role.NOBODY,
    "POST /login": Role.NOBODY,
    f"GET {API}/openapi.json": Role.VIEWER,
    f"GET {API}/server": Role.VIEWER,
    f"POST {API}/login": Role.OWNER,
    f"GET {API}/queries": Role.VIEWER,
    f"POST {API}/queries/{{id}}/cancel": Role.VIEWER,
    f"GET {API}/sessions": Role.VIEWER,
    f"GET {API}/sessions/{{session}}/presence": Role.VIEWER,
    f"GET {API}/sessions/live": Role.VIEWER,
    f"POST {API}/sessions/publish": Role.EDITOR,
    f"POST {API}/links": Role.EDITOR,
    f"PUT {API}/links/{{key}}": Role.EDITOR,
    # The key is the secret: it was made by an editor, and can do this alone.
    f"POST {API}/links/publish": Role.NOBODY,
    **_of_queries(),
    **{f"POST {VIEW}{name}": Role.VIEWER for name in VIEWS},
}
"""By method and path. The sessions' WebSocket is the GET of its path."""

MESSAGES: Mapping[type, Role] = {
    messages.Hello: Role.VIEWER,
    messages.Listen: Role.VIEWER,
    messages.Unlisten: Role.VIEWER,
    messages.Publish: Role.EDITOR,
    messages.Where: Role.VIEWER,
    messages.WatchPresence: Role.VIEWER,
    messages.Pong: Role.VIEWER,
}
"""Of the sessions' WebSocket."""

NEW_SESSION = Role.EDITOR
"""Who may use a session's name that nobody has used: listening to it, or watching it, makes it."""


def needed(method: str, path: str) -> Role:
    """The least role for a request.

    Raises:
        TypeError: it is not declared.
    """
    role = REQUESTS.get(f"{method} {path}")
    if role is None:
        raise TypeError(
            f"{method} {path} is served, but reven.server.rights does not say to whom: add its "
            "line there."
        )
    return role


def _check_messages() -> None:
    undeclared = set(get_args(messages.ClientMessage)) ^ set(MESSAGES)
    if undeclared:
        names = ", ".join(sorted(kind.__name__ for kind in undeclared))
        raise TypeError(f"reven.server.rights and the messages of clients differ in {names}.")


_check_messages()
