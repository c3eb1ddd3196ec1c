# SPDX-License-Identifier: Apache-2.0
"""Why a trace ends: from its manifest and its last moments."""

from __future__ import annotations

import signal

import msgspec

from reven import _engine
from reven.end.fault_operands import find_fault
from reven.end.plain import plain_end
from reven.end.signal_codes import signal_cause
from reven.end.unsupported import unsupported_instruction
from reven.ossi import signal_name
from reven.trace.disassembly import detailed_disassembler, disassemble
from reven.trace.manifest_parts import EndManifest, EndSignal
from reven2._service import EndData, RegisterValue

_LAST_WORDS = 100_000
"""Transitions before the end in which a message may have been written."""
_LONGEST_MESSAGE = 2000
_STANDARD_ERROR = 2
_LONGEST_INSTRUCTION = 15
_WRITE, _WRITEV = 1, 20
_MOST_PARTS = 64
_FAULTS = frozenset({signal.SIGSEGV, signal.SIGBUS})


def explain_end(trace: _engine.Trace, known: EndManifest) -> EndData | None:
    """How the trace ends and why; None while it is recorded, or where its end is missing."""
    if known.end_reason is None:
        return None
    if known.end_reason != "signal":
        return EndData(
            reason=known.end_reason,
            status=known.end_code if known.end_reason == "exit" else None,
            signal=(known.end_code or 0) if known.end_reason == "killed" else 0,
            sentence=plain_end(known),
            recorder=known.error if known.end_reason == "recorder" else "",
            successor=known.successor.trace if known.successor else "",
        )
    return _by_signal(trace, known)


def _by_signal(trace: _engine.Trace, known: EndManifest) -> EndData:
    number = known.end_code or 0
    name = signal_name(number) or str(number)
    info = known.end_signal
    cause = signal_cause(number, info.code, info.sender, known.pid) if info else ""
    end = EndData(reason="signal", signal=number, signal_name=name, cause=cause)
    end = _with_instruction(trace, end, info)
    if number == signal.SIGABRT:
        end = msgspec.structs.replace(end, message=last_words(trace))
    return msgspec.structs.replace(end, sentence=_sentence(end))


def _with_instruction(trace: _engine.Trace, end: EndData, info: EndSignal | None) -> EndData:
    last = trace.transition_count - 1
    event = trace.event(last) if last >= 0 else None
    if event is None or event.kind != _engine.KIND_END_SIGNAL:
        return end
    end = msgspec.structs.replace(end, transition=last, pc=event.pc)
    if not event.synchronous and (info is None or info.code <= 0):
        return end
    code = _code(trace, last, event.pc)
    if code:
        text = disassemble([(event.pc, code)])[0]
        end = msgspec.structs.replace(
            end, instruction=f"{text.mnemonic} {text.operands}".rstrip(), code=code
        )
    if end.signal in _FAULTS:
        _, file = trace.registers(last)
        address = info.address if info and not (info.code == 128 and not info.address) else None
        fault = find_fault(event.pc, code, file, address)
        end = msgspec.structs.replace(
            end,
            address=fault.address,
            access=fault.access,
            registers=[RegisterValue(name, value) for name, value in fault.registers],
        )
    elif end.signal == signal.SIGILL:
        end = msgspec.structs.replace(end, recorder=unsupported_instruction(code))
    return end


def _code(trace: _engine.Trace, transition: int, pc: int) -> bytes:
    """The instruction at `pc`, which did not run: that of the transition, or what memory
    holds there."""
    columns = trace.transitions(transition, transition + 1)
    if columns.size[0]:
        return bytes(columns.code[0][: columns.size[0]])
    for size in range(_LONGEST_INSTRUCTION, 0, -1):
        try:
            code = trace.read_memory(transition, pc, size)
        except _engine.UnknownMemory:
            continue
        decoded = next(detailed_disassembler().disasm(code, pc, 1), None)
        return code[: decoded.size] if decoded else code
    return b""


def last_words(trace: _engine.Trace) -> str:
    """What was written to standard error just before the end."""
    stop = trace.transition_count
    parts: list[bytes] = []
    for call in trace.syscalls(max(0, stop - _LAST_WORDS), stop):
        descriptor, buffer, size = call.arguments[:3]
        if descriptor != _STANDARD_ERROR or call.number not in (_WRITE, _WRITEV):
            continue
        try:
            if call.number == _WRITE:
                pieces = [(buffer, size)]
            else:
                vector = trace.read_memory(call.transition, buffer, 16 * min(size, _MOST_PARTS))
                words = [
                    int.from_bytes(vector[at : at + 8], "little") for at in range(0, len(vector), 8)
                ]
                pieces = list(zip(words[::2], words[1::2], strict=True))
            for address, length in pieces:
                parts.append(
                    trace.read_memory(call.transition, address, min(length, _LONGEST_MESSAGE))
                )
        except _engine.UnknownMemory:
            continue
    return b"".join(parts)[-_LONGEST_MESSAGE:].decode("utf-8", "replace").strip()


def _sentence(end: EndData) -> str:
    said = f"was killed by {end.signal_name}"
    if end.recorder:
        return f"{said}, which is the recorder's doing: {end.recorder}"
    if end.instruction:
        said += f": {end.instruction} at {end.pc:#x}"
    if end.address is not None and end.access:
        verb = {"read": "read", "write": "write", "execute": "execute"}[end.access]
        subject = "" if end.instruction else ": the processor"
        said += f"{subject} could not {verb} {end.address:#x}"
    elif end.address is not None:
        said += f" could not access {end.address:#x}"
    if end.registers:
        said += f" ({', '.join(f'{item.name} = {item.value:#x}' for item in end.registers)})"
    if end.cause:
        said += f": {end.cause}" if end.instruction else f", {end.cause}"
    if end.message:
        said += f", after it wrote: {end.message.splitlines()[-1]}"
    return said
