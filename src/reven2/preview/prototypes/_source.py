# SPDX-License-Identifier: Apache-2.0
"""C source as pycparser reads it: without comments, directives, attributes and bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["cleaned", "declarations", "without_bodies"]

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_ATTRIBUTE = re.compile(r"\b(?:__attribute__|__attribute|__declspec|__asm__|__asm)\s*(?=\()")
_WORDS = re.compile(
    r"\b(?:__extension__|__restrict__|__restrict|restrict|__inline__|__inline|__const|"
    r"__cdecl|__stdcall|__fastcall|__thiscall|__vectorcall|_cdecl|_stdcall|WINAPI|APIENTRY|"
    r"CALLBACK|NTAPI|NTSYSAPI|_Noreturn|__noreturn|__THROW|__wur|CONST)\b"
)
_EXTRA_ATTRIBUTES = re.compile(r"\[\[.*?\]\]", re.DOTALL)


def cleaned(source: str) -> str:
    """Without what pycparser does not read, at the same lines."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    text = _COMMENT.sub(blank, source)
    text = _DIRECTIVE.sub(blank, text)
    text = _EXTRA_ATTRIBUTES.sub(blank, text)
    while (found := _ATTRIBUTE.search(text)) is not None:
        end = _closing(text, found.end())
        text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : end]) + text[end:]
    text = _WORDS.sub(blank, text)
    text = re.sub(r"\b(?:unsigned __int128|__uint128)\b", "__reven_u16", text)
    text = re.sub(r"\b(?:__int128)\b", "__reven_i16", text)
    return re.sub(r"\b(?:__float128|_Float128)\b", "__reven_f16", text)


def _closing(text: str, start: int) -> int:
    """Where the parenthesis that opens at `start` is closed."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


def without_bodies(text: str) -> str:
    """Function bodies replaced by a semicolon, at the same lines."""
    found, depth, is_body, before = "", 0, False, ""
    for letter in text:
        if letter == "{":
            is_body |= depth == 0 and before == ")"
            depth += 1
        kept = letter if not is_body or letter == "\n" else " "
        if letter == "}":
            depth -= 1
            if depth == 0 and is_body:
                kept, is_body = ";", False
        found += kept
        if not letter.isspace():
            before = letter
    return found


def declarations(text: str) -> Iterator[tuple[str, int]]:
    """The declarations, and the line each starts at."""
    depth = start = 0
    for at, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == ";" and depth <= 0:
            yield text[start : at + 1], text.count("\n", 0, start) + 1
            start = at + 1
    if text[start:].strip():
        yield text[start:] + ";", text.count("\n", 0, start) + 1
