# SPDX-License-Identifier: Apache-2.0
"""An end that needs no explanation, in words."""

from __future__ import annotations

from reven.trace.manifest_parts import EndManifest


def plain_end(known: EndManifest) -> str:
    """How a trace ends that no signal ended, without its subject; "" if it was cut off."""
    match known.end_reason:
        case None:
            return ""
        case "exit":
            return f"exited with status {known.end_code}"
        case "exec":
            return "was replaced by another program (exec)"
        case "until":
            return "reached the end that was chosen, and ran on unrecorded"
        case _:
            return "reached the length that was chosen, and ran on unrecorded"
