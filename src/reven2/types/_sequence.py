# SPDX-License-Identifier: Apache-2.0
"""Arrays, buffers and strings."""

from __future__ import annotations

import codecs
import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from reven2.errors import InvalidArgumentError, StringDecodeError
from reven2.types._base import Buffer, Type
from reven2.types._instance import ArrayInstance

if TYPE_CHECKING:
    from reven2.trace import Context

Element = TypeVar("Element")


class Array(Type[ArrayInstance[Element]]):
    """`count` values of one type, one after the other; reads as a list.

    Parameters:
        element_type: a type of fixed size.
        count: number of elements, at least 0.

    Raises:
        InvalidArgumentError (a ValueError): a negative count.
    """

    __slots__ = ("_count", "_element_type")

    def __init__(self, element_type: Type[Element], count: int) -> None:
        if count < 0:
            raise InvalidArgumentError(f"An array cannot have {count} elements.")
        self._element_type, self._count = element_type, count

    @property
    def element_type(self) -> Type[Element]:
        """Type of the elements."""
        return self._element_type

    @property
    def count(self) -> int:
        """Number of elements."""
        return self._count

    @property
    def name(self) -> str:
        return f"{self._element_type.name}[{self._count}]"

    def size(self, context: Context | None = None) -> int:
        return self._element_type.size(context) * self._count

    def parse(self, source: Buffer, context: Context | None = None) -> ArrayInstance[Element]:
        return ArrayInstance(
            (self._element_type.parse(data, context) for _, data in self._parts(source, context)),
            self._element_type,
        )

    def _parse_at(
        self, data: bytes, context: Context, address: int | None
    ) -> ArrayInstance[Element]:
        return ArrayInstance(
            (
                self._element_type._parse_at(
                    part, context, None if address is None else address + begin
                )
                for begin, part in self._parts(data, context)
            ),
            self._element_type,
        )

    def _parts(self, source: Buffer, context: Context | None) -> Iterator[tuple[int, bytes]]:
        """Offset and bytes of each element."""
        data = self._first_bytes(source, context)
        step = self._element_type.size(context)
        for number in range(self._count):
            begin = number * step
            yield begin, data[begin : begin + step]

    def _key(self) -> tuple[object, ...]:
        return (self._element_type, self._count)


class RawBuffer(Type[bytes]):
    """Bytes as they are.

    Parameters:
        size: number of bytes, at least 0.

    Raises:
        InvalidArgumentError (a ValueError): a negative size.
    """

    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        if size < 0:
            raise InvalidArgumentError(f"A buffer cannot have {size} bytes.")
        self._size = size

    @property
    def name(self) -> str:
        return f"RawBuffer({self._size})"

    def size(self, context: Context | None = None) -> int:
        return self._size

    def parse(self, source: Buffer, context: Context | None = None) -> bytes:
        return self._first_bytes(source, context)

    def _key(self) -> tuple[object, ...]:
        return (self._size,)


class Encoding(enum.Enum):
    """How a string's characters are stored."""

    Utf8 = "utf-8"
    Utf16 = "utf-16-le"


class CString(Type[str]):
    """A string that ends at a NUL character or at the first limit reached; reads as a str
    without the NUL character. Its raw form has it.

    Parameters:
        encoding: how characters are stored.
        max_size: most bytes to look at (default: no limit).
        max_character_count: most characters to give (default: no limit).

    Raises:
        InvalidArgumentError (a ValueError): a negative limit.
    """

    __slots__ = ("_encoding", "_max_character_count", "_max_size")

    def __init__(
        self,
        encoding: Encoding = Encoding.Utf8,
        max_size: int | None = None,
        max_character_count: int | None = None,
    ) -> None:
        for limit in (max_size, max_character_count):
            if limit is not None and limit < 0:
                raise InvalidArgumentError(f"A string cannot be limited to {limit}.")
        self._encoding, self._max_size = encoding, max_size
        self._max_character_count = max_character_count

    @property
    def name(self) -> str:
        return f"CString({self._encoding.name})"

    def size(self, context: Context | None = None) -> int:
        raise InvalidArgumentError("A CString has no fixed size: its end is in memory.")

    def parse(self, source: Buffer, context: Context | None = None) -> str:
        """The string at the start of a buffer. The buffer's end ends it, too.

        Raises:
            StringDecodeError (a UnicodeDecodeError): bytes that are no text in the encoding.
        """
        data = bytes(source[: self._max_size])
        end = self._terminator(data)
        decoder = codecs.getincrementaldecoder(self._encoding.value)()
        try:
            text = decoder.decode(data[:end], final=end is not None)
        except UnicodeDecodeError as error:
            raise StringDecodeError(
                error.encoding, error.object, error.start, error.end, error.reason
            ) from None
        return text[: self._max_character_count]

    def _load(self, context: Context, address: int) -> bytes:
        limit = self._byte_limit()
        data, step = b"", 64
        while limit is None or len(data) < limit:
            size = step if limit is None else min(step, limit - len(data))
            chunk, known = context._read_known_memory(address + len(data), size)
            valid = known.find(0)
            data += chunk if valid < 0 else chunk[:valid]
            end = self._terminator(data)
            if end is not None:
                return data[: end + self._unit]
            if valid >= 0:
                context._read_memory(address + len(data), 1)
            step = min(step * 2, 4096)
        return data

    @property
    def _unit(self) -> int:
        """Bytes of a NUL character."""
        return 1 if self._encoding is Encoding.Utf8 else 2

    def _byte_limit(self) -> int | None:
        limits = [] if self._max_size is None else [self._max_size]
        if self._max_character_count is not None:
            limits.append(4 * self._max_character_count)
        return min(limits) if limits else None

    def _terminator(self, data: bytes) -> int | None:
        """Where the NUL character starts, None if there is none."""
        if self._encoding is Encoding.Utf8:
            end = data.find(0)
            return end if end >= 0 else None
        end = data.find(b"\0\0")
        while end % 2 == 1 and end > 0:
            end = data.find(b"\0\0", end + 1)
        return end if end >= 0 else None

    def _key(self) -> tuple[object, ...]:
        return (self._encoding, self._max_size, self._max_character_count)
