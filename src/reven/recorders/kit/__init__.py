# SPDX-License-Identifier: Apache-2.0
"""What a recorder or an importer in Python needs to speak docs/event-stream.md: the twin of
native/event_stream/kit."""

from __future__ import annotations

from reven.recorders.kit.constants import (
    NO_NODE,
    Cause,
    EndReason,
    EventKind,
    Exit,
    Jump,
    MapKind,
    NodeKind,
    Operation,
    RecordType,
    Register,
)
from reven.recorders.kit.stream import EventStream, record
from reven.recorders.kit.template import Template, event, node
from reven.recorders.kit.transport import Ring, WriterGone, say_hello

__all__ = [
    "NO_NODE",
    "Cause",
    "EndReason",
    "EventKind",
    "EventStream",
    "Exit",
    "Jump",
    "MapKind",
    "NodeKind",
    "Operation",
    "RecordType",
    "Register",
    "Ring",
    "Template",
    "WriterGone",
    "event",
    "node",
    "record",
    "say_hello",
]
