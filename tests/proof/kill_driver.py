# SPDX-License-Identifier: Apache-2.0
"""Records a program again and again, and kills each recording at a random moment.

    python kill_driver.py FOLDER PROGRAM BYTES ROUNDS SEED everything|valgrind

Moments are told by how far the directory of segments has grown towards BYTES, so that
they spread alike on a fast and a busy machine. Recordings are forks of this process, so
that starting one is cheap. Prints a JSON object per round.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from reven._engine import Trace, TraceError
from reven.record import NothingRecorded, record

EARLY = 0.2  # seconds, at most, to a kill before or while the recording begins
JITTER = 0.05  # seconds, at most, that a kill comes later than some amount is written


def children_of(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return []


def start(program: str, trace: Path) -> int:
    pid = os.fork()
    if pid:
        # Whoever comes first: the group must be there when it is killed.
        with suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    try:
        os.setpgid(0, 0)
        record([program], trace)
        os._exit(0)
    except NothingRecorded:
        os._exit(0)
    finally:
        os._exit(1)


def wait_for(pid: int, file: Path, size: float) -> None:
    """Until the file is larger, or the process ends."""
    while True:
        if file.exists() and file.stat().st_size > size:
            return
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.002)


def kill_at(pid: int, trace: Path, moment: float, jitter: float, *, everything: bool) -> None:
    """`moment`: bytes of the directory; below 0: before there is one."""
    if moment >= 0:
        wait_for(pid, trace / "directory.bin", moment)
    time.sleep(jitter * (JITTER if moment >= 0 else EARLY))
    if everything:
        os.killpg(pid, signal.SIGKILL)
    else:
        for child in children_of(pid):
            os.kill(child, signal.SIGKILL)
    os.waitpid(pid, 0)


def outcome(trace: Path) -> dict[str, object]:
    # The last of the files that are made before anything is recorded.
    if not (trace / "directory.bin").exists():
        return {"recorded": False}
    manifest = trace / "manifest.json"
    complete = manifest.exists() and json.loads(manifest.read_bytes())["complete"]
    try:
        opened = Trace(str(trace))
        result = opened.check()
    except TraceError as error:
        return {"recorded": True, "error": str(error), "complete": complete}
    return {
        "recorded": True,
        "error": "",
        "complete": complete,
        "transitions": opened.transition_count,
        "loads": result.loads,
        "problems": result.problems,
        "bad": result.bad_loads + result.bad_key_frames,
    }


def main() -> None:
    folder, program, size, rounds, seed, what = Path(sys.argv[1]), sys.argv[2], *sys.argv[3:]
    draw = random.Random(int(seed))
    for index in range(int(rounds)):
        trace = folder / f"{what}-{seed}-{index}.reven"
        pid = start(program, trace)
        moment = draw.uniform(-0.1, 0.95) * int(size)
        kill_at(pid, trace, moment, draw.random(), everything=what == "everything")
        print(json.dumps(outcome(trace)), flush=True)


if __name__ == "__main__":
    main()
