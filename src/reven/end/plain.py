# SPDX-License-Identifier: Apache-2.0
"""An end that needs no explanation, in words."""

from __future__ import annotations

from pathlib import PurePath

from reven.ossi.names import signal_name
from reven.trace.manifest_parts import EndManifest, Successor


def plain_end(known: EndManifest) -> str:
    """How a trace ends that no signal ended, without its subject; "" if it was cut off."""
    match known.end_reason:
        case None:
            return ""
        case "exit":
            return f"exited with status {known.end_code}"
        case "recorder":
            return f"was ended by the recorder, in the middle: {known.error}"
        case "killed":
            number = known.end_code or 0
            by = f" by {signal_name(number) or number}" if number else ""
            return f"was killed{by}: what it did just before is not recorded"
        case "exec":
            return _replaced(known.successor or Successor())
        case "until":
            return "reached the end that was chosen, and ran on unrecorded"
        case _:
            return "reached the length that was chosen, and ran on unrecorded"


def _replaced(successor: Successor) -> str:
    name = PurePath(successor.program).name or "another program"
    where = f"exec, {successor.trace}" if successor.trace else "exec, not recorded"
    text = f"was replaced by {name} ({where})"
    return f"{text}, which {successor.ending}" if successor.ending else text
