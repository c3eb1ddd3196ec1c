# SPDX-License-Identifier: Apache-2.0
"""Names of types as C and C++ spell them, the way gdb prints them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Spelling(NamedTuple):
    """What stands before and after the declared name: `int (*` and `)[4]`."""

    before: str
    after: str = ""

    def __str__(self) -> str:
        gap = " " if self.after.startswith(("[", "(")) and not self.before.endswith("*") else ""
        return self.before + gap + self.after


def qualified(spelling: Spelling, word: str) -> Spelling:
    """`const int`, but `int * const`."""
    if spelling.before.endswith(("*", "&")) or spelling.before.endswith("* const"):
        return Spelling(f"{spelling.before} {word}", spelling.after)
    return Spelling(f"{word} {spelling.before}", spelling.after)


def pointed(spelling: Spelling, sign: str) -> Spelling:
    """A pointer or reference (`*`, `&`, `&&`) to that."""
    before, after = spelling
    if after.startswith(("[", "(")):
        return Spelling(f"{before} ({sign}", f"){after}")
    return Spelling(before + ("" if before.endswith(("*", "(")) else " ") + sign, after)


def array_of(spelling: Spelling, count: int | None) -> Spelling:
    bounds = "[]" if count is None else f"[{count}]"
    return Spelling(spelling.before, bounds + spelling.after)


def function_of(spelling: Spelling, parameters: Sequence[str], is_variadic: bool) -> Spelling:
    words = [*parameters, "..."] if is_variadic else list(parameters)
    return Spelling(spelling.before, f"({', '.join(words) or 'void'}){spelling.after}")


_INTEGER_WORDS = {"char", "int", "long", "short", "signed", "unsigned"}
_INTEGERS = re.compile(
    r"\b(?:char|int|long|short|signed|unsigned)\b"
    r"(?: (?:char|int|long|short|signed|unsigned)\b)*(?! double\b)"
)


def base_type(name: str) -> str:
    """`long unsigned int` of compilers as `unsigned long`."""
    words = name.split()
    if not words or not set(words) <= _INTEGER_WORDS:
        return name
    length = ["long"] * words.count("long") or ["short"] * words.count("short")
    sign = ["unsigned"] if "unsigned" in words else []
    if "char" in words:
        return " ".join([word for word in ("signed", "unsigned") if word in words] + ["char"])
    return " ".join(sign + (length or ["int"]))


def canonical(name: str) -> str:
    """A template's name with its integer arguments as in `base_type`."""
    if "<" not in name:
        return name
    return _INTEGERS.sub(lambda found: base_type(found[0]), name)


def spellings(name: str) -> list[str]:
    """The names that compilers may give what the source calls so."""
    if "<" not in name:
        return [name, *base_type_names(name)]

    def as_called_by(compiler: int) -> str:
        return _INTEGERS.sub(lambda found: (base_type_names(found[0]) * 2)[compiler], name)

    return [name, as_called_by(0), as_called_by(1)]


def base_type_names(name: str) -> list[str]:
    """What compilers call an integer type that may be spelled otherwise: gcc, clang."""
    words = base_type(name).split()
    if not words or not set(words) <= _INTEGER_WORDS:
        return []
    length = [word for word in words if word in ("long", "short")]
    sign = [word for word in words if word == "unsigned"]
    if "char" in words:
        return [" ".join(words)]
    return [" ".join([*length, *sign, "int"]), " ".join(words)]
