# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json

import pytest

ALLOCATING = r"""
#include <stdlib.h>
#include <string.h>
__attribute__((noinline)) char *make(int size) {
    char *made = malloc(size);
    memset(made, 1, size);
    return made;
}
int main(void) {
    for (int i = 0; i < 3; i++) free(make(1000));
    return make(10) == 0;
}
"""


@pytest.fixture
def trace(record_program):
    return record_program(ALLOCATING)


def test_places_that_allocate(reven, trace):
    lines = reven("heap", trace).stdout.splitlines()
    assert lines[0].split() == ["blocks", "bytes", "left", "bytes", "place"]
    (line,) = [line for line in lines if "program!make" in line]
    assert line.split()[:8] == ["4", "3.0", "kB", "1", "10", "B", "malloc", line.split()[7]]
    assert lines[-1].startswith("in all ")
    sites = json.loads(reven("heap", trace, "--json").stdout)
    (site,) = [site for site in sites if "program!make" in site["site"]]
    assert (site["blocks"], site["size"], site["left_blocks"], site["left_size"]) == (
        4,
        3010,
        1,
        10,
    )


def test_each_block(reven, trace):
    blocks = json.loads(reven("heap", trace, "--each", "--json").stdout)
    mine = [block for block in blocks if block["size"] in (10, 1000)]
    assert [block["size"] for block in mine] == [1000, 1000, 1000, 10]
    assert mine[-1]["freed"] is None
    assert mine[0]["allocated"] < mine[0]["freed"] < mine[1]["allocated"]
    address, between = mine[0]["address"], str(mine[0]["freed"])
    same = [block for block in mine if block["address"] == address]
    shown = json.loads(reven("heap", trace, "--address", address, "--json").stdout)
    assert shown == same
    live = json.loads(reven("heap", trace, "--at", between, "--each", "--json").stdout)
    assert [block["id"] for block in live if block in mine] == []
    left = json.loads(reven("heap", trace, "--leaked", "--each", "--json").stdout)
    assert mine[-1] in left
    assert mine[0] not in left
    line = reven("heap", trace, "--each", "-n", "1", "--address", address).stdout
    assert line.count("\n") == 1
    assert f"#{mine[0]['allocated']} … #{mine[0]['freed']}" in line


def test_no_address_is_one_clear_line(reven, trace):
    done = reven("heap", trace, "--address", "nothing")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "'nothing' is no address" in done.stderr
