# SPDX-License-Identifier: Apache-2.0
"""Packets of gdb's remote protocol on the wire: `$data#checksum`, acknowledgements, Ctrl-C.

Source: the gdb manual, appendix "gdb Remote Serial Protocol", sections Overview and Binary Data.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

__all__ = [
    "LARGEST_PACKET",
    "NotThisProtocol",
    "Packets",
    "Signal",
    "escaped",
    "framed",
    "unescaped",
]

LARGEST_PACKET = 0x8000
"""Bytes of data in a packet, in either direction."""


class NotThisProtocol(Exception):
    """The other side does not speak gdb's remote protocol."""


class Signal(enum.Enum):
    """What comes between packets."""

    INTERRUPT = "Ctrl-C"
    ACKNOWLEDGED = "+"
    AGAIN = "-"
    DAMAGED = "damaged"


class Packets:
    """Cuts what comes over a connection into packets."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self.checks = True

    def feed(self, data: bytes) -> Iterator[bytes | Signal]:
        """The data of each packet that is complete now, as it was sent, and what came between.

        Raises:
            NotThisProtocol: no packet begins where one must, or it does not end.
        """
        self._pending += data
        while self._pending:
            first = self._pending[0]
            if first == 0x03:
                yield self._signal(Signal.INTERRUPT)
            elif first == ord("+"):
                yield self._signal(Signal.ACKNOWLEDGED)
            elif first == ord("-"):
                yield self._signal(Signal.AGAIN)
            elif first != ord("$"):
                raise NotThisProtocol
            else:
                # A "$" cannot stand in data: a second one begins the packet anew.
                end = self._pending.find(b"#")
                if end > LARGEST_PACKET or (end < 0 and len(self._pending) > LARGEST_PACKET):
                    raise NotThisProtocol
                if end < 0 or len(self._pending) < end + 3:
                    return
                content, sent = bytes(self._pending[1:end]), bytes(self._pending[end + 1 : end + 3])
                del self._pending[: end + 3]
                content = content.rpartition(b"$")[2]
                is_whole = not self.checks or sent.lower() == _checksum(content)
                yield content if is_whole else Signal.DAMAGED

    def _signal(self, signal: Signal) -> Signal:
        del self._pending[:1]
        return signal


def framed(data: bytes) -> bytes:
    """A packet with that data, which is escaped already."""
    return b"$" + data + b"#" + _checksum(data)


def escaped(data: bytes) -> bytes:
    """Binary data as it may stand in a packet."""
    out = bytearray()
    for byte in data:
        if byte in b"#$}*":
            out += bytes((0x7D, byte ^ 0x20))
        else:
            out.append(byte)
    return bytes(out)


def unescaped(data: bytes) -> bytes:
    """The binary data that stands in a packet."""
    out, parts = bytearray(), data.split(b"}")
    out += parts[0]
    for part in parts[1:]:
        if part:
            out += bytes((part[0] ^ 0x20,)) + part[1:]
    return bytes(out)


def _checksum(data: bytes) -> bytes:
    return b"%02x" % (sum(data) & 0xFF)
