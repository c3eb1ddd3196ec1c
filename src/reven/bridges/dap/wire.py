# SPDX-License-Identifier: Apache-2.0
"""Messages of the Debug Adapter Protocol: JSON behind a header with its length.

Source: the Debug Adapter Protocol's overview, "Base Protocol".
"""

from __future__ import annotations

import json
import threading
from typing import IO, Any

from reven.printable import printable_lines

__all__ = ["NotThisProtocol", "Wire"]

_LONGEST = 16 << 20
_LONGEST_HEADER = 1024
_EXACT = ("path", "content", "data")
"""Fields that editors do not show, but use."""


class NotThisProtocol(Exception):
    """The other side does not speak the Debug Adapter Protocol."""


class Wire:
    """A connection to an editor. May be written to from several threads."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader, self._writer = reader, writer
        self._lock = threading.Lock()
        self._sequence = 0

    def read(self) -> dict[str, Any] | None:
        """The next message; None at the end.

        Raises:
            NotThisProtocol: it is none.
        """
        length = None
        while line := self._reader.readline(_LONGEST_HEADER):
            if line in (b"\r\n", b"\n"):
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                if not value.strip().isdigit():
                    raise NotThisProtocol
                length = int(value)
            elif name.lower() != b"content-type":
                raise NotThisProtocol
        else:
            return None
        if length is None or length > _LONGEST:
            raise NotThisProtocol
        body = self._reader.read(length)
        if len(body) < length:
            return None
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            raise NotThisProtocol from None
        if not isinstance(message, dict):
            raise NotThisProtocol
        return message

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message, its texts such that a console can show them. Raises OSError, ValueError
        if the editor has gone."""
        fields = _shown(fields)
        with self._lock:
            self._sequence += 1
            body = json.dumps({"seq": self._sequence, "type": kind, **fields}).encode()
            self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self._writer.flush()

    def event(self, name: str, **body: Any) -> None:
        """Send an event."""
        self.send("event", event=name, body=body)


def _shown(value: Any) -> Any:
    """With all texts that editors show printable; what stands for a file stays as it is."""
    if isinstance(value, str):
        return printable_lines(value)
    if isinstance(value, dict):
        return {name: one if name in _EXACT else _shown(one) for name, one in value.items()}
    return [_shown(one) for one in value] if isinstance(value, list) else value
