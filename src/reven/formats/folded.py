# SPDX-License-Identifier: Apache-2.0
"""Write folded stacks: `main;parse;read_token 1234`, the transitions that each stack ran itself.

Source of the format: Brendan Gregg's flame graphs, README, "Fold stacks"; speedscope reads it too.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

from reven import _engine
from reven.formats.protocol import CannotExport, Export, Exporter, Progress
from reven2._client.server import OpenTrace
from reven2._service import CallTreeNode

_MOST_NODES = 100_000
_DEEPEST = (1 << 32) - 1


class FoldedExport:
    """The stacks of one trace."""

    def __init__(self, server: OpenTrace, start: int, stop: int, to: IO[bytes]) -> None:
        self._server, self._start, self._stop, self._to = server, start, stop, to
        self._names: dict[tuple[int, int], str] = {}

    @property
    def lost(self) -> list[str]:
        return ["when anything ran"]

    def run(self, progress: Progress) -> int:
        total = self._stop - self._start
        if not progress(0, total):
            raise CannotExport("The export was stopped.")
        service = self._server.trace._service
        tree = service.call_tree(
            self._start, self._stop, thread=None, deepest=_DEEPEST, roots=[], limit=_MOST_NODES
        )
        if tree.is_cut:
            raise CannotExport(
                f"There are more than {_MOST_NODES} stacks: export a part with --from and --until."
            )
        stacks: list[str] = []
        for node in tree.nodes:
            name = self._name(node)
            above = f"thread {node.thread}" if node.parent is None else stacks[node.parent]
            stacks.append(f"{above};{name}")
            if node.own:
                self._to.write(f"{stacks[-1]} {node.own}\n".encode())
        progress(total, total)
        return total

    def _name(self, node: CallTreeNode) -> str:
        trace = self._server.trace
        if (node.function, node.first_call) not in self._names:
            call = trace._service.call(node.first_call)
            found = trace._context(call.first_context).ossi.location(node.function)
            text = hex(node.function) if found is None else str(found)
            self._names[node.function, node.first_call] = "".join(
                one if one.isprintable() and one not in "; " else "_" for one in text
            )
        return self._names[node.function, node.first_call]


class FoldedExporter:
    """Folded stacks."""

    title = "folded stacks"
    suffixes = (".folded",)

    def export(self, trace: Path, start: int, stop: int | None, to: IO[bytes]) -> Export:
        import reven2

        count = _engine.Trace(trace).transition_count
        end = count if stop is None else stop
        if not 0 <= start < end <= count:
            raise CannotExport(
                f"The trace has no transitions {start} … {end - 1}: it has {count}, from 0."
            )
        return FoldedExport(reven2.open(trace), start, end, to)


EXPORTER: Exporter = FoldedExporter()
