# SPDX-License-Identifier: Apache-2.0
"""Parts of the documented interface that its authors called previews."""

from __future__ import annotations

from reven2.preview import bugs, project_manager, prototypes, taint

__all__ = ["bugs", "project_manager", "prototypes", "taint"]
