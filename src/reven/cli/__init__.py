# SPDX-License-Identifier: Apache-2.0
"""The `reven` command: one module per sub-command.

Exit status: 0 success; 1 the answer is no (`check` found a mismatch, `doctor`
something missing); 2 wrong usage, or a trace that cannot be read; 130 after Ctrl-C.
`reven record` has the recorded program's own, see `reven.cli.record`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from reven import __version__
from reven.errors import CommandError

EXIT_UNUSABLE = 2

PANELS = ("Record", "Look", "Find", "Share", "Keep")
"""How the help groups the commands: each module says its `PANEL`."""


def command_modules() -> dict[str, str]:
    """Module below `reven.cli` of each command: a command is a module, whose function of the
    same name it is, with dashes for underscores. Of one that Python reserves, an underscore
    behind it does not count."""
    return {
        module.name.rstrip("_").replace("_", "-"): module.name
        for module in pkgutil.iter_modules(__path__)
        if not module.ispkg
    }


_WrongUse: Any = typer.BadParameter.__base__
"""What wrong use of any kind raises; of the errors it is, typer gives only this one a name."""


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What is wrong about the use of a command quotes what was typed, or pasted."""
    try:
        yield
    except _WrongUse as error:
        from reven.printable import printable

        error.message = printable(error.message)
        raise


class Commands(TyperGroup):
    """Imports a command when it is asked for: none waits for what the others need."""

    def list_commands(self, ctx: Any) -> list[str]:
        panels = {name: self.get_command(ctx, name).rich_help_panel for name in command_modules()}
        return sorted(panels, key=lambda name: (PANELS.index(panels[name]), name))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _said_plainly():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _said_plainly():
            return super().invoke(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        module = command_modules().get(cmd_name)
        if module is not None and cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name, module)
        return super().get_command(ctx, cmd_name)


def _load(name: str, module_name: str) -> Any:
    module = importlib.import_module(f"reven.cli.{module_name}")
    alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
    settings = getattr(module, "SETTINGS", {})
    alone.command(name, rich_help_panel=module.PANEL, **settings)(getattr(module, module_name))
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
    errors: list[type[Exception]] = [CommandError]
    for module, name in (("reven._engine", "TraceError"), ("reven2.errors", "RevenError")):
        if module in sys.modules:
            errors.append(getattr(sys.modules[module], name))
    return tuple(errors)
