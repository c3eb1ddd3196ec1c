# SPDX-License-Identifier: Apache-2.0
"""Which names are those of source files.

A trace may come from somebody else, and then so do the paths in its line tables: they must not
lead to just any file."""

from __future__ import annotations

from pathlib import PurePath

__all__ = ["is_source"]

_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("ada", "adb", "ads", "asm", "c", "c++", "cc", "cp", "cpp", "cr", "cu", "cuh", "cxx", "d"),
        *("def", "di", "e", "f", "f03", "f08", "f77", "f90", "f95", "for", "go", "gperf", "h"),
        *("h++", "hh", "hpp", "hs", "hxx", "i", "ii", "inc", "inl", "ipp", "ixx", "jl", "l"),
        *("lisp", "ll", "m", "ml", "mli", "mm", "nim", "odin", "pas", "pp", "rs", "s", "swift"),
        *("tcc", "tpp", "v", "vala", "y", "yy", "zig"),
    )
)
_HEADERS_WITHOUT_SUFFIX = ("/usr/include/c++/", "/usr/lib/llvm", "/usr/lib/gcc/")


def is_source(path: PurePath) -> bool:
    """Whether a path is absolute and has a name of a source file."""
    return path.is_absolute() and (
        path.suffix.lower() in _SUFFIXES
        or (not path.suffix and str(path).startswith(_HEADERS_WITHOUT_SUFFIX))
    )
