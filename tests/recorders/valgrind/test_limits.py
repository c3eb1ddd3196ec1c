# SPDX-License-Identifier: Apache-2.0
"""The limits of a recorded process, its name, and what it reads of itself: as natively."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

DESCRIPTORS = """
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static void show(void) {
    char text[8192] = "";
    int highest = -1, file = open("/proc/self/limits", O_RDONLY), next;
    struct rlimit limit;
    read(file, text, sizeof text - 1);
    close(file);
    getrlimit(RLIMIT_NOFILE, &limit);
    printf("%lu %lu %ld ", limit.rlim_cur, limit.rlim_max, sysconf(_SC_OPEN_MAX));
    printf("%s\\n", strtok(strstr(text, "Max open files"), "\\n"));
    while ((next = open("/dev/null", O_RDONLY)) >= 0) highest = next;
    printf("%d %s\\n", highest, strerror(errno));
    for (int i = 3; i <= highest; i++) close(i);
    fflush(stdout);
}
int main(int count, char **arguments) {
    struct rlimit limit = {256, 512}, old;
    show();
    if (count > 1) return 0;
    printf("%d ", prlimit(0, RLIMIT_NOFILE, &limit, &old));
    printf("%lu %lu\\n", old.rlim_cur, old.rlim_max);
    show();
    limit.rlim_cur = 600;
    printf("%d %s\\n", setrlimit(RLIMIT_NOFILE, &limit), strerror(errno));
    limit.rlim_cur = 300;
    printf("%d %d ", setrlimit(RLIMIT_NOFILE, &limit), dup2(1, 299));
    printf("%d\\n", dup2(1, 300));
    close(299);
    fflush(stdout);
    if (fork() == 0) {
        for (int i = 1; i < 10; i++) printf("%d ", dup2(1, i));
        execl(arguments[0], "x", "y", (char *)0);
    }
    wait(0);
    limit.rlim_cur = limit.rlim_max = 0;
    printf("%d %d\\n", setrlimit(RLIMIT_NOFILE, &limit), open("/dev/null", O_RDONLY));
    return 0;
}
"""

NAMED = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
static int deep(int left) {
    volatile char room[4000];
    room[0] = left;
    return left ? room[0] % 3 + deep(left - 1) : 0;
}
int main(int count, char **arguments) {
    char line[64] = "";
    struct rlimit limit = {64 << 20, RLIM_INFINITY};
    int file = open("/proc/self/cmdline", O_RDONLY), size = read(file, line, sizeof line);
    printf("%d %s ", count, count == 1 ? "" : arguments[0]);
    for (int i = count == 1 ? size : 0; i < size; i++) putchar(line[i] ? line[i] : '|');
    puts("");
    fflush(stdout);
    if (count == 3) return deep(10000) == 1;
    char *second[] = {"a name that is longer than the path that the program has", "1", "2", 0};
    if (count == 2) fexecve(open("/proc/self/exe", O_RDONLY), second, environ);
    setrlimit(RLIMIT_STACK, &limit);
    execv("/proc/self/exe", (char *[]){"-first", "1", 0});
    return 1;
}
"""

SEEN = """
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static void list(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) printf("%s ", entry->d_name);
    puts("");
    closedir(folder);
}
static void *show(void *argument) {
    static const char *const folders[] = {"self", "thread-self", "%d", "self/task/%d"};
    static const char *const files[] = {"comm", "cmdline", "environ", "limits", "auxv"};
    static char text[1 << 16], path[128], folder[64];
    struct stat status;
    struct statx more;
    for (int i = 0; i < 4; i++) {
        strcpy(folder, "/proc/");
        snprintf(folder + 6, sizeof folder - 6, folders[i], (int)syscall(SYS_gettid));
        for (int j = 0; j < 5; j++) {
            snprintf(path, sizeof path, "%s/%s", folder, files[j]);
            int file = open(path, O_RDONLY), size = read(file, text, sizeof text);
            close(file);
            printf("%s %s %d ", folders[i], files[j], size);
            for (int k = 0; k < size && j != 4; k++) putchar(text[k] ? text[k] : '|');
            puts("");
        }
        snprintf(path, sizeof path, "%s/exe", folder);
        stat(path, &status);
        statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &more);
        printf("%ld %ld %d\\n", (long)status.st_ino, (long)more.stx_ino, access(path, X_OK));
        snprintf(path, sizeof path, "%s/fd", folder);
        list(path);
    }
    return argument;
}
int main(void) {
    pthread_t thread;
    show(0);
    pthread_create(&thread, 0, show, 0);
    pthread_join(thread, 0);
    return 0;
}
"""


@pytest.mark.parametrize("soft", [300, 1024])
def test_descriptors_have_the_limits_of_the_caller(
    soft: int, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        run_both_ways([compile_program(DESCRIPTORS, "-Wno-error", "-D_GNU_SOURCE")]).assert_same()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_program_has_the_name_and_the_stack_that_it_is_given(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    run_both_ways([compile_program(NAMED, "-Wno-error", "-O0")]).assert_same()


def test_a_script_has_its_path(tmp_path: Path, run_both_ways: RunBothWays) -> None:
    script = tmp_path / "script"
    script.write_text('#!/bin/sh -e\necho "$0 $@"; tr "\\0" "|" < /proc/$$/cmdline\n')
    script.chmod(0o755)
    both = run_both_ways(
        ["/bin/bash", "-c", f"(exec -a other {script} x y); exec -a -sh sh -c 'echo $0'"]
    )
    assert both.native.stdout.endswith("-sh\n")
    both.assert_same()


def test_what_a_process_reads_of_itself(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    environment = {**os.environ, "SOMETHING": "x" * 100}
    program = compile_program(SEEN, "-Wno-error", "-pthread")
    run_both_ways([program, "one", "two"], env=environment).assert_same()
