# SPDX-License-Identifier: Apache-2.0
"""Describe a block of instructions: the template of docs/event-stream.md."""

from __future__ import annotations

import struct

from reven.recorders.kit.constants import FLOW_ALL, NO_NODE, EventKind, Exit, Jump, NodeKind

LONGEST_INSTRUCTION = 15

_TEMPLATE = struct.Struct("<8I")
_INSTRUCTION = struct.Struct("<QB15s")
_NODE = struct.Struct("<BBH3IQ")
_EVENT = struct.Struct("<BB3H6I")


def node(
    kind: int, size: int, op: int = 0, a: int = 0, b: int = 0, c: int = 0, immediate: int = 0
) -> bytes:
    """A reven_node."""
    return _NODE.pack(kind, size, op, a, b, c, immediate)


def event(
    kind: int,
    instruction: int,
    *,
    offset: int = 0,
    size: int = 0,
    address: int = NO_NODE,
    value: int = NO_NODE,
    guard: int = NO_NODE,
    x1: int = NO_NODE,
    x2: int = NO_NODE,
    linear: int = NO_NODE,
    flags: int = 0,
) -> bytes:
    """A reven_event. `linear`: the node of an access's linear address, where `address` is the
    physical one of a machine."""
    fields = (address, value, guard, x1, x2, linear)
    return _EVENT.pack(kind, flags, instruction, offset, size, *fields)


class Template:
    """A block: its instructions, and how what they do follows from values.

    A value is a node, named by the number that the method which makes it returns. Effects
    are given in program order; they belong to the instruction that was added last.

    >>> from reven.recorders.kit import Register
    >>> block = Template()
    >>> block.instruction(0x401000, bytes.fromhex("488b03"))  # mov rax, [rbx]
    0
    >>> address = block.register(Register.RBX)
    >>> loaded = block.slot(8)
    >>> block.load(address, loaded)
    >>> block.set_register(Register.RAX, loaded)
    >>> block.values_size  # bytes that each execution gives: what was loaded
    8
    """

    def __init__(self, jump: Jump = Jump.BORING) -> None:
        """`jump`: how the block ends."""
        self._jump = jump
        self._instructions: list[bytes] = []
        self._nodes: list[bytes] = []
        self._sizes: list[int] = []
        self._events: list[bytes] = []
        self._exits = 0
        self.values_size = 0

    def instruction(self, address: int, code: bytes = b"") -> int:
        """Add an instruction; `code`: its bytes, none if they are not known. Its index."""
        if len(code) > LONGEST_INSTRUCTION:
            raise ValueError(f"an instruction has at most {LONGEST_INSTRUCTION} bytes")
        self._instructions.append(_INSTRUCTION.pack(address, len(code), code))
        return len(self._instructions) - 1

    def constant(self, value: int, size: int = 8) -> int:
        """A value that is always the same."""
        return self._add(size, node(NodeKind.CONSTANT, size, immediate=value))

    def slot(self, size: int, *, loaded: bool = True) -> int:
        """The next `size` bytes of what each execution gives: 1, 2, 4, 8, 16 or 32.

        `loaded`: a load gives them; else nothing that is recorded says where they came from.
        """
        source = NO_NODE
        if not loaded:
            nothing = node(NodeKind.FLOW, size, FLOW_ALL, NO_NODE, NO_NODE, NO_NODE)
            source = self._add(size, nothing)
        made = self._add(size, node(NodeKind.SLOT, size, a=self.values_size, b=source))
        self.values_size += size
        return made

    def register(self, offset: int, size: int = 8) -> int:
        """A register, at its offset in the register file, as the block is entered."""
        return self._add(size, node(NodeKind.REGISTER, size, a=offset))

    def binary(self, operation: int, left: int, right: int, size: int = 8) -> int:
        """The result of an `Operation` on two values."""
        return self._add(size, node(NodeKind.BINARY, size, operation, left, right))

    def set_register(self, offset: int, value: int) -> None:
        """The instruction writes a register."""
        self._effect(EventKind.SET_REGISTER, offset=offset, size=self._sizes[value], value=value)

    def load(self, address: int, value: int) -> None:
        """The instruction read `value` at an address."""
        self._effect(EventKind.LOAD, size=self._sizes[value], address=address, value=value)

    def store(self, address: int, value: int) -> None:
        """The instruction writes `value` to an address."""
        self._effect(EventKind.STORE, size=self._sizes[value], address=address, value=value)

    def bulk(self, address: int, size: int, *, is_write: bool) -> None:
        """The instruction reads or writes so many bytes, which each execution gives next."""
        made = node(NodeKind.SLOT, 0, a=self.values_size, b=NO_NODE)
        if is_write:
            nothing = self._add(8, node(NodeKind.FLOW, 8, FLOW_ALL, NO_NODE, NO_NODE, NO_NODE))
            made = node(NodeKind.SLOT, 0, a=self.values_size, b=nothing)
        value = self._add(0, made)
        self.values_size += size
        kind = EventKind.BULK_STORE if is_write else EventKind.BULK_LOAD
        self._effect(kind, size=size, address=address, value=value)

    def exit(self, destination: int, meaning: Exit = Exit.RETIRED) -> int:
        """The block may be left here, for the constant node `destination`. The exit's number."""
        self._exits += 1
        self._effect(EventKind.EXIT, value=destination, x1=self._exits, x2=meaning)
        return self._exits

    def payload(self, number: int) -> bytes:
        """Of its REVEN_TEMPLATE record, with the id `number`."""
        head = _TEMPLATE.pack(
            number,
            len(self._instructions),
            len(self._nodes),
            len(self._events),
            self.values_size,
            self._exits,
            self._jump,
            0,
        )
        return b"".join((head, *self._instructions, *self._nodes, *self._events))

    def _add(self, size: int, made: bytes) -> int:
        self._nodes.append(made)
        self._sizes.append(size)
        return len(self._nodes) - 1

    def _effect(
        self,
        kind: EventKind,
        *,
        offset: int = 0,
        size: int = 0,
        address: int = NO_NODE,
        value: int = NO_NODE,
        x1: int = NO_NODE,
        x2: int = NO_NODE,
    ) -> None:
        at = len(self._instructions) - 1
        self._events.append(
            event(kind, at, offset=offset, size=size, address=address, value=value, x1=x1, x2=x2)
        )
