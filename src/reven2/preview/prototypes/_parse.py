# SPDX-License-Identifier: Apache-2.0
"""C declarations to prototypes, by pycparser.

The source may have comments, `#` lines (ignored), and the attributes and calling-convention
words of compilers (ignored); macros are not expanded.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pycparser import CParser, c_ast
from pycparser.c_parser import ParseError

from reven2.errors import InvalidArgumentError
from reven2.preview.prototypes._source import cleaned, declarations, without_bodies
from reven2.preview.prototypes._types import (
    Function,
    Parameter,
    PrototypeType,
    TranslationUnit,
)
from reven2.preview.prototypes.callconv_helper import CallConvHelper, DataModel
from reven2.types import (
    Array,
    BoolType,
    Enumeration,
    ExtendedFloat,
    FieldInfo,
    FixedWidthInteger,
    Float,
    Incomplete,
    Pointer,
    Signedness,
    Struct,
    StructKind,
    Type,
)

_KNOWN_TYPES = """
typedef unsigned long long __reven_u8; typedef long long __reven_i8;
typedef __reven_u8 size_t; typedef __reven_i8 ssize_t; typedef __reven_i8 ptrdiff_t;
typedef __reven_u8 uintptr_t; typedef __reven_i8 intptr_t;
typedef signed char int8_t; typedef short int16_t; typedef int int32_t;
typedef long long int64_t; typedef unsigned char uint8_t; typedef unsigned short uint16_t;
typedef unsigned int uint32_t; typedef unsigned long long uint64_t;
typedef __reven_wide wchar_t; typedef unsigned int wint_t; typedef unsigned short char16_t;
typedef unsigned int char32_t; typedef _Bool bool;
typedef __reven_i8 off_t; typedef __reven_i8 off64_t; typedef __reven_i8 time_t;
typedef __reven_i8 clock_t; typedef int pid_t; typedef unsigned int uid_t;
typedef unsigned int gid_t; typedef unsigned int mode_t; typedef __reven_u8 dev_t;
typedef __reven_u8 ino_t; typedef unsigned int socklen_t; typedef int clockid_t;
typedef __reven_u8 pthread_t; typedef unsigned int useconds_t; typedef __reven_i8 suseconds_t;
typedef unsigned int pthread_key_t; typedef int pthread_once_t; typedef int key_t;
typedef __reven_u8 nfds_t; typedef unsigned int id_t; typedef int idtype_t;
typedef struct _IO_FILE FILE; typedef struct __dirstream DIR; typedef void *va_list;
typedef va_list __builtin_va_list; typedef void (*sighandler_t)(int);
typedef __reven_i16 __int128_t; typedef __reven_u16 __uint128_t;
"""
# Names that stand for types pycparser has no words for; they are not C.
_SPECIAL = ("__reven_wide", "__reven_i16", "__reven_u16", "__reven_f16")
_PREAMBLE = "".join(f"typedef int {name};\n" for name in _SPECIAL) + _KNOWN_TYPES
_MOST_UNKNOWN = 500
_POSITION = re.compile(r"^[^:]*:(\d+):(\d+): (.*)$")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_TOKEN = re.compile(r"[A-Za-z_]\w*|[^\s\w]")
_RESERVED = {
    *("auto", "char", "const", "double", "enum", "extern", "float", "inline", "int", "long"),
    *("register", "short", "signed", "static", "struct", "typedef", "union", "unsigned", "void"),
    *("volatile", "_Bool", "_Complex"),
}


def parse(source: str, call_conv: CallConvHelper) -> TranslationUnit:
    """What the source declares. What cannot be understood is left out and named."""
    text = without_bodies(cleaned(source))
    builder = _Builder(call_conv)
    diagnostics: list[str] = []
    functions: list[Function] = []
    known = _PREAMBLE
    # As a whole; where that fails, piece by piece.
    pieces = [(text, 1)]
    if _try(text, known) is None:
        builder.unknown += _undeclared(text)
        pieces = list(declarations(text))
    for piece, line in pieces:
        tree = _parsed(piece, known, builder.unknown, line, diagnostics)
        for one in tree or ():
            functions += builder.declared(one, diagnostics)
        if tree is not None and re.match(r"\s*typedef\b", piece):
            known += piece + "\n"
    return TranslationUnit(
        tuple(functions), tuple(dict.fromkeys(builder.unknown)), tuple(diagnostics)
    )


def _undeclared(text: str) -> list[str]:
    """Names that stand where a type must, and that nothing declares."""
    declared = set(_IDENTIFIER.findall(_PREAMBLE)) | {
        name
        for one in re.findall(r"\btypedef\b[^;]*(?:\{.*?\}[^;]*)?;", text, re.DOTALL)
        for name in _IDENTIFIER.findall(one)
    }
    tokens = ["", *_TOKEN.findall(text), "", ""]
    found = []
    for number, token in enumerate(tokens):
        if not _IDENTIFIER.match(token) or token in declared | _RESERVED:
            continue
        before, after = tokens[number - 1], number + 1
        while tokens[after] in ("*", "const", "volatile"):
            after += 1
        is_followed = _IDENTIFIER.match(tokens[after]) and tokens[after] not in _RESERVED
        is_parameter = before in ("(", ",") and tokens[after] in (",", ")")
        if before not in ("struct", "union", "enum") and (is_followed or is_parameter):
            found.append(token)
    return found


def _try(piece: str, before: str) -> list[Any] | None:
    """The declarations of a piece of source behind another; None for what is no C."""
    try:
        tree = CParser().parse(before + piece, "source")
    except ParseError:
        return None
    first = before.count("\n") + 1
    return [one for one in tree.ext if one.coord.line >= first]


def _parsed(
    piece: str, known: str, unknown: list[str], line: int, diagnostics: list[str]
) -> list[Any] | None:
    """The declarations of a piece. Names that stand where a type must are taken for types."""
    before_piece = len(unknown)
    for _ in range(_MOST_UNKNOWN):
        before = known + "".join(f"typedef int {name};\n" for name in dict.fromkeys(unknown))
        if (tree := _try(piece, before)) is not None:
            return tree
        error = _error_of(before + piece)
        name = _missing_type(error, before, piece)
        if name is None or name in unknown:
            diagnostics.append(_diagnosis(error, before, line))
            break
        unknown.append(name)
    del unknown[before_piece:]
    return None


def _error_of(text: str) -> str:
    try:
        CParser().parse(text, "source")
    except ParseError as error:
        return str(error)
    return ""


def _missing_type(error: str, before: str, piece: str) -> str | None:
    """The identifier in front of the place of an error, if it may be a type's name."""
    found = _POSITION.match(error)
    if found is None:
        return None
    lines = (before + piece).split("\n")
    row, column = int(found[1]) - 1, int(found[2]) - 1
    if row >= len(lines):
        return None
    text = "\n".join([*lines[:row], lines[row][:column]])[len(before) :]
    names = _IDENTIFIER.findall(text)
    if names and names[-1] not in _RESERVED and text.rstrip(" \t\n*(").endswith(names[-1]):
        return str(names[-1])
    return None


def _diagnosis(error: str, before: str, line: int) -> str:
    found = _POSITION.match(error)
    if found is None:
        return f"line {line}: {error}"
    return f"line {int(found[1]) - before.count(chr(10)) + line - 1}: {found[3]}"


class _Builder:
    """From pycparser's trees to types."""

    def __init__(self, call_conv: CallConvHelper) -> None:
        self._call_conv = call_conv
        self.unknown: list[str] = []
        self._model: DataModel = call_conv.data_model
        self._typedefs: dict[str, PrototypeType] = {}
        self._structs: dict[str, PrototypeType] = {}
        for one in CParser().parse(_PREAMBLE, "source").ext:
            self.declared(one, [])
        wide = _integer(self._model.wide_character, self._model.wide_character == 4)
        self._special("wchar_t", wide)
        self._special("__int128_t", _integer(16, True))
        self._special("__uint128_t", _integer(16, False))
        self._special("__reven_i16", _integer(16, True), "__int128")
        self._special("__reven_u16", _integer(16, False), "unsigned __int128")
        self._special("__reven_f16", Array(Float(8), 2), "__float128")

    def _special(self, name: str, type_: Type[Any], shown: str = "") -> None:
        self._typedefs[name] = PrototypeType(shown or name, type_.name, type_)

    def declared(self, node: Any, diagnostics: list[str]) -> list[Function]:
        """Takes in a declaration; gives the function that it declares, if any."""
        try:
            if isinstance(node, c_ast.Typedef):
                found = self.type(node.type)
                named = PrototypeType(
                    node.name, found.canonical, _renamed(found.type, node.name), found.text
                )
                self._typedefs[node.name] = named
            elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl):
                return [self._function(node.name, node.type)]
            elif isinstance(node, c_ast.Decl):
                self.type(node.type)
        except InvalidArgumentError as error:
            diagnostics.append(str(error))
        return []

    def _function(self, name: str, node: Any) -> Function:
        parameters, is_variadic = [], False
        for one in node.args.params if node.args is not None else ():
            if isinstance(one, c_ast.EllipsisParam):
                is_variadic = True
            elif isinstance(one, c_ast.ID):  # a type's name that nothing declares
                self.unknown.append(one.name)
                parameters.append(Parameter("", self._named(one.name)))
            else:
                found = self._passed(self.type(one.type))
                if not isinstance(found.type, Incomplete):
                    parameters.append(Parameter(getattr(one, "name", None) or "", found))
        return Function(name, self.type(node.type), tuple(parameters), is_variadic, self._call_conv)

    def _passed(self, found: PrototypeType) -> PrototypeType:
        """Arrays and functions are passed as pointers."""
        if isinstance(found.type, Array):
            element = found.type.element_type
            return self._pointer_to(PrototypeType(found.name.split("[")[0].strip(), "", element))
        if isinstance(found.type, Incomplete) and found.name.endswith(")"):
            return self._pointer_to(found)
        if isinstance(found.type, Incomplete) and found.name != "void":
            raise InvalidArgumentError(
                f"{found.name} is passed by value, but not defined: add its definition."
            )
        return found

    def type(self, node: Any) -> PrototypeType:
        """The type of a declarator."""
        match node:
            case c_ast.TypeDecl() | c_ast.Typename():
                found = self.type(node.type)
                if "const" in node.quals and not found.name.startswith("const "):
                    return PrototypeType(
                        f"const {found.name}", found.canonical, found.type, found.text
                    )
                return found
            case c_ast.PtrDecl():
                return self._pointer_to(self.type(node.type))
            case c_ast.ArrayDecl():
                element = self.type(node.type)
                count = _constant(node.dim) if node.dim is not None else 0
                name = f"{element.name} [{count or ''}]"
                return PrototypeType(name, name, Array(element.type, count))
            case c_ast.FuncDecl():
                function = self._function("", node)
                words = [one.type.name for one in function.parameters]
                words += ["..."] * function.is_variadic
                name = f"{function.return_type.name} ({', '.join(words) or 'void'})"
                return PrototypeType(name, name, Incomplete(name))
            case c_ast.IdentifierType():
                return self._named(" ".join(node.names))
            case c_ast.Struct() | c_ast.Union():
                return self._structure(node)
            case c_ast.Enum():
                return self._enumeration(node)
        raise InvalidArgumentError(f"{type(node).__name__} is not understood in a prototype.")

    def _pointer_to(self, pointee: PrototypeType) -> PrototypeType:
        if pointee.name.endswith(")"):  # of a function
            before, _, after = pointee.name.partition(" (")
            name = f"{before} (*)({after}"
            return PrototypeType(name, name, Pointer(pointee.type))
        gap = "" if pointee.name.endswith("*") else " "
        canonical = f"{pointee.canonical or pointee.name}*"
        return PrototypeType(
            f"{pointee.name}{gap}*", canonical, Pointer(pointee.type), _text_of(pointee)
        )

    def _named(self, name: str) -> PrototypeType:
        if name in self._typedefs:
            return self._typedefs[name]
        type_ = self._basic(sorted(name.split()))
        if type_ is None:  # one that nothing declares
            type_ = _integer(8, False)
        return PrototypeType(name, type_.name, type_)

    def _basic(self, words: list[str]) -> Type[Any] | None:
        kinds = set(words) - {"const", "volatile"}
        if kinds == {"void"}:
            return Incomplete("void")
        if kinds == {"_Bool"}:
            return BoolType()
        if "_Complex" in kinds:
            inner = self._basic([word for word in words if word != "_Complex"])
            return Array(inner or Float(8), 2)
        if kinds == {"float"}:
            return Float(4)
        if kinds == {"double"}:
            return Float(8)
        if kinds == {"double", "long"}:
            return ExtendedFloat() if self._model.long_double == 16 else Float(8)
        if not kinds or not kinds <= {"char", "int", "long", "short", "signed", "unsigned"}:
            return None
        is_signed = "unsigned" not in kinds
        if "char" in kinds:
            return _integer(1, is_signed)
        if "short" in kinds:
            return _integer(2, is_signed)
        size = {0: 4, 1: self._model.long}.get(words.count("long"), 8)
        return _integer(size, is_signed)

    def _structure(self, node: Any) -> PrototypeType:
        keyword = "union" if isinstance(node, c_ast.Union) else "struct"
        name = f"{keyword} {node.name or '{...}'}"
        if node.decls is None:
            known = self._structs.get(name)
            if known is not None:
                return known
            return PrototypeType(name, name, Incomplete(name))
        kind = StructKind.Union if keyword == "union" else StructKind.Struct
        fields, size = self._laid_out(node.decls, keyword == "union")
        found = PrototypeType(name, name, Struct(node.name or name, kind, size, fields))
        if node.name:
            self._structs[name] = found
        return found

    def _laid_out(self, members: list[Any], is_union: bool) -> tuple[list[FieldInfo], int]:
        """Fields with offsets, and the size, as compilers lay them out."""
        fields: list[FieldInfo] = []
        bits, largest, alignment = 0, 0, 1
        for member in members:
            type_ = self.type(member.type).type
            size, own = _size(type_), _alignment(type_)
            bit_size = _constant(member.bitsize) if member.bitsize is not None else None
            if is_union:
                bits = 0
            if bit_size is None:
                bits = _up(bits, 8 * own)
                fields.append(FieldInfo(member.name or "", type_, bits // 8))
                bits += 8 * size
            elif bit_size == 0:
                bits = _up(bits, 8 * own)
            else:
                if bits // (8 * size) != (bits + bit_size - 1) // (8 * size):
                    bits = _up(bits, 8 * own)
                if member.name:
                    fields.append(FieldInfo(member.name, type_, bits // 8, bit_size, bits))
                bits += bit_size
            if bit_size is None or member.name:
                alignment = max(alignment, own)
            largest = max(largest, bits)
        return fields, _up(largest, 8 * alignment) // 8

    def _enumeration(self, node: Any) -> PrototypeType:
        name = f"enum {node.name or '{...}'}"
        known = self._structs.get(name)
        if node.values is None:
            if known is not None:
                return known
            return PrototypeType(name, name, _integer(4, False))
        values: dict[str, int] = {}
        following = 0
        for one in node.values.enumerators:
            if one.value is not None:
                name_of = getattr(one.value, "name", "")
                following = values[name_of] if name_of in values else _constant(one.value)
            values[one.name] = following
            following += 1
        integer = _integer(4, any(value < 0 for value in values.values()))
        found = PrototypeType(name, name, Enumeration(node.name or name, integer, values))
        if node.name:
            self._structs[name] = found
        return found


def _integer(size: int, is_signed: bool) -> FixedWidthInteger:
    return FixedWidthInteger(size, Signedness.Signed if is_signed else Signedness.Unsigned)


def _text_of(pointee: PrototypeType) -> Literal[0, 1, 2, 4]:
    """Bytes of a character, if that is what is pointed to."""
    match pointee.name.removeprefix("const ").removeprefix("volatile "):
        case "char":
            return 1
        case "wchar_t":
            return 2 if _size(pointee.type) == 2 else 4
        case "char16_t" | "WCHAR":
            return 2
    return 0


def _renamed(type_: Type[Any], name: str) -> Type[Any]:
    """A structure without a name of its own is called as its typedef."""
    if isinstance(type_, Struct) and type_.name.endswith("{...}"):
        return Struct(name, type_.kind, type_.size(), type_.fields)
    return type_


def _size(type_: Type[Any]) -> int:
    return PrototypeType("", "", type_).size or 0


def _alignment(type_: Type[Any]) -> int:
    if isinstance(type_, Struct):
        return max((_alignment(field.type) for field in type_.fields), default=1)
    if isinstance(type_, Array):
        return _alignment(type_.element_type)
    return max(_size(type_), 1)


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _constant(node: Any) -> int:
    """The value of an integer constant expression."""
    match node:
        case c_ast.Constant(type="char"):
            return ord(node.value.strip("'")[-1])
        case c_ast.Constant():
            digits = re.sub(r"[uUlL]+$", "", node.value)
            return int(digits, 8 if re.fullmatch(r"0[0-7]+", digits) else 0)
        case c_ast.UnaryOp(op="-"):
            return -_constant(node.expr)
        case c_ast.BinaryOp():
            left, right = _constant(node.left), _constant(node.right)
            match node.op:
                case "+":
                    return left + right
                case "-":
                    return left - right
                case "*":
                    return left * right
                case "<<":
                    return left << right
                case "|":
                    return left | right
                case "/" if right:
                    return left // right
    raise InvalidArgumentError("Write array sizes, bit sizes and enumerators as plain numbers.")
