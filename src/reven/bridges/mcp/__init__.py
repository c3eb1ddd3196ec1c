# SPDX-License-Identifier: Apache-2.0
"""`reven mcp`: assistants ask about traces, over the Model Context Protocol."""
