# SPDX-License-Identifier: Apache-2.0
"""Formats that traces are written in, each a module behind
`reven.formats.protocol.Exporter`."""

from __future__ import annotations

from pathlib import Path

from reven.formats.protocol import CannotExport, Export, Exporter
from reven.modules import names_with, object_of

__all__ = ["CannotExport", "Export", "Exporter", "exporter_for", "exporter_names", "get_exporter"]

_EXPORTER = "EXPORTER"


def exporter_names() -> list[str]:
    """The names of all formats: the modules here that have an EXPORTER."""
    return names_with(__name__, _EXPORTER)


def get_exporter(name: str) -> Exporter:
    """The format of that name. Raises CannotExport if there is none."""
    if name not in exporter_names():
        known = ", ".join(exporter_names())
        raise CannotExport(f"There is no format {name!r} to export to; there is {known}.")
    exporter: Exporter = object_of(__name__, name, _EXPORTER)
    return exporter


def exporter_for(output: Path) -> str:
    """The name of the format whose files are called like `output`. Raises CannotExport."""
    for name in exporter_names():
        if output.suffix.lower() in get_exporter(name).suffixes:
            return name
    known = ", ".join(exporter_names())
    raise CannotExport(
        f"The name {output.name} does not tell a format; name one with --format: {known}."
    )
