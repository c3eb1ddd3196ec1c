# SPDX-License-Identifier: Apache-2.0
"""The registers around a transition."""

from __future__ import annotations

from typing import Literal

import msgspec

from reven.server.views.pointers import Pointee, pointees
from reven.server.views.view import hexadecimal, view
from reven.trace.thread_registers import registers_of_thread
from reven2._imported import is_known
from reven2._service import REGISTER_VIEW_SIZE, TraceService, column
from reven2.arch.register import Register
from reven2.errors import OutOfRangeError

__all__ = ["VIEWS"]

Side = Literal["before", "after"]

GENERAL = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
    "rip",
)
FLAGS = ("cf", "pf", "af", "zf", "sf", "df", "of")
VECTORS = tuple(f"ymm{number}" for number in range(16))
OTHERS = ("rflags", "fs_base", "gs_base", "mxcsr")


class RegistersRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`side`: the moment whose pointers are followed. `thread`: whose registers; None: those
    of the one that executes the transition."""

    transition: int
    side: Side = "before"
    thread: int | None = None


class RegisterChange(msgspec.Struct, frozen=True):
    """A register before and after the transition; `pointees` of the asked side."""

    name: str
    before: str
    after: str
    pointees: list[Pointee]


class RegistersAnswer(msgspec.Struct, frozen=True):
    """`thread` before and after. Values of vectors have all their digits. Registers that an
    imported trace does not have are left out."""

    thread_before: int
    thread_after: int
    general: list[RegisterChange]
    flags: list[RegisterChange]
    vectors: list[RegisterChange]
    others: list[RegisterChange]


def registers(service: TraceService, request: RegistersRequest) -> RegistersAnswer:
    """The registers before and after a transition, and what they point to."""
    number = request.transition
    if not 0 <= number < service.transition_count():
        raise OutOfRangeError(f"The trace has no transition {number}.")
    page = service.registers([number, number + 1])
    before, after = page.view[:REGISTER_VIEW_SIZE], page.view[REGISTER_VIEW_SIZE:]
    threads = column(page.thread, "I")
    if request.thread is not None:
        before = registers_of_thread(service, request.thread, number)
        after = registers_of_thread(service, request.thread, number + 1)
    context = number if request.side == "before" else number + 1

    imported = service.info().imported

    def known(names: tuple[str, ...]) -> list[str]:
        return [name for name in names if is_known(imported, Register.from_name(name), number)]

    def change(name: str, *, follow: bool = False) -> RegisterChange:
        register = Register.from_name(name)
        shown = register.bits(before if context == number else after)
        return RegisterChange(
            name,
            _padded(register.bits(before), register),
            _padded(register.bits(after), register),
            pointees(service, context, shown) if follow else [],
        )

    return RegistersAnswer(
        threads[0],
        threads[1],
        [change(name, follow=True) for name in known(GENERAL)],
        [change(name) for name in known(FLAGS)],
        [change(name) for name in known(VECTORS)],
        [change(name) for name in known(OTHERS)],
    )


def _padded(value: int, register: Register) -> str:
    return (
        f"{value:#0{2 + register.bit_size // 4}x}" if register.bit_size > 64 else hexadecimal(value)
    )


VIEWS = [view(registers)]
