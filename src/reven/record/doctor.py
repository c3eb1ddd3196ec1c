# SPDX-License-Identifier: Apache-2.0
"""What recording needs, what of it is here, and the command that mends what is not."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from reven.recorders import Check, get_recorder, recorder_names


def checks() -> Iterator[Check]:
    """Look at everything that `reven record` needs, one after the other."""
    yield _machine()
    for name in recorder_names():
        yield from get_recorder(name).checks()


def _machine() -> Check:
    system, machine = platform.system(), platform.machine()
    ok = system == "Linux" and machine == "x86_64"
    what = f"{system} {platform.release()} on {machine}"
    return Check("machine", ok, what if ok else f"{what}: recording needs Linux on x86_64")
