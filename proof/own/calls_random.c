// SPDX-License-Identifier: Apache-2.0
// seconds: 100
// System calls with arguments drawn from bad and good pointers and numbers: what natively
// fails, fails recorded in the same way, and nothing ends the recorder. One process per part.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define CALL(name) {#name, SYS_##name},
static const struct { const char *name; long number; } calls[] = {
    CALL(write) CALL(open) CALL(stat) CALL(fstat) CALL(lstat) CALL(lseek) CALL(rt_sigaction)
    CALL(rt_sigprocmask) CALL(ioctl) CALL(pread64) CALL(pwrite64) CALL(writev) CALL(access)
    CALL(pipe) CALL(msync) CALL(mincore) CALL(madvise) CALL(dup) CALL(getitimer) CALL(sendto)
    CALL(sendmsg) CALL(socket) CALL(getsockname) CALL(getpeername) CALL(socketpair)
    CALL(setsockopt) CALL(getsockopt) CALL(uname) CALL(fcntl) CALL(getcwd) CALL(chdir)
    CALL(rename) CALL(mkdir) CALL(rmdir) CALL(link) CALL(unlink) CALL(symlink) CALL(readlink)
    CALL(chmod) CALL(chown) CALL(lchown) CALL(gettimeofday) CALL(getrlimit) CALL(getrusage)
    CALL(sysinfo) CALL(getgroups) CALL(getresuid) CALL(getresgid) CALL(capget)
    CALL(rt_sigpending) CALL(sigaltstack) CALL(utime) CALL(statfs) CALL(fstatfs)
    CALL(sched_getparam) CALL(sched_getscheduler) CALL(arch_prctl) CALL(getxattr)
    CALL(lgetxattr) CALL(fgetxattr) CALL(setxattr) CALL(listxattr) CALL(removexattr)
    CALL(sched_getaffinity) CALL(io_setup) CALL(io_submit) CALL(io_cancel) CALL(getdents64)
    CALL(timer_gettime) CALL(clock_gettime) CALL(clock_getres) CALL(epoll_ctl)
    CALL(inotify_add_watch) CALL(openat) CALL(mkdirat) CALL(mknodat) CALL(newfstatat)
    CALL(unlinkat) CALL(renameat) CALL(linkat) CALL(symlinkat) CALL(readlinkat) CALL(fchmodat)
    CALL(faccessat) CALL(utimensat) CALL(signalfd4) CALL(timerfd_create) CALL(timerfd_gettime)
    CALL(timerfd_settime) CALL(eventfd2) CALL(pipe2) CALL(preadv) CALL(pwritev) CALL(sendmmsg)
    CALL(prlimit64) CALL(process_vm_readv) CALL(process_vm_writev) CALL(kcmp) CALL(memfd_create)
    CALL(execve) CALL(statx) CALL(copy_file_range) CALL(name_to_handle_at)
    CALL(open_by_handle_at) CALL(splice) CALL(tee) CALL(vmsplice) CALL(get_robust_list)
    CALL(mq_open) CALL(mq_unlink) CALL(mq_getsetattr) CALL(io_uring_setup) CALL(truncate)
    CALL(ftruncate) CALL(creat) CALL(fchdir) CALL(getpriority) CALL(getpgid) CALL(getsid)
    CALL(semctl) CALL(msgsnd) CALL(msgctl) CALL(shmctl) CALL(sched_rr_get_interval)
    CALL(quotactl) CALL(bpf) CALL(perf_event_open) CALL(finit_module) CALL(fanotify_mark)
    CALL(execveat) CALL(preadv2) CALL(pwritev2) CALL(mlock) CALL(munlock) CALL(mbind)
    CALL(get_mempolicy) CALL(set_mempolicy) CALL(move_pages) CALL(sendfile)
    CALL(sync_file_range) CALL(fallocate) CALL(utimes) CALL(futimesat) CALL(renameat2)
    CALL(seccomp) CALL(sched_getattr) CALL(sched_setattr) CALL(openat2) CALL(faccessat2)
    CALL(pidfd_getfd) CALL(mount_setattr) CALL(landlock_create_ruleset) CALL(process_mrelease)
    CALL(tgkill)
};
enum { COUNT = sizeof calls / sizeof calls[0], ROUNDS = 6, PARTS = 8 };
static uint64_t state = 7;
static unsigned draw(unsigned below) { state = state * 6364136223846793005u + 1442695040888963407u; return (unsigned)(state >> 33) % below; }
int main(void) {
    char *area = mmap((void *)0x10000000, 3 * 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 4096, 4096, PROT_READ);
    mprotect(area + 8192, 4096, PROT_NONE);
    int ends[2];
    if (open("made", O_RDWR | O_CREAT, 0600) != 3 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends)) return 9;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int part = 0; part < PARTS; part++) {
        fflush(stdout);
        state = part;
        if (fork()) { int status; wait(&status); printf("part %d ended with %d\n", part, status); continue; }
        for (int i = part * COUNT / PARTS; i < (part + 1) * COUNT / PARTS; i++) for (int round = 0; round < ROUNDS; round++) {
            memset(area, 0, 4096);
            strcpy(area + 64, "nowhere/x");
            long pool[] = {0, 0, 3, 4, 1, 2, 16, (long)area + 128, (long)area + 256, (long)area + 512, -1, 99, 8, 4096, (long)area, (long)area + 64, (long)area + 4000, (long)area + 4096, (long)area + 4096 + 4090, (long)area + 8190, (long)area + 8192, 0x7fffffffffff, (long)0x8000000000000000, 0x100000000};
            long a[6];
            for (int k = 0; k < 6; k++) a[k] = pool[draw(sizeof pool / sizeof pool[0])];
            /* The first argument of most is a descriptor, and none that the program uses. */
            if (a[0] == 1 || a[0] == 2 || a[0] == 0 || a[0] == 8) a[0] = 3 + round % 3;
            errno = 0;
            long result = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
            printf("%s %s %d\n", calls[i].name, result == -1 ? "fails" : "succeeds", errno);
        }
        _exit(0);
    }
    return 0;
}
