# SPDX-License-Identifier: Apache-2.0
"""What to write where so that common assistants start `reven mcp`."""

from __future__ import annotations

import json
import shlex

__all__ = ["setup_text"]


def setup_text(command: list[str]) -> str:
    """For people to copy. `command`: what starts the server on standard input and output."""
    program, arguments = command[0], command[1:]
    entry = {"command": program, "args": arguments}
    shell = shlex.join(command)
    quoted = ", ".join(map(json.dumps, arguments))
    parts = {
        "Claude Code": f"claude mcp add reven -- {shell}",
        "Claude Desktop (claude_desktop_config.json), Cursor (.cursor/mcp.json), Windsurf, Cline":
            json.dumps({"mcpServers": {"reven": entry}}, indent=2),
        "VS Code (.vscode/mcp.json)":
            json.dumps({"servers": {"reven": {"type": "stdio", **entry}}}, indent=2),
        "Codex (~/.codex/config.toml)":
            f"[mcp_servers.reven]\ncommand = {json.dumps(program)}\nargs = [{quoted}]",
        "Gemini CLI (~/.gemini/settings.json)":
            json.dumps({"mcpServers": {"reven": entry}}, indent=2),
        "Zed (settings.json)":
            json.dumps({"context_servers": {"reven": {"source": "custom", **entry}}}, indent=2),
        "any other, over HTTP": f"{shell} --http 13372    then http://127.0.0.1:13372/mcp",
    }  # fmt: skip
    return "\n\n".join(f"{name}:\n\n{text}" for name, text in parts.items()) + "\n"
