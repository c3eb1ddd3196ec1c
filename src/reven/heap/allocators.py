# SPDX-License-Identifier: Apache-2.0
"""The functions that allocate and free memory, and what their arguments mean.

Source: C17 7.22.3, POSIX, malloc(3) of the Linux man-pages, and the Itanium C++ ABI's names of
the operators new and delete.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["PATTERN", "Allocator", "allocator", "title"]

Role = Literal["allocate", "resize", "free", "ask"]


class Allocator(NamedTuple):
    """What a function does.

    `size`: the arguments whose product is the size in bytes; `pointer`: the argument that is
    freed or resized; `out`: the argument that says where the result is stored, None where it
    is returned; `zeroed`: the memory is cleared. `ask`: it only looks at the allocator's own
    data.
    """

    role: Role
    size: tuple[int, ...] = ()
    pointer: int = 0
    out: int | None = None
    zeroed: bool = False


_ALLOCATORS = {
    "malloc": Allocator("allocate", (0,)),
    "calloc": Allocator("allocate", (0, 1), zeroed=True),
    "memalign": Allocator("allocate", (1,)),
    "aligned_alloc": Allocator("allocate", (1,)),
    "posix_memalign": Allocator("allocate", (2,), out=0),
    "valloc": Allocator("allocate", (0,)),
    "pvalloc": Allocator("allocate", (0,)),
    "realloc": Allocator("resize", (1,)),
    "reallocarray": Allocator("resize", (1, 2)),
    "free": Allocator("free"),
    "cfree": Allocator("free"),
    "malloc_usable_size": Allocator("ask"),
    "malloc_trim": Allocator("ask"),
    "malloc_info": Allocator("ask"),
    "malloc_stats": Allocator("ask"),
    "mallopt": Allocator("ask"),
    "mallinfo": Allocator("ask"),
    "mallinfo2": Allocator("ask"),
}
# Without those that the standard lets a program "allocate" in memory it has already.
_NEW = "_Zn[wa]m(St11align_val_t)?(RKSt9nothrow_t)?"
_DELETE = "_Zd[la]Pvm?(St11align_val_t)?(RKSt9nothrow_t)?"

PATTERN = f"^({'|'.join((*_ALLOCATORS, _NEW, _DELETE))})$"
"""A regular expression that finds the names of all of them."""


def title(name: str) -> str:
    """How people call the function of that symbol: `operator new` for `_Znwm`."""
    if not name.startswith("_Z"):
        return name
    word = "new" if name.startswith("_Zn") else "delete"
    return f"operator {word}{'[]' if name[3] == 'a' else ''}"


def allocator(name: str) -> Allocator | None:
    """What the function of that symbol does; None if it is none of them."""
    if re.fullmatch(_NEW, name):
        return Allocator("allocate", (0,))
    if re.fullmatch(_DELETE, name):
        return Allocator("free")
    return _ALLOCATORS.get(name)
