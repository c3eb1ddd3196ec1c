# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json

import pytest


@pytest.fixture
def show(reven, crash_trace):
    """`show(*words)`: the transitions that `reven show --json` gives."""
    return lambda *words: json.loads(reven("show", crash_trace, "--json", *words).stdout)


def test_without_a_place_the_last_transitions_are_shown(show):
    shown = show("-n", "3")
    assert [transition["kind"] for transition in shown] == ["instruction", "instruction", "event"]
    assert shown[-1]["text"].endswith("✗ signal SIGSEGV (11) ends the process")
    assert shown[-1]["location"]["symbol"] == "use"
    assert shown[-1]["location"]["line"] == 7


def test_accesses_have_their_values(show):
    corrupt = hex(int.from_bytes(b"corrupt", "little"))
    write, _, _, load, _ = show("-n", "5")
    assert [(a["operation"], a["size"], a["value"]) for a in write["accesses"]] == [
        ("write", 8, corrupt)
    ]
    assert load["location"]["symbol"] == "use"
    assert ("read", 8, corrupt) in [
        (a["operation"], a["size"], a["value"]) for a in load["accesses"]
    ]


def test_changed_registers_have_their_values(show):
    (ret,) = [transition for transition in show("-n", "5") if transition["text"] == "ret"]
    (rsp,) = ret["registers"]
    assert rsp["name"] == "rsp"
    assert int(rsp["after"], 16) == int(rsp["before"], 16) + 8


def test_a_symbol_means_its_first_entry(show):
    (entry,) = show("--at", "overwrite", "-n", "1")
    assert entry["location"]["name"] == "program!overwrite"
    assert entry["location"]["offset"] == 0


def test_numbers_count_from_the_start_and_from_the_end(show):
    assert show("--at", "0", "-n", "1")[0]["id"] == 0
    (last,) = show("--at", "-1", "-n", "9")
    assert last["kind"] == "event"
    assert show("--at", str(last["id"]), "-n", "1") == [last]


def test_a_write_has_the_value_written(show):
    (call,) = show("--at", "main", "-n", "1")
    assert call["text"].startswith("sub rsp")
    pushes = [t for t in show("--at", "0", "-n", "200") if t["text"].startswith("call ")]
    (access,) = pushes[0]["accesses"]
    size_of_call = len(bytes.fromhex(pushes[0]["bytes"]))
    assert access["operation"] == "write"
    assert int(access["value"], 16) == int(pushes[0]["pc"], 16) + size_of_call


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("999999999", "there is no transition 999999999"),
        ("-999999999", "there is no transition -999999999"),
        ("no_such_function", "no executed binary has a symbol 'no_such_function'"),
    ],
)
def test_a_place_that_is_not_there_is_one_clear_line(reven, crash_trace, where, why):
    done = reven("show", crash_trace, "--at", where)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"reven: {why}")
    assert done.stderr.count("\n") == 1


def test_text_names_places_once_and_has_no_escape_sequences_when_piped(reven, crash_trace):
    text = reven("show", crash_trace, "-n", "2").stdout
    assert text.count("program!use") == 1
    assert "program.c:7" in text
    assert "\x1b" not in text


def test_a_terminal_gets_colours(reven_on_terminal, crash_trace):
    screens, status = reven_on_terminal("show", crash_trace, "-n", "2")
    assert status == 0
    assert any("program!use" in line for line in screens[-1])
