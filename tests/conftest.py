# SPDX-License-Identifier: Apache-2.0
"""Fixtures: compile tiny programs, record them, open their traces.

Programs and traces are made once per test session, keyed by what they are made of.
"""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from reven.record import RecordOptions

CompileProgram = Callable[..., Path]
RecordProgram = Callable[..., Path]
OpenTrace = Callable[[Path], Any]
ServeTraces = Callable[..., int]

# A shell ignores SIGINT in what it runs in the background, and so would every program that
# a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

COMPILER_FLAGS = ("-g", "-O1", "-Wall", "-Werror")


@pytest.fixture(scope="session", autouse=True)
def _recorder_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The recorder is compiled anew, once, so that what is tested is the source at hand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def compile_program(tmp_path_factory: pytest.TempPathFactory) -> CompileProgram:
    """`compile_program(source, *flags, language="c") -> Path` of the executable."""
    root = tmp_path_factory.mktemp("programs")

    def compile_(source: str, *flags: str, language: str = "c") -> Path:
        key = hashlib.sha256("\0".join((language, *flags, source)).encode()).hexdigest()[:16]
        directory = root / key
        program = directory / "program"
        if not program.exists():
            directory.mkdir(exist_ok=True)
            file = directory / f"program.{language}"
            file.write_text(source)
            compiler = "g++" if language == "cpp" else "gcc"
            command = [compiler, *COMPILER_FLAGS, "-o", str(program), str(file), *flags]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return program

    return compile_


@pytest.fixture(scope="session")
def record_command(tmp_path_factory: pytest.TempPathFactory) -> RecordProgram:
    """`record_command(command, options=RecordOptions()) -> Path` of the trace."""
    from reven.record import RecordOptions, record

    root = tmp_path_factory.mktemp("traces")
    made: dict[str, Path] = {}

    def record_(command: Sequence[str | Path], options: RecordOptions | None = None) -> Path:
        words = [str(word) for word in command]
        key = repr((words, options))
        if key not in made:
            trace = root / f"{Path(words[0]).name}-{len(made)}.reven"
            record(words, trace, options=options or RecordOptions())
            made[key] = trace
        return made[key]

    return record_


@pytest.fixture(scope="session")
def record_program(compile_program: CompileProgram, record_command: RecordProgram) -> RecordProgram:
    """`record_program(source, *flags, arguments=(), language="c", options=None) -> Path`:
    compile `source`, record it, give the trace. The same request gives the same trace:
    a test that changes its trace copies it first."""

    def record_(
        source: str,
        *flags: str,
        arguments: Sequence[str] = (),
        language: str = "c",
        options: RecordOptions | None = None,
    ) -> Path:
        program = compile_program(source, *flags, language=language)
        return record_command([program, *arguments], options)

    return record_


@pytest.fixture(scope="session")
def serve_traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeTraces]:
    """`serve_traces(*paths, options=()) -> port` of a server process; one for the same
    request. It leaves its run file and state where the tests find them, and nobody else."""
    ports: dict[tuple[str, ...], int] = {}
    processes: dict[tuple[str, ...], subprocess.Popen[str]] = {}

    def serve_(*paths: Path, options: Sequence[str] = ()) -> int:
        words = (*map(str, paths), *options)
        if words not in processes:
            reven = str(Path(sys.executable).with_name("reven"))
            command = [reven, "serve", "--port", "0", *words]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            processes[words] = server
            assert server.stdout is not None
            for line in server.stdout:
                if line.startswith("at "):
                    ports[words] = int(line.rpartition(":")[2])
                if line.startswith("open "):
                    break
        # One that ended before its time is the failure, not what its clients then say.
        ended = processes[words].poll()
        assert ended is None, f"the server of {words} ended with status {ended}"
        return ports[words]

    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield serve_
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.communicate()


@pytest.fixture
def open_trace() -> Iterator[OpenTrace]:
    """`open_trace(path) -> server`, closed when the test ends."""
    import reven2

    opened: list[Any] = []

    def open_(path: Path) -> Any:
        opened.append(reven2.open(path))
        return opened[-1]

    yield open_
    for server in opened:
        server.close()
