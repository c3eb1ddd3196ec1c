# SPDX-License-Identifier: Apache-2.0
"""The registers of x86-64 as gdb describes and numbers them.

Source of the features' registers and their order: gdb/features/i386/64bit-core.xml, 64bit-sse.xml,
64bit-linux.xml, 64bit-segments.xml, 64bit-avx.xml, as the gdb manual documents them in "i386
Features". Numbers are given by the order in the description.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reven2.arch.register import Register
from reven2.errors import RegisterReadError

__all__ = ["EXPEDITED", "REGISTERS", "RegisterOfGdb", "all_registers", "target_description"]

_GENERAL = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"),
    *(f"r{number}" for number in range(8, 16)),
)
_POINTERS = {"rbp": "data_ptr", "rsp": "data_ptr"}
_FLAGS = (
    *(("CF", 0), ("", 1), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("TF", 8), ("IF", 9)),
    *(("DF", 10), ("OF", 11), ("NT", 14), ("RF", 16), ("VM", 17), ("AC", 18), ("VIF", 19)),
    *(("VIP", 20), ("ID", 21)),
)
_FIXED_X87 = ("fiseg", "fioff", "foseg", "fooff", "fop")


@dataclass(frozen=True)
class RegisterOfGdb:
    """A register: its name, size and type in gdb's description, the feature that has it, and its
    bytes out of a register view of reven2; None: not recorded."""

    name: str
    bits: int
    type: str
    feature: str
    read: Callable[[bytes], bytes | None]

    def text(self, view: bytes) -> str:
        """Its bytes as packets have them."""
        data = self.read(view)
        return "xx" * (self.bits // 8) if data is None else data.hex()


def _of(name: str, size: int, low: int = 0) -> Callable[[bytes], bytes | None]:
    register = Register.from_name(name)

    def read(view: bytes) -> bytes | None:
        try:
            return register.raw_value(view)[low : low + size].ljust(size, b"\0")
        except RegisterReadError:
            return None

    return read


def _constant(value: int | None, size: int) -> Callable[[bytes], bytes | None]:
    return lambda view: None if value is None else value.to_bytes(size, "little")


def _abridged(view: bytes) -> bytes | None:
    # gdb's ftag is the whole tag word, as FSTENV has it.
    return _of("ftw", 4)(view)


def _make() -> list[RegisterOfGdb]:
    core, sse = "org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse"
    found = [
        RegisterOfGdb(name, 64, _POINTERS.get(name, "int64"), core, _of(name, 8))
        for name in _GENERAL
    ]
    found.append(RegisterOfGdb("rip", 64, "code_ptr", core, _of("rip", 8)))
    found.append(RegisterOfGdb("eflags", 32, "i386_eflags", core, _of("eflags", 4)))
    found += [
        RegisterOfGdb(name, 32, "int32", core, _of(name, 4))
        for name in ("cs", "ss", "ds", "es", "fs", "gs")
    ]
    found += [RegisterOfGdb(f"st{i}", 80, "i387_ext", core, _of(f"st{i}", 10)) for i in range(8)]
    found.append(RegisterOfGdb("fctrl", 32, "int", core, _of("fcw", 4)))
    found.append(RegisterOfGdb("fstat", 32, "int", core, _of("fsw", 4)))
    found.append(RegisterOfGdb("ftag", 32, "int", core, _abridged))
    found += [RegisterOfGdb(name, 32, "int", core, _constant(None, 4)) for name in _FIXED_X87]
    found += [RegisterOfGdb(f"xmm{i}", 128, "vec128", sse, _of(f"xmm{i}", 16)) for i in range(16)]
    found.append(RegisterOfGdb("mxcsr", 32, "i386_mxcsr", sse, _of("mxcsr", 4)))
    # What -1 says: no system call that the debugger would have to start again.
    linux = RegisterOfGdb("orig_rax", 64, "int", "org.gnu.gdb.i386.linux", _constant(2**64 - 1, 8))
    found.append(linux)
    found += [
        RegisterOfGdb(name, 64, "int", "org.gnu.gdb.i386.segments", _of(name, 8))
        for name in ("fs_base", "gs_base")
    ]
    found += [
        RegisterOfGdb(
            f"ymm{i}h", 128, "uint128", "org.gnu.gdb.i386.avx", _of(f"ymm{i}", 16, low=16)
        )
        for i in range(16)
    ]
    return found


REGISTERS: list[RegisterOfGdb] = _make()
"""In the order of their numbers."""

EXPEDITED = [number for number, one in enumerate(REGISTERS) if one.name in ("rbp", "rsp", "rip")]
"""Those that gdb wants of every stop."""


def all_registers(view: bytes) -> str:
    """The answer to `g`."""
    return "".join(one.text(view) for one in REGISTERS)


_TYPES = {
    "org.gnu.gdb.i386.core": '<flags id="i386_eflags" size="4">'
    + "".join(f'<field name="{name}" start="{bit}" end="{bit}"/>' for name, bit in _FLAGS)
    + "</flags>",
    "org.gnu.gdb.i386.sse": """<vector id="v4f" type="ieee_single" count="4"/>
<vector id="v2d" type="ieee_double" count="2"/><vector id="v16i8" type="int8" count="16"/>
<vector id="v8i16" type="int16" count="8"/><vector id="v4i32" type="int32" count="4"/>
<vector id="v2i64" type="int64" count="2"/>
<union id="vec128"><field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/>
<field name="v16_int8" type="v16i8"/><field name="v8_int16" type="v8i16"/>
<field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/>
<field name="uint128" type="uint128"/></union>
<flags id="i386_mxcsr" size="4"><field name="IE" start="0" end="0"/>
<field name="DE" start="1" end="1"/><field name="ZE" start="2" end="2"/>
<field name="OE" start="3" end="3"/><field name="UE" start="4" end="4"/>
<field name="PE" start="5" end="5"/><field name="DAZ" start="6" end="6"/>
<field name="IM" start="7" end="7"/><field name="DM" start="8" end="8"/>
<field name="ZM" start="9" end="9"/><field name="OM" start="10" end="10"/>
<field name="UM" start="11" end="11"/><field name="PM" start="12" end="12"/>
<field name="FZ" start="15" end="15"/></flags>""",
}


def target_description() -> str:
    """The answer to qXfer:features:read:target.xml."""
    features: dict[str, list[str]] = {}
    for number, one in enumerate(REGISTERS):
        group = ' group="float"' if one.name in ("fctrl", "fstat", "ftag", *_FIXED_X87) else ""
        features.setdefault(one.feature, []).append(
            f'<reg name="{one.name}" bitsize="{one.bits}" type="{one.type}" '
            f'regnum="{number}"{group}/>'
        )
    body = "\n".join(
        f'<feature name="{name}">{_TYPES.get(name, "")}\n' + "\n".join(lines) + "\n</feature>"
        for name, lines in features.items()
    )
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "gdb-target.dtd">\n<target>'
        "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>\n"
        f"{body}\n</target>\n"
    )
