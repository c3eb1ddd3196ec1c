# SPDX-License-Identifier: Apache-2.0
"""How fast an opened trace answers: in process, by the engine and by `reven2` above it.

Questions are drawn in one process and asked in others, so that what is cold stays so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from benchmarks.measure import in_fresh_process, peak_rss, rss

PAGE = 4096
_STARTUP = 50_000  # transitions; what only they touch is rare
_NEARBY = 200  # transitions
_WARM_SPOTS = 5
_RARE_FRACTION = 0.5

LAYERS = ("engine", "reven2")

Latencies = dict[str, list[float]]
"""Seconds of each sample, by query."""


def opening(trace: Path, repetitions: int) -> list[dict[str, float]]:
    """Open a trace in fresh processes; see open_once."""
    return [in_fresh_process("queries:open_once", trace=str(trace)) for _ in range(repetitions)]


def open_once(trace: str) -> dict[str, float]:
    """Seconds to import `reven2`, to open a trace and to read the first registers, and peak
    memory of the process in bytes: with the import alone, and in all."""
    start = time.perf_counter()
    import reven.service.local  # noqa: F401
    import reven2

    imported, before = time.perf_counter(), rss()
    server = reven2.open(trace)
    count = server.trace.transition_count
    opened = time.perf_counter()
    server.trace.context_before(count // 2).read(reven2.arch.x64.rax)
    return {
        "import_seconds": imported - start,
        "open_seconds": opened - imported,
        "first_seconds": time.perf_counter() - opened,
        "import_rss": before,
        "rss": peak_rss(),
    }


def segment_count(trace: str) -> int:
    """Segments of a trace."""
    from reven import _engine

    return _engine.Trace(trace).segment_count


def latencies(trace: Path, samples: int) -> dict[str, Latencies]:
    """Ask questions at random moments; by layer.

    A trace of few segments has few cold moments in a process: more processes are used.
    """
    questions = in_fresh_process("queries:draw_questions", trace=str(trace), samples=samples)
    found: dict[str, Latencies] = {}
    for layer in LAYERS:
        found[layer] = in_fresh_process(
            "queries:ask", trace=str(trace), layer=layer, questions=questions
        )
        for query in ("registers", "memory"):
            cold: list[float] = []
            for attempt in range(12):
                cold += in_fresh_process(
                    "queries:ask_cold",
                    trace=str(trace),
                    layer=layer,
                    query=query,
                    pages=questions["pages"],
                    seed=attempt,
                )
                if len(cold) >= samples:
                    break
            found[layer][f"{query}, cold"] = cold
    return found


def draw_questions(trace: str, samples: int) -> dict[str, list[tuple[int, int]]]:
    """Pairs of a random context and what to ask there.

    pages: a page of memory that some random access touched, known at the context.
    writes: an address soon accessed there. rare_writes: one that the program's start wrote.
    pcs: an instruction that runs at some random moment. rare_pcs: one of the program's start.
    """
    from reven import _engine

    engine = _engine.Trace(trace)
    count = engine.transition_count
    random = Random(1)

    def moment() -> int:
        return random.randrange(count)

    def some_access(near: int) -> int | None:
        accesses = engine.accesses(near, min(count, near + _NEARBY), limit=_NEARBY)
        return int(random.choice(accesses.address)) if len(accesses) else None

    pages: list[tuple[int, int]] = []
    for _ in range(20 * samples):
        if len(pages) == samples:
            break
        context, address = moment(), some_access(moment())
        if address is None:
            continue
        try:
            engine.read_memory(context, address & -PAGE, PAGE)
        except _engine.UnknownMemory:
            continue
        pages.append((context, address & -PAGE))
    writes = [(m, a) for m in (moment() for _ in range(samples)) if (a := some_access(m))]
    pcs = [
        (moment(), int(engine.transitions(m, m + 1).pc[0]))
        for m in _moments(random, count, samples)
    ]
    early = min(count, _STARTUP)
    first_writes = engine.accesses(0, early, reads=False, limit=early).address
    first_pcs = sorted(set(engine.transitions(0, early).pc.tolist()))
    rare = max(1, int(samples * _RARE_FRACTION))
    return {
        "pages": pages,
        "writes": writes,
        "rare_writes": [(moment(), int(random.choice(first_writes))) for _ in range(rare)],
        "pcs": pcs,
        "rare_pcs": [(moment(), random.choice(first_pcs)) for _ in range(rare)],
    }


def ask_cold(
    trace: str, layer: str, query: str, pages: list[tuple[int, int]], seed: int
) -> list[float]:
    """Seconds of one query at contexts of segments that this process has not touched."""
    asker = _ASKERS[layer](trace)
    random = Random(seed)
    random.shuffle(pages)
    touched: set[int] = set()
    seconds = []
    for context, page in pages:
        segment = context * asker.segments // asker.count
        if segment in touched:
            continue
        touched.add(segment)
        ask = asker.registers if query == "registers" else asker.memory
        seconds.append(_timed(ask, context, page))
    return seconds


def ask(trace: str, layer: str, questions: dict[str, list[tuple[int, int]]]) -> Latencies:
    """Seconds of each warm query, and of each search."""
    asker = _ASKERS[layer](trace)
    random = Random(2)
    found: Latencies = {"registers, warm": [], "memory, warm": []}
    pages = questions["pages"]
    width = max(1, asker.count // asker.segments // 4)
    for middle, page in random.sample(pages, min(_WARM_SPOTS, len(pages))):
        near = [
            min(asker.count - 1, max(0, middle + random.randrange(-width, width)))
            for _ in range(len(pages) // _WARM_SPOTS + 1)
        ]
        for context in near:  # makes it warm
            asker.registers(context, page)
            asker.memory(context, page)
        random.shuffle(near)
        for context in near:
            found["registers, warm"].append(_timed(asker.registers, context, page))
            found["memory, warm"].append(_timed(asker.memory, context, page))
    for name, questioned, search in (
        ("previous write", "writes", asker.previous_write),
        ("previous write, rare address", "rare_writes", asker.previous_write),
        ("next run of a pc", "pcs", asker.next_run),
        ("next run of a pc, rare", "rare_pcs", asker.next_run),
    ):
        found[name] = [_timed(search, context, value) for context, value in questions[questioned]]
    return found


def rates(trace: str, count: int) -> dict[str, float]:
    """Items per second of loops over about `count` items in the middle of a trace."""
    import reven2
    from reven import _engine

    engine = _engine.Trace(trace)
    total = engine.transition_count
    count = min(count, total // 2)
    start = total // 3
    loops: dict[str, Callable[[], int]] = {}
    with reven2.open(trace) as server:
        x64, whole = reven2.arch.x64, server.trace

        def texts() -> int:
            return sum(
                1 for transition in whole.transitions(start, start + count) if str(transition)
            )

        def registers() -> int:
            values = [c.read(x64.rax) for c in whole.contexts(start, start + count)]
            return len(values)

        def accesses() -> int:
            return sum(1 for _ in whole.memory_accesses(None, None, start, start + count))

        def columns() -> int:
            step = 50_000
            end = min(total, start + 20 * count)
            return sum(
                len(engine.transitions(at, min(end, at + step))) for at in range(start, end, step)
            )

        loops = {
            "reven2: transitions with text": texts,
            "reven2: contexts, reading rax": registers,
            "reven2: memory accesses": accesses,
            "engine: transitions as columns": columns,
        }
        found = {}
        for name, loop in loops.items():
            began = time.perf_counter()
            found[name] = loop() / (time.perf_counter() - began)
    return found


class _Engine:
    """Asks the native engine."""

    def __init__(self, trace: str) -> None:
        from reven import _engine

        self._trace = _engine.Trace(trace)
        self.count = self._trace.transition_count
        self.segments = self._trace.segment_count

    def registers(self, context: int, _page: int) -> None:
        self._trace.registers(context)

    def memory(self, context: int, page: int) -> None:
        self._trace.read_known_memory(context, page, PAGE)

    def previous_write(self, context: int, address: int) -> None:
        self._trace.accesses(0, context, address, 8, reads=False, forward=False, limit=1)

    def next_run(self, context: int, pc: int) -> None:
        self._trace.find_pcs([(pc, pc + 1)], context, self.count, limit=1)


class _Client:
    """Asks as a script does."""

    def __init__(self, trace: str) -> None:
        import reven2
        from reven import _engine

        self.segments = _engine.Trace(trace).segment_count
        self._trace = reven2.open(trace).trace
        self.count = self._trace.transition_count
        self._rax = reven2.arch.x64.rax
        self._write = reven2.memhist.MemoryAccessOperation.Write
        self._unreadable = reven2.errors.MemoryReadError

    def registers(self, context: int, _page: int) -> None:
        self._trace.context_before(context).read(self._rax)

    def memory(self, context: int, page: int) -> None:
        with suppress(self._unreadable):  # warm contexts may lie before the page became known
            self._trace.context_before(context).read(page, PAGE)

    def previous_write(self, context: int, address: int) -> None:
        if context == 0:
            return
        with suppress(self._unreadable):  # not mapped before this context
            found = self._trace.memory_accesses(
                address,
                8,
                from_transition=context - 1,
                is_forward=False,
                operation=self._write,
                fetch_count=1,
            )
            next(found, None)

    def next_run(self, context: int, pc: int) -> None:
        next(self._trace.search.pc(pc, from_context=context), None)


_ASKERS: dict[str, type[_Engine] | type[_Client]] = {"engine": _Engine, "reven2": _Client}


def _moments(random: Random, count: int, samples: int) -> Sequence[int]:
    return [random.randrange(count) for _ in range(samples)]


def _timed(ask: Callable[[int, int], None], context: int, value: int) -> float:
    start = time.perf_counter()
    ask(context, value)
    return time.perf_counter() - start
