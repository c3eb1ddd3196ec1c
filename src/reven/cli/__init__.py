# SPDX-License-Identifier: Apache-2.0
"""The `reven` command: one module per sub-command.

Exit status: 0 success; 1 the answer is no (`check` found a mismatch, `doctor`
something missing); 2 wrong usage, or a trace that cannot be read; 130 after Ctrl-C.
`reven record` has the recorded program's own, see `reven.cli.record`.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from reven import __version__
from reven.errors import RevenError

EXIT_UNUSABLE = 2

COMMANDS = {
    "record": "record",
    "info": "info",
    "show": "show",
    "calls": "calls",
    "search": "search",
    "strings": "strings",
    "check": "check",
    "bookmarks": "bookmarks",
    "heap": "heap",
    "find": "find",
    "taint": "taint",
    "origin": "taint",
    "index": "index",
    "serve": "serve",
    "stop": "stop",
    "listen": "listen",
    "publish": "publish",
    "doctor": "doctor",
}
"""Module below `reven.cli` of each command, whose function has the command's name."""


class Commands(TyperGroup):
    """Imports a command when it is asked for: none waits for what the others need."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> Any:
    module = importlib.import_module(f"reven.cli.{COMMANDS[name]}")
    settings: dict[str, Any] = {}
    if name == "record":
        settings["options_metavar"] = "[OPTIONS] --"
        settings["context_settings"] = {"allow_interspersed_args": False}
    alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
    alone.command(name, **settings)(getattr(module, name))
    return typer.main.get_command(alone)


app = typer.Typer(
    name="reven",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"reven {__version__}")
        raise typer.Exit


@app.callback()
def reven(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Record a program's execution once; then explore every moment of it."""


def main() -> None:
    """Run the command line; what the user can mend is one line on standard error."""
    try:
        app()
    except Exception as error:
        if not isinstance(error, _user_errors()):
            raise
        from reven.cli.shared.console import print_error

        print_error(error)
        sys.exit(EXIT_UNUSABLE)


def _user_errors() -> tuple[type[Exception], ...]:
    """Errors that say what the user can do, of the modules that were imported."""
    errors: list[type[Exception]] = [RevenError]
    for module, name in (("reven._engine", "TraceError"), ("reven2.errors", "RevenError")):
        if module in sys.modules:
            errors.append(getattr(sys.modules[module], name))
    return tuple(errors)
