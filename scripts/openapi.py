# SPDX-License-Identifier: Apache-2.0
"""Print the part of the server's OpenAPI document that Axion is written against: what is asked
and answered in JSON.

    python scripts/openapi.py
"""

from __future__ import annotations

import json
from typing import Any

from reven.server.endpoints import endpoints
from reven.server.openapi import document
from reven.server.wire import JSON


def described_api() -> dict[str, Any]:
    """The document. A table that is only described needs nothing to answer with."""
    nothing: Any = None
    return document(endpoints(nothing, nothing, nothing, nothing, nothing, nothing))


def part_for_axion() -> dict[str, Any]:
    """That, without the refusals, which are all alike, and without MessagePack."""
    described = described_api()
    for operations in described["paths"].values():
        for operation in operations.values():
            operation["responses"] = {"200": operation["responses"]["200"]}
            for body in (operation["responses"]["200"], operation.get("requestBody", {})):
                if "content" in body:
                    body["content"] = {JSON: body["content"][JSON]}
    return described


if __name__ == "__main__":
    print(json.dumps(part_for_axion()))
