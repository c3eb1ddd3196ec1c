# SPDX-License-Identifier: Apache-2.0
"""Queries wait for no more of the index than they need."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reven import _engine

REVEN = str(Path(sys.executable).with_name("reven"))

LOOPS = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static long table[5000];
__attribute__((noinline)) static long work(long seed) {
  long local[16], all = 0;
  for (int i = 0; i < 40000; i++) {
    local[i % 16] = seed += i * 7;
    table[(seed & 0xffff) % 5000] += local[(i + 3) % 16];
    all += local[i % 16];
  }
  return all;
}
int main(void) {
  long all = 0;
  char *block = malloc(50000);
  memset(block, 3, 50000);
  for (int round = 0; round < 12; round++) {
    all += work(round) + block[round * 1000];
    block[round * 999] = round;
    if (round == 5) { free(block); block = malloc(300000); memset(block, 9, 300000); }
    printf("%ld\\n", all);
  }
  return 0;
}
"""


@pytest.fixture
def fresh(record_program: Callable[..., Path], tmp_path: Path) -> Path:
    """A trace as the recording left it."""
    copy = tmp_path / "t.reven"
    shutil.copytree(record_program(LOOPS), copy)
    for name in ("index.bin", "calls.bin"):
        (copy / name).unlink(missing_ok=True)
    return copy


def events(engine: _engine.Trace) -> list[object]:
    count = engine.transition_count
    return [
        [(m.address, m.size, m.path, m.first_context, m.last_context) for m in engine.mappings()],
        [(s.transition, s.number, s.arguments, s.result) for s in engine.syscalls(0, count)],
        [(t.id, t.first_transition, t.last_transition) for t in engine.threads()],
    ]


def test_the_outline_is_written_while_recording(fresh: Path) -> None:
    written = (fresh / "outline.bin").read_bytes()
    assert written
    before = events(_engine.Trace(str(fresh)))
    # Nobody had to add to it, and it says what the trace itself says.
    assert (fresh / "outline.bin").read_bytes() == written
    assert not (fresh / "index.bin").exists()
    (fresh / "outline.bin").unlink()
    assert events(_engine.Trace(str(fresh))) == before
    assert (fresh / "outline.bin").exists()


@pytest.mark.parametrize(
    "words", [["info"], ["show", "--at", "50%"], ["show"], ["show", "--at", "work"]]
)
def test_commands_make_no_index_of_memory(fresh: Path, words: list[str]) -> None:
    command = [str(REVEN), words[0], str(fresh), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    assert not (fresh / "index.bin").exists()


def test_accesses_are_the_same_without_the_index(fresh: Path) -> None:
    engine, indexed = _engine.Trace(str(fresh)), _engine.Trace(str(fresh))
    count = engine.transition_count
    draw = random.Random(5)
    found = engine.accesses(0, count, writes=True, limit=300)
    places = draw.sample(sorted(set(found.address.tolist())), 10)
    asked = [
        (address, forward, limit) for address in places for forward in (1, 0) for limit in (1, 50)
    ]

    def ask(trace: _engine.Trace) -> list[object]:
        pages = [
            trace.accesses(0, count, address, 8, forward=bool(forward), limit=limit)
            for address, forward, limit in asked
        ]
        return [(p.transition.tolist(), p.address.tolist(), p.cause.tolist()) for p in pages]

    without = ask(engine)
    assert not engine.indexed
    indexed.build_index()
    assert ask(indexed) == without


def test_memory_is_the_same_without_the_index(fresh: Path) -> None:
    engine = _engine.Trace(str(fresh))
    count = engine.transition_count
    draw = random.Random(7)
    contexts = [draw.randrange(count + 1) for _ in range(40)] + [0, 1, count]
    asked = []
    for context in contexts:
        rsp = int.from_bytes(engine.registers(context)[1][32:40], "little")
        asked += [(context, rsp - 64, 200), (context, rsp & ~4095, 4096)]
    touched = engine.accesses(0, count, limit=2000).address.tolist()
    asked += [(draw.choice(contexts), address, 16) for address in draw.sample(touched, 20)]
    without = [engine.read_known_memory(*one) for one in asked]
    indexed = _engine.Trace(str(fresh))
    indexed.build_index()
    assert [indexed.read_known_memory(*one) for one in asked] == without


def test_refresh_waits_for_no_index(fresh: Path) -> None:
    engine = _engine.Trace(str(fresh))
    looked: list[bool] = []

    def while_it_is_built(_done: int, _total: int) -> bool:
        if not looked:
            thread = threading.Thread(target=engine.refresh)
            thread.start()
            thread.join(60)
            looked.append(not thread.is_alive())
        return True

    engine.build_index(while_it_is_built, 1)
    assert looked == [True]


def test_what_was_just_written_can_be_read_while_the_index_is_built(fresh: Path) -> None:
    engine = _engine.Trace(str(fresh))
    middle = engine.transition_count // 2
    (stored,) = engine.accesses(0, middle, reads=False, forward=False, limit=1).address[:1]
    read: list[bytes] = []

    def while_it_is_built(_done: int, _total: int) -> bool:
        if not read:
            reader = threading.Thread(
                target=lambda: read.append(engine.read_memory(middle, int(stored), 1))
            )
            reader.start()
            reader.join(60)
            assert not reader.is_alive()
        return True

    engine.build_index(while_it_is_built, 1)
    assert read
