# SPDX-License-Identifier: Apache-2.0
"""Where in the code something happened, as answers of several areas say it."""

from __future__ import annotations

import msgspec


class CodePlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """An instruction's place: its address, the function and the offset in it, the binary, and
    the source line; what is not known is "" or 0. `is_own`: it is the person's own code, not
    that of a library or the system."""

    pc: int
    function: str = ""
    offset: int = 0
    binary: str = ""
    file: str = ""
    line: int = 0
    is_own: bool = False
