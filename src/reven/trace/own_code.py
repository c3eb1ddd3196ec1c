# SPDX-License-Identifier: Apache-2.0
"""Which code is the person's own, and not a library's or the system's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from reven2._service import LocationData
from reven2._service.code_places import CodePlace

__all__ = ["OwnCode", "code_place", "short_name"]

_SYSTEM = ("/usr/", "/lib/", "/lib32/", "/lib64/", "/bin/", "/sbin/", "/nix/store/", "/gnu/store/")
_SYSTEM_SOURCES = ("/usr/include/", "/usr/lib/", "/usr/local/include/", "/build/", "/nix/store/")
_MOST_CODE = 1 << 12
# How the C library names what it chooses for a processor: `__memcpy_avx_unaligned_erms`.
_VARIANT = re.compile(r"_+([a-z0-9]+?)(?:_chk)?_(?:sse|ssse|avx|evex|erms|unaligned)\w*")
_ARGUMENTS = re.compile(r"\([^()]*\)")


class OwnCode:
    """Tells own code by paths: of binaries, and, of what headers bring into them, of the source
    files.

    Parameters:
        program: path of the executable, which is own wherever it lies.
        own: paths (of folders, binaries, source files) that are own besides.
        not_own: those that are not, whatever else is said of them.
    """

    def __init__(self, program: str, own: Sequence[str] = (), not_own: Sequence[str] = ()) -> None:
        self._program = program
        self._own, self._not_own = tuple(own), tuple(not_own)

    def holds(self, found: LocationData | None) -> bool:
        """Whether a place in code is own."""
        if found is None or found.binary is None:
            return False
        paths = [found.binary.path, *([found.file] if found.file else [])]
        if any(_lies_under(path, self._not_own) for path in paths):
            return False
        if any(_lies_under(path, self._own) for path in paths):
            return True
        if found.file and self.is_system_source(found.file):
            return False
        symbol = found.symbol
        if symbol is not None and (symbol.kind == "plt" or symbol.name in _START_UP):
            return False
        return self._is_program(found.binary.path)

    def holds_binary(self, path: str) -> bool:
        """Whether code of a binary may be own."""
        if _lies_under(path, self._not_own):
            return False
        return _lies_under(path, self._own) or self._is_program(path)

    def _is_program(self, binary: str) -> bool:
        return binary == self._program or not (
            binary.startswith(_SYSTEM) or not binary.startswith("/")
        )

    def is_system_source(self, file: str) -> bool:
        """Whether a source file is a library's, such as a header whose functions are inlined."""
        return file.startswith(_SYSTEM_SOURCES) and not _lies_under(file, self._own)


_START_UP = frozenset(
    {
        *("_start", "_init", "_fini", "frame_dummy", "register_tm_clones", "deregister_tm_clones"),
        *("__do_global_dtors_aux", "__libc_csu_init"),
    }
)
"""What the compiler puts into every program."""


def code_place(
    pc: int,
    locate: Callable[[int], LocationData | None],
    own: OwnCode,
    call_line: Callable[[LocationData], int | None] = lambda found: None,
) -> CodePlace:
    """A place in code as a message. Of a library's code that was inlined into an own function,
    the line is where that one calls it (`call_line`), or else the own one before it."""
    found = locate(pc)
    if found is None:
        return CodePlace(pc)
    if found.file and found.symbol is not None and own.is_system_source(found.file):
        before = _before_inlined(pc, found, locate, own)
        line = None if before is found else call_line(found)
        found = before if line is None else msgspec.structs.replace(before, line=line)
    symbol = found.symbol
    return CodePlace(
        pc=pc,
        function="" if symbol is None else symbol.demangled_name or symbol.name,
        offset=found.rva - (0 if symbol is None else symbol.rva),
        binary=found.region if found.binary is None else found.binary.path,
        file=found.file or "",
        line=found.line or 0,
        is_own=own.holds(found),
    )


def _before_inlined(
    pc: int, found: LocationData, locate: Callable[[int], LocationData | None], own: OwnCode
) -> LocationData:
    assert found.symbol is not None
    entry = found.base_address + found.symbol.rva
    first = locate(entry)
    if first is None or not own.holds(first) or not 0 <= pc - entry <= _MOST_CODE:
        return found
    for address in range(pc, entry - 1, -1):
        before = locate(address)
        if before is not None and before.file and not own.is_system_source(before.file):
            return msgspec.structs.replace(found, file=before.file, line=before.line)
    return found


def short_name(function: str) -> str:
    """A function's name without its parameters and version: how sentences call it."""
    variant = _VARIANT.fullmatch(function)
    if variant is not None:
        return variant[1]
    name = function.partition("@")[0].replace("operator()", "operator\0")
    while (shorter := _ARGUMENTS.sub("", name)) != name:
        name = shorter
    return name.replace("operator\0", "operator()").removesuffix(" const").strip() or function


def _lies_under(path: str, roots: Sequence[str]) -> bool:
    return any(
        path == root or path.startswith(root.rstrip("/") + "/") or path.endswith("/" + root)
        for root in roots
    )
