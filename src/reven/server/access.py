# SPDX-License-Identifier: Apache-2.0
"""Who may do what: tokens, browser logins, and the names the server answers to."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections import OrderedDict
from collections.abc import Sequence
from enum import IntEnum
from http.cookies import CookieError, SimpleCookie
from typing import TypeVar
from urllib.parse import urlsplit

__all__ = ["Access", "Hosts", "Right"]

Kept = TypeVar("Kept")

LOGINS_KEPT = 64
"""Unused codes, and browsers logged in, of which the server keeps the newest."""


class Right(IntEnum):
    """What a client may do; each includes the ones before it."""

    NOTHING = 0
    LOOK = 1
    """Query traces, listen to sessions."""
    CONTROL = 2
    """Publish, make links and logins, stop the server."""


class Access:
    """The secrets of one server.

    Parameters:
        cookie: name of the login cookie. Cookies do not tell ports apart, so it has the
            port in it.
    """

    def __init__(self, cookie: str) -> None:
        self.cookie = cookie
        self.token = secrets.token_urlsafe(32)
        self.read_only_token = secrets.token_urlsafe(32)
        self._codes: OrderedDict[str, None] = OrderedDict()
        self._logins: OrderedDict[str, Right] = OrderedDict()

    def make_code(self) -> str:
        """A code that logs one browser in, once."""
        code = secrets.token_urlsafe(32)
        _keep(self._codes, code, None)
        return code

    def log_in(self, code: str) -> str | None:
        """Use a code up. Returns the value of the login cookie; None for no valid code."""
        known = _find(self._codes, code)
        if known is None:
            return None
        del self._codes[known]
        return self._new_login(Right.CONTROL)

    def log_in_with(self, token: str) -> str | None:
        """Returns the value of the login cookie for a token; None for a wrong one."""
        right = self._right_of(token)
        return None if right is Right.NOTHING else self._new_login(right)

    def right(self, authorization: str, cookies: str) -> Right:
        """What the headers `Authorization` and `Cookie` ("" when missing) allow."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._right_of(token.strip())
        if cookies and self.cookie in cookies:
            try:
                morsel = SimpleCookie(cookies).get(self.cookie)
            except CookieError:
                return Right.NOTHING
            known = None if morsel is None else _find(self._logins, morsel.value)
            if known is not None:
                return self._logins[known]
        return Right.NOTHING

    def _right_of(self, token: str) -> Right:
        # Both are always compared, so that time says nothing.
        full, read_only = _same(token, self.token), _same(token, self.read_only_token)
        return Right.CONTROL if full else Right.LOOK if read_only else Right.NOTHING

    def _new_login(self, right: Right) -> str:
        value = secrets.token_urlsafe(32)
        _keep(self._logins, value, right)
        return value


def _keep(entries: OrderedDict[str, Kept], secret: str, what: Kept) -> None:
    entries[secret] = what
    while len(entries) > LOGINS_KEPT:
        entries.popitem(last=False)


def _find(entries: OrderedDict[str, Kept], secret: str) -> str | None:
    found = None
    for entry in entries:
        if _same(entry, secret):
            found = entry
    return found


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode("utf-8", "surrogateescape"))


class Hosts:
    """Which `Host` headers name this server. A web page whose own name resolves to this
    machine (DNS rebinding) sends its name, which is not among them.

    Parameters:
        names: names to answer to, beside those of the loopback interface.
        remote: answer to every address and to this machine's name too, for a server that
            others may reach. An address cannot be rebound.
    """

    def __init__(self, names: Sequence[str] = (), *, remote: bool = False) -> None:
        self._names = {"localhost", *(name.lower().rstrip(".") for name in names)}
        if remote:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        self._remote = remote

    def allows(self, host: str) -> bool:
        """Whether the value of a `Host` header names this server."""
        name = _host_name(host)
        if name is None:
            return False
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._remote


def _host_name(host: str) -> str | None:
    """Name of `name:port`, `address:port`, `[address]:port`; None for anything else."""
    if not host.isascii() or any(character in host for character in "/\\@?# \t,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def same_origin(origin: str, scheme: str, host: str) -> bool:
    """Whether the value of an `Origin` header is the page that this server itself serves
    at `host` (a `Host` header) by `scheme`, "http" or "https"."""
    try:
        one, other = urlsplit(origin), urlsplit(f"{scheme}://{host}")
        default = 443 if scheme == "https" else 80
        return (one.scheme, one.hostname, one.port or default, one.path) == (
            other.scheme,
            other.hostname,
            other.port or default,
            "",
        )
    except ValueError:
        return False
