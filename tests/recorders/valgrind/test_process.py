# SPDX-License-Identifier: Apache-2.0
"""Programs live as they would without the recorder: the limits of whoever records, and
nothing of the recorder to be seen."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from reven.record import ProgramNotExecutable, record
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

THREADS = """
#include <pthread.h>
#include <stdio.h>
static pthread_barrier_t all;
static void *wait(void *argument) { pthread_barrier_wait(&all); return argument; }
int main(void) {
    enum { COUNT = 700 };
    pthread_t threads[COUNT];
    pthread_barrier_init(&all, 0, COUNT);
    for (int i = 0; i < COUNT; i++) if (pthread_create(&threads[i], 0, wait, 0)) return 1;
    for (int i = 0; i < COUNT; i++) pthread_join(threads[i], 0);
    puts("all");
    return 0;
}
"""

STACK = """
#include <stdio.h>
#include <string.h>
static int deep(int left) {
    volatile char room[1 << 20];
    room[0] = left;
    return left ? deep(left - 1) + room[0] : 0;
}
int main(void) { printf("%d\\n", deep(20)); return 0; }
"""

LARGE = """
#include <stdio.h>
#include <sys/mman.h>
int main(void) {
    for (unsigned long size = 1ul << 30; size <= 1ul << 43; size <<= 1) {
        volatile char *p = mmap(0, size, size > 1ul << 37 ? PROT_NONE : PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        printf("%lu %s\\n", size, p == MAP_FAILED ? "failed" : "mapped");
        if (p != MAP_FAILED && size <= 1ul << 37) p[size - 1] = p[0] = 1;
        munmap((void *)p, size);
    }
    return 0;
}
"""

AGAIN = """
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **arguments) {
    char start[4] = "", path[4096] = "";
    if (count > 1) { puts("again"); return 7; }
    int file = open("/proc/self/exe", O_RDONLY);
    if (read(file, start, 4) != 4 || readlink("/proc/self/exe", path, sizeof path) < 0) return 1;
    printf("%.3s %s %d\\n", start + 1, path, file);
    fflush(stdout);
    execl("/proc/self/exe", arguments[0], "again", (char *)0);
    return 1;
}
"""

ROOT = """
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **arguments) {
    if (count < 2) { puts("inside"); fflush(stdout); return 5; }
    if (chroot(arguments[1]) || chdir("/") || setgid(65534) || setuid(65534)) return 1;
    execl("/program", "program", (char *)0);
    return 1;
}
"""

SEEN = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
static void show(const char *path, const char *only) {
    char line[512];
    FILE *file = fopen(path, "r");
    printf("%s:\\n", path);
    while (file && fgets(line, sizeof line, file)) if (strstr(line, only)) fputs(line, stdout);
    if (file) fclose(file);
}
int main(void) {
    char name[17] = "";
    struct rlimit limit;
    for (int i = 0; i < 3; i++) printf("fd %d\\n", open("/dev/null", O_RDONLY | O_CLOEXEC));
    prctl(PR_GET_NAME, name);
    getrlimit(RLIMIT_NOFILE, &limit);
    printf("%s %lu\\n", name, limit.rlim_cur);
    show("/proc/self/comm", "");
    show("/proc/self/cmdline", "");
    show("/proc/self/status", "Name");
    return 0;
}
"""

KEPT = """
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int status;
    char *p = mmap(0, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, 5 * 4096);
    madvise(p + 4096, 4096, MADV_DONTFORK);
    madvise(p + 3 * 4096, 4096, MADV_DONTFORK);
    if (fork() == 0) return p[0] + p[2 * 4096] + p[4 * 4096];
    wait(&status);
    return WEXITSTATUS(status);
}
"""

MAPS = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
    char line[512];
    FILE *file = fopen("/proc/self/maps", "r");
    free(malloc(1));
    while (fgets(line, sizeof line, file)) {
        char access[5], *name = strchr(line, '/');
        if (!name) name = strchr(line, '[');
        sscanf(line, "%*s %4s", access);
        if (name && !strstr(name, "[v")) printf("%s %s", access, strrchr(name, '/') ?: name);
    }
    return 0;
}
"""


NO_STRINGS = """
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    memcpy(page + 4090, "/proc/", 6);
    char *bad[] = {0, (char *)1, (char *)0x7fffffffff000, (char *)-1, page + 4090, page + 4096};
    for (int i = 0; i < 6; i++) {
        long calls[][5] = {
            {SYS_open, (long)bad[i], 0, 0}, {SYS_open, (long)bad[i], 65, 0600},
            {SYS_openat, -100, (long)bad[i], 0}, {SYS_creat, (long)bad[i], 0600},
            {SYS_stat, (long)bad[i], (long)page}, {SYS_truncate, (long)bad[i], 0},
            {SYS_readlink, (long)bad[i], (long)page, 8}, {SYS_access, (long)bad[i], 0},
            {SYS_readlinkat, -100, (long)bad[i], (long)page, 8}, {SYS_chdir, (long)bad[i]},
            {SYS_execve, (long)bad[i], 0, 0}, {SYS_execveat, -100, (long)bad[i], 0, 0},
            {SYS_unlink, (long)bad[i]},
        };
        for (unsigned at = 0; at < sizeof calls / sizeof *calls; at++) {
            long *call = calls[at];
            errno = 0;
            long got = syscall(call[0], call[1], call[2], call[3], call[4]);
            printf("%d %ld: %ld %d\\n", i, call[0], got, errno);
        }
    }
    return 0;
}
"""


@pytest.fixture
def usual_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("usual_descriptors")
@pytest.mark.parametrize("source", [THREADS, LARGE, AGAIN, SEEN, NO_STRINGS, KEPT])
def test_a_program_runs_as_it_does_natively(
    source: str, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    run_both_ways([compile_program(source, "-Wno-error", "-pthread")]).assert_same()


@pytest.mark.parametrize("size", [0, 1000, 2000, 3000])
def test_a_program_executes_itself_wherever_its_stack_ends_in_a_page(
    size: int, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    environment = {**os.environ, "PADDING": "x" * size}
    run_both_ways([compile_program(AGAIN, "-Wno-error", "-pthread")], env=environment).assert_same()


def test_the_stack_is_as_large_as_the_limit_says(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, hard))
    try:
        run_both_ways([compile_program(STACK, "-O0")]).assert_same()
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change its root folder")
def test_what_runs_where_the_recorder_is_out_of_reach_runs_unrecorded(
    tmp_path: Path, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    program = compile_program(ROOT, "-static")
    (root / "program").write_bytes(program.read_bytes())
    (root / "program").chmod(0o755)
    for folder in (root, *root.parents):
        if folder.owner() == "root" and str(folder).startswith(str(tmp_path.parents[1])):
            folder.chmod(folder.stat().st_mode | 0o055)
    both = run_both_ways([program, str(root)])
    assert both.native.stdout == "inside\n"
    both.assert_same()


def test_nothing_of_the_recorder_is_in_the_mappings(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(MAPS, "-Wno-error")])
    assert set(both.recorded.stdout.splitlines()) == set(both.native.stdout.splitlines())


def test_the_mappings_are_all_the_programs_own(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = MAPS.replace("if (name && !strstr", "if (0 && !strstr").replace(
        "char access", "fputs(line, stdout); char access"
    )
    recorded = run_both_ways([compile_program(source, "-Wno-error")]).recorded.stdout
    assert "reven" not in recorded
    assert not re.search(r"^0*58[0-9a-f]{6}-", recorded, re.MULTILINE)


@pytest.mark.parametrize(
    ("flag", "words"),
    [("thread", "ThreadSanitizer"), ("leak", "ASAN_OPTIONS=detect_leaks=0")],
)
def test_a_sanitizer_that_cannot_run_is_said_before_it_starts(
    flag: str, words: str, compile_program: CompileProgram, tmp_path: Path
) -> None:
    program = compile_program("int main(void) { return 0; }", f"-fsanitize={flag}")
    with pytest.raises(ProgramNotExecutable, match=words):
        record([str(program)], tmp_path / "t.reven")


def test_an_address_sanitizer_runs_without_its_search_for_leaks(
    compile_program: CompileProgram,
    run_both_ways: RunBothWays,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    source = """
    #include <stdlib.h>
    int main(int count, char **arguments) {
        volatile char *block = malloc(10);
        return arguments[0][0] == 'x' ? block[10] : 3;
    }
    """
    program = compile_program(source, "-fsanitize=address", "-Wno-error")
    with pytest.raises(ProgramNotExecutable, match="detect_leaks=0"):
        record([str(program)], tmp_path / "t.reven")
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")
    run_both_ways([program]).assert_same()
