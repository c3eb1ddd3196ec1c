# SPDX-License-Identifier: Apache-2.0
"""The server: queries on traces over HTTP, sessions over WebSocket, and who may use them."""

from __future__ import annotations
