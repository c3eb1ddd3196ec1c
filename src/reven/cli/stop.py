# SPDX-License-Identifier: Apache-2.0
"""`reven stop`: end a running server of this user."""

from __future__ import annotations

from typing import Annotated

import typer

from reven.cli.shared.console import escape, out

PANEL = "Share"


def stop(
    port: Annotated[int, typer.Option(help="TCP port of the server.", min=1, max=65535)] = 13370,
) -> None:
    """End the server on a port of this machine, and wait until it has ended."""
    from reven.server.stopping import stop_server

    stopped = stop_server(port)
    out().print(f"[label]stopped[/]  {escape(stopped.url)} [label]process {stopped.pid}[/]")
