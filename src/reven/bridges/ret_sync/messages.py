# SPDX-License-Identifier: Apache-2.0
"""The lines of ret-sync's protocol: `[notice]{…}` and `[sync]{…}`, and the commands of debuggers
that its plug-ins send as plain text.

Source: the plug-ins' own use of it (ext_ida, ext_ghidra, ext_bn, ext_gdb of ret-sync).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = [
    "LONGEST_LINE",
    "Command",
    "Message",
    "command_of",
    "location",
    "message_of",
    "module",
    "notice",
]

LONGEST_LINE = 1 << 16
_LONGEST_SENT = 1000
# They read the text behind a backslash twice.
_UNSAFE = re.compile(r"[\\\x00-\x1f]")
_MESSAGE = re.compile(r"\[(notice|sync)\] ?(\{.*\})\s*", re.DOTALL)
_COMMANDS = (
    (re.compile(r"(?:si|ni|stepi|nexti|t|p|process stepi|thread step-inst(?:-over)?)"), "step"),
    (re.compile(r"(?:continue|c|g|go|run)"), "continue"),
    (re.compile(r"(?:t?b|hb|bp|tbreak|thbreak|break)\s*\*?\s*(0x[0-9a-fA-F]{1,16})"), "break"),
    (
        re.compile(r"!?translate (0x[0-9a-fA-F]{1,16}) (0x[0-9a-fA-F]{1,16}) ([^\s/\\]{1,200})"),
        "translate",
    ),
)


@dataclass(frozen=True)
class Message:
    """A message: `tag` is notice or sync."""

    tag: str
    fields: dict[str, Any]

    @property
    def type(self) -> str:
        """What it is about."""
        return str(self.fields.get("type", ""))

    def number(self, name: str) -> int | None:
        """A field that is an address; None if it is none."""
        value = self.fields.get(name)
        good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64
        return value if good else None

    def text(self, name: str) -> str:
        """A field that is text, "" if it is none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Command:
    """A debugger's command that a plug-in sends. `name`: step, continue, break or translate;
    of the last, `base` and `address` are those of its database."""

    name: str
    address: int = 0
    base: int = 0
    module: str = ""


def message_of(line: str) -> Message | None:
    """The message of a line; None if it is none."""
    found = _MESSAGE.fullmatch(line)
    if found is None:
        return None
    try:
        fields = json.loads(found[2])
    except (ValueError, RecursionError):
        return None
    return Message(found[1], fields) if isinstance(fields, dict) else None


def command_of(line: str) -> Command | None:
    """The command of a line: one of those that are known, and nothing else is ever done."""
    for pattern, name in _COMMANDS:
        found = pattern.fullmatch(line.strip())
        if found is None:
            continue
        if name == "translate":
            return Command(name, int(found[2], 16), int(found[1], 16), found[3])
        return Command(name, int(found[1], 16) if found.groups() else 0)
    return None


def notice(kind: str, **fields: str) -> bytes:
    """A message about the connection."""
    return _line("notice", {"type": kind, **fields})


def module(path: str) -> bytes:
    """The next locations are in this file: the plug-in that has it open follows them."""
    return notice("module", path=path)


def location(base: int, address: int) -> bytes:
    """Go there: an address, and where its file begins, both as the program has them."""
    return _line("sync", {"type": "loc", "base": base, "offset": address})


def _line(tag: str, fields: dict[str, Any]) -> bytes:
    safe = {
        name: _UNSAFE.sub("?", value) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    data = f"[{tag}]{json.dumps(safe, ensure_ascii=False)}\n".encode()
    if len(data) > _LONGEST_SENT:
        raise ValueError("a message longer than all plug-ins take")
    return data
