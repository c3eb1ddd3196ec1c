# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import shutil


def test_a_good_trace_is_said_to_be_right(reven, crash_trace):
    done = reven("check", crash_trace)
    assert done.returncode == 0
    assert "The trace is right." in done.stdout
    assert done.stderr == ""


def test_json_has_the_counts(reven, crash_trace):
    answer = json.loads(reven("check", crash_trace, "--json").stdout)
    assert answer["good"] is True
    assert answer["loads"] > 0
    assert (answer["bad_loads"], answer["bad_key_frames"], answer["problems"]) == (0, 0, [])


def test_a_damaged_trace_is_no_success(reven, crash_trace, tmp_path):
    damaged = tmp_path / "damaged.reven"
    shutil.copytree(crash_trace, damaged)
    segments = damaged / "segments.bin"
    data = bytearray(segments.read_bytes())
    data[len(data) // 2] ^= 0x10
    segments.write_bytes(data)
    done = reven("check", damaged)
    assert done.returncode in (1, 2)
    assert "The trace is right." not in done.stdout


def test_what_is_no_trace_is_one_clear_line(reven, tmp_path):
    done = reven("check", tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "is not a trace" in done.stderr


def test_a_damaged_copy_of_a_binary_is_reported(reven, crash_trace, tmp_path):
    damaged = tmp_path / "damaged.reven"
    shutil.copytree(crash_trace, damaged)
    largest = max((damaged / "binaries").iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 0x10
    largest.write_bytes(data)
    done = reven("check", damaged)
    assert done.returncode == 1
    assert "the copy of" in done.stdout
    assert "The trace is wrong." in done.stdout
