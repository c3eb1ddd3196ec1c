# SPDX-License-Identifier: Apache-2.0
"""What a browser gets: the login, and Axion's files."""

from __future__ import annotations

import mimetypes
import os
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

import reven
from reven.server.access import Access
from reven.server.guard import ASSETS, LOGIN, PAGE
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
# Their names change with what is in them.
_FOR_EVER = "public, max-age=31536000, immutable"


class TokenLogin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str


def handlers(access: Access) -> list[HTTPRouteHandler]:
    """Routes of `/login`, `/` and `/assets/…`."""
    folder = _axion()

    def cookie(request: Request[Any, Any, Any], value: str) -> Cookie:
        return Cookie(
            access.cookie,
            value=value,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    @get(LOGIN)
    async def login(request: Request[Any, Any, Any]) -> Response[str]:
        value = access.log_in(request.query_params.get("code", ""))
        if value is None:
            text = "<p>This link was used already, or is of an earlier run of the server.</p>"
            return _page(401, "Not logged in", text)
        return Response(
            "",
            status_code=303,
            headers={"location": PAGE},
            cookies=[cookie(request, value)],
            media_type="text/html",
        )

    @post(LOGIN, status_code=200)
    async def login_with_token(request: Request[Any, Any, Any]) -> Response[bytes]:
        try:
            content_type = request.headers.get("content-type", "")
            sent: TokenLogin = decode(await request.body(), content_type, TokenLogin)
            value = access.log_in_with(sent.token)
            if value is None:
                raise RequestError(401, "This is not the token of this run of the server.")
        except RequestError as error:
            status, said = error_answer(error)
            return Response(encode(said, msgpack=False), status_code=status, media_type=JSON)
        return Response(b"{}", cookies=[cookie(request, value)], media_type=JSON)

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

    return [login, login_with_token, index, asset]


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


def _page(status: int, title: str, body: str) -> Response[str]:
    return Response(
        _PAGE.format(title=escape(title), body=body),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"cache-control": "no-store", "content-security-policy": _POLICY},
    )
