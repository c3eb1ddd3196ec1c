# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from importlib.metadata import version

import pytest


def test_version(reven):
    assert reven("--version").stdout == f"reven {version('reven')}\n"


@pytest.mark.parametrize("command", [(), ("record",), ("show",), ("check",)])
def test_help_is_there(reven, command):
    done = reven(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_wrong_usage_exits_2(reven):
    assert reven("show").returncode == 2
    assert reven("no-such-command").returncode == 2
