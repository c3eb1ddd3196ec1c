# SPDX-License-Identifier: Apache-2.0
"""Explains programs that end themselves by abort: assertions, exceptions, what the C library
found wrong."""

from __future__ import annotations

import re

from reven.explain.decision import explain_decision, find_decision
from reven.explain.evidence import Standing
from reven.explain.outcome import Outcome
from reven.explain.story import Wrong
from reven.ossi.demangle import demangle
from reven2._service.explain import StatementData
from reven2._service.heap import HeapErrorKind

__all__ = ["explain_abort"]

_ASSERTIONS = frozenset({"__assert_fail", "__assert", "__assert_perror_fail", "__assert_fail_base"})
_CANARY = frozenset({"__stack_chk_fail", "__stack_chk_fail_local"})
_THROWS = "__cxa_throw"
_RETHROWS = frozenset(
    {"__cxa_rethrow", "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE"}
)
_TERMINATES = frozenset(
    {
        *("_ZSt9terminatev", "__cxa_pure_virtual", "_ZN10__cxxabiv111__terminateEPFvvE"),
        *("__cxa_call_terminate", "_ZN9__gnu_cxx27__verbose_terminate_handlerEv"),
    }
)
_HEAP_MESSAGE = re.compile(
    r"(malloc|free|realloc|calloc|munmap_chunk|corrupted|double free|malloc_consolidate|sysmalloc"
    r"|mremap_chunk|_int_free|tcache)\w*(\(\))?[:( ]"
)
_MOST_EXAMINED = 8
_FORTIFIED = "buffer overflow detected"


def explain_abort(outcome: Outcome) -> None:
    """Fill in an outcome of SIGABRT that the process raised itself."""
    end = outcome.end
    assert end is not None
    outcome.kind = "abort"
    evidence = outcome.evidence
    at = evidence.count - 2 if outcome.transition is None else max(outcome.transition - 1, 0)
    frames = evidence.stack(at)
    names = [_names(outcome, one) for one in frames]
    message = end.message
    if message:
        outcome.say("message", message.splitlines()[-1] if "\n" in message else message, None)
    caller = _caller_of(frames, names, _ASSERTIONS)
    if caller is not None:
        outcome.kind = "assertion"
        _assertion(outcome, caller, message)
        return
    caller = _caller_of(frames, names, _CANARY)
    if caller is not None:
        outcome.kind = "stack smashing"
        _smashed(outcome, caller)
        return
    if any(_TERMINATES & one for one in names):
        _terminated(outcome, frames, names)
        return
    if _FORTIFIED in message:
        _fortified(outcome, at)
        return
    if _HEAP_MESSAGE.search(message):
        _heap(outcome, at, message)
        return
    standing = evidence.own_standing(at)
    last = message.splitlines()[-1] if message else ""
    outcome.headline = "aborted itself" + (f" after it wrote: {last}" if last else "")
    if standing is not None and standing.transition is not None:
        outcome.first_wrong = outcome.say("wrong", "calls abort", standing.transition)
        _why(outcome, standing)


def _names(outcome: Outcome, standing: Standing) -> frozenset[str]:
    entry = standing.frame.function
    if entry is None:
        return frozenset()
    found = outcome.evidence.service.locate(standing.frame.first_context, entry)
    if found is None or found.symbol is None:
        return frozenset()
    return frozenset(name.partition("@")[0] for name in found.symbol.names)


def _caller_of(
    frames: list[Standing], names: list[frozenset[str]], wanted: frozenset[str]
) -> Standing | None:
    """Who called one of these functions."""
    for number, one in enumerate(names):
        if one & wanted and number + 1 < len(frames):
            if number + 1 < len(frames) and names[number + 1] & wanted:
                continue
            return frames[number + 1]
    return None


def _why(outcome: Outcome, standing: Standing) -> None:
    """Which decision led to where a frame stands; if it has none, to where its caller does."""
    frames = outcome.evidence.stack(standing.transition or 0)
    for one in frames:
        if not one.place.is_own or one.transition is None:
            continue
        if explain_decision(outcome, one.transition, one):
            return


def _assertion(outcome: Outcome, caller: Standing, message: str) -> None:
    evidence = outcome.evidence
    found = re.search(r"Assertion [`'](.*)' failed", message, re.DOTALL)
    text = f"the assertion {found[1]} failed" if found else "an assertion failed"
    standing = caller
    if not caller.place.is_own and caller.transition is not None:
        standing = evidence.own_standing(caller.transition) or caller
    outcome.headline = f"aborted: {text}"
    if standing.transition is not None:
        outcome.first_wrong = outcome.say("wrong", text, standing.transition)
        _why(outcome, standing)


def _smashed(outcome: Outcome, caller: Standing) -> None:
    """Who wrote over the canary: it is what the function compared before it called."""
    evidence = outcome.evidence
    outcome.headline = "aborted: stack smashing detected"
    if caller.transition is None:
        return
    function = caller.place.function
    outcome.say(
        "instruction", f"{function} found its stack's canary overwritten", caller.transition
    )
    found = find_decision(evidence, caller.transition, caller)
    chains = (
        evidence.explore(found.transition, evidence.register_place(found.flag), "values")
        if found is not None
        else []
    )
    first = caller.frame.first_context
    for chain in chains:
        for hop in chain.hops:
            if not hop.after[0] or hop.transition is None or hop.transition < first:
                continue
            # The canary's own store is by the function itself.
            if _stores_canary(outcome, hop.transition, caller):
                continue
            wrong = outcome.story.check_write(hop.after[1], hop.transition)
            if wrong is None:
                text = f"writes over the canary of {function} at {hop.after[1]:#x}"
                wrong = Wrong("overflow", evidence.statement("wrong", text, hop.transition))
            outcome.blame(wrong)
            outcome.say("cause", f"this write hit the canary at {hop.after[1]:#x}", hop.transition)
            outcome.headline += f": #{wrong.at.transition} {wrong.at.text}"
            return


def _stores_canary(outcome: Outcome, transition: int, caller: Standing) -> bool:
    """Whether a store only puts the thread's canary (fs:0x28) into the frame."""
    frames = outcome.evidence.stack(transition)
    if not frames or frames[0].frame.first_context != caller.frame.first_context:
        return False
    found = outcome.evidence.service.origin(
        transition + 1,
        True,
        *_stored(outcome, transition),
        limit=3,
    )
    fs = outcome.evidence.register("fs_base", transition)
    return any(hop.before is not None and hop.before[:2] == (True, fs + 0x28) for hop in found)


def _stored(outcome: Outcome, transition: int) -> tuple[int, int]:
    found = outcome.evidence.trace().accesses(transition, transition + 1, reads=False, limit=1)
    return int(found.address[0]), int(found.size[0])


def _terminated(outcome: Outcome, frames: list[Standing], names: list[frozenset[str]]) -> None:
    """std::terminate: an exception that nobody caught, or a rule of C++ that was broken."""
    evidence = outcome.evidence
    pure = _caller_of(frames, names, frozenset({"__cxa_pure_virtual"}))
    if pure is not None:
        outcome.headline = "aborted: a pure virtual function was called"
        standing = _own_from(outcome, pure)
        if standing is not None:
            outcome.first_wrong = outcome.say(
                "wrong", "calls a pure virtual function", standing.transition
            )
        return
    thrown = next(
        (
            one
            for one, called in zip(frames, names, strict=True)
            if _THROWS in called or called & _RETHROWS
        ),
        None,
    )
    if thrown is None and "after throwing" in (outcome.end.message if outcome.end else ""):
        thrown = _last_thrown(outcome)
    if thrown is None:
        outcome.headline = "aborted: std::terminate was called without an exception"
        standing = next((one for one in frames if one.place.is_own), None)
        if standing is not None and standing.transition is not None:
            called = evidence.called_from_own(evidence.count - 2)
            by = f" by {evidence.function_named(called[0])}" if called else ""
            outcome.first_wrong = outcome.say(
                "wrong", f"std::terminate is called{by}", standing.transition
            )
        return
    outcome.kind = "exception"
    name, what = _exception(outcome, thrown)
    says = f": {what}" if what else ""
    outcome.headline = f"aborted: nobody caught the exception {name}{says}"
    standing = evidence.own_standing(thrown.frame.first_context)
    where = standing or thrown
    made = evidence.function_named(thrown)
    site = outcome.say("thrown", f"{name} is thrown{says}", where.transition)
    outcome.first_wrong = site
    if standing is not None:
        callee = evidence.called_from_own(thrown.frame.first_context)
        if callee is not None and _THROWS not in _names(outcome, callee[0]):
            outcome.say(
                "cause",
                f"{evidence.function_named(callee[0])} threw it ({made})",
                thrown.transition,
            )
        explain_decision(outcome, standing.transition or 0, standing)


def _last_thrown(outcome: Outcome) -> Standing | None:
    """The last call of __cxa_throw: the stack of an exception that met `noexcept` is gone."""
    evidence = outcome.evidence
    entries = []
    for binary in evidence.service.binaries():
        page = evidence.service.symbols(
            binary.id, f"^{_THROWS}$", case_sensitive=True, kind="function", start=0, limit=8
        )
        for symbol in page.symbols:
            if symbol.kind == "function":
                found_entries = evidence.service.symbol_entries(symbol.binary.id, symbol.rva)
                entries += [(entry.start, entry.stop) for entry in found_entries]
    found = evidence.service.calls_of(entries, 0, evidence.count, forward=False, limit=1)
    if not found.calls:
        return None
    return next(iter(evidence.stack(found.calls[0].first_context)), None)


def _own_from(outcome: Outcome, standing: Standing) -> Standing | None:
    """The innermost frame of own code from one of the last stack on, outwards."""
    for one in outcome.evidence.stack(outcome.evidence.count - 2):
        if one.number >= standing.number and one.place.is_own:
            return one
    return None


def _exception(outcome: Outcome, thrown: Standing) -> tuple[str, str]:
    """Type and message of the exception that __cxa_throw was given (Itanium C++ ABI)."""
    evidence = outcome.evidence
    context = thrown.frame.first_context
    if _THROWS not in _names(outcome, thrown):
        return "an exception", ""
    thing, type_info = evidence.argument(thrown, 0), evidence.argument(thrown, 1)
    name = "an exception"
    found = evidence.service.locate(context, type_info)
    if found is not None and found.symbol is not None:
        shown = found.symbol.demangled_name or found.symbol.name
        name = shown.removeprefix("typeinfo for ")
    else:
        pointer = evidence.number(context, type_info + 8)
        mangled = evidence.text(context, pointer) if pointer else None
        name = _type_name(mangled) if mangled else name
    return name, _what(outcome, thing, context, name)


def _type_name(mangled: str) -> str:
    shown = demangle(f"_ZTS{mangled.lstrip('*')}")
    return mangled if shown is None else shown.removeprefix("typeinfo name for ")


def _what(outcome: Outcome, thing: int, context: int, name: str) -> str:
    """The message of an exception: a text of C++'s own classes lies behind the table of
    functions."""
    evidence = outcome.evidence
    simple = {"int": 4, "long": 8, "unsigned int": 4, "unsigned long": 8, "short": 2, "char": 1}
    if name in simple:
        return str(evidence.number(context, thing, simple[name]))
    if name in ("char const*", "char*"):
        pointer = evidence.number(context, thing)
        return (evidence.text(context, pointer) if pointer else None) or ""
    for line in (outcome.end.message if outcome.end else "").splitlines():
        if line.strip().startswith("what():"):
            return line.strip().removeprefix("what():").strip()
    return ""


def _fortified(outcome: Outcome, at: int) -> None:
    outcome.kind = "overflow"
    outcome.headline = "aborted: a buffer would have been overflowed"
    called = outcome.evidence.called_from_own(at)
    if called is None:
        return
    callee, caller = called
    name = outcome.evidence.function_named(callee).removeprefix("__").removesuffix("_chk")
    context = callee.frame.first_context
    target = outcome.objects.at(outcome.evidence.argument(callee, 0), context)
    into = f" into {target.name}" if target is not None else ""
    text = f"{name} would write more{into} than there is room for"
    outcome.first_wrong = outcome.say("wrong", text, caller.transition)
    outcome.headline += f": {text}"


def _heap(outcome: Outcome, at: int, message: str) -> None:
    """The C library found the heap damaged, or a bad pointer was freed."""
    evidence = outcome.evidence
    outcome.kind = "heap corruption"
    outcome.headline = f"aborted: {message.splitlines()[-1]}"
    called = evidence.called_from_own(at)
    if called is not None:
        name = evidence.function_named(called[0])
        outcome.say("instruction", f"{name} found it", called[1].transition)
    bad = evidence.service.heap_errors("double-free", limit=1)
    if bad:
        _double_free(outcome, bad[0].transition, bad[0].address)
        return
    wrong = _damage(outcome, at)
    if wrong is not None:
        outcome.blame(wrong)
        outcome.headline += f": #{wrong.at.transition} {wrong.at.text}"


def _double_free(outcome: Outcome, transition: int, address: int) -> None:
    evidence = outcome.evidence
    block = outcome.objects.block_at(address, transition, was_freed=True)
    standing = evidence.own_standing(transition)
    where = standing.transition if standing is not None else transition
    if block is None or block.freed is None or block.end > transition:
        outcome.kind = "heap corruption"
        what = f"frees {address:#x}, where no block begins"
        if block is not None:
            what = f"frees {outcome.objects.block_object(block).offset_text(address)}"
        outcome.first_wrong = outcome.say("wrong", what, where)
        outcome.headline += f": #{where} {what}"
        if block is not None:
            outcome.add(outcome.objects.allocated(block))
        return
    outcome.kind = "double free"
    outcome.first_wrong = outcome.say("wrong", "frees a block a second time", where)
    outcome.add(outcome.objects.freed(block), outcome.objects.allocated(block))
    outcome.headline += f": #{where} frees the block at {address:#x} a second time"


def _damage(outcome: Outcome, at: int) -> Wrong | None:
    """The first write outside of blocks before the C library noticed."""
    evidence = outcome.evidence
    kinds: tuple[HeapErrorKind, ...] = ("overflow", "use-after-free")
    errors = [
        error
        for kind in kinds
        for error in evidence.service.heap_errors(kind, limit=100)
        if error.is_write and error.transition < at
    ]
    for error in sorted(errors, key=lambda one: one.transition)[:_MOST_EXAMINED]:
        found = outcome.story.check_write(error.address, error.transition)
        if found is not None:
            return found
    for error in evidence.service.heap_errors("overflow", limit=100):
        if error.is_write and error.transition < at:
            block = (
                None
                if error.allocation is None
                else evidence.service._heap().blocks[error.allocation]
            )
            text = f"writes {error.address:#x}, where no block is"
            more: tuple[StatementData, ...] = ()
            if block is not None:
                named = outcome.objects.block_object(block)
                text = f"writes {named.offset_text(error.address)}"
                more = (outcome.objects.allocated(block),)
            called = evidence.called_from_own(error.transition)
            own = evidence.place_of(error.transition).is_own or called is None
            where = error.transition if own or called is None else called[1].transition
            return Wrong("overflow", evidence.statement("wrong", text, where), more)
    for error in evidence.service.heap_errors("use-after-free", limit=100):
        if error.is_write and error.transition < at and error.allocation is not None:
            block = evidence.service._heap().blocks[error.allocation]
            return outcome.story.use_after_free(block, error.address, error.transition, "write")
    return None
