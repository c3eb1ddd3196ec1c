# SPDX-License-Identifier: Apache-2.0
"""`reven mcp`: let an assistant ask about traces."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reven.bridges.mcp.setup import setup_text
from reven.bridges.protocol import BridgeError
from reven.cli.shared.console import print_lines

PANEL = "Share"


def mcp(
    traces: Annotated[
        list[str] | None,
        typer.Argument(help="Trace directories, or HOST:PORT/TRACE of servers.", metavar="TRACE"),
    ] = None,
    setup: Annotated[
        bool, typer.Option("--setup", help="Print what to write where for common assistants.")
    ] = False,
    http: Annotated[
        int | None,
        typer.Option(
            help="Serve over HTTP on this port of this machine, instead of standard input and "
            "output. The token that clients must send is $REVEN_MCP_TOKEN, or a new one.",
            metavar="PORT",
            min=0,
            max=65535,
        ),
    ] = None,
    session: Annotated[str, typer.Option(help="Name of the session to join.")] = "default",
) -> None:
    """Let an assistant ask about traces, over the Model Context Protocol."""
    paths = [one if ":" in one else str(Path(one).absolute()) for one in traces or []]
    if setup:
        print_lines(setup_text([str(Path(sys.argv[0]).absolute()), "mcp", *paths]).rstrip("\n"))
        return
    if importlib.util.find_spec("mcp") is None:
        raise BridgeError("reven mcp needs the SDK: install it with `pip install 'reven[mcp]'`.")
    from reven.bridges.mcp.server import make_server
    from reven.bridges.mcp.traces import Traces

    opened = Traces(paths, session, may_open=http is None)
    try:
        server = make_server(opened)
        if http is None:
            server.run("stdio")
        else:
            from reven.bridges.mcp.over_http import serve

            serve(server, http, os.environ.get("REVEN_MCP_TOKEN", ""))
    finally:
        opened.close()
