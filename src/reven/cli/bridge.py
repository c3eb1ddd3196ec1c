# SPDX-License-Identifier: Apache-2.0
"""`reven bridge`: let another tool look at a trace, and join its session."""

from __future__ import annotations

from typing import Annotated

import typer

from reven.bridges import BridgeOptions, bridge_names, get_bridge
from reven.bridges.listening import host_and_port
from reven.cli.shared.moments import MOMENT

PANEL = "Share"


def bridge(
    name: Annotated[
        str, typer.Argument(help=f"The tool: {', '.join(bridge_names())}.", metavar="NAME")
    ],
    trace: Annotated[
        str | None,
        typer.Argument(
            help="The trace directory, or HOST:PORT/TRACE of a server, whose session is joined.",
            metavar="TRACE",
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(help="Where to wait for the tool: PORT or HOST:PORT.", metavar="ADDRESS"),
    ] = None,
    connect: Annotated[
        str | None,
        typer.Option(help="Where the tool waits: PORT or HOST:PORT.", metavar="ADDRESS"),
    ] = None,
    session: Annotated[str, typer.Option(help="Name of the session.")] = "default",
    publish: Annotated[
        bool, typer.Option("--publish", help="Show each move of the tool to the session.")
    ] = False,
    at: Annotated[str, typer.Option(help=f"Where to begin: {MOMENT}.", metavar="WHERE")] = "first",
) -> None:
    """Let gdb, a disassembler or an editor look at a trace, until Ctrl-C."""
    get_bridge(name).run(
        BridgeOptions(
            trace=trace,
            listen=None if listen is None else host_and_port(listen),
            connect=None if connect is None else host_and_port(connect),
            session=session,
            publish=publish,
            at=at,
        )
    )
