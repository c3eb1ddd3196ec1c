# SPDX-License-Identifier: Apache-2.0
"""Code that a program wrote before it ran it, layer by layer. An addition to the documented
interface.

    from reven2.preview import unpacking
    found = unpacking.layers(server.trace)
    print(len(found), "layers")
    for layer in found:
        Path(layer.file_name).write_bytes(layer.data)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._service.unpacking import LayerData
from reven2.address import LinearAddress

if TYPE_CHECKING:
    from reven2.trace import Context, Trace, Transition

__all__ = ["Layer", "Layers", "layers"]

_LIMIT = 1000
_PART = 1 << 20
_LARGEST = 256 << 20


class Layer:
    """Code that was written and then ran, as it was when it began to run. `str` says it in a
    line. Not meant to be constructed directly: `layers` gives them."""

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: LayerData) -> None:
        self._trace, self._data = trace, data

    @property
    def depth(self) -> int:
        """1: code of a file wrote it; 2: code of depth 1 did; and so on."""
        return self._data.depth

    @property
    def transition(self) -> Transition:
        """The first that runs any of it."""
        return self._trace.transition(self._data.transition)

    @property
    def context(self) -> Context:
        """The context before that."""
        return self._trace._context(self._data.transition)

    @property
    def entry(self) -> LinearAddress:
        """Where it begins to run."""
        return LinearAddress(self._data.entry)._of(self._trace)

    @property
    def address(self) -> LinearAddress:
        """The first byte of what is mapped around it."""
        return LinearAddress(self._data.start)._of(self._trace)

    @property
    def size(self) -> int:
        """Bytes of that."""
        return self._data.size

    @property
    def written(self) -> Transition:
        """The last transition before that wrote to its entry."""
        return self._trace.transition(self._data.written)

    @property
    def instructions(self) -> int:
        """How many different instructions of it run, the first of them in this state."""
        return self._data.instructions

    @property
    def data(self) -> bytes:
        """What is mapped around it as it was when it began to run: at most 256 MiB from `address`
        on; bytes that are not known are 0."""
        found = bytearray()
        size = min(self.size, _LARGEST)
        while len(found) < size:
            data, _ = self._trace._service.read_known_memory(
                self._data.transition, self._data.start + len(found), min(_PART, size - len(found))
            )
            found += data
        return bytes(found)

    @property
    def file_name(self) -> str:
        """A name for a file of its data, which no other layer has."""
        return f"layer{self.depth}-{self._data.transition}-{self._data.entry:#x}.bin"

    def __str__(self) -> str:
        return (
            f"layer {self.depth}: runs from #{self._data.transition} at {self._data.entry:#x}, "
            f"written until #{self._data.written} by {self._data.writer:#x}, "
            f"{self._data.instructions} instructions"
        )

    def __repr__(self) -> str:
        return f"<Layer {self}>"


class Layers(list[Layer]):
    """Layers by the transition at which they begin to run. `is_complete`: none was left out for
    there being too many."""

    is_complete: bool = True


def layers(trace: Trace) -> Layers:
    """The code of a trace that was written before it ran: unpacked, decrypted, or made by a
    compiler within the program. Where code is written again and runs again it is a further layer.

    Parameters:
        trace: the trace.

    Returns:
        At most 1,000, by the transition at which each began to run.
    """
    page = trace._service.unpacked_layers(limit=_LIMIT)
    found = Layers(Layer(trace, one) for one in page.layers)
    found.is_complete = page.is_complete
    return found
