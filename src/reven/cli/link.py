# SPDX-License-Identifier: Apache-2.0
"""`reven link`: a fresh address that lets a browser into a running server."""

from __future__ import annotations

import re
import ssl
from typing import Annotated, Literal

import typer

from reven.cli.shared.console import escape, out, print_json
from reven.errors import CommandError

PANEL = "Share"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MAY = {
    "viewer": "looks and follows",
    "editor": "looks, follows, publishes, and changes bookmarks",
    "owner": "may do everything: give it to nobody else",
}


class WrongLifetime(CommandError):
    """`--lifetime` is no length of time."""


def link(
    role: Annotated[
        Literal["viewer", "editor", "owner"], typer.Option(help="What who opens it may do.")
    ] = "owner",
    lifetime: Annotated[
        str | None,
        typer.Option(
            help="How long the link, and what it gives, holds: 90s, 30m, 8h or 7d; default: "
            "until the server ends.",
            metavar="TIME",
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="TCP port of the server.", min=1, max=65535)] = 13370,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print an address that lets one browser into the server on a port of this machine.

    The browser that opens it first may open it again; no other can. The server must be one that
    you started.
    """
    from reven.server.errors import NoServer
    from reven2._client.connection import Connection
    from reven2._client.run_file import read_run_file

    seconds = None if lifetime is None else _seconds(lifetime)
    running = read_run_file(port)
    if running is None:
        raise NoServer(f"no server of yours runs on port {port} of this machine")
    secured: ssl.SSLContext | bool = False
    if running.url.startswith("https:"):
        # Its name is in its own run file, and this machine its own; the certificate is others'.
        secured = ssl.create_default_context()
        secured.check_hostname, secured.verify_mode = False, ssl.CERT_NONE
    connection = Connection("localhost", port, running.token, secured)
    wanted = {"role": role, "seconds": seconds}
    path = connection.request_json("POST", "/api/v1/login", wanted)["path"]
    address = f"{running.url}{path}"
    if json:
        print_json({"address": address, "role": role, "seconds": seconds})
        return
    ends = "until the server ends" if lifetime is None else f"for {lifetime}"
    out().print(f"[label]open[/]     {escape(address)}")
    out().print(f"[label]role[/]     {role}, {ends}: who opens it first {_MAY[role]}")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", text.strip().lower())
    if found is None or not int(found[1]):
        raise WrongLifetime(f"{text!r} is no length of time: write 90s, 30m, 8h or 7d")
    return float(int(found[1]) * _UNITS[found[2]])
