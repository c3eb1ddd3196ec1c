# SPDX-License-Identifier: Apache-2.0
"""What can be in the way of a recording.

CommandError
└── CannotRecord
    ├── RecorderUnavailable   something that the recorder is made of is missing or unfit
    ├── ProgramNotFound
    ├── ProgramNotExecutable  no permission, another architecture, no program at all
    ├── TraceExists           the output is there already
    └── NothingRecorded       the program ran, but nothing of it was recorded
"""

from __future__ import annotations

from reven.recorders.errors import CannotRecord, RecorderUnavailable

__all__ = [
    "CannotRecord",
    "NothingRecorded",
    "ProgramNotExecutable",
    "ProgramNotFound",
    "RecorderUnavailable",
    "TraceExists",
]


class ProgramNotFound(CannotRecord):
    """No file of that name, or none in PATH."""


class ProgramNotExecutable(CannotRecord):
    """The file cannot be executed, or not by the recorder."""


class TraceExists(CannotRecord):
    """The output is there already, or is nothing that may be replaced."""


class NothingRecorded(CannotRecord):
    """The program ran and ended, but no moment of it is in a trace.

    `exit_status`: the program's, 128+n if signal n ended it.
    """

    def __init__(self, message: str, exit_status: int) -> None:
        super().__init__(message)
        self.exit_status = exit_status
