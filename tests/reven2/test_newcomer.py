# SPDX-License-Identifier: Apache-2.0
"""What a newcomer types: it does the obvious, or an error of this package says what to type.

For each, the exact outcome: what is shown of the result (of the first two of several), or the
error with its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

import reven2
from reven2 import types
from reven2.arch import x64
from reven2.errors import RevenError

OUTCOMES = {
    'context.read("rax")': ("1234605616436508552"),
    'context.read("RAX", 4)': ("1432778632"),
    'context.read("eflags") & 1': ("0"),
    'context.read("[rsp]")': (
        "InvalidArgumentError: Reading memory takes a type or a number of bytes: write "
        "read('[rsp]', 8)."
    ),
    'context.read("[rsp]", 8)': (
        "MemoryReadError: Cannot read 8 bytes at 0x1122334455667788 in context 13: "
        "nothing is mapped there, at 0x1122334455667788."
    ),
    'context.read("buffer+8", 4)': ("1432778632"),
    'context.read("buffer+8", types.U16)': ("30600"),
    'context.read("_start+1", 1)': ("184"),
    'context.read("nothing", 8)': (
        "InvalidArgumentError: 'nothing' is no address: there is no register or symbol 'nothing'."
    ),
    'context.read("raxx")': (
        "InvalidArgumentError: 'raxx' is no address: there is no register or symbol "
        "'raxx'; did you mean rax?"
    ),
    'context.read("rax rbx", 8)': (
        "InvalidArgumentError: 'rax rbx' is no address: 'rbx' is not expected there."
    ),
    'context.read("", 8)': ("InvalidArgumentError: '' is no address: something is missing."),
    'context.read(b"rax")': (
        "ArgumentTypeError: An address cannot be b'rax': pass an int, an address, or an"
        " expression as 'rsp+8' or 'main'."
    ),
    "context.read(None)": (
        "ArgumentTypeError: An address cannot be None: pass an int, an address, or an "
        "expression as 'rsp+8' or 'main'."
    ),
    "context.read(start)": (
        "InvalidArgumentError: Reading memory takes a type or a number of bytes: write "
        "read(address, 8)."
    ),
    "context.read(start, None)": (
        "InvalidArgumentError: Reading memory takes a type or a number of bytes: write "
        "read(address, 8)."
    ),
    'context.read(start, "U8")': (
        "ArgumentTypeError: A size cannot be 'U8': pass a number of bytes, or reven2.types.U64."
    ),
    "context.read(start, int)": (
        "ArgumentTypeError: A type cannot be the class int: pass 8 or reven2.types.U64."
    ),
    "context.read(start, types.CString)": (
        "ArgumentTypeError: A type cannot be the class CString: make one, as types.CString(…)."
    ),
    "context.read(start, 8.0)": (
        "ArgumentTypeError: A size cannot be the float 8.0: pass an int, such as int(8.0)."
    ),
    "context.read(start, True)": ("ArgumentTypeError: A size cannot be True: pass an int."),
    "context.read(start, -8)": ("InvalidArgumentError: A size is a number of bytes, not -8."),
    "context.read(start, 1 << 40)": (
        "InvalidArgumentError: One read gives at most 67108864 bytes, not "
        "1099511627776: read in parts."
    ),
    "context.read(1 << 64, 8)": (
        "InvalidArgumentError: 0x10000000000000000 is no address: an address has 64 bits."
    ),
    "context.read(float(start), 8)": (
        "ArgumentTypeError: An address cannot be the float 4198400.0: pass an int, such"
        " as int(4198400.0)."
    ),
    "context.read(np.uint64(start), np.int32(1))": ("72"),
    "context.read(8, x64.rsp)": (
        "ArgumentTypeError: The arguments of read are swapped: write read(rsp, 8)."
    ),
    "context.read(types.U8, start)": (
        "ArgumentTypeError: The arguments of read are swapped: write read(4198400, U8)."
    ),
    "context.read(x64.rax, 16)": ("InvalidArgumentError: rax has 8 bytes: it cannot give 16."),
    'context.read(x64.rax, thread="1")': (
        "ArgumentTypeError: The number of a thread cannot be '1': pass the number 1, "
        "without quotes."
    ),
    'context.find_register_change("rcx")': ("Context after #19"),
    'context.find_register_change("nothing")': (
        "InvalidArgumentError: There is no register 'nothing' on x86-64."
    ),
    "context.find_register_change(None)": (
        "ArgumentTypeError: A register cannot be None: pass its name, 'rax', or "
        "reven2.arch.x64.rax."
    ),
    'context.find_register_change("rcx", is_forward="backward")': (
        "ArgumentTypeError: is_forward cannot be 'backward': pass True or False."
    ),
    'context.find_memory_change("buffer", 0)': (
        "InvalidArgumentError: A memory range has at least one byte, not 0."
    ),
    "context.search_in_memory(8, start, 16)": (
        "ArgumentTypeError: A pattern cannot be 8: pass bytes, as in b'abc', or a str."
    ),
    "context.variable(5)": ("ArgumentTypeError: The name of a variable cannot be 5: pass a str."),
    "context + 1": ("Context before #14"),
    "context + 1.5": (
        "ArgumentTypeError: What is added to a moment cannot be the float 1.5: pass an "
        "int, such as int(1.5)."
    ),
    "context + 100": (
        "OutOfRangeError: There is no context 113: the trace has 21, counted from 0."
    ),
    "context - 100": (
        "OutOfRangeError: There is no context -87: the trace has 21, counted from 0."
    ),
    'context.deref("rsp", types.U64)': (
        "ArgumentTypeError: A pointer's type cannot be the FixedWidthInteger U64: pass "
        "one, as types.Pointer(types.U64)."
    ),
    'context.ossi.location("again")': ("Location('program!again')"),
    "context.ossi.location(None)": ("Location('program!again+0x8')"),
    "context.ossi.location(1.5)": (
        "ArgumentTypeError: An address cannot be the float 1.5: pass an int, such as int(1.5)."
    ),
    'trace.transition("5")': ("Transition(id=5)"),
    'trace.transition("#5")': ("Transition(id=5)"),
    'trace.transition(" 5 ")': ("Transition(id=5)"),
    'trace.transition("50%")': ("Transition(id=10)"),
    'trace.transition("last")': ("Transition(id=19)"),
    'trace.transition("-1")': ("Transition(id=19)"),
    'trace.transition("main")': (
        "InvalidArgumentError: 'main' is no moment: write the number of a transition, "
        "as 5 or #5, a share of the trace, as 50%, first or last."
    ),
    'trace.transition("function")': (
        "InvalidArgumentError: 'function' is an address, not a moment: "
        "where('function').transition is when it runs."
    ),
    'trace.transition("5 5")': (
        "InvalidArgumentError: '5 5' is no moment: write the number of a transition, as"
        " 5 or #5, a share of the trace, as 50%, first or last."
    ),
    'trace.transition("")': (
        "InvalidArgumentError: '' is no moment: write the number of a transition, as 5 "
        "or #5, a share of the trace, as 50%, first or last."
    ),
    'trace.transition("0x5")': (
        "InvalidArgumentError: '0x5' is an address, not a moment: "
        "where('0x5').transition is when it runs."
    ),
    "trace.transition(5.0)": (
        "ArgumentTypeError: A transition cannot be the float 5.0: pass a transition, "
        "its number such as 5, or '50%'."
    ),
    "trace.transition(True)": (
        "ArgumentTypeError: A transition cannot be True: pass a transition, its number "
        "such as 5, or '50%'."
    ),
    "trace.transition(None)": (
        "ArgumentTypeError: A transition cannot be None: pass a transition, its number "
        "such as 5, or '50%'."
    ),
    "trace.transition(-1)": (
        "OutOfRangeError: There is no transition #-1: count from 0, or use "
        "transition('#-1') to count from the end."
    ),
    "trace.transition(-100)": (
        "OutOfRangeError: There is no transition #-100: the trace has 20, counted from 0."
    ),
    "trace.transition(20)": (
        "OutOfRangeError: There is no transition #20: the trace has 20, counted from 0."
    ),
    "trace.transition(1 << 70)": (
        "OutOfRangeError: There is no transition #1180591620717411303424: the trace has"
        " 20, counted from 0."
    ),
    "trace.transition(np.int64(5))": ("Transition(id=5)"),
    "trace.transition(context)": (
        "ArgumentTypeError: Context before #13 is a context, not a transition: use its "
        "transition_after()."
    ),
    "trace.transition(trace.transition(5))": ("Transition(id=5)"),
    "trace.transition([5])": (
        "ArgumentTypeError: A transition cannot be the list [5]: pass a transition, its"
        " number such as 5, or '50%'."
    ),
    'trace.context_before("50%")': ("Context before #10"),
    'trace.context_after("last")': ("Context after #19"),
    "trace.context_before(20)": (
        "OutOfRangeError: There is no transition #20: the trace has 20, counted from 0."
    ),
    'trace.transitions("5", "7")': ("Transition(id=5), Transition(id=6)"),
    'trace.transitions("5", "nothing")': (
        "InvalidArgumentError: 'nothing' is no moment: write the number of a "
        "transition, as 5 or #5, a share of the trace, as 50%, first or last."
    ),
    "trace.transitions(5, 21)": (
        "OutOfRangeError: Transition 21 is outside the trace, which has 20."
    ),
    'trace.contexts("last")': ("Context after #19"),
    'trace.memory_accesses("buffer")': (
        "InvalidArgumentError: address and size go together: give both, as "
        "memory_accesses(0x1234, 8), or neither."
    ),
    'trace.memory_accesses("function")': (""),
    'trace.memory_accesses("buffer", 4)': (""),
    "trace.memory_accesses(start)": (
        "InvalidArgumentError: address and size go together: give both, as "
        "memory_accesses(0x1234, 8), or neither."
    ),
    "trace.memory_accesses(None, 4)": (
        "InvalidArgumentError: address and size go together: give both, as "
        "memory_accesses(0x1234, 8), or neither."
    ),
    'trace.memory_accesses("buffer", "4")': (
        "ArgumentTypeError: The size of a memory range cannot be '4': pass the number "
        "4, without quotes."
    ),
    'trace.memory_accesses("buffer", 0)': (
        "InvalidArgumentError: A memory range has at least one byte, not 0."
    ),
    'trace.memory_accesses("buffer", 4, operation="write")': (""),
    'trace.memory_accesses("buffer", 4, operation="x")': (
        "ArgumentTypeError: operation cannot be 'x': pass "
        "reven2.memhist.MemoryAccessOperation.Read or .Write."
    ),
    'trace.memory_accesses("buffer", 4, is_forward="no")': (
        "ArgumentTypeError: is_forward cannot be 'no': pass True or False."
    ),
    "trace.memory_accesses(x64.rsp, 8)": (
        "ArgumentTypeError: An address cannot be the Register Register(rsp): pass its "
        "value, context.read(rsp)."
    ),
    'trace.memory_accesses("rsp", 8, from_transition="90%", to_transition=1.5)': (
        "ArgumentTypeError: A transition cannot be the float 1.5: pass a transition, "
        "its number such as 5, or '50%'."
    ),
    "trace.strings(5)": ("ArgumentTypeError: A pattern cannot be 5: pass a str."),
    "trace.strings(None)": ("ArgumentTypeError: A pattern cannot be None: pass a str."),
    "trace.calls(5)": (
        "ArgumentTypeError: A pattern cannot be 5: pass a regular expression, as '^main$'."
    ),
    "trace.filter(processes=5)": (
        "ArgumentTypeError: A process cannot be 5: pass processes of "
        "server.ossi.executed_processes()."
    ),
    "trace.filter(ring_policy=3)": (
        "ArgumentTypeError: ring_policy cannot be 3: pass reven2.filter.RingPolicy.R3Only."
    ),
    'search.pc("again")': ("Context before #3, Context before #6"),
    'search.pc("again+4")': (""),
    'search.pc("nothing")': (
        "InvalidArgumentError: 'nothing' is no address: there is no register or symbol 'nothing'."
    ),
    "search.pc(None)": (
        "ArgumentTypeError: An address cannot be None: pass an int, an address, or an "
        "expression as 'rsp+8' or 'main'."
    ),
    "search.pc(1.5)": (
        "ArgumentTypeError: An address cannot be the float 1.5: pass an int, such as int(1.5)."
    ),
    "search.pc(np.uint64(start))": ("Context before #0"),
    "search.pc(str(hex(start)))": ("Context before #0"),
    "search.pc(hex(start)[2:])": (
        "InvalidArgumentError: '401000' is a decimal number, 0x61e68, where nothing is "
        "mapped: write 0x401000."
    ),
    'search.symbol("function")': ("Context before #16"),
    'search.symbol("program!function")': ("Context before #16"),
    'search.symbol("libc!function")': (
        "InvalidArgumentError: No executed binary is called 'libc': there are program."
    ),
    'search.symbol("nothing")': (
        "InvalidArgumentError: No executed binary has a function 'nothing': "
        "server.ossi.symbols('…') lists the names in which a pattern is found."
    ),
    'search.symbol("buffer")': (
        "InvalidArgumentError: 'buffer' is a variable, which is not executed: use "
        "trace.memory_accesses('buffer')."
    ),
    "search.symbol(start)": (
        "ArgumentTypeError: A symbol cannot be 4198400: use search.pc(0x401000)."
    ),
    "search.symbol(None)": (
        "ArgumentTypeError: A symbol cannot be None: pass a Symbol, or its name."
    ),
    'search.symbol(b"function")': (
        "ArgumentTypeError: A symbol cannot be b'function': pass a Symbol, or its name."
    ),
    'search.binary("libc")': (
        "InvalidArgumentError: No executed binary is called 'libc': there are program."
    ),
    "search.binary(5)": (
        "ArgumentTypeError: A binary cannot be 5: pass a Binary, its name or its path."
    ),
    "search.binary(None)": (
        "ArgumentTypeError: A binary cannot be None: pass a Binary, its name or its path."
    ),
    "search.memory(5)": (
        "ArgumentTypeError: A pattern cannot be 5: pass bytes, as in b'abc', or a str."
    ),
    'search.memory("")': ("InvalidArgumentError: A pattern has at least one byte."),
    "search.memory(None)": (
        "ArgumentTypeError: A pattern cannot be None: pass bytes, as in b'abc', or a str."
    ),
    "search.memory([1])": (
        "ArgumentTypeError: A pattern cannot be the list [1]: pass bytes, as in b'abc', or a str."
    ),
    'search.value("5")': (
        "ArgumentTypeError: A value cannot be '5': pass the number 5, without quotes."
    ),
    "search.value(1.5)": (
        "ArgumentTypeError: A value cannot be the float 1.5: pass an int, such as int(1.5)."
    ),
    "search.value(5, 64)": ("InvalidArgumentError: A value has 1 to 32 bytes, not 64."),
    "search.value(300, 1)": ("InvalidArgumentError: 0x12c does not fit 1 bytes."),
    'search.instruction(b"ret")': (
        "ArgumentTypeError: A pattern cannot be b'ret': pass 'ret', a str."
    ),
    'search.instruction("(")': (
        "InvalidArgumentError: '(' is no regular expression: missing ) at position 1."
    ),
    'server.ossi.symbols(b"main")': (
        "ArgumentTypeError: A pattern cannot be b'main': pass 'main', a str."
    ),
    'server.ossi.symbols("(")': (
        "InvalidArgumentError: '(' is no regular expression: missing ), unterminated "
        "subpattern at position 0."
    ),
    "server.ossi.executed_binaries(5)": (
        "ArgumentTypeError: A pattern cannot be 5: pass a regular expression, as '^main$'."
    ),
    'server.bookmarks.add("5", 7)': (
        "ArgumentTypeError: The note of a bookmark cannot be 7: pass a str."
    ),
    'server.bookmarks.add("nothing", "note")': (
        "InvalidArgumentError: 'nothing' is no moment: write the number of a "
        "transition, as 5 or #5, a share of the trace, as 50%, first or last."
    ),
    'server.bookmarks.add(100, "note")': (
        "OutOfRangeError: There is no transition #100: the trace has 20, counted from 0."
    ),
    'server.where("again")': ("Place('again', 0x401016, transition=3)"),
    'server.where("#4242")': (
        "OutOfRangeError: There is no transition #4242: the trace has 20, counted from 0."
    ),
    "server.where(5)": (
        "ArgumentTypeError: An expression cannot be 5: pass a str, as 'main+0x12' or '#4242'."
    ),
    'server.where("again", 1.5)': (
        "ArgumentTypeError: A context cannot be the float 1.5: pass a context or "
        "transition, its number such as 5, or '50%'."
    ),
    'reven2.address.LinearAddress("0x10")': (
        "ArgumentTypeError: The offset of an address cannot be '0x10': pass the number "
        "16, without quotes."
    ),
    "reven2.address.LinearAddress(1.5)": (
        "ArgumentTypeError: The offset of an address cannot be the float 1.5: pass an "
        "int, such as int(1.5)."
    ),
    "reven2.address.LinearAddress(1 << 64)": (
        "InvalidArgumentError: 0x10000000000000000 is no address: an address has 64 bits."
    ),
    'reven2.address.LogicalAddress(1, "gs")': (
        "ArgumentTypeError: A segment register cannot be 'gs': pass reven2.arch.x64.gs."
    ),
    "reven2.address.LogicalAddress(1, x64.rax)": (
        "InvalidArgumentError: rax is no segment register: use cs, ds, es, fs, gs or ss."
    ),
    "reven2.memory_range.MemoryRange(start, 4)": ("MemoryRange(LinearAddress(offset=0x401000), 4)"),
    'reven2.memory_range.MemoryRange("start", 4)': (
        "ArgumentTypeError: The address of a memory range cannot be 'start': pass an int."
    ),
    "reven2.memory_range.MemoryRange(start, 4).union(5)": (
        "ArgumentTypeError: The other range cannot be 5: pass a MemoryRange."
    ),
    "reven2.arch.register.Register.from_name(5)": (
        "ArgumentTypeError: The name of a register cannot be 5: pass a str, as 'rax'."
    ),
    "reven2.open(None)": (
        "ArgumentTypeError: A trace cannot be None: pass the path of its directory, as "
        "'crash.reven'."
    ),
    "reven2.RevenServer(13370)": (
        "ArgumentTypeError: The host cannot be 13370: pass its name first, "
        "RevenServer('localhost', 13370)."
    ),
    'reven2.RevenServer("localhost:13370")': (
        "InvalidArgumentError: 'localhost:13370' is a host and a port: write "
        "RevenServer('localhost', 13370)."
    ),
    'reven2.RevenServer("http://localhost", 13370)': (
        "InvalidArgumentError: 'http://localhost' is no host: write its name or address"
        " alone, as 'localhost'."
    ),
    'reven2.RevenServer("localhost", "http")': (
        "ArgumentTypeError: The port cannot be 'http': pass an int."
    ),
    'reven2.RevenServer("localhost", 0)': (
        "InvalidArgumentError: A port lies between 1 and 65535: 0 does not."
    ),
}


def shown(result: object) -> str:
    if isinstance(result, Iterator):
        return ", ".join(map(repr, islice(result, 2)))
    return repr(result)


@pytest.mark.parametrize("typed", OUTCOMES)
def test_what_is_typed(typed: str, bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    names = {
        "server": bare,
        "trace": trace,
        "search": trace.search,
        "context": trace.context_before(13),
        "start": 0x401000,
        "reven2": reven2,
        "types": types,
        "x64": x64,
        "np": np,
    }
    raised: RevenError | None = None
    try:
        outcome = shown(eval(typed, names))
    except RevenError as error:
        raised = error
        outcome = f"{type(error).__name__}: {error}"
    assert outcome == OUTCOMES[typed]
    if raised is not None:
        # What scripts catch; and a whole sentence.
        assert isinstance(raised, ValueError | TypeError | IndexError | RuntimeError)
        assert str(raised).endswith((".", "?"))
