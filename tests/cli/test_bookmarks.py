# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def trace(crash_trace, tmp_path):
    return shutil.copytree(crash_trace, tmp_path / "own.reven")


def test_adding_listing_changing_removing(reven, trace):
    assert reven("bookmarks", trace).stdout == ""
    added = reven("bookmarks", trace, "--add", "5", "--note", "the [first]\none").stdout
    assert added.startswith("   1  #5  ")
    assert added.endswith("  the [first] one\n")
    reven("bookmarks", trace, "--add", "0", "--note", "start")
    assert reven("bookmarks", trace).stdout.count("\n") == 2
    changed = reven("bookmarks", trace, "--edit", "2", "--note", "begin")
    assert "#0" in changed.stdout
    reven("bookmarks", trace, "--remove", "1")
    (left,) = json.loads(reven("bookmarks", trace, "--json").stdout)
    assert left.pop("text")
    assert left == {"id": 2, "transition": 0, "description": "begin", "version": 2}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--add", "0"), "--note"),
        (("--note", "x"), "--note"),
        (("--remove", "1", "--note", "x"), "--note"),
        (("--add", "0", "--remove", "1", "--note", "x"), "one at a time"),
        (("--add", "1000000000", "--note", "x"), "no transition"),
        (("--edit", "9", "--note", "x"), "no bookmark 9"),
        (("--remove", "9"), "no bookmark 9"),
    ],
)
def test_what_cannot_be_is_one_clear_line(reven, trace, options, why):
    done = reven("bookmarks", trace, *options)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert why in done.stderr
