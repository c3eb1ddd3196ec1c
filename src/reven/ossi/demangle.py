# SPDX-License-Identifier: Apache-2.0
"""C++ names as their authors wrote them.

Uses cxxfilt: it calls `__cxa_demangle` of the C++ runtime that is installed, so names read
exactly as in gdb and `c++filt`, and keep up with the compiler. Without a C++ runtime names
stay mangled.
"""

from __future__ import annotations

from functools import lru_cache

import cxxfilt


@lru_cache(maxsize=1 << 16)
def demangle(name: str) -> str | None:
    """The C++ declaration behind a linker name.

    `name`: a symbol's name, such as `_ZN3foo3barEi`. Returns e.g. `foo::bar(int)`, or None
    when the name is not a mangled C++ name.
    """
    if not name.startswith("_Z"):
        return None
    try:
        return str(cxxfilt.demangle(name))
    except (cxxfilt.Error, UnicodeError):
        return None
