# SPDX-License-Identifier: Apache-2.0
"""What `import reven2` alone gives, and what it does not pull in."""

from __future__ import annotations

import subprocess
import sys

import pytest

import reven2
from reven2 import errors
from reven2.ossi import OsError


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "address.LinearAddress",
        "address._AbstractAddress",
        "arch.x64.rax",
        "arch.msr.gs_base",
        "arch.sse2.xmm0",
        "arch.x87.st0",
        "arch.helpers.x64_registers",
        "arch.register.Register",
        "types.U8",
        "memhist.MemoryAccessOperation",
        "memory_range.MemoryRange",
        "register_slice.RegisterSlice",
        "search.Search",
        "trace.Transition",
        "trace.Context",
        "util.collate",
        "ossi.Os",
        "ossi.ossi.Binary",
        "ossi.process.Process",
        "ossi.os.OsError",
        "bookmark.Bookmark",
        "filter.RingPolicy",
        "heap.Heap",
        "preview.bugs.find",
        "errors.RevenError",
        "open",
    ],
)
def test_a_bare_import_makes_it_reachable(name: str) -> None:
    _run(f"import reven2; reven2.{name}")


def test_the_client_does_not_load_the_rest_of_the_product() -> None:
    loaded = _run("import sys, reven2; print(*[m for m in sys.modules if m.startswith('reven')])")
    assert {name.partition(".")[0] for name in loaded.split()} == {"reven2"}


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_in_one_tree(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.RevenError)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.TraceError, RuntimeError),
        (errors.ClosedError, RuntimeError),
        (errors.MemoryReadError, RuntimeError),
        (errors.RegisterReadError, RuntimeError),
        (OsError, RuntimeError),
        (errors.OutOfRangeError, IndexError),
        (errors.InvalidArgumentError, ValueError),
        (errors.StringDecodeError, UnicodeDecodeError),
    ],
)
def test_errors_are_what_scripts_catch(
    error: type[errors.RevenError], builtin: type[Exception]
) -> None:
    assert issubclass(error, builtin)
    assert issubclass(error, errors.RevenError)


def test_opening_nothing_says_so(tmp_path: object) -> None:
    with pytest.raises(errors.TraceError, match="absent"):
        reven2.open(f"{tmp_path}/absent")
