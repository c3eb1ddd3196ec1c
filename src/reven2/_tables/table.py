# SPDX-License-Identifier: Apache-2.0
"""Results that are fetched page by page, one object at a time or as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np

from reven2.errors import MissingLibraryError

if TYPE_CHECKING:
    import pandas

__all__ = ["LARGEST_PAGE", "Batch", "Column", "Results", "Table", "integers", "windows"]

LARGEST_PAGE = 1 << 17
"""Results that one query for a table asks for."""

_FIRST_WINDOW, _LARGEST_WINDOW = 1 << 20, 1 << 25
Item = TypeVar("Item")
Page = TypeVar("Page")
Kind = Literal["uint64", "uint32", "text", "category"]
Batch = Mapping[str, Any]
"""The columns of some rows by name: a numpy array; for text that or a list of str or None,
or (numbers, texts), a number for each row; for a category the numbers of its values."""


class Column(NamedTuple):
    """A column of a table; `values` are those of a category."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()


def integers(data: bytes, kind: Literal["uint64", "uint32", "uint8"]) -> Any:
    """A column of a message as a numpy array."""
    return np.frombuffer(data, np.dtype(kind).newbyteorder("<"))


class Table:
    """What can be had as a table, whole, whatever of it was taken before."""

    _columns: Sequence[Column]

    def _batches(self) -> Iterator[Batch]:
        """The rows, some at a time."""
        raise NotImplementedError

    def to_pandas(self) -> pandas.DataFrame:
        """All of it as a pandas data frame, a row for each result.

        Returns:
            A `pandas.DataFrame`.

        Raises:
            MissingLibraryError (an ImportError): pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingLibraryError("to_pandas()", "pandas") from None
        batches = list(self._batches())
        return pandas.DataFrame(
            {
                column.name: _pandas_column(column, [batch[column.name] for batch in batches])
                for column in self._columns
            }
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """All of it as an Arrow stream, fetched as it is read: what Polars, DuckDB, pyarrow
        and others take (`polars.DataFrame(results)`).

        Raises:
            MissingLibraryError (an ImportError): pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError:
            raise MissingLibraryError("An Arrow stream", "pyarrow") from None
        schema = pyarrow.schema([(column.name, _arrow_type(column)) for column in self._columns])
        batches = (
            pyarrow.record_batch(
                [_arrow_column(column, batch[column.name]) for column in self._columns],
                schema=schema,
            )
            for batch in self._batches()
        )
        reader = pyarrow.RecordBatchReader.from_batches(schema, batches)
        return reader.__arrow_c_stream__(requested_schema)


class Results(Table, Iterator[Item], Generic[Item]):
    """What a query finds, fetched page by page. Like any generator it is used up by
    iterating; as a table (`to_pandas`, `__arrow_c_stream__`) it is always all there.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        pages: Callable[[bool], Iterator[Page]],
        items: Callable[[Page], Iterator[Item]],
        batch: Callable[[Page], Batch],
    ) -> None:
        """`pages(True)`: as large as they get, for a table."""
        self._columns, self._pages, self._items, self._batch = columns, pages, items, batch
        self._running = self._run()

    def count(self) -> int:
        """How many there are in all; finding that out takes as long as finding them."""
        first = self._columns[0].name
        return sum(len(batch[first]) for batch in self._batches())

    def _run(self) -> Iterator[Item]:
        for page in self._pages(False):
            yield from self._items(page)

    def _batches(self) -> Iterator[Batch]:
        for page in self._pages(True):
            yield self._batch(page)

    def _repr_html_(self) -> str | None:
        """A table of the first ones, which are not used up by it."""
        from itertools import islice

        from reven2._tables.html import MOST_ROWS, table

        items = list(islice(self._run(), MOST_ROWS + 1))
        html = table(items[:MOST_ROWS])
        return html if html is None or len(items) <= MOST_ROWS else html + "<p>… and more</p>"

    def __iter__(self) -> Iterator[Item]:
        return self._running

    def __next__(self) -> Item:
        return next(self._running)


def windows(start: int, stop: int, is_forward: bool = True) -> Iterator[tuple[int, int]]:
    """Cut transitions [start, stop) into growing parts: so a search that goes through all of
    them soon gives its first results, and can be interrupted."""
    size = _FIRST_WINDOW
    while start < stop:
        if is_forward:
            end = min(start + size, stop)
            yield start, end
            start = end
        else:
            begin = max(stop - size, start)
            yield begin, stop
            stop = begin
        size = min(size * 2, _LARGEST_WINDOW)


def _pandas_column(column: Column, parts: list[Any]) -> Any:
    import pandas

    if column.kind == "text":
        arrays = [_texts(part) for part in parts]
        return np.concatenate(arrays) if arrays else np.empty(0, object)
    kind = np.int8 if column.kind == "category" else np.dtype(column.kind)
    whole = np.concatenate(parts).astype(kind, copy=False) if parts else np.empty(0, kind)
    if column.kind == "category":
        return pandas.Categorical.from_codes(whole, categories=list(column.values))
    return whole


def _texts(part: Any) -> Any:
    if isinstance(part, tuple):
        numbers, texts = part
        return _texts(texts)[numbers]
    array = np.empty(len(part), object)
    array[:] = part
    return array


def _arrow_type(column: Column) -> Any:
    import pyarrow

    if column.kind == "category":
        return pyarrow.dictionary(pyarrow.int8(), pyarrow.string())
    return {
        "uint64": pyarrow.uint64(),
        "uint32": pyarrow.uint32(),
        "text": pyarrow.string(),
    }[column.kind]


def _arrow_column(column: Column, part: Any) -> Any:
    import pyarrow

    if column.kind == "category":
        numbers = np.asarray(part).astype(np.int8, copy=False)
        return pyarrow.DictionaryArray.from_arrays(pyarrow.array(numbers), list(column.values))
    if column.kind == "text":
        if isinstance(part, tuple):
            numbers, texts = part
            return pyarrow.array(texts, pyarrow.string()).take(pyarrow.array(numbers))
        return pyarrow.array(part, pyarrow.string())
    return pyarrow.array(np.asarray(part).astype(column.kind, copy=False))
