# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks.fairness [TRACE]`: how long every view takes while many others scan.

Serves a trace of some 2·10⁸ transitions (recorded for this, unless one is given), has 20 clients
ask for the longest scans over and over, each another kind, and asks for each view at random
moments meanwhile. Prints the times of each view with nobody else there and beside the scans, and
the memory of the server.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.measure import percentile
from benchmarks.table import Table, duration, mebibytes, verdict
from reven2._client.run_file import RunFile, read_run_file

CLIENTS = 20
SAMPLES = 60
BUDGET_MILLISECONDS = 100.0
REVEN = str(Path(sys.executable).with_name("reven"))
ABSENT = "feedfacecafebeef"

PROGRAM = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char words[64][32];
static uint64_t table[4096];
__attribute__((noinline)) uint64_t mix(uint64_t x) {
    x ^= x >> 13; x *= 0x9e3779b97f4a7c15u; return x ^ x >> 29;
}
__attribute__((noinline)) uint64_t walk(uint64_t seed, int depth) {
    if (depth == 0) return mix(seed);
    uint64_t sum = 0;
    for (int i = 0; i < 3; i++) sum += walk(mix(seed + i), depth - 1);
    return sum;
}
__attribute__((noinline)) void note(uint64_t n) {
    snprintf(words[n % 64], 32, "item %llu", (unsigned long long)(n * 7919));
}
int main(int argc, char **argv) {
    long rounds = argc > 1 ? atol(argv[1]) : 1600;
    uint64_t sum = 0;
    for (long r = 0; r < rounds; r++) {
        for (int i = 0; i < 4096; i++) table[i] = mix(table[(i * 17 + r) & 4095] + i);
        sum += walk(r, 6);
        char *copy = malloc(64);
        note(sum);
        strcpy(copy, words[sum % 64]);
        sum += strlen(copy);
        free(copy);
    }
    printf("%llx\n", (unsigned long long)sum);
    return 0;
}
"""


class Client:
    """One program's connection to the server."""

    def __init__(self, file: RunFile, port: int, name: str) -> None:
        self._path = f"/api/v1/scenarios/{file.scenarios[0]}/"
        self._headers = {
            "Authorization": f"Bearer {file.token}",
            "Content-Type": "application/json",
            "Reven-Client": name,
        }
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(self, name: str, **arguments: Any) -> Any:
        body = json.dumps(arguments)
        self._connection.request("POST", self._path + name, body, self._headers)
        response = self._connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise RuntimeError(f"{name}: {data.decode()[:200]}")
        return json.loads(data)

    def close(self) -> None:
        """End the connection, and with it what was asked over it."""
        sock = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(2)


def scans(count: int, table: int) -> dict[str, Callable[[Client], Any]]:
    """The longest scans of a trace of so many transitions, by name. `table`: where data are
    that the whole run works on."""
    keys = itertools.count()

    def taint(client: Client) -> None:
        query = {
            "key": f"fairness-{next(keys)}",
            "seeds": [(0, True, table, 32768)],
            "tag_count": 1,
            "first": 0,
            "last": count - 1,
            "forward": True,
        }
        while not client.ask("taint_status", query=query)["finished"]:
            time.sleep(0.05)

    absent = {"kind": "value", "text": f"0x{ABSENT}"}
    return {
        "value": lambda client: client.ask("views/search", **absent),
        "bytes": lambda client: client.ask("views/search", kind="memory", text=ABSENT),
        "string": lambda client: client.ask("strings", pattern=ABSENT, first=0, limit=1000),
        "instruction": lambda client: client.ask("views/search", kind="instruction", text="ud2"),
        "call tree": lambda client: client.ask(
            "call_tree", start=0, stop=count, thread=None, deepest=1 << 30, roots=[], limit=1 << 16
        ),
        "heap errors": lambda client: client.ask("heap_errors", kind="use-after-free", limit=1000),
        "history": lambda client: client.ask(
            "accesses", start=0, stop=count, address=0, size=(1 << 64) - 1, reads=True,
            writes=True, forward=True, limit=1 << 17,
        ),
        "taint": taint,
        "findings": lambda client: client.ask("views/findings", kind="overflow"),
        "story": lambda client: client.ask("views/story", context=count - 1, register="rax"),
        "explain": lambda client: client.ask("explain", own=[], not_own=[]),
        "system calls": lambda client: client.ask(
            "decoded_syscalls", start=0, stop=count, names=[], failed=False, limit=1 << 16
        ),
    }  # fmt: skip


def views(client: Client, count: int) -> dict[str, Callable[[random.Random], dict[str, Any]]]:
    """What to ask of every view that is no search, at a random moment."""
    files = client.ask("views/source_files")["files"]
    path = files[0]["path"] if files else ""

    mix, table = (f"{_place(client, name, count):#x}" for name in ("mix", "table"))

    def at(chosen: random.Random) -> int:
        return chosen.randrange(count)

    return {
        "scenario": lambda _: {},
        "start": lambda _: {},
        "inspect": lambda r: {"context": at(r), "address": table},
        "explanation": lambda _: {},
        "trace": lambda r: {"first": at(r), "count": 60},
        "registers": lambda r: {"transition": at(r)},
        "memory": lambda r: {
            "context": at(r), "transition": 0, "expression": "rsp", "offset": 0, "size": 512,
        },
        "address": lambda r: {"context": at(r), "expression": "[rsp]+8"},
        "history": lambda r: {
            "address": table, "size": 8, "start": at(r), "forward": False, "limit": 50,
        },
        "backtrace": lambda r: {"context": at(r)},
        "call_path": lambda r: {"context": at(r)},
        "call_tree": lambda _: {"parent": 0},
        "step": lambda r: {"transition": at(r), "kind": "over", "forward": True},
        "jump": lambda r: {"text": f"#{at(r)}", "transition": 0},
        "run": lambda r: {"transition": at(r), "forward": True},
        "execution": lambda r: {"address": mix, "transition": at(r), "forward": True},
        "register_change": lambda r: {"register": "rbx", "transition": at(r), "forward": False},
        "access": lambda r: {
            "address": table, "size": 8, "transition": at(r), "forward": False,
            "reads": True, "writes": True,
        },
        "names": lambda _: {"text": "mi"},
        "variables": lambda r: {"context": at(r)},
        "source": lambda _: {"path": path},
        "source_lines": lambda _: {"path": path},
        "source_files": lambda _: {},
        "source_run": lambda r: {"path": path, "line": 9, "at": at(r), "forward": True},
        "timeline_events": lambda _: {"start": 0, "width": count // 500, "parts": 500},
        "timeline_calls": lambda _: {"start": 0, "stop": count, "shortest": count // 500},
    }  # fmt: skip


def _place(client: Client, name: str, count: int) -> int:
    asked = {"expression": name, "context": count - 1, "thread": None, "wanted": "address"}
    address: int = client.ask("resolve", **asked)["address"]
    return address


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("trace", nargs="?", type=Path)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of each view")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="that scan")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reven-fairness-") as folder:
        trace = options.trace or _recorded(Path(folder))
        subprocess.run([REVEN, "index", trace], check=True, stdout=subprocess.DEVNULL)
        with _serving(trace) as (file, port, process):
            _measure(file, port, process, options.samples, options.clients).show(Console())


def _recorded(folder: Path) -> Path:
    (folder / "fair.c").write_text(PROGRAM)
    subprocess.run(["gcc", "-O1", "-g", "fair.c", "-o", "fair"], cwd=folder, check=True)
    command = [REVEN, "record", "-o", "fair.reven", "--", "./fair"]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return folder / "fair.reven"


@contextlib.contextmanager
def _serving(trace: Path) -> Iterator[tuple[RunFile, int, subprocess.Popen[str]]]:
    command = [REVEN, "serve", "--port", "0", str(trace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = next(line for line in process.stdout if line.startswith("at "))
        port = int(url.rpartition(":")[2])
        file = read_run_file(port)
        assert file is not None
        try:
            yield file, port, process
        finally:
            process.terminate()


def _measure(
    file: RunFile, port: int, process: subprocess.Popen[str], samples: int, clients: int
) -> Table:
    asking = Client(file, port, "people")
    count = asking.ask("transition_count")
    wanted = views(asking, count)
    alone = _times(asking, wanted, samples)
    idle = _resident(process.pid)
    ended = threading.Event()
    done: Counter[str] = Counter()
    kinds = itertools.cycle(scans(count, _place(asking, "table", count)).items())
    scanning = []
    others = []
    for number, (name, scan) in zip(range(clients), kinds, strict=False):
        other = Client(file, port, f"scans {number}")
        others.append(other)
        scanning.append(
            threading.Thread(target=_scan, args=(other, name, scan, ended, done), daemon=True)
        )
        scanning[-1].start()
    time.sleep(2)  # until all of them are at it
    peak = [0]
    watching = threading.Thread(target=_watch, args=(process.pid, ended, peak), daemon=True)
    watching.start()
    beside = _times(asking, wanted, samples)
    ended.set()
    for other in others:
        other.close()
    table = Table(
        f"Views beside {clients} clients that scan {count:,} transitions",
        ("view", "alone, p50", "alone, p95", "beside, p50", "beside, p95", "beside, max", "budget"),
        notes=[
            f"{samples} moments each. Memory of the server: {mebibytes(idle)} before, "
            f"{mebibytes(peak[0])} at most meanwhile. Scans that ended meanwhile: "
            + ", ".join(f"{number} × {name}" for name, number in sorted(done.items()))
            + ".",
        ],
    )
    for name in wanted:
        p95 = percentile(beside[name], 95)
        table.rows.append(
            (
                name,
                *(duration(percentile(alone[name], share)) for share in (50, 95)),
                *(duration(percentile(beside[name], share)) for share in (50, 95)),
                duration(max(beside[name])),
                verdict(p95 * 1e3, BUDGET_MILLISECONDS, " ms"),
            )
        )
    return table


def _times(
    client: Client, wanted: dict[str, Callable[[random.Random], dict[str, Any]]], samples: int
) -> dict[str, list[float]]:
    chosen = random.Random(1)
    found: dict[str, list[float]] = {name: [] for name in wanted}
    for name, arguments in wanted.items():
        client.ask(f"views/{name}", **arguments(chosen))  # what is read once for all
    for _ in range(samples):
        for name, arguments in wanted.items():
            asked = arguments(chosen)
            began = time.perf_counter()
            client.ask(f"views/{name}", **asked)
            found[name].append(time.perf_counter() - began)
    return found


def _scan(
    client: Client,
    name: str,
    scan: Callable[[Client], Any],
    ended: threading.Event,
    done: Counter[str],
) -> None:
    while not ended.is_set():
        try:
            scan(client)
        except (OSError, http.client.HTTPException):
            if ended.is_set():
                return
            raise
        done[name] += 1


def _watch(pid: int, ended: threading.Event, peak: list[int]) -> None:
    while not ended.wait(0.05):
        peak[0] = max(peak[0], _resident(pid))


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    main()
