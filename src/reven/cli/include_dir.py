# SPDX-License-Identifier: Apache-2.0
"""`reven include-dir`: where reven.h is, for a compiler."""

from __future__ import annotations

from pathlib import Path

import reven
from reven.cli.shared.console import print_line

PANEL = "Record"


def include_dir() -> None:
    """Print the folder of reven.h, with which a program tells the recorder what to record.

    Such as: gcc -I"$(reven include-dir)" program.c
    """
    print_line(str(Path(reven.__file__).parent / "include"))
