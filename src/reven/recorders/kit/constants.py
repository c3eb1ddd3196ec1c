# SPDX-License-Identifier: Apache-2.0
"""The numbers of native/event_stream/event_stream.h, by the names that they have there
without the prefix: `RecordType.KEY_FRAME` is REVEN_KEY_FRAME. A test compares them all.
"""

from __future__ import annotations

from enum import IntEnum

STREAM_VERSION = 3
HELLO_MAGIC = 0x52455645
EXIT_BITS = 6
KEY_INTERVAL = 2048
SLOT_EXECUTIONS = 32768
NO_NODE = 0xFFFFFFFF
FLOW_ALL = 1


class RecordType(IntEnum):
    """Control records."""

    TEMPLATE = 1
    KEY_FRAME = 2
    SWITCH = 3
    REGISTERS = 4
    REGISTER_PATCH = 5
    MEMORY = 6
    MAP = 7
    UNMAP = 8
    PROTECT = 9
    REMAP = 10
    SYSCALL_ENTER = 11
    SYSCALL_EXIT = 12
    SIGNAL = 13
    THREAD_START = 14
    THREAD_EXIT = 15
    SNAPSHOT_END = 16
    END = 17
    INTERRUPT = 18
    KERNEL_READ = 19


class Cause(IntEnum):
    """Who changed memory that no instruction wrote: REVEN_CAUSE_…"""

    IMAGE = 1
    SYSCALL = 2
    SIGNAL_FRAME = 3
    THREAD_EXIT = 4
    OTHER = 5
    ALIAS = 6
    OUTSIDE = 7
    FILE = 8
    DEVICE = 9
    PAGE_TABLE = 10


class StreamKind(IntEnum):
    """What is recorded: REVEN_KIND_…"""

    PROGRAM = 0
    MACHINE = 1


class MapKind(IntEnum):
    """What a new mapping holds: REVEN_MAP_…"""

    ZERO = 1
    UNKNOWN = 2


class EndReason(IntEnum):
    """Why a recording ended: REVEN_END_…"""

    EXIT = 1
    SIGNAL = 2
    EXEC = 3
    UNTIL = 4
    LIMIT = 5
    SOURCE = 6


class Jump(IntEnum):
    """How a block ends: REVEN_JUMP_…"""

    BORING = 0
    CALL = 1
    RET = 2
    SYSCALL = 3
    OTHER = 4


class Exit(IntEnum):
    """What leaving at a side exit means: REVEN_EXIT_…"""

    RETIRED = 0
    NOT_RETIRED = 1
    REPEAT_END = 2


class NodeKind(IntEnum):
    """Kinds of values: REVEN_NODE_…"""

    CONSTANT = 1
    SLOT = 2
    REGISTER = 3
    UNARY = 4
    BINARY = 5
    SELECT = 6
    FLOW = 7
    REGISTER_THEN = 8
    INDEXED_THEN = 9


class Operation(IntEnum):
    """The operations that importers and tests use, of REVEN_OP_…"""

    ADD = 1
    SUB = 2
    AND = 3
    OR = 4
    XOR = 5
    MUL = 9


class EventKind(IntEnum):
    """Effects of a block: REVEN_EVENT_…"""

    SET_REGISTER = 1
    SET_INDEXED = 2
    LOAD = 3
    STORE = 4
    CAS = 5
    CAS_HIGH = 6
    EXIT = 7
    BULK_LOAD = 8
    BULK_STORE = 9
    IO_LOAD = 10
    IO_STORE = 11
