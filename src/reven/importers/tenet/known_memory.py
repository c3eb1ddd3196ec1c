# SPDX-License-Identifier: Apache-2.0
"""What a file has said of memory so far, to see what it did not say: bytes that turn up with
their first read, and bytes that changed though no line writes them."""

from __future__ import annotations

from collections.abc import Iterator

PAGE = 4096
MOST_PAGES = 1 << 15  # 256 MiB of this process's memory

_ALL = bytes([1]) * PAGE


class KnownMemory:
    """Bytes by address. What is too much is forgotten: it is then learnt anew."""

    def __init__(self) -> None:
        self._pages: dict[int, tuple[bytearray, bytearray]] = {}

    def write(self, address: int, data: bytes) -> None:
        """These bytes are there now."""
        for page, at, begin, end in _pieces(address, len(data)):
            bytes_, known = self._page(page)
            bytes_[at : at + end - begin] = data[begin:end]
            known[at : at + end - begin] = _ALL[: end - begin]

    def read(self, address: int, size: int) -> tuple[bytes, bytes]:
        """Bytes, and a byte per byte: 1 known, 0 unknown."""
        found, known = bytearray(), bytearray()
        for page, at, begin, end in _pieces(address, size):
            held = self._pages.get(page)
            if held is None:
                found += bytes(end - begin)
                known += bytes(end - begin)
            else:
                found += held[0][at : at + end - begin]
                known += held[1][at : at + end - begin]
        return bytes(found), bytes(known)

    def _page(self, number: int) -> tuple[bytearray, bytearray]:
        page = self._pages.get(number)
        if page is None:
            if len(self._pages) >= MOST_PAGES:
                self._pages.clear()
            page = self._pages[number] = bytearray(PAGE), bytearray(PAGE)
        return page


def runs(marks: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of bytes that are not 0.

    >>> list(runs(bytes([0, 1, 1, 0, 1])))
    [(1, 3), (4, 5)]
    """
    begin = None
    for at, mark in enumerate(marks):
        if mark and begin is None:
            begin = at
        elif not mark and begin is not None:
            yield begin, at
            begin = None
    if begin is not None:
        yield begin, len(marks)


def _pieces(address: int, size: int) -> Iterator[tuple[int, int, int, int]]:
    """Page, offset in it, and begin and end in the range, of each page's part."""
    begin = 0
    while begin < size:
        at = (address + begin) % PAGE
        end = min(size, begin + PAGE - at)
        yield (address + begin) // PAGE, at, begin, end
        begin = end
