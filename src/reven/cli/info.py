# SPDX-License-Identifier: Apache-2.0
"""`reven info`: what a trace is of, when and where it was recorded, how large it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

import reven2
from reven._engine import Trace
from reven.cli.shared.console import (
    count_text,
    duration_text,
    escape,
    out,
    plural,
    print_json,
    size_text,
)
from reven.end.explain import explain_end
from reven.errors import CommandError
from reven.record.manifest import MANIFEST, ImportedFrom, Manifest
from reven.trace.manifest import check_readable, manifest_bytes
from reven2._service import EndData

PANEL = "Record"


class DamagedManifest(CommandError):
    """The trace's manifest.json does not say what it must."""


class ShownThread(msgspec.Struct, frozen=True):
    id: int
    first_transition: int
    last_transition: int


class ShownInfo(msgspec.Struct, frozen=True):
    """`manifest` is what the recorder wrote down; the rest is what the trace holds."""

    path: str
    transitions: int
    segments: int
    size_bytes: int
    bytes_per_transition: float
    threads: list[ShownThread]
    processes: list[str]
    executed_binaries: list[str]
    notices: list[str]
    end: EndData | None
    manifest: Manifest


def info(
    trace: Annotated[Path, typer.Argument(help="The trace directory.", metavar="TRACE")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a trace is of, when and where it was recorded, and how large it is."""
    found = _gather(trace)
    if json:
        print_json(found)
        return
    console = out()
    for label, text in _lines(found):
        console.print(f"[label]{label:<12}[/] {text}")


def _gather(path: Path) -> ShownInfo:
    with reven2.open(path) as server:
        engine = Trace(str(path))
        manifest = read_manifest(path)
        return ShownInfo(
            path=str(path),
            transitions=engine.transition_count,
            segments=engine.segment_count,
            size_bytes=engine.size_on_disk,
            bytes_per_transition=engine.size_on_disk / max(engine.transition_count, 1),
            threads=[
                ShownThread(thread.id, thread.first_transition.id, thread.last_transition.id)
                for thread in server.trace.threads
            ],
            processes=[str(process) for process in server.ossi.executed_processes()],
            executed_binaries=[binary.path for binary in server.ossi.executed_binaries()],
            notices=server.trace.notices,
            end=explain_end(engine, manifest),
            manifest=manifest,
        )


def read_manifest(trace: Path) -> Manifest:
    """The manifest of a trace directory. Raises DamagedManifest, or TraceError for one that a
    newer version wrote."""
    data = manifest_bytes(trace)
    check_readable(data, trace)
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DamagedManifest(
            f"{trace / MANIFEST} is damaged ({error}); the trace itself can still be shown"
        ) from None


def _lines(found: ShownInfo) -> Iterator[tuple[str, str]]:
    """Label and text of each line for people."""
    manifest = found.manifest
    yield "trace", escape(found.path)
    yield from _imported(manifest.source) if manifest.source else _recorded(found)
    yield "transitions", count_text(found.transitions)
    yield (
        "size",
        f"{size_text(found.size_bytes)} in {plural(found.segments, 'segment')}, "
        f"{found.bytes_per_transition:.2g} bytes per transition with the index",
    )
    yield from _listed(
        "threads",
        [
            f"{thread.id}  [label]#{thread.first_transition} … #{thread.last_transition}[/]"
            for thread in found.threads
        ],
    )
    yield from _listed("binaries", list(map(escape, found.executed_binaries)))


def _imported(source: ImportedFrom) -> Iterator[tuple[str, str]]:
    yield "imported", f"from {escape(source.file)}, a {escape(source.format)}"
    late = [f"{name} from #{first}" for name, first in source.registers.items() if first]
    whole = [name for name, first in source.registers.items() if not first]
    yield "registers", escape(", ".join([" ".join(whole), *late] if whole else late))
    yield "without", escape(", ".join(source.missing))
    if source.slide:
        yield "slide", f"{escape(source.slide)}, as the file says; addresses are the file's own"


def _recorded(found: ShownInfo) -> Iterator[tuple[str, str]]:
    manifest = found.manifest
    yield "command", f"[command]{escape(shlex.join(manifest.command))}[/]"
    yield "program", escape(manifest.program)
    yield "directory", escape(manifest.cwd)
    yield "process", ", ".join(map(escape, found.processes)) + f", child of {manifest.ppid}"
    if manifest.parent:
        yield "forked from", escape(manifest.parent)
    yield "recorded", f"{manifest.start_time}, {duration_text(manifest.seconds)}"
    yield "processor", escape(" ".join((manifest.architecture, *manifest.features)))
    yield "recorder", f"{escape(manifest.recorder)}, on {escape(manifest.kernel)}"
    yield "end", _end(found)
    yield from _listed("notices", list(map(escape, found.notices)))


def _listed(label: str, items: list[str]) -> Iterator[tuple[str, str]]:
    for position, item in enumerate(items):
        yield (label if position == 0 else "", item)


def _end(found: ShownInfo) -> str:
    manifest = found.manifest
    if manifest.end_reason in ("recorder", "killed") and found.end is not None:
        return f"[bad]incomplete[/]: it {escape(found.end.sentence)}"
    if manifest.error:
        return f"[bad]incomplete[/]: {escape(manifest.error)}"
    if not manifest.complete or found.end is None:
        return "[bad]incomplete[/]: it is still recording, or was cut off"
    return escape(found.end.sentence)
