# SPDX-License-Identifier: Apache-2.0
"""Explains what a program did when a signal from outside ended it: which threads waited for
whom, or which loop ran."""

from __future__ import annotations

import signal
from typing import NamedTuple

from reven import _engine
from reven.explain.evidence import Evidence, Standing
from reven.explain.outcome import Outcome
from reven.ossi import syscall_name

__all__ = ["explain_interrupted"]

_BACK = (3, 64, 1024, 1 << 14, 1 << 20)
"""So many transitions back is a thread's last system call looked for, until one is found."""
_MOST_CALLS = 4096
_FUTEX = 202
_FUTEX_WAITS = frozenset({0, 9, 6, 11, 13})
_LOCKS = frozenset(
    {
        *("pthread_mutex_lock", "pthread_mutex_timedlock", "pthread_mutex_clocklock"),
        *("pthread_rwlock_wrlock", "pthread_rwlock_rdlock", "pthread_spin_lock", "mtx_lock"),
    }
)
_OWNER = 8
"""Offset of the owner's thread id in pthread_mutex_t (nptl, x86-64: __lock 4, __count 4)."""
_WINDOW = 4000


class _Waiting(NamedTuple):
    """A thread that waits: in which call, in which own frame, for which mutex."""

    thread: int
    call: _engine.Syscall
    called: tuple[Standing, Standing] | None
    mutex: int | None


def explain_interrupted(outcome: Outcome) -> None:
    """Fill in an outcome of a signal that came from outside, or from the program's own alarm."""
    end = outcome.end
    assert end is not None
    if end.signal == signal.SIGPIPE:
        _broken_pipe(outcome)
        return
    outcome.kind = "interrupted"
    evidence = outcome.evidence
    waiting = _waiting(outcome)
    threads = _living(outcome, waiting)
    if waiting and len(waiting) >= len(threads):
        _explain_waiting(outcome, waiting)
        return
    last = evidence.count - 1
    at = outcome.transition if outcome.transition is not None else last
    _where_it_ran(outcome, min(at, last))


def _broken_pipe(outcome: Outcome) -> None:
    outcome.kind = "signal"
    evidence = outcome.evidence
    calls = [
        call
        for call in evidence.trace().syscalls(max(0, evidence.count - 64), evidence.count, 64)
        if call.result == -32 or call.result is None
    ]
    if not calls:
        return
    call = calls[-1]
    file = evidence.service._descriptors().arguments.get(call.transition)
    to = f" to {file.name}" if file is not None else ""
    text = f"{syscall_name(call.number)}{to}, which nobody reads any more"
    outcome.headline += f": {text}"
    outcome.first_wrong = outcome.say("wrong", text, call.transition)
    if file is not None and file.other is not None:
        other = evidence.service._descriptors().files[file.other]
        if other.closed is not None:
            outcome.say("cause", f"the {other.name} was closed", other.closed)


def _living(outcome: Outcome, waiting: list[_Waiting]) -> set[int]:
    """Threads that had not ended."""
    trace = outcome.evidence.trace()
    found = set()
    for thread in trace.threads():
        last = trace.syscalls(thread.last_transition, thread.last_transition + 1, 1)
        ended = last and syscall_name(last[0].number) == "exit" and last[0].thread == thread.id
        if not ended:
            found.add(thread.id)
    return found | {one.thread for one in waiting}


def _last_call(evidence: Evidence, thread: int, at: int) -> _engine.Syscall | None:
    """The system call that a thread was in, whose last transition is `at`; None: in none."""
    trace = evidence.trace()
    for back in _BACK:
        calls = trace.syscalls(max(0, at - back), at + 1, _MOST_CALLS)
        own = [call for call in calls if call.thread == thread]
        if not own:
            continue
        if back == _BACK[0]:
            return own[-1]
        # Others ran until the signal came, whose transition is this thread's last: it must
        # stand where the call returns to.
        event = trace.event(at)
        returns = int(trace.transitions(own[-1].transition, own[-1].transition + 1).pc[0]) + 2
        return own[-1] if event is not None and event.pc == returns else None
    return None


def _waiting(outcome: Outcome) -> list[_Waiting]:
    """Threads whose last system call had not returned, or was interrupted by the end."""
    evidence = outcome.evidence
    trace = evidence.trace()
    found = []
    for thread in trace.threads():
        call = _last_call(evidence, thread.id, thread.last_transition)
        if call is None or syscall_name(call.number) in ("exit", "exit_group"):
            continue
        if call.result is not None and call.result not in (-4, -512, -513, -514, -516):
            continue
        called = evidence.called_from_own(call.transition)
        mutex = None
        if called is not None and call.number == _FUTEX:
            name = evidence.function_named(called[0])
            callee = called[0]
            for standing in evidence.stack(call.transition):
                if _is_lock(evidence.function_named(standing)):
                    callee = standing
                    name = evidence.function_named(standing)
                    break
            if _is_lock(name):
                mutex = evidence.argument(callee, 0)
        found.append(_Waiting(thread.id, call, called, mutex))
    return found


def _is_lock(name: str) -> bool:
    return name.lstrip("_").removeprefix("GI___").removesuffix("_full") in _LOCKS


def _explain_waiting(outcome: Outcome, waiting: list[_Waiting]) -> None:
    evidence = outcome.evidence
    outcome.kind = "waiting"
    holders = {one.thread: _holder(outcome, one) for one in waiting}
    sentences = []
    for one in waiting:
        name = syscall_name(one.call.number) or str(one.call.number)
        what = f"waits in {name}"
        if one.called is not None:
            what = f"waits in {evidence.function_named(one.called[0])}"
        if one.mutex is not None:
            found = outcome.objects.at(one.mutex, one.call.transition)
            named = found.name if found is not None else f"{one.mutex:#x}"
            what = f"waits for the lock {named}"
            holder = holders[one.thread]
            if holder is not None:
                what += f", which thread {holder} holds"
        file = evidence.service._descriptors().arguments.get(one.call.transition)
        if file is not None:
            what += f" on {file.name}"
        text = f"thread {one.thread} {what}"
        sentences.append(text)
        outcome.say("waits", text, one.call.transition)
        if one.mutex is not None and holders[one.thread] is not None:
            taken = _taken_at(outcome, one.mutex, holders[one.thread] or 0, one.call.transition)
            if taken is not None:
                outcome.say("holds", f"thread {holders[one.thread]} took that lock here", taken)
    cycle = _cycle({thread: holder for thread, holder in holders.items() if holder is not None})
    if cycle:
        outcome.kind = "deadlock"
        way = " → ".join(f"thread {thread}" for thread in [*cycle, cycle[0]])
        outcome.headline += f": deadlock, {way} wait for each other's locks"
        last = max((one for one in waiting if one.thread in cycle), key=_since)
        outcome.first_wrong = outcome.evidence.statement(
            "wrong",
            f"thread {last.thread} waits here, and the circle is closed",
            last.call.transition,
        )
        outcome.add(outcome.first_wrong)
        return
    outcome.headline += f": {sentences[0]}" if len(sentences) == 1 else ": all threads waited"
    first = min(waiting, key=lambda one: one.thread)
    outcome.first_wrong = next(
        one for one in outcome.statements if one.transition == first.call.transition
    )


def _since(one: _Waiting) -> int:
    return one.call.transition


def _holder(outcome: Outcome, one: _Waiting) -> int | None:
    """The thread that holds the lock that another waits for."""
    if one.mutex is None:
        return None
    evidence = outcome.evidence
    owner = evidence.number(evidence.count, one.mutex + _OWNER, 4)
    if not owner:
        return None
    for thread in evidence.trace().threads():
        if _kernel_id(outcome, thread) == owner:
            return thread.id
    return None


def _kernel_id(outcome: Outcome, thread: _engine.Thread) -> int | None:
    """The kernel's number of a thread: where the C library keeps it (nptl: pthread.tid)."""
    evidence = outcome.evidence
    view = evidence.trace().thread_registers(thread.id, evidence.count)
    if view is None:
        return None
    from reven2.arch.register import Register

    base = Register.from_name("fs_base").bits(view)
    return evidence.number(evidence.count, base + 0x2D0, 4)


def _taken_at(outcome: Outcome, mutex: int, holder: int, before: int) -> int | None:
    """When a thread wrote itself down as the owner of a lock: the call in own code."""
    evidence = outcome.evidence
    found = evidence.trace().accesses(
        0, before, mutex + _OWNER, 4, reads=False, forward=False, limit=16
    )
    for number in found.transition.tolist():
        if evidence.thread_at(number) == holder:
            called = evidence.called_from_own(number)
            return int(number) if called is None else called[1].transition
    # The other thread may have taken it later than the wait began.
    found = evidence.trace().accesses(
        before, evidence.count, mutex + _OWNER, 4, reads=False, forward=False, limit=16
    )
    for number in found.transition.tolist():
        if evidence.thread_at(number) == holder:
            called = evidence.called_from_own(number)
            return int(number) if called is None else called[1].transition
    return None


def _cycle(waits_for: dict[int, int]) -> list[int]:
    for start in waits_for:
        way = [start]
        while (following := waits_for.get(way[-1])) is not None:
            if following in way:
                return way[way.index(following) :]
            way.append(following)
    return []


def _where_it_ran(outcome: Outcome, at: int) -> None:
    """The loop in own code that ran as the signal came."""
    evidence = outcome.evidence
    standing = evidence.own_standing(at)
    if standing is None or standing.transition is None:
        return
    first = standing.frame.first_context
    name = standing.place.function
    spent = at - first
    text = f"{name} had been running for {spent:,} transitions"
    lines = _lines(outcome, at)
    if lines:
        text += f", the last {min(_WINDOW, spent):,} of them in lines {lines}"
    outcome.first_wrong = outcome.say("loop", text, standing.transition)
    outcome.headline += f" while {text}"


def _lines(outcome: Outcome, at: int) -> str:
    """Lines of own code that ran in a window before a moment."""
    evidence = outcome.evidence
    start = max(0, at - _WINDOW)
    columns = evidence.trace().transitions(start, at)
    found: set[tuple[str, int]] = set()
    seen: set[int] = set()
    for pc in columns.pc.tolist():
        if pc in seen:
            continue
        seen.add(pc)
        location = evidence.service.locate(at, pc)
        if evidence.own.holds(location) and location is not None and location.line:
            found.add((location.file or "", location.line))
    numbers = sorted(line for _, line in found)
    if not numbers or len({file for file, _ in found}) > 1:
        return ""
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]}–{numbers[-1]}"
