# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import shutil


def test_it_says_what_when_where_and_how_large(reven, crash_trace):
    text = reven("info", crash_trace).stdout
    labels = [line.split()[0] for line in text.splitlines() if not line.startswith(" ")]
    assert labels == [
        *("trace", "command", "program", "directory", "process", "recorded", "processor"),
        *("recorder", "end", "transitions", "size", "threads", "binaries"),
    ]
    assert "killed by SIGSEGV" in text
    assert "libc.so.6" in text


def test_json_has_the_same_for_programs(reven, crash_trace, crash):
    answer = json.loads(reven("info", crash_trace, "--json").stdout)
    assert answer["manifest"]["complete"] is True
    assert answer["manifest"]["program"] == str(crash)
    assert str(crash) in answer["executed_binaries"]
    assert [thread["id"] for thread in answer["threads"]] == [1]
    assert answer["threads"][0]["last_transition"] == answer["transitions"] - 1


def test_a_damaged_manifest_is_one_clear_line(reven, crash_trace, tmp_path):
    damaged = tmp_path / "damaged.reven"
    shutil.copytree(crash_trace, damaged)
    (damaged / "manifest.json").write_text("{")
    done = reven("info", damaged)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "damaged" in done.stderr
