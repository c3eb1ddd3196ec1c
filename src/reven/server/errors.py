# SPDX-License-Identifier: Apache-2.0
"""What can keep a server from starting, or from being stopped."""

from __future__ import annotations

from reven.errors import CommandError

__all__ = [
    "CannotListen",
    "CannotWriteRunFile",
    "NoServer",
    "PortInUse",
    "RemoteNotAllowed",
    "UnusableCertificate",
    "UnusableHub",
]


class CannotListen(CommandError):
    """The host and port cannot be listened on."""


class CannotWriteRunFile(CommandError):
    """The file by which clients find the server cannot be written."""


class PortInUse(CannotListen):
    """Another program listens on the port already."""


class RemoteNotAllowed(CommandError):
    """The host can be reached from other machines, and that was not asked for."""


class UnusableCertificate(CommandError):
    """The certificate or its key cannot be used."""


class UnusableHub(CommandError):
    """The Redis that the sessions should be shared over cannot be used."""


class NoServer(CommandError):
    """No server of this user runs on the port."""
