# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json


def test_there_and_back(reven, crash_trace, tmp_path):
    done = reven("export", crash_trace, "-o", "crash.tenet")
    assert (done.returncode, done.stdout) == (0, "")
    assert "without  instruction bytes, flags" in done.stderr
    done = reven("import", "crash.tenet", "-o", "back.reven")
    assert (done.returncode, done.stdout) == (0, "")
    assert "of a Tenet text trace in back.reven" in done.stderr
    count = json.loads(reven("info", crash_trace, "--json").stdout)["transitions"]
    info = json.loads(reven("info", "back.reven", "--json").stdout)
    assert (info["transitions"], info["processes"]) == (count, [])
    assert info["manifest"]["complete"] is True

    text = reven("info", "back.reven").stdout
    assert "from crash.tenet, a Tenet text trace" in text
    assert "without      instruction bytes, calls, flags" in text
    check = reven("check", "back.reven")
    assert check.returncode == 0
    assert "what that does not hold cannot be checked: instruction bytes" in check.stdout
    shown = reven("show", "back.reven")
    assert shown.returncode == 0
    assert "(unknown)" in shown.stdout


def test_nothing_is_replaced_without_force(reven, crash_trace, tmp_path):
    (tmp_path / "here.tenet").write_text("mine")
    done = reven("export", crash_trace, "-o", "here.tenet")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--force" in done.stderr
    assert (tmp_path / "here.tenet").read_text() == "mine"
    assert reven("export", crash_trace, "-o", "here.tenet", "--force").returncode == 0
    assert reven("import", "here.tenet").returncode == 0
    done = reven("import", "here.tenet")
    assert done.returncode == 2
    assert "here.tenet.reven exists" in done.stderr


def test_formats_are_told_or_asked_for(reven, crash_trace, tmp_path):
    done = reven("export", crash_trace, "-o", "crash.txt")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--format: core, drcov, folded, tenet" in done.stderr
    assert reven("export", crash_trace, "-o", "crash.txt", "-f", "tenet").returncode == 0
    done = reven("import", "crash.txt", "-f", "nonsense")
    assert done.returncode == 2
    assert "no format 'nonsense'" in done.stderr
    assert reven("import", "crash.txt", "-o", "c.reven").returncode == 0


def test_a_wrong_file_is_one_clear_line(reven, tmp_path):
    (tmp_path / "bad.tenet").write_text("rip=0x1\nrip=zzz\n")
    done = reven("import", "bad.tenet")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "bad.tenet, line 2: 'zzz' is no hexadecimal number" in done.stderr
    done = reven("import", "absent.tenet")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    done = reven("export", tmp_path, "-o", "x.tenet")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "x.tenet").exists()
