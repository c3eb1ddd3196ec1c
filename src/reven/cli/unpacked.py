# SPDX-License-Identifier: Apache-2.0
"""`reven unpacked`: code that the program wrote before it ran it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from reven.cli.shared.arguments import Trace
from reven.cli.shared.console import err, escape, out, plural, print_json, size_text
from reven.cli.shared.opening import open_indexed
from reven.errors import CommandError
from reven2._service.unpacking import LayerData
from reven2.preview.unpacking import Layers, layers

PANEL = "Look"


class ShownLayer(msgspec.Struct, frozen=True):
    """A layer of code, and the name of the file that it was written to."""

    layer: LayerData
    file: str | None


def unpacked(
    trace: Trace,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write each layer, as it was when it began to run, to a file of this new folder.",
            metavar="DIR",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Show code that the program wrote before it ran it: unpacked, decrypted, compiled."""
    with open_indexed(trace) as server:
        found = layers(server.trace)
        if output is not None:
            _write(found, output)
        if json:
            names = [None if output is None else one.file_name for one in found]
            print_json(
                [ShownLayer(one._data, name) for one, name in zip(found, names, strict=True)]
            )
            return
        console = out()
        for one in found:
            data = one._data
            place = server.trace._context(data.written).ossi.location(data.writer)
            console.print(
                f"[number]{'#' + str(data.transition):>12}[/]  layer {data.depth}  "
                f"[address]{data.entry:#x}[/]  {plural(data.instructions, 'instruction')} in "
                f"[address]{data.start:#x}[/], {size_text(data.size)}, written until "
                f"[number]#{data.written}[/] by {escape(str(place or hex(data.writer)))}"
            )
        if not found:
            err().print("All code that ran stood in files.")
        if not found.is_complete:
            err().print("There is more than was looked at.")


def _write(found: Layers, folder: Path) -> None:
    try:
        folder.mkdir()
        for one in found:
            with (folder / one.file_name).open("xb") as file:
                file.write(one.data)
    except FileExistsError:
        raise CommandError(f"{folder} exists: name a new folder with -o") from None
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}") from None
