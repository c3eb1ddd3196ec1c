# SPDX-License-Identifier: Apache-2.0
"""Which registers a trace has that was made of another tool's file."""

from __future__ import annotations

from reven2._service import ImportData
from reven2.arch.register import Register
from reven2.errors import RegisterReadError

__all__ = ["is_known", "need_register"]


def is_known(imported: ImportData | None, register: Register, context: int) -> bool:
    """Whether the trace says the register's value in a context. `imported` None: a trace that
    was recorded, which has them all."""
    if imported is None or not register.fields:
        return True
    first = imported.registers.get(register.root_name)
    return first is not None and first <= context


def need_register(imported: ImportData, register: Register, context: int) -> None:
    """Raises RegisterReadError unless the trace says the register's value in a context."""
    if is_known(imported, register, context):
        return
    first = imported.registers.get(register.root_name)
    if first is None:
        raise RegisterReadError(
            f"The register {register.name} is not in this trace: the {imported.format} that it "
            "was imported from does not hold it."
        )
    raise RegisterReadError(
        f"The register {register.name} is not known before #{first}: the {imported.format} that "
        "the trace was imported from says it there first."
    )
