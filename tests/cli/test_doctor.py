# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os


def test_all_is_well_where_the_tests_run(reven):
    done = reven("doctor")
    assert done.returncode == 0
    assert "missing" not in done.stdout


def test_what_is_missing_comes_with_the_command_that_mends_it(reven, tmp_path):
    (tmp_path / "apt-get").symlink_to("/bin/true")
    done = reven("doctor", env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "missing  Valgrind" in done.stdout
    assert "→ " + ("" if os.geteuid() == 0 else "sudo ") + "apt-get install" in done.stdout
