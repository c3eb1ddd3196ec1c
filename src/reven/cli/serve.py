# SPDX-License-Identifier: Apache-2.0
"""`reven serve`: serve traces to scripts, notebooks and browsers, until it is stopped."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reven.cli.shared.console import count_text, err, escape, out
from reven.errors import CommandError

if TYPE_CHECKING:
    from reven.server.serving import Server

PANEL = "Share"
DAY_SECONDS = 86400.0


LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"


class NameForMany(CommandError):
    """`--name` names one scenario, and several traces were given."""


def serve(
    traces: Annotated[list[Path], typer.Argument(help="Trace directories.", metavar="TRACE…")],
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="TCP port; 0 for one that is free.", min=0, max=65535)
    ] = 13370,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the scenario, instead of that of its directory.", metavar="NAME"
        ),
    ] = None,
    hub: Annotated[
        str,
        typer.Option(
            help="A Redis (redis://HOST:PORT, or redis+sentinel://HOST:PORT/NAME) over which "
            "several servers share their sessions.",
            metavar="URL",
        ),
    ] = "",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines reach the server.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name to answer to; may be repeated.", metavar="NAME"),
    ] = None,
    share: Annotated[
        bool,
        typer.Option(
            "--share",
            help="Let other machines reach the server, on every address of this one, and print a "
            "link for viewers.",
        ),
    ] = False,
    open_: Annotated[
        bool, typer.Option("--open", help="Open it in this desktop's browser.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="TLS certificate (chain), a PEM file.", metavar="FILE")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The certificate's key, a PEM file.", metavar="FILE")
    ] = None,
    source_path: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder of source files that may be shown; may be repeated.", metavar="FOLDER"
        ),
    ] = None,
) -> None:
    """Serve traces to scripts, notebooks and browsers, until Ctrl-C or `reven stop`.

    Programs of the same user on this machine find the server by its port; a browser
    opens the address that is printed, which lets one browser in (`reven link` prints others).
    """
    from reven.server.serving import Options, Server

    if name is not None and len(traces) > 1:
        raise NameForMany("--name names one scenario: serve one trace, or leave it out")
    server = Server(
        traces,
        Options(
            host=EVERYWHERE if share and host == LOOPBACK else host,
            port=port,
            name=name,
            hub=hub,
            allow_remote=allow_remote or share,
            allowed_hosts=allow_host or (),
            certificate=certificate,
            key=key,
            source_path=[path.absolute() for path in source_path or ()],
        ),
    )

    def started() -> None:
        console = out()
        for scenario in server.scenarios:
            transitions = count_text(scenario.service.transition_count())
            console.print(f"[label]serving[/]  {escape(scenario.name)}, {transitions} transitions")
        console.print(f"[label]at[/]       {escape(server.url)}")
        console.print(f"[label]open[/]     {escape(server.login_url)}")
        if open_:
            server.open_browser()
        if share:
            _explain(server)
        if (allow_remote or share) and certificate is None:
            err().print(
                "[bad]without TLS:[/] who can watch the network can read the token and the trace; "
                "add --certificate and --key"
            )

    server.run(started)


def _explain(server: Server) -> None:
    """Who can reach a shared server, what each link allows, and what is served."""
    from reven.server.rights import Role

    console = out()
    viewers = server.login_link(Role.VIEWER, DAY_SECONDS).replace(
        "//localhost:", f"//{socket.gethostname()}:", 1
    )
    console.print(
        "[label]shared[/]   with every machine that can reach port "
        f"{server.port} of this one: they get nothing without a link or a token"
    )
    console.print("[label]links[/]    the one above makes its browser an owner: keep it")
    console.print(f"[label]viewer[/]   {escape(viewers)}")
    console.print(
        "           looks and follows, changes nothing; one browser, for 24 hours. More: "
        f"`reven link --role viewer|editor --lifetime 8h --port {server.port}`"
    )
    console.print(
        "[label]served[/]   the traces above with all that they hold: memory, names and arguments "
        "of the program, its binaries' symbols, and source files: those in the traces, and "
        "those in folders given with --source-path"
    )
