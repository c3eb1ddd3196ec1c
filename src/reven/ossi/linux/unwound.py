# SPDX-License-Identifier: Apache-2.0
"""Where functions begin by the search table for unwinding, which stripped binaries keep.

Source: Linux Standard Base Core 5.0, §10.6 "Exception Frames", `.eh_frame_hdr`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reven.ossi.linux.elf_file import ElfFile

# version; encodings: pc-relative pointer, udata4 count, data-relative sdata4 table
_USUAL = b"\x01\x1b\x03\x3b"
_ENTRIES_AT = 12
# push [rip + …]: the head of a PLT, which its stubs go to and nothing calls
_PLT_HEAD = b"\xff\x35"


def read_unwound_functions(image: ElfFile) -> list[int]:
    """RVAs, ascending; none without a table of the usual encoding. Holders of the lock only."""
    for segment in image.elf.iter_segments("PT_GNU_EH_FRAME"):
        low = segment["p_offset"]
        data = image.data[low : low + segment["p_filesz"]]
        if bytes(data[:4]) != _USUAL:
            continue
        count = int.from_bytes(data[8:_ENTRIES_AT], "little")
        count = min(count, (len(data) - _ENTRIES_AT) // 8)
        table = np.frombuffer(data, "<i4", 2 * count, _ENTRIES_AT)
        starts = np.unique(table[::2].astype(np.int64) + segment["p_vaddr"])
        return _functions(image, starts)
    return []


def _functions(image: ElfFile, starts: np.ndarray) -> list[int]:
    """Those in code, without the heads of PLTs."""
    found: list[int] = []
    for segment in image.segments:
        if not segment.executable:
            continue
        inside = starts[(starts >= segment.vaddr) & (starts < segment.vaddr + segment.file_size)]
        for start in inside.tolist():
            at = start - segment.vaddr + segment.offset
            if bytes(image.data[at : at + 2]) != _PLT_HEAD:
                found.append(start - image.header.image_vaddr)
    return found
