# SPDX-License-Identifier: Apache-2.0
"""Write axion/src/api/types.ts: the types of the HTTP API and of the sessions WebSocket.

    python scripts/axion_types.py

They are those of the OpenAPI document, and of the messages that it cannot describe.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from reven.server.endpoints import API, endpoints
from reven.server.openapi import document
from reven2._client.messages import ClientMessage, ServerMessage

TARGET = Path(__file__).resolve().parent.parent / "axion" / "src" / "api" / "types.ts"
HEAD = """\
// SPDX-License-Identifier: Apache-2.0
// Made by scripts/axion_types.py from what the server describes: do not edit.
"""
TEMPLATE = "#/components/schemas/{name}"


def main() -> None:
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(typescript())


def typescript() -> str:
    """The whole file."""
    described = described_api()
    messages, more = msgspec.json.schema_components(
        [ClientMessage, ServerMessage], ref_template=TEMPLATE
    )
    schemas = described["components"]["schemas"] | more
    lines = [HEAD]
    lines += [declaration(name, schemas[name]) for name in sorted(schemas)]
    lines += [
        f"export type ClientMessage = {type_of(messages[0])};",
        f"export type ServerMessage = {type_of(messages[1])};",
        "",
    ]
    for interface, prefix in (("Queries", ""), ("Views", "views/")):
        lines += [
            f"/** Requests below {API}/scenarios/{{scenario}}/{prefix}, by name. */",
            f"export interface {interface} {{",
            *calls(described["paths"], f"{API}/scenarios/{{scenario}}/{prefix}"),
            "}",
            "",
        ]
    return "\n".join(lines)


def described_api() -> dict[str, Any]:
    """The OpenAPI document. A table that is only described needs nothing to answer with."""
    nothing: Any = None
    return document(endpoints(nothing, nothing, nothing, nothing, nothing, nothing))


def calls(paths: dict[str, Any], prefix: str) -> Iterator[str]:
    for path in sorted(paths):
        name = path.removeprefix(prefix)
        if not path.startswith(prefix) or "/" in name:
            continue
        operation = paths[path]["post"]
        arguments = type_of(json_schema(operation["requestBody"]))
        answer = type_of(json_schema(operation["responses"]["200"]))
        yield f"  {name}: {{ arguments: {arguments}; answer: {answer} }};"


def json_schema(body: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = body["content"]["application/json"]["schema"]
    return schema


def declaration(name: str, schema: dict[str, Any]) -> str:
    """What a schema is in TypeScript, with its description, in one line."""
    words = " ".join(schema.get("description", "").split())
    described = f"/** {words} */ " if words else ""
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{described}export type {name} = {type_of(schema)};"
    required = schema.get("required", ())
    # What has a default may be left out of a request; answers always have all but those of
    # structs that leave defaults out, which is not told apart here.
    fields = "; ".join(
        f"{field}{'' if field in required else '?'}: {type_of(kind)}"
        for field, kind in schema["properties"].items()
    )
    return f"{described}export interface {name} {{ {fields} }}"


def type_of(schema: dict[str, Any]) -> str:
    """A schema as a type expression."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(map(type_of, schema["anyOf"])))
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(type_of, schema['prefixItems']))}]"
        return f"({type_of(schema['items'])})[]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {type_of(values)}>" if values else "Record<string, never>"
    simple = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean"}
    return simple.get(str(kind), "null" if kind == "null" else "unknown")


if __name__ == "__main__":
    main()
