# SPDX-License-Identifier: Apache-2.0
"""Run one program natively and recorded, compare all that it did, and check its traces."""

from __future__ import annotations

import contextlib
import ctypes
import fnmatch
import importlib
import io
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from proof.programs import PATH, Program

REVEN = str(Path(sys.executable).with_name("reven"))
MOST_BYTES = 6 << 30
"""Of the traces of one program."""
NATIVE_SECONDS = 60
PR_SET_CHILD_SUBREAPER = 36
SHOWN = 5  # differences and problems of one program
CANNOT_RECORD = 125
SUMMARY = re.compile(r"reven: .*\n(?: {7}.*\n)*\Z")
"""What `reven record` says at the end, behind what the program wrote."""


class Result(msgspec.Struct):
    """What was found of one program."""

    name: str
    area: str
    key: str
    version: str
    verdict: str
    """right · said: differs as documented, and says so · wrong · unsteady: two native runs
    differ, the entry is at fault · skipped: not installed."""
    why: list[str] = []
    notices: list[str] = []
    transitions: int = 0
    traces: int = 0
    native_seconds: float = 0.0
    recorded_seconds: float = 0.0
    bytes: int = 0


@dataclass
class Outcome:
    """All that a run did that can be compared."""

    status: int | str
    streams: dict[str, str]
    files: dict[str, tuple[int, bytes]]
    seconds: float
    raw: dict[str, str] = field(default_factory=dict)


class Unready(Exception):
    """A folder could not be prepared; a server ended, or its time did, before it answered."""


def adopt_orphans() -> None:
    """What daemons leave behind becomes a child of this process, so that it can be ended."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def end_descendants(of: int) -> None:
    """Those of a process that this one started, or all of this one's own."""
    for child in children(of):
        end_descendants(child)
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)


def reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


class Runner:
    """Runs programs in one folder, which it empties each time."""

    def __init__(self, folder: Path) -> None:
        # Once, here, and not in every fork that checks a trace.
        importlib.import_module("reven.cli.check")
        self.folder = folder
        self.place = folder / "run"
        """Where each run happens, so that no path differs between them."""
        self.prepared = folder / "prepared"
        self.traces = folder / "traces"

    def prove(self, program: Program) -> Result:
        result = Result(program.name, program.area, program.key, program.version, "wrong")
        if missing := program.missing:
            result.verdict, result.why = "skipped", [f"{', '.join(missing)} not installed"]
            return result
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._prepare(program)
            self._prove(program, result)
        except Unready as error:
            result.why.append(str(error))
            if not result.native_seconds:
                result.verdict = "unsteady"
        finally:
            end_descendants(os.getpid())
            reap()
            shutil.rmtree(self.folder, ignore_errors=True)
        return result

    def _prove(self, program: Program, result: Result) -> None:
        native = self.run(program, recorded=False)
        result.native_seconds = native.seconds
        if isinstance(native.status, str):
            result.verdict, result.why = "unsteady", [f"native: {native.status}"]
            return
        recorded = self.run(program, recorded=True)
        result.recorded_seconds = recorded.seconds
        traces = sorted(self.traces.glob("*.reven"))
        result.traces = len(traces)
        result.bytes = size_of(self.traces)
        differences = compare(program, native, recorded)
        problems = [] if traces else ["no trace"]
        for trace in traces:
            answer = checked(trace, max(600, program.seconds))
            result.transitions += answer.get("transitions", 0)
            result.notices += [n for n in answer.get("notices", []) if n not in result.notices]
            if not answer.get("good"):
                said = answer.get("problems") or [answer.get("error", "the check failed")]
                problems += [f"check of {trace.name}: {said[0]}"]
        result.why = (problems + differences)[:SHOWN]
        summary = recorded.raw.get("summary", "")
        if "by the recorder" in summary:
            result.notices.append(summary.splitlines()[0])
        where = [*result.notices, summary]
        excused = bool(program.said) and any(re.search(program.said, each) for each in where)
        refused = recorded.status == CANNOT_RECORD and not traces
        if not differences and not problems:
            result.verdict = "right"
        elif excused and (not problems or refused):
            result.verdict = "said"
        elif differences and (unlike := compare(program, native, self.run(program, False))):
            result.verdict, result.why = "unsteady", unlike[:SHOWN]

    def _environment(self, program: Program) -> dict[str, str]:
        return {
            "PATH": PATH,
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "TERM": "dumb",
            "SOURCE_DATE_EPOCH": "1600000000",
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
            **program.environment,
        }

    def _prepare(self, program: Program) -> None:
        """Once for all runs: what compilers make need not be the same twice."""
        for folder in (self.place, self.folder / "home", self.folder / "tmp"):
            folder.mkdir(parents=True)
        for name, text in program.files.items():
            (self.place / name).parent.mkdir(parents=True, exist_ok=True)
            (self.place / name).write_text(text)
        if program.before:
            done = subprocess.run(
                ["sh", "-ec", program.before],
                cwd=self.place,
                env=self._environment(program),
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if done.returncode:
                raise Unready(f"could not be prepared: {done.stderr.strip()[-200:]}")
        self.place.rename(self.prepared)

    def run(self, program: Program, recorded: bool) -> Outcome:
        environment = self._environment(program)
        for folder in (self.place, self.traces):
            shutil.rmtree(folder, ignore_errors=True)
        self.traces.mkdir()
        shutil.copytree(self.prepared, self.place, symlinks=True)
        command = program.command
        limit = NATIVE_SECONDS
        if recorded:
            command = [REVEN, "record", "-o", str(self.traces / "t.reven"), "--", *command]
            limit = program.seconds
        if program.unprivileged and os.getuid() == 0:
            command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]
        (self.folder / "stdin").write_text(program.stdin)
        streams = {name: self.folder / name for name in ("stdout", "stderr", "drive")}
        started = time.monotonic()
        with (
            (self.folder / "stdin").open() as stdin,
            streams["stdout"].open("w") as stdout,
            streams["stderr"].open("w") as stderr,
            streams["drive"].open("w") as drive,
        ):
            process = subprocess.Popen(
                command,
                cwd=self.place,
                env=environment,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                # As a shell at a terminal would have it.
                preexec_fn=_usual_signals,  # noqa: PLW1509
            )
            status: int | str
            try:
                if program.drive:
                    self._wait_until_up(program, process, environment, started + limit)
                    client = subprocess.run(
                        ["sh", "-c", program.drive],
                        cwd=self.place,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=drive,
                        stderr=subprocess.STDOUT,
                        check=False,
                        timeout=limit,
                    )
                    drive.write(f"\nstatus {client.returncode}\n")
                    if program.stop:
                        served = children(process.pid)[:1] if recorded else [process.pid]
                        for pid in served:
                            os.kill(pid, getattr(signal, f"SIG{program.stop}"))
                status = self._wait(process, started + limit)
            except subprocess.TimeoutExpired:
                status = f"was not at its end after {limit} s"
            finally:
                end_descendants(process.pid)
                with contextlib.suppress(OSError):
                    process.kill()
                process.wait()
        seconds = time.monotonic() - started
        if isinstance(status, int) and status < 0:
            status = 128 - status
        raw = {name: path.read_text("utf-8", "replace") for name, path in streams.items()}
        if recorded and (summary := SUMMARY.search(raw["stderr"])):
            raw["stderr"] = raw["stderr"][: summary.start()]
            raw["summary"] = summary[0]
        hidden = {name: hide(program, raw[name]) for name in streams}
        return Outcome(status, hidden, files_of(program, self.place), seconds, raw)

    def _wait(self, process: subprocess.Popen[bytes], until: float) -> int | str:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(1)
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(process.args, 0)
            if size_of(self.traces) > MOST_BYTES:
                return f"made more than {MOST_BYTES >> 30} GiB of traces"

    def _wait_until_up(
        self,
        program: Program,
        process: subprocess.Popen[bytes],
        environment: dict[str, str],
        until: float,
    ) -> None:
        while time.monotonic() < until:
            if process.poll() is not None and not program.ready:
                break
            if program.ready:
                ready = ["sh", "-c", program.ready]
                done = subprocess.run(
                    ready, cwd=self.place, env=environment, capture_output=True, check=False
                )
                if done.returncode == 0:
                    return
            else:
                with contextlib.suppress(OSError), socket.socket() as tried:
                    tried.connect(("127.0.0.1", program.port))
                    return
            time.sleep(0.1)
        said = (self.folder / "stderr").read_text("utf-8", "replace").strip()
        raise Unready(f"did not come up: {said[-200:]}")


def _usual_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide(program: Program, text: str) -> str:
    for pattern in program.hide:
        text = re.sub(pattern, "…", text)
    return text


def size_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def files_of(program: Program, place: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file, by its path; of links, where they lead."""
    found = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        mode = path.lstat().st_mode
        content = b""
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file() and not any(fnmatch.fnmatch(name, each) for each in program.varies):
            content = path.read_bytes()
            if program.hide:
                content = hide(program, content.decode("utf-8", "surrogateescape")).encode(
                    "utf-8", "surrogateescape"
                )
        found[name] = mode, content
    return found


def compare(program: Program, one: Outcome, other: Outcome) -> list[str]:
    """In words, what `other` did otherwise than `one`."""
    found = []
    if one.status != other.status:
        found.append(f"status {one.status} natively, {other.status} now")
    for name, text in one.streams.items():
        if text != other.streams[name]:
            found.append(f"{name}: {first_difference(text, other.streams[name])}")
    names = set(one.files) ^ set(other.files)
    found += [f"only one made {name}" for name in sorted(names)]
    for name in sorted(set(one.files) & set(other.files)):
        if one.files[name] != other.files[name]:
            found.append(f"the file {name} differs")
    return found


def first_difference(one: str, other: str) -> str:
    pairs = list(zip(one.splitlines(), other.splitlines(), strict=False))
    for number, (left, right) in enumerate(pairs, 1):
        if left != right:
            return f"line {number} is {left[:150]!r} natively, {right[:150]!r} now"
    more = (one if len(one) > len(other) else other).splitlines()[len(pairs) :]
    which = "natively" if len(one) > len(other) else "now"
    return f"{len(more)} more lines {which}, from {more[0][:200]!r}" if more else "line ends differ"


def checked(trace: Path, seconds: float) -> dict[str, Any]:
    """What `reven check --json` says, by a fork of this process, which has it loaded."""
    forks = multiprocessing.get_context("fork")
    receive, send = forks.Pipe(duplex=False)
    worker = forks.Process(target=_check, args=(str(trace), send))
    worker.start()
    send.close()
    try:
        if receive.poll(seconds):
            answer: dict[str, Any] = json.loads(receive.recv())
            return answer
        return {"error": f"the check was not at its end after {seconds} s"}
    except EOFError:
        worker.join()
        return {"error": f"the check died ({worker.exitcode})"}
    finally:
        worker.kill()
        worker.join()


def _check(trace: str, send: Any) -> None:
    from reven.cli import main

    text = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    errors = io.StringIO()
    sys.argv = ["reven", "check", "--json", trace]
    with (
        contextlib.redirect_stdout(text),
        contextlib.redirect_stderr(errors),
        contextlib.suppress(SystemExit),
    ):
        main()
    text.seek(0)
    answer = json.loads(text.read() or json.dumps({"error": errors.getvalue().strip()}))
    send.send(json.dumps(answer))


def results_in(folder: Path) -> Iterator[Result]:
    for path in sorted(folder.glob("*.json")):
        yield msgspec.json.decode(path.read_bytes(), type=Result)
