# SPDX-License-Identifier: Apache-2.0
"""A whole recorder in Python, and how to record with it: python examples/recorder.py TRACE

The program that it "runs" has five instructions, which add up numbers that they find in
memory. The same in C is native/event_stream/kit/example.c.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from reven.record import record
from reven.recorders import Check, Launch, Order, ReadyRecorder
from reven.recorders.kit import (
    REGISTER_FILE_SIZE,
    Cause,
    EndReason,
    EventStream,
    MapKind,
    Operation,
    Register,
    Ring,
    Template,
    say_hello,
)

CODE, NUMBERS, SUM = 0x401000, 0x500000, 0x600000
READ_WRITE, READ_EXECUTE = 3, 5


def describe() -> Template:
    """The block. Only what was loaded is recorded; the reader computes all the rest."""
    block = Template()
    block.instruction(CODE, bytes.fromhex("488b0cfb"))  # mov rcx, [rbx+rdi*8]
    scaled = block.binary(Operation.MUL, block.register(Register.RDI), block.constant(8))
    address = block.binary(Operation.ADD, block.register(Register.RBX), scaled)
    loaded = block.slot(8)
    block.load(address, loaded)
    block.set_register(Register.RCX, loaded)
    block.instruction(CODE + 4, bytes.fromhex("4801c8"))  # add rax, rcx
    total = block.binary(Operation.ADD, block.register(Register.RAX), loaded)
    block.set_register(Register.RAX, total)
    block.instruction(CODE + 7, bytes.fromhex("488902"))  # mov [rdx], rax
    block.store(block.register(Register.RDX), total)
    block.instruction(CODE + 10, bytes.fromhex("40fec7"))  # inc dil
    dil = block.register(Register.RDI, 1)
    block.set_register(Register.RDI, block.binary(Operation.ADD, dil, block.constant(1, 1), 1))
    block.instruction(CODE + 13, bytes.fromhex("ebf1"))  # jmp CODE
    return block


class Machine:
    """What the program computes with."""

    def __init__(self) -> None:
        self.rax = self.rcx = self.rdi = 0
        self.numbers = [i * i for i in range(256)]

    def registers(self) -> tuple[int, bytes]:
        file = bytearray(REGISTER_FILE_SIZE)
        for register, value in (
            (Register.RAX, self.rax),
            (Register.RCX, self.rcx),
            (Register.RDI, self.rdi),
            (Register.RBX, NUMBERS),
            (Register.RDX, SUM),
            (Register.RIP, CODE),
            (Register.DFLAG, 1),
        ):
            struct.pack_into("<Q", file, register, value)
        return 1, bytes(file)


def run(path: str, times: int) -> None:
    """The recorder: report so many times round to the writer at the socket `path`."""
    machine = Machine()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        say_hello(connection, "kit example 1", "/sum", ["sum", str(times)])
        stream = EventStream(Ring(connection), machine.registers)
        stream.map(CODE, 4096, protection=READ_EXECUTE, kind=MapKind.ZERO)
        stream.map(NUMBERS, 4096, protection=READ_WRITE, kind=MapKind.ZERO)
        stream.map(SUM, 4096, protection=READ_WRITE, kind=MapKind.ZERO)
        stream.memory(NUMBERS, struct.pack("<256Q", *machine.numbers), Cause.IMAGE)
        stream.snapshot_end()
        block = stream.template(describe())
        for _ in range(times):
            if stream.stop_asked:
                break
            loaded = machine.numbers[machine.rdi]
            stream.execute(block, struct.pack("<Q", loaded))
            machine.rcx = loaded
            machine.rax += loaded
            machine.rdi = (machine.rdi + 1) & 0xFF
        stream.end(EndReason.EXIT, ip=CODE)


class ToyRecorder:
    """What `reven.record.record` asks: how to start the program under this recorder."""

    options: frozenset[str] = frozenset()
    description = "kit example 1"

    def refusal(self, program: Path, environment: Mapping[str, str]) -> str:
        return ""

    def find(self) -> ReadyRecorder:
        return self

    def checks(self) -> Iterator[Check]:
        yield Check("kit example", ok=True, what="always there")

    def launch(self, order: Order) -> Launch:
        return Launch([sys.executable, __file__, str(order.socket), order.command[1]])

    def complaint(self, folder: Path, pid: int) -> str:
        return ""


def main(words: list[str]) -> None:
    if len(words) == 2:
        run(words[0], int(words[1]))
        return
    # What is to be recorded must exist; the toy does not look at it.
    done = record([sys.executable, "1000"], Path(words[0]), recorder=ToyRecorder())
    print(f"{done.main.transitions} transitions in {done.main.trace}")


if __name__ == "__main__":
    main(sys.argv[1:])
