# SPDX-License-Identifier: Apache-2.0
"""`reven mark`: what a shell script tells the recorder that it runs under."""

from __future__ import annotations

from typing import Annotated

import typer

PANEL = "Record"


def mark(
    text: Annotated[
        str,
        typer.Argument(
            help="start: record from here on; stop: let the record pause; anything else names "
            "this moment.",
            metavar="start|stop|TEXT",
        ),
    ],
) -> None:
    """In a script that is being recorded: begin, pause, or name a moment.

    Outside of a recording, nothing happens.
    """
    from reven.record.requests import ask_recording

    ask_recording(text)
