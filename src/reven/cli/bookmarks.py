# SPDX-License-Identifier: Apache-2.0
"""`reven bookmarks`: list, add, change and remove the notes on a trace's transitions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

import reven2
from reven.cli.shared.console import escape, out, print_json
from reven.cli.shared.moments import transition as moment
from reven.errors import CommandError

PANEL = "Share"


class WrongUse(CommandError):
    """Options that do not go together, or a number that no bookmark has."""


class ShownBookmark(msgspec.Struct, frozen=True):
    """What `--json` prints of a bookmark; `text`: the transition's instruction or event."""

    id: int
    transition: int
    text: str
    description: str
    version: int


def bookmarks(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    add: Annotated[
        str | None, typer.Option(help="Add a bookmark on this transition.", metavar="WHERE")
    ] = None,
    edit: Annotated[
        int | None, typer.Option(help="Change the note of this bookmark.", metavar="ID")
    ] = None,
    note: Annotated[
        str | None, typer.Option(help="The note, for --add and --edit.", metavar="TEXT")
    ] = None,
    remove: Annotated[int | None, typer.Option(help="Remove this bookmark.", metavar="ID")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON array, one object a bookmark.")
    ] = False,
) -> None:
    """List the bookmarks of a trace, or change them.

    Everybody who has the trace open, also over a server, sees a change at once. What was
    added or changed is printed; without --add, --edit and --remove, all of them are.
    """
    if sum(option is not None for option in (add, edit, remove)) > 1:
        raise WrongUse("--add, --edit and --remove are one at a time: give one of them")
    if (note is None) != (add is None and edit is None):
        raise WrongUse("--note goes with --add or --edit: give both")
    with reven2.open(trace) as server:
        if remove is not None:
            if all(bookmark.id != remove for bookmark in server.bookmarks.all()):
                raise WrongUse(
                    f"there is no bookmark {remove}: `reven bookmarks {trace}` lists them"
                )
            server.bookmarks.remove(remove)
            return
        if add is not None:
            shown = [_shown(server.bookmarks.add(moment(server, add), note or ""))]
        elif edit is not None:
            shown = [_shown(server.bookmarks.edit(edit, note))]
        else:
            shown = [_shown(bookmark) for bookmark in server.bookmarks.all()]
        if json:
            print_json(shown)
            return
        console = out()
        for bookmark in shown:
            _print(console, bookmark)


def _shown(bookmark: reven2.bookmark.Bookmark) -> ShownBookmark:
    transition = bookmark.transition
    text = str(transition).partition(" ")[2].rstrip()
    return ShownBookmark(bookmark.id, transition.id, text, bookmark.description, bookmark.version)


def _print(console: Console, bookmark: ShownBookmark) -> None:
    console.print(
        f"{bookmark.id:>4}  [number]#{bookmark.transition}[/]  {escape(bookmark.text)}  "
        f"[label]{escape(' '.join(bookmark.description.split()))}[/]"
    )
