# SPDX-License-Identifier: Apache-2.0
"""Who somebody is: tokens, login links, and the names the server answers to."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import msgspec

from reven.server.rights import Role

__all__ = ["Access", "Hosts", "Who", "same_origin"]

LINKS_KEPT = 256
"""Login links, and logins made with them, of which the server keeps the newest. Only an owner
makes them, so nobody else can push one out."""
CLIENT_CHARACTERS = 200


class Who(msgspec.Struct, frozen=True):
    """What a request's headers say of who sends it. `secret` names the secret that was shown,
    without telling it; `client`: one program, or page of a browser, of those that show it."""

    role: Role
    secret: str = ""
    client: str = ""

    @property
    def share(self) -> str:
        """Whose share of the server this takes. All who show one viewer's secret have one share:
        a client's name costs nothing, and they are not trusted with more."""
        return self.client if self.role > Role.VIEWER else self.secret


NOBODY = Who(Role.NOBODY)


class _Grant:
    """A login link: what it gives, for how long, and the browser's secret once it was used."""

    def __init__(self, role: Role, until: float | None) -> None:
        self.role, self.until = role, until
        self.login: str | None = None


class Access:
    """The secrets of one server.

    Parameters:
        clock: seconds, for what is given for a time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.tokens = {
            role: secrets.token_urlsafe(32) for role in (Role.OWNER, Role.EDITOR, Role.VIEWER)
        }
        self._clock = clock
        self._grants: OrderedDict[str, _Grant] = OrderedDict()

    def make_code(self, role: Role = Role.OWNER, seconds: float | None = None) -> str:
        """A code that logs one browser in.

        Parameters:
            role: what the browser then is.
            seconds: when both the code and the login end; None: with the server.
        """
        self._forget_ended()
        code = secrets.token_urlsafe(32)
        until = None if seconds is None else self._clock() + seconds
        self._grants[code] = _Grant(role, until)
        while len(self._grants) > LINKS_KEPT:
            self._grants.popitem(last=False)
        return code

    def log_in(self, code: str, former: str = "") -> str | None:
        """Use a code. It works for one browser, which may use it again: `former` is the secret
        that this browser has. Returns the browser's secret; None for no valid code."""
        self._forget_ended()
        grant = _find(self._grants, code)
        if grant is None:
            return None
        if grant.login is None:
            grant.login = secrets.token_urlsafe(32)
            return grant.login
        return grant.login if _same(grant.login, former) else None

    def who(self, secret: str, client: str = "") -> Who:
        """Who shows this secret (a token, or what `log_in` gave), and calls itself `client`."""
        role = self._role(secret)
        if role is Role.NOBODY:
            return NOBODY
        name = _digest(secret)
        return Who(role, name, _digest(f"{name} {client[:CLIENT_CHARACTERS]}"))

    def _role(self, secret: str) -> Role:
        # All are always compared, so that time says nothing.
        found = Role.NOBODY
        for role, token in self.tokens.items():
            if _same(token, secret):
                found = role
        now = self._clock()
        for grant in self._grants.values():
            known = grant.login is not None and _same(grant.login, secret)
            if known and (grant.until is None or now < grant.until):
                found = grant.role
        return found

    def _forget_ended(self) -> None:
        now = self._clock()
        for code, grant in list(self._grants.items()):
            if grant.until is not None and grant.until <= now:
                del self._grants[code]


def _find(grants: OrderedDict[str, _Grant], secret: str) -> _Grant | None:
    found = None
    for code, grant in grants.items():
        if _same(code, secret):
            found = grant
    return found


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode("utf-8", "surrogateescape"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


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
