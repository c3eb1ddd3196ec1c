# SPDX-License-Identifier: Apache-2.0
"""Which traces this user's recorder made here: they are signed with a key that only this user
has. Whoever changes which binaries such a trace holds, or where it was recorded, has no key.

Recording imports this, and must start quickly: nothing of `reven2` here."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reven.ossi.stored_binaries import BinaryEntry

__all__ = ["is_own", "sign"]

_SIZE = 32  # bytes


def sign(uuid: str, folders: Iterable[str], binaries: Iterable[BinaryEntry]) -> str:
    """The signature of a trace; "" if no key can be kept."""
    key = _key(make=True)
    return "" if key is None else _signature(key, uuid, folders, binaries)


def is_own(
    signature: str, uuid: str, folders: Iterable[str], binaries: Iterable[BinaryEntry]
) -> bool:
    """Whether `sign` of this user gave the signature."""
    key = _key(make=False) if signature else None
    return key is not None and hmac.compare_digest(
        signature.encode("utf-8", "replace"),
        _signature(key, uuid, folders, binaries).encode(),
    )


def _signature(
    key: bytes, uuid: str, folders: Iterable[str], binaries: Iterable[BinaryEntry]
) -> str:
    said = [uuid, *folders], sorted((one.path, one.sha256) for one in binaries)
    return hmac.new(key, json.dumps(said).encode(), hashlib.sha256).hexdigest()


def _key(*, make: bool) -> bytes | None:
    home = os.environ.get("HOME") or "/"
    folder = Path(os.environ.get("XDG_STATE_HOME") or f"{home}/.local/state") / "reven"
    file = folder / "recordings.key"
    with suppress(OSError):
        if make and not file.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = folder / f".recordings.{secrets.token_hex(8)}"
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(secrets.token_bytes(_SIZE))
            try:
                # Of two recorders that begin at once, one makes the key.
                os.link(new, file)
            except FileExistsError:
                pass
            finally:
                new.unlink()
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as key:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                return None
            data = key.read(_SIZE)
            return data if len(data) == _SIZE else None
    return None
