# SPDX-License-Identifier: Apache-2.0
"""`reven doctor`: what is present, what is missing, and the command that mends it."""

from __future__ import annotations

import typer

from reven.cli.shared.console import out

PANEL = "Keep"


def doctor() -> None:
    """Say what is present, what is missing, and the command that mends each.

    Exit status 0 if `reven record` can run here, else 1.
    """
    from reven.record.doctor import checks

    console = out()
    missing = False
    for check in checks():
        mark = "[good]ok     [/]" if check.ok else "[bad]missing[/]"
        console.print(f"{mark}  {check.name:<18} {check.what}")
        if not check.ok:
            missing = True
            if check.command:
                console.print(f"         {'':<18} → [command]{check.command}[/]")
    raise typer.Exit(1 if missing else 0)
