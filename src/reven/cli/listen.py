# SPDX-License-Identifier: Apache-2.0
"""`reven listen`: print what others publish to a session, as it comes."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from reven.cli.shared.console import err, escape, make_console, print_json
from reven2._client.reven_server import RevenServer, connect_to_any
from reven2.errors import RevenError
from reven2.session import AddressEvent, TransitionEvent

PANEL = "Share"


class ListenedEvent(msgspec.Struct, frozen=True):
    """What `--json` prints of an event. `time` in seconds since 1970 (UTC); `text`: the
    instruction or event of a transition."""

    session: str
    sequence: int
    time: float
    origin: str
    kind: str
    scenario: str
    gap: bool
    transition: int | None
    text: str | None
    address: str | None
    size: int | None


def listen(
    session: Annotated[str, typer.Option(help="Name of the session.")] = "default",
    host: Annotated[str, typer.Option(help="Name or address of the server.")] = "localhost",
    port: Annotated[int, typer.Option(help="TCP port of the server.")] = 13370,
    count: Annotated[
        int | None, typer.Option("--count", "-n", help="End after so many events.", min=1)
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line for each event.")
    ] = False,
) -> None:
    """Follow a session: print each transition and address that others publish, until Ctrl-C.

    What was published last, if anything, is printed first.
    """
    with _Follower(host, port) as follower:
        listener = follower.server.sessions.listen(session)
        err().print(f"Listening to {escape(session)} on {host}:{port}. Ctrl-C ends it.")
        console = make_console()
        for number, event in enumerate(listener, 1):
            shown = follower.shown(event)
            if json:
                print_json(shown, indent=-1)
            else:
                console.print(_line(shown))
            if number == count:
                return


class _Follower:
    """A listener that knows the texts of the transitions of every scenario."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.server = connect_to_any("cli", host, port)
        self._servers = {self.server.scenario_name: self.server}

    def shown(self, event: TransitionEvent | AddressEvent) -> ListenedEvent:
        transition = event.transition_id if isinstance(event, TransitionEvent) else None
        address = event if isinstance(event, AddressEvent) else None
        return ListenedEvent(
            event.session,
            event.sequence,
            event.time,
            event.origin.name or event.origin.kind,
            event.origin.kind,
            event.scenario,
            event.gap,
            transition,
            None if transition is None else self._text(event.scenario, transition),
            None if address is None else str(address),
            None if address is None else address.size,
        )

    def _text(self, scenario: str, number: int) -> str | None:
        try:
            if scenario not in self._servers:
                self._servers[scenario] = RevenServer(self._host, self._port, scenario)
            return str(self._servers[scenario].trace.transition(number)).partition(" ")[2]
        except RevenError:
            return None

    def __enter__(self) -> _Follower:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.close()


def _line(event: ListenedEvent) -> str:
    parts = [f"[label]{time.strftime('%H:%M:%S', time.localtime(event.time))}[/]"]
    if event.gap:
        parts.append("[event]some were missed[/]")
    if event.transition is not None:
        parts.append(f"[number]#{event.transition}[/]  {escape(event.text or '')}")
    else:
        size = f", {event.size} bytes" if event.size is not None else ""
        parts.append(f"[address]{escape(event.address or '')}[/]{size}")
    parts.append(f"[label]{escape(event.origin)}, {escape(event.scenario)}[/]")
    return "  ".join(parts)
