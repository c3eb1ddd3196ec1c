# SPDX-License-Identifier: Apache-2.0
"""Messages of the sessions WebSocket, shared by the server and every client.

A connection begins with `Hello` from the client and `Welcome` from the server; then
both send what they have, as JSON text frames (msgspec tagged unions, field `type`).

Every publish gets the next sequence number of its session from the server. `epoch`
names a server's life: numbers of another epoch mean nothing. A listener that joins
gets the latest selection; one that says what it saw last (same epoch) gets what it
missed, or the latest where that is no longer kept (then `gap` is true).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from reven2.errors import InvalidArgumentError

PROTOCOL_VERSION = 1

ClientKind = Literal["python", "cli", "axion", "notebook", "bridge"]


class TransitionSelection(msgspec.Struct, frozen=True, tag="transition"):
    """A transition of the trace with this uuid (TraceInfo.uuid) and scenario name."""

    trace: str
    scenario: str
    transition: int


class AddressSelection(msgspec.Struct, frozen=True, tag="address"):
    """A linear address, or an offset in the segment that the register `segment` (fs, gs)
    holds. `size` in bytes, `name` how the publisher spells it. `transition`: moment, if any."""

    trace: str
    scenario: str
    address: int
    size: int | None = None
    name: str | None = None
    transition: int | None = None
    segment: str | None = None


Selection = TransitionSelection | AddressSelection


class Origin(msgspec.Struct, frozen=True):
    """Who published: the client's id on this server, its name and kind."""

    client: str
    name: str
    kind: ClientKind


class SessionState(msgspec.Struct, frozen=True):
    """A session and how many clients listen to it."""

    name: str
    listeners: int


# ------------------------------------------------------------- client to server


class Seen(msgspec.Struct, frozen=True):
    """The last event of a session that a reconnecting client saw."""

    session: str
    sequence: int


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First message. `listen`: sessions to listen to. `client`: the id of the former
    connection when it reconnects, with its `epoch` and what it has `seen`."""

    version: int
    kind: ClientKind
    name: str
    listen: list[str] = []
    client: str = ""
    epoch: str = ""
    seen: list[Seen] = []


class Listen(msgspec.Struct, frozen=True, tag="listen"):
    session: str


class Unlisten(msgspec.Struct, frozen=True, tag="unlisten"):
    session: str


class Publish(msgspec.Struct, frozen=True, tag="publish"):
    """`number` is the client's own and comes back in `Published`; a repeated one is not
    published again."""

    number: int
    sessions: list[str]
    selection: Selection


class Where(msgspec.Struct, frozen=True, tag="where"):
    """Presence: where the client is looking now."""

    selection: Selection | None


class WatchPresence(msgspec.Struct, frozen=True, tag="watch"):
    """Send `Presence` for this session now and whenever it changes."""

    session: str


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answer to `Ping`; a client silent for 20 s is gone."""


ClientMessage = Hello | Listen | Unlisten | Publish | Where | WatchPresence | Pong

# ------------------------------------------------------------- server to client


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    client: str
    epoch: str
    may_publish: bool


class Event(msgspec.Struct, frozen=True, tag="event"):
    """`time` in seconds since 1970 (UTC). `gap`: events between the last one sent to
    this client and this one were left out (it was slow or away too long)."""

    session: str
    sequence: int
    origin: Origin
    time: float
    selection: Selection
    gap: bool = False


class Published(msgspec.Struct, frozen=True, tag="published"):
    """`listeners`: other clients that listened to one of the sessions."""

    number: int
    listeners: int


class Sessions(msgspec.Struct, frozen=True, tag="sessions"):
    """All sessions, whenever one appears or a listener count changes."""

    sessions: list[SessionState]


class PresentClient(msgspec.Struct, frozen=True):
    client: str
    name: str
    kind: ClientKind
    selection: Selection | None
    since: float


class Presence(msgspec.Struct, frozen=True, tag="presence"):
    session: str
    clients: list[PresentClient]


class BookmarksChanged(msgspec.Struct, frozen=True, tag="bookmarks"):
    """The bookmarks of a scenario have changed: ask for them again (queries `bookmarks` …).
    Sent to every client, whoever made the change; of several changes, perhaps only the last.
    `revision` is that of `BookmarkPage`."""

    scenario: str
    trace: str
    revision: int


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    pass


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """The last message could not be carried out: one sentence. `fatal`: the server
    closes the connection."""

    message: str
    fatal: bool = False


ServerMessage = (
    Welcome | Event | Published | Sessions | Presence | BookmarksChanged | Ping | Problem
)

# ---------------------------------------------------------------- session names

LONGEST_SESSION_NAME = 64


def check_session_name(name: object) -> None:
    """Raises InvalidArgumentError, with the rule, for what is no name of a session."""
    if isinstance(name, str) and name.isprintable() and "/" not in name:
        if 1 <= len(name) <= LONGEST_SESSION_NAME:
            return
        name = name[:LONGEST_SESSION_NAME] + "…" if name else name
    raise InvalidArgumentError(
        f"{name!r} is no name of a session: it needs 1 to {LONGEST_SESSION_NAME} printable "
        "characters, without control characters and without '/'."
    )
