# SPDX-License-Identifier: Apache-2.0
"""Sockets that wait for tools."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from reven.bridges.protocol import BridgeError

__all__ = ["accepted", "host_and_port", "listening"]

FIRST_WORD_SECONDS = 10.0


@contextmanager
def listening(at: tuple[str, int]) -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens, and its address as text.

    Only on this machine: tools' protocols do not ask who comes.

    Raises:
        BridgeError: the port is in use, or the host is not this machine's loopback.
    """
    host, port = at
    host = "127.0.0.1" if host in ("", "localhost") else host
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise BridgeError(
            f"A bridge only listens on this machine, not on {host}: its tool does not say who it "
            "is. From another machine, use a tunnel such as ssh -L."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise BridgeError(
                f"Cannot listen on port {port}: {error.strerror}; choose another with --listen."
            ) from None
        door.listen(4)
        name = f"[{host}]" if family == socket.AF_INET6 else host
        yield door, f"{name}:{door.getsockname()[1]}"


def accepted(door: socket.socket) -> Iterator[socket.socket]:
    """The connections that come, one after the other, each closed before the next.

    Tools speak first. Who connects and says nothing would keep all others waiting, and is left.
    """
    while True:
        connection, _ = door.accept()
        with connection:
            connection.settimeout(FIRST_WORD_SECONDS)
            try:
                speaks = connection.recv(1, socket.MSG_PEEK) != b""
            except OSError:
                speaks = False
            if speaks:
                connection.settimeout(None)
                yield connection


def host_and_port(text: str) -> tuple[str, int]:
    """What is written as PORT, HOST:PORT or :PORT. Raises BridgeError.

    >>> host_and_port("9100"), host_and_port("localhost:9100")
    (('127.0.0.1', 9100), ('localhost', 9100))
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 0xFFFF:
        raise BridgeError(f"{text[:80]!r} is no address: write PORT or HOST:PORT.")
    return host.strip("[]") or "127.0.0.1", int(port)
