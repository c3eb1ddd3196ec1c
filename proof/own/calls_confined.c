// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
static void trap(int n, siginfo_t *i, void *c) { printf("trapped %d %d\n", i->si_syscall == SYS_getppid, i->si_code); ((ucontext_t *)c)->uc_mcontext.gregs[REG_RAX] = 77; }
int main(void) { struct sigaction a = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO}; sigaction(SIGSYS, &a, NULL); struct sock_filter f[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 99), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}; struct sock_fprog p = {6, f}; prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); printf("%d\n", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p)); printf("%ld %d\n", syscall(SYS_getpgid, 0), errno); printf("%ld\n", syscall(SYS_getppid)); fflush(stdout); return 0; }
