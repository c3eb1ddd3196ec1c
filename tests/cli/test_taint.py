# SPDX-License-Identifier: Apache-2.0
"""`reven taint` and `reven origin` follow the pointer that `overwrite` breaks."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def fault(reven, crash_trace):
    """The number of the load that gives the broken pointer, and the register it comes in."""
    words = ("show", crash_trace, "--json", "-n", "5")
    shown = json.loads(reven(*words).stdout)
    (load,) = [
        transition
        for transition in shown
        if transition["location"]["symbol"] == "use"
        and transition["kind"] == "instruction"
        and any(access["operation"] == "read" for access in transition["accesses"])
    ]
    return load["id"], load["text"].split()[1].rstrip(",")


def test_the_origin_of_a_broken_pointer_is_the_text(reven, crash_trace, fault):
    number, register = fault
    hops = json.loads(reven("origin", crash_trace, str(number + 1), register, "--json").stdout)
    assert hops[0]["kind"] == "load"
    assert "store" in [hop["kind"] for hop in hops]
    assert hops[-1]["before"] == []
    told = reven("origin", crash_trace, str(number + 1), register).stdout
    assert told.splitlines()[0] == f"Origin of {register} in Context before #{number + 1}:"
    assert len(told.splitlines()) == len(hops) + 2
    assert told.splitlines()[-1].startswith("It comes from ")
    [only] = json.loads(
        reven("origin", crash_trace, str(number + 1), register, "--json", "--hops", "1").stdout
    )
    assert only == hops[0]


def test_a_backward_taint_comes_to_the_same_store(reven, crash_trace, fault):
    number, register = fault
    back = ("taint", crash_trace, register, "--to", str(number + 1), "--backward", "--changes")
    found = json.loads(reven(*back, "--json").stdout)
    hops = json.loads(reven("origin", crash_trace, str(number + 1), register, "--json").stdout)
    steps = {hop["transition"] for hop in hops if hop["transition"] is not None}
    assert found[0]["transition"] == number
    assert found[0]["registers"] == {register: "lost[tag0,]"}
    assert len(steps & {access["transition"] for access in found}) >= 2
    assert "Taint access at #" in reven(*back, "-n", "1").stdout


def test_what_is_no_data_is_said(reven, crash_trace):
    done = reven("taint", crash_trace, "nothing")
    assert done.returncode != 0
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr
