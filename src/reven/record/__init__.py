# SPDX-License-Identifier: Apache-2.0
"""Record a program: start the recorder, receive its stream, write the trace.

`record` runs a program under a recorder (`reven.recorders`) and writes one trace directory
for it and one for each child process.
"""

from __future__ import annotations

from reven.record.errors import (
    CannotRecord,
    NothingRecorded,
    ProgramNotExecutable,
    ProgramNotFound,
    RecorderUnavailable,
    TraceExists,
)
from reven.record.session import (
    Progress,
    RecordedProcess,
    RecordOptions,
    RecordSummary,
    record,
)

__all__ = [
    "CannotRecord",
    "NothingRecorded",
    "ProgramNotExecutable",
    "ProgramNotFound",
    "Progress",
    "RecordOptions",
    "RecordSummary",
    "RecordedProcess",
    "RecorderUnavailable",
    "TraceExists",
    "record",
]
