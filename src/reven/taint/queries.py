# SPDX-License-Identifier: Apache-2.0
"""`TaintService` by the native engine: taints run in threads of their own."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import get_args

import msgspec

from reven import _engine
from reven.ossi.foreign_files import HostFiles
from reven.taint.instruction_reads import registers_read
from reven.taint.origin_tree import Chain, Explorer
from reven.taint.sinks import SinkNames
from reven.taint.sources import SourceQueries
from reven.taint.system_calls import describe_call
from reven.trace.opened import translated
from reven.trace.own_code import OwnCode, code_place
from reven.trace.stopping import Stopped, apart_from, asker, held, keep_going
from reven2._service.code_places import CodePlace
from reven2._service.taint import (
    FollowMode,
    OriginHop,
    OriginPath,
    OriginStep,
    OriginTree,
    SinkPage,
    TaintAccessPage,
    TaintItems,
    TaintQuery,
    TaintStatePage,
    TaintStatus,
    TaintWarningData,
)
from reven2.errors import InvalidArgumentError

__all__ = ["TaintQueries", "constant_tables", "describe_warning"]

KEPT = 8
"""Taints of one trace that are kept for one asker; the least recently asked about is dropped."""
KEPT_FOR_ALL = 32
_WRITE = 2
MOST_SEEDED = 64 << 20
RUNNING = 4
"""Taints of one trace that have begun at the same time; the others wait."""


_KINDS = (
    "copy",
    "load",
    "store",
    "arithmetic",
    "constant",
    "kernel move",
    "processor",
    "syscall input",
    "syscall result",
    "signal",
    "mapping",
    "start",
    "other mapping",
    "outside",
    "not recorded",
)
"""HopKind of native/engine/taint_origin.h, from 1."""


class _Running:
    """A taint and the thread that it runs in, for all who ask the same."""

    def __init__(
        self,
        trace: _engine.Trace,
        query: TaintQuery,
        tables: list[tuple[int, int]],
        turn: threading.Semaphore,
    ) -> None:
        self.taint = _engine.Taint(
            trace,
            query.seeds,
            query.tag_count,
            query.first,
            query.last,
            query.forward,
            registers_read,
            pointers=query.follow == "pointers",
            tables=tables,
            sinks=query.sinks,
            conditions=query.conditions,
        )
        self.error = ""
        self.askers = {asker()}
        self._left: set[str] = set()
        self._apart = apart_from()
        self._taint_turn = turn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taint", daemon=True)
        self._thread.start()

    @property
    def cancelled(self) -> bool:
        is_stopped = self._stop.is_set() or asker() in self._left
        return is_stopped and not self.taint.finished

    def cancel(self) -> None:
        """Stop it for who asks; for others who asked the same it goes on."""
        self._left.add(asker())
        if self.askers <= self._left:
            self.stop()

    def stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        with self._taint_turn:
            try:
                with self._apart("taint"):
                    if not self._stop.is_set():
                        self.taint.run(self._goes_on)
            except (_engine.Cancelled, Stopped):
                self._stop.set()
            except (_engine.TraceError, MemoryError, ValueError) as error:
                self.error = str(error) or "There is not enough memory."

    def _goes_on(self, done: int, total: int) -> bool:
        return not self._stop.is_set() and keep_going(done, total)


class TaintQueries(SourceQueries):
    """See `reven2._service.taint`."""

    def __init__(self, path: str | os.PathLike[str], host: HostFiles | None = None) -> None:
        super().__init__(path, host)
        self._taints: OrderedDict[bytes, _Running] = OrderedDict()
        self._taints_lock = threading.Lock()
        self._taint_turn = threading.Semaphore(RUNNING)

    def taint_status(self, query: TaintQuery) -> TaintStatus:
        running = self._running_taint(query)
        taint = running.taint
        # Finished first: what is read after that is final.
        finished, cancelled = taint.finished, running.cancelled
        return TaintStatus(
            taint.reached,
            finished,
            cancelled,
            taint.access_count,
            taint.change_count,
            running.error,
        )

    def taint_accesses(
        self, query: TaintQuery, start: int, *, changes_only: bool, limit: int
    ) -> TaintAccessPage:
        # Others who ask of the same taint wait for the answer to this.
        with translated(), held():
            found = self._running_taint(query).taint.accesses(
                start, limit, changes_only, keep_going
            )
        return TaintAccessPage(
            found.transition.tobytes(),
            found.changes.tobytes(),
            found.item_count.tobytes(),
            _items(found.items),
            found.next,
            found.reached,
            found.finished,
        )

    def taint_state(
        self, query: TaintQuery, context: int, address: int, *, limit: int
    ) -> TaintStatePage:
        with translated(), held():
            found = self._running_taint(query).taint.state(context, address, limit, keep_going)
        memory = found.address[found.is_memory != 0]
        more = len(memory) >= limit
        end = int(memory[-1]) + int(found.size[-1]) if more else None
        return TaintStatePage(_items(found), end)

    def taint_warnings(
        self, query: TaintQuery, start: int, *, limit: int
    ) -> list[TaintWarningData]:
        trace = self._trace()
        return [
            TaintWarningData(warning.transition, describe_warning(trace, warning))
            for warning in self._running_taint(query).taint.warnings(start, limit)
        ]

    def taint_sinks(self, query: TaintQuery, start: int, *, limit: int) -> SinkPage:
        taint = self._running_taint(query).taint
        own = self.own_code()
        names = SinkNames(self, lambda transition: self.code_place(transition, own))
        with translated(), held():
            found = taint.sinks(start, limit)
            named = []
            for sink in found:
                keep_going()
                data = names.name(sink)
                if data is not None:
                    named.append(data)
        return SinkPage(named, start + len(found) if found else None, taint.sinks_left_out)

    def cancel_taint(self, query: TaintQuery) -> None:
        self._running_taint(query).cancel()

    def origin(
        self, context: int, is_memory: bool, address: int, size: int, *, limit: int
    ) -> list[OriginHop]:
        self._need_instructions("where its data come from cannot be told")
        trace = self._trace()
        finder = self._kept("origin", lambda: _engine.OriginFinder(trace, registers_read))
        with translated(), held():
            hops = finder.find(context, (is_memory, address, size), limit, keep_going)
            return [self._origin_hop(hop) for hop in hops]

    def origin_tree(
        self,
        context: int,
        is_memory: bool,
        address: int,
        size: int,
        *,
        follow: FollowMode,
        limit: int,
    ) -> OriginTree:
        if follow not in get_args(FollowMode):
            raise _no_way(follow)
        own = self.own_code()
        explorer = Explorer(
            self, follow, limit, lambda transition: self.code_place(transition, own).is_own
        )
        chains = explorer.explore(context, (is_memory, address, size))
        numbers = {id(chain): number for number, chain in enumerate(chains)}
        return OriginTree(
            [self._origin_path(chain, numbers, own) for chain in chains],
            explorer.followed,
            explorer.is_cut,
        )

    def _origin_path(self, chain: Chain, numbers: dict[int, int], own: OwnCode) -> OriginPath:
        return OriginPath(
            role=chain.role,
            parent=None if chain.parent is None else numbers.get(id(chain.parent)),
            parent_step=chain.parent_step,
            steps=[
                OriginStep(
                    hop,
                    None if hop.transition is None else self.code_place(hop.transition, own),
                )
                for hop in chain.hops
            ],
            source=chain.source,
            joins=None if chain.joins is None else numbers.get(id(chain.joins)),
        )

    def own_code(self, own: Sequence[str] = (), not_own: Sequence[str] = ()) -> OwnCode:
        """What is own code of this trace."""
        return OwnCode(self._program_path(), own, not_own)

    def _program_path(self) -> str:
        """The executable's path: the first binary that is loaded, but for the loader."""
        loads = sorted(self._ossi().space.loads(), key=lambda one: one.first_context)
        for load in loads:
            if not PurePosixPath(load.binary.path).name.startswith(("ld-", "ld.")):
                return load.binary.path
        return self._manifest.program

    def code_place(self, transition: int, own: OwnCode) -> CodePlace:
        """Where the instruction of a transition stands."""
        pc, _ = self.instruction_at(transition)
        return self.place_of_code(transition, pc, own)

    def place_of_code(self, context: int, pc: int, own: OwnCode) -> CodePlace:
        """Where an address of code stands."""
        return code_place(pc, lambda address: self.locate(context, address), own)

    def instruction_at(self, transition: int) -> tuple[int, bytes]:
        """Address and bytes of the instruction of a transition."""
        with translated():
            columns = self._trace().transitions(transition, transition + 1)
        return int(columns.pc[0]), bytes(columns.code[0][: columns.size[0]])

    def _origin_hop(self, hop: _engine.OriginHop) -> OriginHop:
        kind = _KINDS[hop.kind - 1]
        return OriginHop(
            kind,
            None if kind == "start" else hop.transition,
            hop.after,
            hop.before,
            hop.context,
            hop.others,
            "" if hop.before else self._origin_end(kind, hop),
        )

    def _origin_end(self, kind: str, hop: _engine.OriginHop) -> str:
        """What is known of the source that a chain ends in."""
        if kind in ("syscall input", "syscall result"):
            return describe_call(self._trace(), hop.transition)
        is_memory, address, _ = hop.after
        if kind not in ("mapping", "start") or not is_memory:
            return ""
        context = 0 if kind == "start" else hop.transition + 1
        for mapping in self._trace().mappings():
            inside = mapping.address <= address < mapping.address + mapping.size
            if inside and mapping.first_context <= context <= mapping.last_context:
                if not mapping.path.startswith("/"):
                    return mapping.path
                return (
                    f"{mapping.path}, offset {address - mapping.address + mapping.file_offset:#x}"
                )
        return ""

    def close(self) -> None:
        with self._taints_lock:
            taints = list(self._taints.values())
            self._taints.clear()
        for running in taints:
            running.stop()
        for running in taints:
            running.join()
        super().close()

    def _running_taint(self, query: TaintQuery) -> _Running:
        self._need_instructions("data cannot be followed through it")
        if sum(size for _, is_memory, _, size in query.seeds if is_memory) > MOST_SEEDED:
            raise InvalidArgumentError(f"At most {MOST_SEEDED} bytes can be tainted at once.")
        if query.follow not in get_args(FollowMode):
            raise _no_way(query.follow)
        if query.conditions != sorted(query.conditions):
            raise InvalidArgumentError("The conditions of a taint are in ascending order.")
        key = msgspec.msgpack.encode(query)
        trace = self._trace()
        tables = constant_tables(trace.mappings()) if query.follow == "meant" else []
        with self._taints_lock:
            running = self._taints.get(key)
            if running is None:
                with translated():
                    running = self._taints[key] = _Running(trace, query, tables, self._taint_turn)
                self._drop_oldest()
            elif asker() not in running.askers:
                running.askers.add(asker())
            self._taints.move_to_end(key)
            return running

    def _drop_oldest(self) -> None:
        """Nobody's taints are dropped for what another asks, as long as there is room."""
        only_mine = [key for key, one in self._taints.items() if one.askers == {asker()}]
        dropped = only_mine[:-KEPT] or list(self._taints)[:-KEPT_FOR_ALL]
        for key in dropped:
            self._taints.pop(key).stop()


def constant_tables(mappings: Iterable[_engine.Mapping]) -> list[tuple[int, int]]:
    """Ranges (address, size) of files that the program maps and never may write."""
    readable: list[tuple[int, int]] = []
    written: list[tuple[int, int]] = []
    for one in mappings:
        is_constant = one.path.startswith("/") and not one.protection & _WRITE
        (readable if is_constant else written).append((one.address, one.address + one.size))
    free: list[tuple[int, int]] = []
    written.sort()
    for start, end in sorted(readable):
        at = start
        for first, last in written:
            if last <= at or first >= end:
                continue
            if first > at:
                free.append((at, first))
            at = max(at, last)
        if at < end:
            free.append((at, end))
    merged: list[tuple[int, int]] = []
    for start, end in free:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return [(start, end - start) for start, end in merged]


def _no_way(follow: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{follow!r} is no way to follow data: use one of {get_args(FollowMode)}."
    )


def _items(items: _engine.TaintItems) -> TaintItems:
    return TaintItems(
        items.is_memory.tobytes(),
        items.address.tobytes(),
        items.size.tobytes(),
        items.before.tobytes(),
        items.after.tobytes(),
    )


def describe_warning(trace: _engine.Trace, warning: _engine.TaintWarning) -> str:
    """A warning as a sentence."""
    what = f"{warning.size} bytes at {warning.address:#x}, some of them tainted"
    if warning.kind == _engine.TAINT_SIGNAL_FRAME:
        return f"A signal's frame was written over {what}: the registers in it are not tainted."
    if warning.kind == _engine.TAINT_OUTSIDE:
        return (
            f"Another process or the kernel wrote {what}, seen first here: their taint ends here."
        )
    if warning.kind == _engine.TAINT_NOT_RECORDED:
        return f"Code that was not recorded wrote {what}: their taint ends here."
    call = describe_call(trace, warning.transition) or "outside of a system call"
    return f"The kernel ({call}) wrote {what}: their taint ends here."
