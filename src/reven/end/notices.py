# SPDX-License-Identifier: Apache-2.0
"""What a program met that the recorder does otherwise than the processor or the kernel, in
words. The numbers are those of event_stream.h (reven_notice)."""

from __future__ import annotations

from collections.abc import Iterable

from reven.ossi.names import syscall_name
from reven.trace.manifest_parts import Notice

_NOT_FOLLOWED, _FLOATING_POINT, _X87, _LENT_MEMORY, _NOT_EXECUTED, _UNSEEN = 1, 2, 3, 4, 5, 6
_SYSTEM_CALL, _LEFT_OUT, _TRACED = 7, 8, 9
_FORK = 4
_REASONS = {
    1: "it has the rights of another user or group (setuid), which the recorder takes away",
    2: "it is not for x86-64",
    3: "the process has another root folder or user, from where the recorder is out of reach",
}
_WHY_REFUSED = {
    154: "which sets segments that the recorder does not have",
    216: "which maps memory in a way that the recorder does not follow",
    317: "whose filter shall ask a listener (SECCOMP_FILTER_FLAG_NEW_LISTENER)",
    323: "which would let threads wait for each other for ever, since they take turns",
}
_ARITHMETIC = {
    0: "the program set its floating-point control register, which the recorder does not apply "
    "to everything",
    1: "the program set or read its floating-point control register, but fused multiply-add "
    "always rounds to nearest and raises no exception flag",
    2: "the program set or read its floating-point control register, but conversions raise no "
    "exception flag",
}
_LENT_MEMORY_WORDS = {
    1: "a process that shares its memory with its parent (clone with CLONE_VM) ran before its "
    "parent went on, where they would have run at once",
    2: "a process that shares its memory with its parent (clone with CLONE_VM) got descriptors "
    "and a working folder of its own",
    3: "what a child that shared its parent's memory mapped ({value:#x}) is not in its parent",
    4: "a child that shared its parent's memory was killed, and what it wrote is not in its "
    "parent's memory",
}
_UNSEEN_WORDS = {
    1: "memory at {value:#x} was changed through more mappings at once than the recorder can "
    "follow, so that what the trace holds there may be old",
    2: "the second mapping of the memory at {value:#x} that the program asked for (mremap of size "
    "0) was refused, which it natively is not",
}
_TRACED_WORDS = {
    1: "the program asked to be traced by its parent (ptrace), and was told so, but it is not: "
    "the recorder would stop at each of its signals",
    2: "a program traced another with ptrace: it sees the registers, system calls and signals of "
    "the recorder, not those of the program",
    3: "the program set the trap flag, to get a SIGTRAP after each instruction; it gets none",
}


def notice_sentences(notices: Iterable[Notice]) -> list[str]:
    """One sentence for each, without repetitions."""
    return list(dict.fromkeys(notice_sentence(notice) for notice in notices))


def is_fault(notice: Notice) -> bool:
    """Whether the record is not what ran, where it was met."""
    return notice.kind == _UNSEEN and notice.detail == 1


def notice_sentence(notice: Notice) -> str:
    """A notice as a sentence without its full stop."""
    place = f" (first at {notice.ip:#x})" if notice.ip else ""
    if notice.kind == _NOT_FOLLOWED and notice.detail == _FORK:
        return (
            "a fork of the process is not recorded: it has another root folder, from where the "
            "recorder is out of reach"
        )
    if notice.kind == _NOT_FOLLOWED:
        why = _REASONS.get(notice.detail, "the recorder cannot run it")
        return f"{notice.text} was executed and is not recorded: {why}"
    if notice.kind == _FLOATING_POINT:
        return f"{_ARITHMETIC.get(notice.detail, _ARITHMETIC[0])}{place}"
    if notice.kind == _X87 and notice.detail == 1:
        return f"the program set exception flags of the x87 unit, which are lost{place}"
    if notice.kind == _X87:
        return (
            "x87 arithmetic was done in 64-bit instead of 80-bit numbers"
            f"{place}: long double results may differ from the processor's"
        )
    if notice.kind == _LENT_MEMORY and notice.detail in _LENT_MEMORY_WORDS:
        return _LENT_MEMORY_WORDS[notice.detail].format(value=notice.value)
    if notice.kind == _NOT_EXECUTED:
        return f"the program got, and handled, a SIGILL that is the recorder's doing{place}: " + (
            _instruction(notice.text)
        )
    if notice.kind == _UNSEEN and notice.detail in _UNSEEN_WORDS:
        return _UNSEEN_WORDS[notice.detail].format(value=notice.value)
    if notice.kind == _SYSTEM_CALL:
        name = syscall_name(notice.detail) or f"system call {notice.detail}"
        why = _WHY_REFUSED.get(notice.detail, "which the recorder cannot carry out")
        return f"{name}, {why}, is answered with ENOSYS{place}"
    if notice.kind == _TRACED and notice.detail in _TRACED_WORDS:
        return _TRACED_WORDS[notice.detail] + place
    if notice.kind == _LEFT_OUT:
        if not notice.text:
            return "the program let the recording pause: what ran meanwhile is not recorded"
        if notice.value:
            return f"only code of {notice.text} is recorded (--only)"
        return f"code of {notice.text} is not recorded (--skip)"
    return f"the recorder met what this version has no words for (kind {notice.kind}){place}"


def _instruction(digits: str) -> str:
    # Recording does without a disassembler where there is nothing to say.
    from reven.end.unsupported import unsupported_instruction

    try:
        code = bytes.fromhex(digits)
    except ValueError:
        return "the instruction is not known"
    return unsupported_instruction(code) or f"it does not execute {code.hex(' ')}"
