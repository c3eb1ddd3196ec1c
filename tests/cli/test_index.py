# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations


def test_it_builds_the_index_once(reven):
    reven("record", "-q", "-o", "t.reven", "--", "true")
    assert reven("index", "t.reven").stderr.startswith("Indexed ")
    assert reven("index", "t.reven").stderr == "The index is complete.\n"
