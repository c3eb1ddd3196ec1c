# SPDX-License-Identifier: Apache-2.0
"""The queries of the client API, answered in this process: see `reven.service.local`."""

from __future__ import annotations
