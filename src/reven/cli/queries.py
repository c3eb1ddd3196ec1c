# SPDX-License-Identifier: Apache-2.0
"""`reven queries`: what a server works at, and cancelling it."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from reven.cli.shared.console import duration_text, escape, out, print_json
from reven.errors import CommandError

PANEL = "Share"


class NoSuchQuery(CommandError):
    """The server carries out no long query of this id."""


class Shown(msgspec.Struct, frozen=True):
    """What `--json` prints of a query. `seconds`: since it was asked."""

    id: str
    what: str
    scenario: str
    seconds: float
    waits: bool


def queries(
    cancel: Annotated[
        str | None, typer.Option(help="Cancel the query of this id, or `all`.", metavar="ID")
    ] = None,
    host: Annotated[str, typer.Option(help="Name or address of the server.")] = "localhost",
    port: Annotated[int, typer.Option(help="TCP port of the server.", min=1, max=65535)] = 13370,
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the long queries that a server carries out, for all of its clients, or cancel them."""
    from reven2._client.connection import Connection
    from reven2._client.long_queries import long_queries

    connection = Connection(host, port, None)
    found = long_queries(connection)
    if cancel is not None:
        chosen = [one for one in found if cancel in ("all", one.id)]
        if not chosen and cancel != "all":
            raise NoSuchQuery(f"no long query has the id {cancel!r}: it may have ended")
        for one in chosen:
            one.cancel()
            out().print(f"[label]cancelled[/] {escape(one.what)} on {escape(one.scenario)}")
        return
    now = time.time()
    shown = [
        Shown(one.id, one.what, one.scenario, max(0.0, now - one.since), one.waits) for one in found
    ]
    if json:
        print_json(shown)
        return
    for line in shown:
        state = "waits" if line.waits else "runs"
        out().print(
            f"{line.id}  {escape(line.what)} on {escape(line.scenario)}  "
            f"[label]{state}, asked {duration_text(line.seconds)} ago[/]"
        )
    if not shown:
        out().print("[label]no long queries[/]")
