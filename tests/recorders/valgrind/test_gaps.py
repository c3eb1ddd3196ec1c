# SPDX-License-Identifier: Apache-2.0
"""Code that is left out of a record: values are right on both sides of every seam."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import reven2
from reven import _engine

SEAM = """
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
int total;
char buffer[9000];
__attribute__((noinline)) void left_out(int n) {
  for (int i = 0; i < n; i++) { total += i * 3; buffer[i * 7 % sizeof buffer] ^= i; }
}
__attribute__((noinline)) int kept(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) sum += buffer[i] + total;
  return sum;
}
__attribute__((noinline)) char *mapped(void) {
  char *made = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(made, 5, 8192);
  made = mremap(made, 8192, 1 << 20, MREMAP_MAYMOVE);
  made[4000] = 6;
  FILE *file = fopen("/proc/self/stat", "r");
  size_t got = fread(made + 5000, 1, 20, file);
  fclose(file);
  return made + (got == 0);
}
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  int numbers[100], sum = 0;
  for (int i = 0; i < 20; i++) { left_out(i * 20); sum += kept(100); }
  for (int i = 0; i < 100; i++) numbers[i] = (i * 37) % 101;
  qsort(numbers, 100, sizeof *numbers, compare);
  char *block = malloc(100000), *made = mapped();
  memset(block, 7, 100000);
  for (int i = 0; i < 100000; i += 9) sum += block[i];
  for (int i = 0; i < 5000; i += 9) sum += made[i];
  printf("%d %d\\n", sum, numbers[3]);
  return made[5000] == 0;
}
"""

THREADS = """
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;
static volatile int seen;
static char text[4096];
__attribute__((noinline)) static void left_out(long n) {
  for (long i = 0; i < 3000; i++) { text[(n + i) % sizeof text] += i; total += n; }
}
static void handler(int signal) { seen += signal; left_out(signal); }
static void *work(void *argument) {
  for (int round = 0; round < 30; round++) {
    pthread_mutex_lock(&lock);
    left_out((long)argument);
    pthread_mutex_unlock(&lock);
    raise(SIGUSR1);
  }
  return NULL;
}
int main(void) {
  pthread_t threads[3];
  signal(SIGUSR1, handler);
  for (long i = 0; i < 3; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  if (fork() == 0) { left_out(3); _exit(text[5] & 1); }
  printf("%d\\n", seen);
  return 0;
}
"""

CRASH = """
__attribute__((noinline)) void left_out(int *at) { *at = 5; }
int main(void) { left_out((int *)16); return 0; }
"""


@pytest.mark.parametrize(
    "options",
    [
        ["--skip", "left_out"],
        ["--only", "program"],
        ["--skip", "libc"],
        ["--only", "kept", "--only", "main"],
        ["--skip", "libc", "--skip", "mapped", "--from", "main"],
        ["--only", "libc"],
        ["--only", "program", "--skip", "program!left_out"],
    ],
    ids=" ".join,
)
def test_every_value_is_right_at_the_seams(
    run_both_ways: Callable[..., object], compile_program: Callable[..., Path], options: list[str]
) -> None:
    done = run_both_ways([compile_program(SEAM)], *options)
    done.assert_same()  # type: ignore[attr-defined]
    assert done.checked.unrecorded_changes > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [["--skip", "left_out"], ["--only", "program"]], ids=" ".join)
def test_threads_signals_and_forks(
    run_both_ways: Callable[..., object], compile_program: Callable[..., Path], options: list[str]
) -> None:
    done = run_both_ways([compile_program(THREADS, "-pthread")], *options)
    done.assert_same()  # type: ignore[attr-defined]
    child = done.trace.with_name("t.1.reven")  # type: ignore[attr-defined]
    assert not _engine.Trace(str(child)).check().problems


def test_the_history_says_that_it_was_not_recorded(
    run_both_ways: Callable[..., object], compile_program: Callable[..., Path]
) -> None:
    done = run_both_ways([compile_program(SEAM)], "--skip", "left_out")
    server = reven2.open(done.trace)  # type: ignore[attr-defined]
    total = server.where("total")
    causes = [
        access.cause
        for access in server.trace.memory_accesses(total.address, 4)
        if access.operation == reven2.memhist.MemoryAccessOperation.Write
    ]
    assert causes
    assert set(causes) == {reven2.memhist.MemoryAccessCause.NotRecorded}
    assert server.trace.notices == ["code of left_out is not recorded (--skip)"]
    # The code itself is not there, and the moments around it follow each other.
    address = server.where("left_out").address
    assert address is not None
    assert not list(server.trace.search.pc(address))
    server.close()


def test_a_crash_in_code_that_is_left_out(
    run_both_ways: Callable[..., object], compile_program: Callable[..., Path]
) -> None:
    done = run_both_ways([compile_program(CRASH)], "--skip", "left_out")
    assert done.recorded.returncode == 139  # type: ignore[attr-defined]
    assert not done.checked.problems  # type: ignore[attr-defined]


def test_what_is_left_out_is_left_out(
    run_both_ways: Callable[..., object], compile_program: Callable[..., Path]
) -> None:
    done = run_both_ways([compile_program(SEAM)], "--only", "kept")
    server = reven2.open(done.trace)  # type: ignore[attr-defined]
    kept = server.where("kept").address
    pcs = server._service.transitions(0, server.trace.transition_count)
    assert kept is not None
    low, high = kept.offset, kept.offset + server.where("kept")._data.size
    assert all(low <= pc < high for pc in memoryview(pcs.pc).cast("Q"))
    server.close()
