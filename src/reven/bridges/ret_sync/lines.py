# SPDX-License-Identifier: Apache-2.0
"""Lines over a connection, some of which do not end: Binary Ninja sends no newline."""

from __future__ import annotations

import socket

from reven.bridges.ret_sync.messages import LONGEST_LINE

__all__ = ["Lines"]


class Lines:
    """What comes over a socket, line by line.

    Parameters:
        connection: the socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._pending = connection, b""

    def next(self, seconds: float) -> str | None:
        """The next line; "" if none came in so many seconds, None at the end.

        What came without a newline counts as a line when nothing follows it in time.
        """
        while b"\n" not in self._pending:
            self._connection.settimeout(seconds)
            try:
                data = self._connection.recv(8192)
            except TimeoutError:
                line, self._pending = self._pending, b""
                return line.decode(errors="replace").strip()
            except OSError:
                return None
            if not data or len(self._pending) > LONGEST_LINE:
                return None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="replace").strip()
