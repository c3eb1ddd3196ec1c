# SPDX-License-Identifier: Apache-2.0
"""Messages of the sessions WebSocket, shared by the server and every client.

A connection begins with `Hello` from the client and `Welcome` from the server; then
both send what they have, as JSON text frames (msgspec tagged unions, field `type`).

Every publish gets the next sequence number of its session from the server. `epoch`
names a server's life: numbers of another epoch mean nothing. A listener that joins
gets the latest selection; one that says what it saw last (same epoch) gets what it
missed, or the latest where that is no longer kept (then `gap` is true).

What the client says has a `number`, its own and another one each time, which comes back in
the answer: `Published`, `Done`, or the `Problem` with it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Annotated, Literal

import msgspec

from reven2._client.numbers import LARGEST_EXACT, Hexadecimal
from reven2.errors import InvalidArgumentError

PROTOCOL_VERSION = 3

ClientKind = Literal["python", "cli", "axion", "notebook", "bridge"]

Number = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_EXACT)]
"""Of a client's message; 0: it does not ask what became of it."""


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
    address: Hexadecimal
    size: int | None = None
    name: str | None = None
    transition: int | None = None
    segment: str | None = None

    @property
    def offset(self) -> int:
        """The address as a number."""
        return int(self.address, 16)


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
    """First message. `listen`: sessions to listen to. `client`: the `key` that the former
    connection got when it reconnects, with its `epoch` and what it has `seen`."""

    version: int
    kind: ClientKind
    name: str
    listen: list[str] = []
    client: str = ""
    epoch: str = ""
    seen: list[Seen] = []


class Listen(msgspec.Struct, frozen=True, tag="listen"):
    """Listen to one more session. `Done` comes when this client is counted among its
    listeners, and after the latest event."""

    session: str
    number: Number = 0


class Unlisten(msgspec.Struct, frozen=True, tag="unlisten"):
    """The opposite of `Listen`; answered with `Done`."""

    session: str
    number: Number = 0


class Publish(msgspec.Struct, frozen=True, tag="publish"):
    """Answered with `Published`; one that is repeated with its number is not published again."""

    number: Number
    sessions: list[str]
    selection: Selection


class Where(msgspec.Struct, frozen=True, tag="where"):
    """Presence: where the client is looking now."""

    selection: Selection | None
    number: Number = 0


class WatchPresence(msgspec.Struct, frozen=True, tag="watch"):
    """Send `Presence` for this session now and whenever it changes."""

    session: str
    number: Number = 0


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answer to `Ping`."""


ClientMessage = Hello | Listen | Unlisten | Publish | Where | WatchPresence | Pong

# ------------------------------------------------------------- server to client


class Limits(msgspec.Struct, frozen=True):
    """What a server asks of its clients.

    A `Ping` comes every `ping_seconds`. Who hears nothing from the other side for
    `silent_seconds` may take the connection for dead. One message has at most `message_bytes`;
    of one client, `messages_per_second` are read. Names of sessions have at most
    `session_name` characters, those of clients `client_name`.
    """

    ping_seconds: float
    silent_seconds: float
    message_bytes: int
    messages_per_second: int
    session_name: int
    client_name: int


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """The first answer. `client`: the id that others see, of the `key`, which is this client's
    secret: who shows it is this client. `may_publish`: whether the token allows it. It comes
    again, with another `epoch`, when the numbers of all sessions have begun anew."""

    client: str
    key: str
    epoch: str
    may_publish: bool
    limits: Limits


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


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The `Listen` or `Unlisten` of this number was carried out."""

    number: int


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
    """The client's message of this `number` (0: it had none) could not be carried out: one
    sentence. `fatal`: the server closes the connection."""

    message: str
    number: int = 0
    fatal: bool = False


ServerMessage = (
    Welcome | Event | Published | Done | Sessions | Presence | BookmarksChanged | Ping | Problem
)

# ---------------------------------------------------------------- session names

LONGEST_SESSION_NAME = 64
_LONGEST_WRITTEN = 16 * LONGEST_SESSION_NAME


def session_name(name: object) -> str:
    """The session's name as all know it: composed (NFC), without spaces around it.

    Raises:
        InvalidArgumentError (a ValueError): it is no name of a session; the text says the rule.
    """
    if isinstance(name, str) and len(name) <= _LONGEST_WRITTEN:
        known = unicodedata.normalize("NFC", name.strip(" "))
        if known.isprintable() and "/" not in known and 1 <= len(known) <= LONGEST_SESSION_NAME:
            return known
    if isinstance(name, str) and len(name) > LONGEST_SESSION_NAME:
        name = name[:LONGEST_SESSION_NAME] + "…"
    raise InvalidArgumentError(
        f"{name!r} is no name of a session: it needs 1 to {LONGEST_SESSION_NAME} printable "
        "characters, without control characters and without '/'."
    )


# ---------------------------------------------------------------- clients


def client_of(key: str) -> str:
    """The id, for all to see, of the client that has this key; "" for "". No key can be told
    from an id, so nobody takes the place of a client that they see."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16] if key else ""


def shown_name(name: str) -> str:
    """A client's name as others may print it."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:200]
    )
