# SPDX-License-Identifier: Apache-2.0
"""The recorder: a Valgrind tool, compiled for the installed Valgrind on first use.

It is kept in $XDG_CACHE_HOME/reven (default ~/.cache/reven), in a folder named by a
hash of everything it was made of, so a new Valgrind or a new source gives a new one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import reven
from reven.recorders.errors import RecorderUnavailable
from reven.recorders.valgrind.address_space import widen_address_space
from reven.recorders.valgrind.installed import PLATFORM, Valgrind, find_valgrind, install_command

TOOL = "reven"
_EXECUTABLE = f"{TOOL}-{PLATFORM}"
_COMPILE_SECONDS = 300

FOLDERS = ("event_stream", "recorders/common", "recorders/valgrind")
"""What it is compiled of, below `source_folder()`."""

# As Valgrind builds its own tools: static, without the C library, away from where
# programs are loaded. The wrapped functions tell how the process ends.
_FLAGS = (
    *("-m64", "-O2", "-std=gnu11", "-ffreestanding", "-fno-builtin"),
    *("-fomit-frame-pointer", "-fno-strict-aliasing", "-fno-stack-protector"),
    *("-fno-pie", "-fno-pic", "-static", "-no-pie", "-nodefaultlibs", "-nostartfiles"),
    *("-DVGA_amd64=1", "-DVGO_linux=1", "-DVGP_amd64_linux=1", "-DVGPV_amd64_linux_vanilla=1"),
    *("-u", "_start", "-Wl,--build-id=none", "-Wl,-Ttext-segment=0x58000000"),
    "-Wl,--wrap=vgPlain_client_exit",
    "-Wl,--wrap=vgPlain_kill_self",
    "-Wl,--wrap=vgPlain_nuke_all_threads_except",
    "-Wl,--wrap=vgPlain_gdbserver_report_signal",
    "-Wl,--wrap=vgPlain_do_sys_sigaction",
    "-Wl,--wrap=vgPlain_expand_file_name",
    "-Wl,--wrap=vgPlain_open",
    "-Wl,--wrap=vgPlain_getrlimit",
    "-Wl,--wrap=vgPlain_safe_fd",
    "-Wl,--wrap=vgPlain_env_clone",
    "-Wl,--wrap=vgSysWrap_generic_sys_setrlimit_before",
    "-Wl,--wrap=vgSysWrap_generic_sys_getrlimit_after",
    "-Wl,--wrap=vgSysWrap_linux_sys_prlimit64_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_prlimit64_after",
    "-Wl,--wrap=vgSysWrap_generic_sys_newstat_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_newfstatat_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_statx_before",
    "-Wl,--wrap=vgSysWrap_generic_sys_getdents64_after",
    "-Wl,--wrap=LibVEX_Translate",
    "-Wl,--wrap=disInstr_AMD64",
    "-Wl,--wrap=vgPlain_sigframe_create",
    "-Wl,--wrap=vgPlain_sigframe_destroy",
    "-Wl,--wrap=amd64g_dirtyhelper_FLDENV",
    "-Wl,--wrap=vgSysWrap_generic_sys_fork_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_clone_before",
    "-Wl,--wrap=vgModuleLocal_get_linux_syscall_entry",
    "-Wl,--wrap=vgSysWrap_generic_sys_open_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_openat_before",
    "-Wl,--wrap=vgSysWrap_generic_sys_readlink_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_readlinkat_before",
    "-Wl,--wrap=vgSysWrap_linux_sys_execveat_before",
    "-Wl,--wrap=vgSysWrap_generic_sys_execve_before",
)


@dataclass(frozen=True)
class CompiledRecorder:
    """A compiled recorder."""

    valgrind: Valgrind
    folder: Path  # for VALGRIND_LIB: the tool, and links to the package's files

    @property
    def description(self) -> str:
        """What a trace's manifest says of its recorder."""
        return f"reven {reven.__version__} (Valgrind {self.valgrind.version})"


def find_recorder() -> CompiledRecorder:
    """The recorder for the installed Valgrind, compiled now if need be.

    Safe to call from several processes at once. Raises RecorderUnavailable.
    """
    valgrind = find_valgrind()
    sources = source_folder()
    folder = cache_folder() / f"recorder-{valgrind.version}-{_fingerprint(valgrind, sources)}"
    if not (folder / _EXECUTABLE).exists():
        _build(valgrind, sources, folder)
    return CompiledRecorder(valgrind, folder)


def find_compiler() -> str:
    """A C compiler. Raises RecorderUnavailable if there is none."""
    for name in ("gcc", "cc", "clang"):
        found = shutil.which(name)
        if found:
            return found
    raise RecorderUnavailable(
        "No C compiler is installed; the recorder is compiled on first use.",
        install_command("gcc"),
    )


def cache_folder() -> Path:
    """Where compiled recorders are kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "reven"


def source_folder() -> Path:
    """The folder `native`, with the recorders' C source and `event_stream.h`.

    In an installed package it is package data; in a checkout, `native` itself.
    Raises RecorderUnavailable if neither is there.
    """
    package = Path(reven.__file__).parent
    for folder in (package / "_native", package.parent.parent / "native"):
        if (folder / FOLDERS[-1] / "recorder.h").exists():
            return folder
    raise RecorderUnavailable(
        "The recorder's source is not in the installed package; install reven again."
    )


def _source_files(sources: Path) -> list[Path]:
    return [file for folder in FOLDERS for file in sorted((sources / folder).glob("*.[ch]"))]


def _fingerprint(valgrind: Valgrind, sources: Path) -> str:
    core = (valgrind.archives / f"libcoregrind-{PLATFORM}.a").stat()
    parts = [valgrind.version, str(valgrind.libexec), str(core.st_size), str(core.st_mtime_ns)]
    digest = hashlib.sha256("\0".join((*parts, *_FLAGS)).encode())
    for file in _source_files(sources):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _build(valgrind: Valgrind, sources: Path, folder: Path) -> None:
    compiler = find_compiler()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="building-", dir=folder.parent) as name:
            made = Path(name) / "recorder"
            made.mkdir()
            for file in valgrind.libexec.iterdir():
                (made / file.name).symlink_to(file)
            _compile(compiler, valgrind, sources, made / _EXECUTABLE)
            widen_address_space(made / _EXECUTABLE)
            _move(made, folder)
    except OSError as error:
        raise RecorderUnavailable(
            f"The compiled recorder cannot be kept in {folder.parent}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that can be written."
        ) from None


def _compile(compiler: str, valgrind: Valgrind, sources: Path, output: Path) -> None:
    command: list[str | Path] = [
        compiler,
        *_FLAGS,
        "-isystem",
        valgrind.headers,
        *(f"-I{sources / folder}" for folder in FOLDERS),
        "-o",
        output,
        *(file for file in _source_files(sources) if file.suffix == ".c"),
        valgrind.archives / f"libcoregrind-{PLATFORM}.a",
        valgrind.archives / f"libvex-{PLATFORM}.a",
        "-lgcc",
    ]
    support = valgrind.archives / f"libgcc-sup-{PLATFORM}.a"
    if support.exists():
        command.append(support)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_COMPILE_SECONDS
        )
        complaint = "" if done.returncode == 0 else _first_error(done.stderr)
    except subprocess.TimeoutExpired:
        complaint = f"it took longer than {_COMPILE_SECONDS} s"
    if complaint:
        raise RecorderUnavailable(
            f"The recorder does not compile for Valgrind {valgrind.version}: {complaint}."
        )


def _first_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line or "undefined" in line]
    return (errors or lines or ["the compiler failed without a word"])[0].rstrip(".")


def _move(made: Path, folder: Path) -> None:
    """Put it in place whole; another process may have been faster with the same."""
    try:
        made.rename(folder)
    except OSError:
        if not (folder / _EXECUTABLE).exists():
            raise
