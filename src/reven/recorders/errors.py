# SPDX-License-Identifier: Apache-2.0
"""Why a recorder cannot record.

CommandError
└── CannotRecord              more of them: reven.record.errors
    └── RecorderUnavailable   something that the recorder is made of is missing or unfit
"""

from __future__ import annotations

from reven.errors import CommandError


class CannotRecord(CommandError):
    """The program cannot be, or was not, recorded."""


class RecorderUnavailable(CannotRecord):
    """Something that the recorder is made of is missing or unfit.

    `command`: what to run to mend it, or "".
    """

    def __init__(self, message: str, command: str = "") -> None:
        super().__init__(f"{message} Run: {command}" if command else message)
        self.what = message
        self.command = command
