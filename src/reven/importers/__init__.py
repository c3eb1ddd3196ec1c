# SPDX-License-Identifier: Apache-2.0
"""Formats that traces are made from, each a module or folder behind
`reven.importers.protocol.Importer`."""

from __future__ import annotations

from pathlib import Path

from reven.importers.protocol import CannotImport, Imported, Importer
from reven.modules import names_with, object_of

__all__ = [
    "CannotImport",
    "Imported",
    "Importer",
    "get_importer",
    "importer_for",
    "importer_names",
]

_IMPORTER = "IMPORTER"
_START = 1 << 12  # bytes that a format is recognized by


def importer_names() -> list[str]:
    """The names of all formats: what here has an IMPORTER."""
    return names_with(__name__, _IMPORTER)


def get_importer(name: str) -> Importer:
    """The format of that name. Raises CannotImport if there is none."""
    if name not in importer_names():
        known = ", ".join(importer_names())
        raise CannotImport(f"There is no format {name!r} to import; there is {known}.")
    importer: Importer = object_of(__name__, name, _IMPORTER)
    return importer


def importer_for(file: Path) -> str:
    """The name of the format that a file is in, by its contents. Raises CannotImport."""
    try:
        with file.open("rb") as opened:
            start = opened.read(_START)
    except OSError as error:
        raise CannotImport(f"{file} cannot be read: {error.strerror}.") from None
    for name in importer_names():
        if get_importer(name).recognizes(start):
            return name
    known = ", ".join(importer_names())
    raise CannotImport(f"{file} is in no format that is known here: {known}.")
