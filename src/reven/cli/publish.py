# SPDX-License-Identifier: Apache-2.0
"""`reven publish`: have everybody who listens to a session select a transition."""

from __future__ import annotations

from typing import Annotated

import typer

from reven.cli.shared.console import escape, out
from reven.cli.shared.moments import transition as moment
from reven2._client.reven_server import connect_as

PANEL = "Share"

NOBODY_LISTENED = 1


def publish(
    transition: Annotated[
        str,
        typer.Argument(
            help="The transition: its number, a share as 50%, first, last, or a place: the first "
            "time it runs.",
            metavar="WHERE",
        ),
    ],
    session: Annotated[str, typer.Option(help="Name of the session.")] = "default",
    host: Annotated[str, typer.Option(help="Name or address of the server.")] = "localhost",
    port: Annotated[int, typer.Option(help="TCP port of the server.")] = 13370,
    scenario: Annotated[
        str | None,
        typer.Option(help="Which of the server's traces; needed if it serves several."),
    ] = None,
) -> None:
    """Publish a transition to a session. The exit status is 1 if nobody listened."""
    with connect_as("cli", host, port, scenario) as server:
        server.sessions.tracked = session
        chosen = server.trace.transition(moment(server, transition))
        heard = server.sessions.publish_transition(chosen)
        said = "" if heard else "nobody listened to "
        out().print(f"{escape(str(chosen))}  [label]→ {said}{escape(session)}[/]")
    if not heard:
        raise typer.Exit(NOBODY_LISTENED)
