# SPDX-License-Identifier: Apache-2.0
"""What a browser gets: the login, and Axion's files."""

from __future__ import annotations

import mimetypes
import os
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

import reven
from reven.server.access import Access
from reven.server.guard import ASSETS, LOGIN, PAGE
from reven.server.rights import Role, needed
from reven.server.wire import JSON, RequestError, decode, encode, error_answer

__all__ = ["handlers"]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 4rem auto }}
:root {{ color-scheme: light dark }}
</style>
<h1>{title}</h1>
{body}
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_AXION_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_REFUSED_CODE = (
    "This link was used by another browser, has ended, or is of an earlier run of the server: "
    "`reven link` prints a new one."
)
_REFUSED_TOKEN = "This is no token of this run of the server."
# Their names change with what is in them.
_FOR_EVER = "public, max-age=31536000, immutable"


class LoginRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token, or the code of a login link."""

    token: str = ""
    code: str = ""


class LoginGiven(msgspec.Struct, frozen=True):
    """What the browser shows from now on, in `Authorization: Bearer …`, and what it then is."""

    secret: str
    role: str


# The page keeps the secret where only pages of this very port can read it.
_LOGIN = """\
const c=new URLSearchParams(location.search).get("code");\
fetch("/login",{method:"POST",headers:{"content-type":"application/json",\
authorization:"Bearer "+(localStorage.getItem("reven.secret")||"")},\
body:JSON.stringify({code:c})}).then(async a=>{const s=await a.json();\
if(!a.ok)throw s.message;localStorage.setItem("reven.secret",s.secret);\
location.replace("/")}).catch(e=>{document.getElementById("said").textContent=\
typeof e==="string"?e:"The server does not answer."});"""
_LOGIN_BODY = f'<p id="said">One moment …</p>\n<script>{_LOGIN}</script>'
_LOGIN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; "
    f"script-src 'sha256-{b64encode(sha256(_LOGIN.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'"
)


def handlers(access: Access) -> list[HTTPRouteHandler]:
    """Routes of `/login`, `/` and `/assets/…`."""
    folder = _axion()

    @get(LOGIN)
    async def login() -> Response[str]:
        return _page(200, "REVEN", _LOGIN_BODY, _LOGIN_POLICY)

    @post(LOGIN, status_code=200)
    async def log_in(request: Request[Any, Any, Any]) -> Response[bytes]:
        try:
            content_type = request.headers.get("content-type", "")
            sent: LoginRequest = decode(await request.body(), content_type, LoginRequest)
            secret: str | None = sent.token
            if sent.code:
                former = request.headers.get("authorization", "").partition(" ")[2].strip()
                secret = access.log_in(sent.code, former)
            role = access.who(secret or "").role
            if secret is None or role is Role.NOBODY:
                raise RequestError(401, _REFUSED_CODE if sent.code else _REFUSED_TOKEN)
        except RequestError as error:
            status, said = error_answer(error)
            return Response(encode(said, msgpack=False), status_code=status, media_type=JSON)
        body = encode(LoginGiven(secret, role.name.lower()), msgpack=False)
        return Response(body, media_type=JSON, headers={"cache-control": "no-store"})

    @get(PAGE)
    async def index() -> Response[Any]:
        if folder is None:
            return _page(
                500,
                "Axion is missing",
                "<p>This REVEN was built without its browser client. Install it from a wheel, "
                "or build it again with Node.js and npm on the machine.</p>",
            )
        return Response(
            (folder / "index.html").read_bytes(),
            media_type=MediaType.HTML,
            headers={"cache-control": "no-store", "content-security-policy": _AXION_POLICY},
        )

    @get(f"{ASSETS}{{name:str}}")
    async def asset(name: str) -> Response[bytes]:
        files = (
            {} if folder is None else {file.name: file for file in (folder / "assets").iterdir()}
        )
        if name not in files:
            return Response(b"", status_code=404)
        return Response(
            files[name].read_bytes(),
            media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            headers={"cache-control": _FOR_EVER},
        )

    for method, path in (
        ("GET", LOGIN),
        ("POST", LOGIN),
        ("GET", PAGE),
        ("GET", f"{ASSETS}{{name}}"),
    ):
        assert needed(method, path) is Role.NOBODY
    return [login, log_in, index, asset]


def _axion() -> Path | None:
    """The folder of Axion's files: that of REVEN_AXION, in the package, or in the source tree
    that it runs from."""
    package = Path(reven.__file__).parent
    wanted = os.environ.get("REVEN_AXION")
    folders = [package / "_axion", package.parents[1] / "axion" / "dist"]
    for folder in [Path(wanted)] if wanted else folders:
        if (folder / "index.html").is_file():
            return folder
    return None


def _page(status: int, title: str, body: str, policy: str = _POLICY) -> Response[str]:
    return Response(
        _PAGE.format(title=escape(title), body=body),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"cache-control": "no-store", "content-security-policy": policy},
    )
