# SPDX-License-Identifier: Apache-2.0
"""What recording needs, what of it is here, and the command that mends what is not."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reven.record.errors import RecorderUnavailable
from reven.recorders.valgrind.build import find_compiler, find_recorder, source_folder
from reven.recorders.valgrind.installed import find_launcher, find_valgrind, launcher_version


@dataclass(frozen=True)
class Check:
    """One thing that recording needs."""

    name: str
    ok: bool
    what: str  # what is there, or what is wrong
    command: str = ""  # what to run to mend it, if a command can


def checks() -> Iterator[Check]:
    """Look at everything that `reven record` needs, one after the other.

    The last check compiles the recorder if that has not been done.
    """
    yield _machine()
    results = [
        _check("C compiler", find_compiler),
        _check("Valgrind", _valgrind),
        _check("Valgrind's parts", _parts),
        _check("recorder's source", lambda: str(source_folder())),
    ]
    yield from results
    if all(check.ok for check in results):
        yield _check("recorder", lambda: f"compiled in {find_recorder().folder}")


def _machine() -> Check:
    system, machine = platform.system(), platform.machine()
    ok = system == "Linux" and machine == "x86_64"
    what = f"{system} {platform.release()} on {machine}"
    return Check("machine", ok, what if ok else f"{what}: recording needs Linux on x86_64")


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except RecorderUnavailable as error:
        return Check(name, False, error.what, error.command)


def _valgrind() -> str:
    launcher = find_launcher()
    return f"{launcher_version(launcher)}, {launcher}"


def _parts() -> str:
    valgrind = find_valgrind()
    return f"headers in {valgrind.headers}, libraries in {valgrind.archives}"
