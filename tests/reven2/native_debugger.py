# SPDX-License-Identifier: Apache-2.0
"""What gdb says of the same program, run natively and stopped at the same moments."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Runs inside gdb: for each stop, for each frame of the stack that is no inlined one, the
# variables of it and of what was inlined into it, as `info locals` and `info args` print them.
_SCRIPT = """
import gdb, json, os
wanted = json.loads(os.environ["STOPS"])
for line in ("set pagination off", "set width 0", "set confirm off", "set debuginfod enabled off"):
    gdb.execute(line)
gdb.execute("break *" + wanted["function"])
gdb.execute("run > /dev/null", to_string=True)
stops = []
for hit in range(max(wanted["hits"]) + 1):
    if hit:
        gdb.execute("continue", to_string=True)
    if hit not in wanted["hits"]:
        continue
    frames, texts, frame = [], [], gdb.newest_frame()
    while frame is not None and frame.function() is not None:
        if frame.type() == gdb.TAILCALL_FRAME:
            break
        frame.select()
        texts += [gdb.execute(what, to_string=True) for what in ("info locals", "info args")]
        if frame.type() != gdb.INLINE_FRAME:
            frames.append("".join(texts))
            texts = []
        frame = frame.older()
    stops.append(frames)
with open(os.environ["ANSWER"], "w") as file:
    json.dump(stops, file)
gdb.execute("kill", to_string=True)
"""


def frames_at(
    program: Path, function: str, hits: Sequence[int], folder: Path
) -> list[list[list[str]]]:
    """For each hit of a function's first instruction, for each frame, the `name = value` lines."""
    script, answer = folder / "stops.py", folder / "answer.json"
    script.write_text(_SCRIPT)
    wanted = json.dumps({"function": function, "hits": list(hits)})
    environment = {**os.environ, "STOPS": wanted, "ANSWER": str(answer)}
    run(program, ["-x", str(script)], environment)
    stops: list[list[str]] = json.loads(answer.read_text())
    return [
        [[line for line in frame.splitlines() if " = " in line] for frame in stop] for stop in stops
    ]


def commands(program: Path, *lines: str) -> str:
    """What gdb prints for commands, the program not running."""
    return run(program, [word for line in lines for word in ("-ex", line)], None)


def run(program: Path, arguments: Sequence[str], environment: Any) -> str:
    command = ["gdb", "-nx", "-batch", *arguments, str(program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def without_addresses(text: str) -> str:
    """Addresses differ from run to run, the symbols that stand at them do not."""
    return re.sub(r"0x[0-9a-f]{5,}", "ADDRESS", text)
