// SPDX-License-Identifier: Apache-2.0
// Runs a program one instruction at a time with ptrace and writes its state before each
// instruction, from the one at START to its end.
//
//   single_step START REGION SIZE STRIDE STATES MEMORY PROGRAM
//
// STATES: per instruction, struct user_regs_struct, then the first 832 bytes of the XSAVE
// area in its standard format (FXSAVE, header, upper halves of the ymm registers).
// MEMORY: for every STRIDE-th instruction, the SIZE bytes at REGION.
#define _GNU_SOURCE
#include <elf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { XSAVE_SIZE = 832 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_all(FILE *file, const void *bytes, size_t size) {
    if (fwrite(bytes, 1, size, file) != size) fail("write");
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    uint64_t start = strtoull(argv[1], NULL, 0);
    struct iovec remote = {(void *)strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0)};
    struct iovec local = {malloc(remote.iov_len), remote.iov_len};
    long stride = strtol(argv[4], NULL, 0);
    FILE *states = fopen(argv[5], "wb"), *memory = fopen(argv[6], "wb");
    if (!local.iov_base || !states || !memory) fail("open");

    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(argv[7], argv[7], NULL);
        _exit(127);
    }
    int status, started = 0;
    long steps = 0;
    if (waitpid(child, &status, 0) < 0) fail("wait");
    while (WIFSTOPPED(status)) {
        if (WSTOPSIG(status) != SIGTRAP) {
            fprintf(stderr, "signal %d after %ld instructions\n", WSTOPSIG(status), steps);
            kill(child, SIGKILL);
            return 1;
        }
        struct user_regs_struct registers;
        if (ptrace(PTRACE_GETREGS, child, 0, &registers)) fail("registers");
        started |= registers.rip == start;
        if (started) {
            uint8_t area[16384];
            struct iovec into = {area, sizeof area};
            if (ptrace(PTRACE_GETREGSET, child, NT_X86_XSTATE, &into)) fail("vector registers");
            if (into.iov_len < XSAVE_SIZE) return 3;
            write_all(states, &registers, sizeof registers);
            write_all(states, area, XSAVE_SIZE);
            if (steps++ % stride == 0) {
                if (process_vm_readv(child, &local, 1, &remote, 1, 0) != (ssize_t)local.iov_len)
                    fail("memory");
                write_all(memory, local.iov_base, local.iov_len);
            }
        }
        if (ptrace(PTRACE_SINGLESTEP, child, 0, 0)) fail("step");
        if (waitpid(child, &status, 0) < 0) fail("wait");
    }
    if (fclose(states) || fclose(memory)) fail("close");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
