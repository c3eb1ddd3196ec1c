// SPDX-License-Identifier: Apache-2.0
// Recent system calls: natively there or not, recorded the same.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) { struct { unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, size, tls; } a = {.exit_signal = SIGCHLD}; long c = syscall(435, &a, sizeof a); if (c == 0) _exit(5); int s = 0; printf("clone3 %d ", c > 0); waitpid(c, &s, 0); printf("%d\n", WEXITSTATUS(s)); int u = syscall(SYS_userfaultfd, O_CLOEXEC); printf("userfaultfd %d\n", u >= 0); printf("pidfd %d\n", syscall(434, getpid(), 0) >= 0); printf("landlock %d\n", (int)syscall(444, NULL, 0, 1) > 0); printf("memfd_secret %d\n", (int)syscall(447, 0) >= 0 || errno == ENOSYS); printf("futex_waitv %ld %d\n", syscall(449, NULL, 0, 0, NULL, 0), errno); printf("pkey %d\n", (int)syscall(SYS_pkey_alloc, 0, 0) >= -1); struct { int x[8]; } z; printf("rseq %d\n", (int)syscall(334, &z, 32, 9, 0x53053053) == -1); printf("kcmp %ld\n", syscall(SYS_kcmp, getpid(), getpid(), 0, 1, 1)); printf("name %d\n", (int)syscall(SYS_memfd_create, "x", 0) >= 0); printf("mlock2 %ld\n", syscall(SYS_mlock2, &a, 8, 0)); printf("process_madvise %d\n", (int)syscall(440, -1, NULL, 0, 0, 0)); printf("epoll_pwait2 %ld ", syscall(441, -1, NULL, 0, NULL, NULL, 0)); printf("%d\n", errno); printf("none %ld ", syscall(9999)); printf("%d\n", errno); return 0; }
