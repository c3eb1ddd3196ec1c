# SPDX-License-Identifier: Apache-2.0
"""The Valgrind tool as a recorder: how it is found, started and asked what went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reven.recorders.protocol import (
    Check,
    Launch,
    Order,
    Place,
    ReadyRecorder,
    Recorder,
    check,
)
from reven.recorders.valgrind.build import (
    TOOL,
    CompiledRecorder,
    find_compiler,
    find_recorder,
    source_folder,
)
from reven.recorders.valgrind.complaints import explained
from reven.recorders.valgrind.installed import find_launcher, find_valgrind, launcher_version
from reven.recorders.valgrind.limits import limit_options
from reven.recorders.valgrind.sanitizers import sanitizer_complaint

_LOG = "log"  # in the order's folder, one for each process: log.<pid>


def valgrind_options(order: Order) -> list[str]:
    """Valgrind's options, and the tool's."""
    options = [
        f"--tool={TOOL}",
        "--command-line-only=yes",
        "--quiet",
        "--vgdb=no",
        "--sigill-diagnostics=no",
        f"--log-file={order.folder}/{_LOG}.%p",
        f"--trace-children={_yes(order.follow)}",
        # `reven mark`, which speaks to us, is none of the program's.
        "--trace-children-skip=*/reven",
        *limit_options(),
        f"--reven-socket={order.socket}",
        f"--reven-follow={_yes(order.follow)}",
    ]
    if order.start is not None:
        options.append(f"--reven-from={_place(order.start)}")
    if order.until is not None:
        options.append(f"--reven-until={_place(order.until)}")
    if order.after_seconds:
        options.append(f"--reven-after={max(1, round(order.after_seconds * 1000))}ms")
    elif order.after_transitions:
        options.append(f"--reven-after={order.after_transitions}")
    if order.wait:
        options.append("--reven-wait=yes")
    options += [f"--reven-only={name}" for name in order.only]
    options += [f"--reven-skip={name}" for name in order.skip]
    return options


def _place(place: Place) -> str:
    """A place as the tool reads it (trigger.c)."""
    offsets = ",".join(f"{offset:#x}" for offset in place.offsets)
    what = {
        "address": offsets,
        "symbol": f"{offsets}:{place.binary}:{place.name}",
        "binary": f"{offsets}:{place.binary}",
        "file": f"{offsets}:{place.binary}",
        "syscall": f"{place.number}",
        "mark": place.name,
    }[place.kind]
    return f"{place.count}:{place.kind}:{what}"


@dataclass(frozen=True)
class _ReadyValgrind:
    compiled: CompiledRecorder

    @property
    def description(self) -> str:
        return self.compiled.description

    def launch(self, order: Order) -> Launch:
        # Valgrind would take a name that begins with a dash for one more of its options.
        name = order.command[0]
        name = name if not name.startswith("-") else str(order.program.resolve())
        return Launch(
            [
                str(self.compiled.valgrind.launcher),
                *valgrind_options(order),
                name,
                *order.command[1:],
            ],
            {"VALGRIND_LIB": str(self.compiled.folder)},
        )

    def complaint(self, folder: Path, pid: int) -> str:
        try:
            return explained((folder / f"{_LOG}.{pid}").read_text(errors="replace"))
        except OSError:
            return ""


class ValgrindRecorder:
    """Records 64-bit Linux programs, each process to a trace of its own."""

    options = frozenset({"start", "until", "after", "wait", "code", "follow"})

    def refusal(self, program: Path, environment: Mapping[str, str]) -> str:
        return sanitizer_complaint(program, environment)

    def find(self) -> ReadyRecorder:
        return _ReadyValgrind(find_recorder())

    def checks(self) -> Iterator[Check]:
        """The last one compiles the recorder if that has not been done."""
        results = [
            check("C compiler", find_compiler),
            check("Valgrind", _launcher),
            check("Valgrind's parts", _parts),
            check("recorder's source", lambda: str(source_folder())),
        ]
        yield from results
        if all(result.ok for result in results):
            yield check("recorder", lambda: f"compiled in {find_recorder().folder}")


RECORDER: Recorder = ValgrindRecorder()


def _launcher() -> str:
    launcher = find_launcher()
    return f"{launcher_version(launcher)}, {launcher}"


def _parts() -> str:
    valgrind = find_valgrind()
    return f"headers in {valgrind.headers}, libraries in {valgrind.archives}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
