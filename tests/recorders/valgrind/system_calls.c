/* SPDX-License-Identifier: Apache-2.0
 * Makes system calls, and loads every byte that they wrote. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/mempolicy.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned sum;

__attribute__((noinline)) static void look(const void* from, long size) {
    const volatile unsigned char* at = from;
    for (long i = 0; i < size; i++) sum += at[i];
}

#define CALL(...) syscall(__VA_ARGS__)
#define LOOK(what) look(&(what), sizeof(what))

static unsigned char room[65536] __attribute__((aligned(4096)));
static char folder[] = "/tmp/system-calls-XXXXXX";

static void nothing(int number) { (void)number; }

static void files(void) {
    struct stat about;
    struct statfs system;
    struct statx more;
    int file = CALL(SYS_open, "data", O_RDWR | O_CREAT, 0600), other, ends[2], copy;
    struct iovec parts[2] = {{"first", 5}, {" second", 7}}, into[2] = {{room, 4}, {room + 8, 5}};
    off_t from = 1;
    loff_t here = 0, there = 2;
    CALL(SYS_write, file, "some words", 10);
    CALL(SYS_writev, file, parts, 2);
    CALL(SYS_pwrite64, file, "SOME", 4, 0);
    CALL(SYS_pwritev, file, parts, 2, 4, 0);
    CALL(SYS_pwritev2, file, parts, 2, 4, 0, 0);
    CALL(SYS_lseek, file, 0, SEEK_SET);
    look(room, CALL(SYS_read, file, room, 6));
    look(room, CALL(SYS_pread64, file, room, 6, 2));
    CALL(SYS_readv, file, into, 2), look(room, 13);
    CALL(SYS_preadv, file, into, 2, 1, 0), look(room, 13);
    CALL(SYS_preadv2, file, into, 2, 2, 0, 0), look(room, 13);
    other = CALL(SYS_creat, "other", 0600);
    CALL(SYS_sendfile, other, file, &from, 5), LOOK(from);
    CALL(SYS_copy_file_range, file, &here, other, &there, 4, 0), LOOK(here), LOOK(there);
    CALL(SYS_pipe, ends), LOOK(ends);
    CALL(SYS_splice, file, &here, ends[1], 0, 5, 0), LOOK(here);
    CALL(SYS_vmsplice, ends[1], parts, 1, 0);
    CALL(SYS_tee, ends[0], ends[1], 2, 0);
    look(room, CALL(SYS_read, ends[0], room, 32));
    CALL(SYS_pipe2, ends, O_CLOEXEC), LOOK(ends);
    CALL(SYS_readahead, file, 0, 10);
    CALL(SYS_fadvise64, file, 0, 10, 0);
    CALL(SYS_fallocate, file, 0, 0, 100);
    CALL(SYS_ftruncate, file, 50);
    CALL(SYS_truncate, "data", 40);
    CALL(SYS_fsync, other), CALL(SYS_fdatasync, other);
    CALL(SYS_sync_file_range, other, 0, 4, 0);
    CALL(SYS_syncfs, -1);
    copy = CALL(SYS_openat, AT_FDCWD, "data", O_RDONLY);
    struct open_how how = {.flags = O_RDONLY};
    CALL(SYS_openat2, AT_FDCWD, "data", &how, sizeof how);
    CALL(SYS_ioctl, file, FIOCLEX, 0);
    CALL(SYS_fcntl, file, F_GETFL, 0);
    struct flock lock = {.l_type = F_WRLCK};
    CALL(SYS_fcntl, file, F_GETLK, &lock), LOOK(lock);
    CALL(SYS_flock, file, LOCK_SH);
    CALL(SYS_fstat, file, &about), LOOK(about);
    CALL(SYS_stat, "data", &about), LOOK(about);
    CALL(SYS_lstat, "data", &about), LOOK(about);
    CALL(SYS_newfstatat, AT_FDCWD, "data", &about, 0), LOOK(about);
    CALL(SYS_statx, AT_FDCWD, "data", 0, STATX_ALL, &more), LOOK(more);
    CALL(SYS_statfs, "/", &system), LOOK(system);
    CALL(SYS_fstatfs, file, &system), LOOK(system);
    CALL(SYS_ustat, about.st_dev, room), look(room, 32);
    CALL(SYS_fchmod, file, 0600), CALL(SYS_chmod, "data", 0600);
    CALL(SYS_fchmodat, AT_FDCWD, "data", 0600), CALL(452, AT_FDCWD, "data", 0600, 0);
    CALL(SYS_fchown, file, -1, -1), CALL(SYS_chown, "data", -1, -1);
    CALL(SYS_lchown, "data", -1, -1), CALL(SYS_fchownat, AT_FDCWD, "data", -1, -1, 0);
    CALL(SYS_access, "data", 0), CALL(SYS_faccessat, AT_FDCWD, "data", 0);
    CALL(SYS_faccessat2, AT_FDCWD, "data", 0, 0);
    look(room, CALL(SYS_getcwd, room, sizeof room));
    int here_folder = CALL(SYS_open, ".", O_RDONLY);
    look(room, CALL(SYS_getdents, here_folder, room, sizeof room));
    CALL(SYS_lseek, here_folder, 0, SEEK_SET);
    look(room, CALL(SYS_getdents64, here_folder, room, sizeof room));
    CALL(SYS_fchdir, here_folder), CALL(SYS_chdir, ".");
    CALL(SYS_dup, file), CALL(SYS_dup2, file, 100), CALL(SYS_dup3, file, 101, 0);
    CALL(SYS_memfd_create, "memory", 0);
    CALL(SYS_memfd_secret, 0);
    struct {
        unsigned long offset, length;
    } range = {0, 4096};
    unsigned long cached[5];
    CALL(451, file, &range, cached, 0), LOOK(cached);
    CALL(SYS_close, copy), CALL(SYS_close_range, 100, 101, 0);
    CALL(SYS_umask, 022);
}

static void paths(void) {
    struct timeval times[2] = {{1, 2}, {3, 4}};
    struct timespec exact[2] = {{1, 2}, {3, 4}};
    char seconds[16] = {5};
    int mount, file = open("data", O_RDWR);
    unsigned char handle[200] = {128};
    CALL(SYS_mkdir, "a", 0700), CALL(SYS_mkdirat, AT_FDCWD, "b", 0700);
    CALL(SYS_rename, "a", "c"), CALL(SYS_renameat, AT_FDCWD, "b", AT_FDCWD, "d");
    CALL(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "e", 0);
    CALL(SYS_rmdir, "c"), CALL(SYS_unlinkat, AT_FDCWD, "e", AT_REMOVEDIR);
    CALL(SYS_link, "data", "l"), CALL(SYS_linkat, AT_FDCWD, "data", AT_FDCWD, "m", 0);
    CALL(SYS_symlink, "data", "n"), CALL(SYS_symlinkat, "data", AT_FDCWD, "o");
    look(room, CALL(SYS_readlink, "n", room, 100));
    look(room, CALL(SYS_readlinkat, AT_FDCWD, "o", room, 100));
    CALL(SYS_unlink, "l"), CALL(SYS_unlink, "m"), CALL(SYS_unlink, "n"), CALL(SYS_unlink, "o");
    CALL(SYS_utime, "data", seconds), CALL(SYS_utimes, "data", times);
    CALL(SYS_futimesat, AT_FDCWD, "data", times), CALL(SYS_utimensat, AT_FDCWD, "data", exact, 0);
    CALL(SYS_mknod, "p", S_IFIFO | 0600, 0), CALL(SYS_mknodat, AT_FDCWD, "q", S_IFIFO | 0600, 0);
    unlink("p"), unlink("q");
    CALL(SYS_setxattr, "data", "user.x", "value", 5, 0);
    CALL(SYS_lsetxattr, "data", "user.y", "value", 5, 0);
    CALL(SYS_fsetxattr, file, "user.z", "value", 5, 0);
    look(room, CALL(SYS_getxattr, "data", "user.x", room, 100));
    look(room, CALL(SYS_lgetxattr, "data", "user.x", room, 100));
    look(room, CALL(SYS_fgetxattr, file, "user.x", room, 100));
    look(room, CALL(SYS_listxattr, "data", room, 100));
    look(room, CALL(SYS_llistxattr, "data", room, 100));
    look(room, CALL(SYS_flistxattr, file, room, 100));
    struct {
        unsigned long value;
        unsigned size, flags;
    } attribute = {(unsigned long)room, 100, 0};
    CALL(464, AT_FDCWD, "data", 0, "user.x", &attribute, sizeof attribute), look(room, 5);
    attribute.size = 5;
    CALL(463, AT_FDCWD, "data", 0, "user.w", &attribute, sizeof attribute);
    look(room, CALL(465, AT_FDCWD, "data", 0, room, 100));
    CALL(466, AT_FDCWD, "data", 0, "user.w");
    CALL(SYS_removexattr, "data", "user.x"), CALL(SYS_lremovexattr, "data", "user.y");
    CALL(SYS_fremovexattr, file, "user.z");
    CALL(468, AT_FDCWD, "data", room, 24, 0), look(room, 24);
    CALL(469, AT_FDCWD, "data", room, 24, 0);
    CALL(SYS_name_to_handle_at, AT_FDCWD, "data", handle, &mount, 0), LOOK(handle), LOOK(mount);
    CALL(SYS_open_by_handle_at, AT_FDCWD, handle, O_RDONLY);
    CALL(SYS_sysfs, 3), CALL(SYS_sysfs, 2, 0, room), look(room, 32);
    unsigned long request[3] = {24, 0xffffffffffffffff, 0};
    CALL(458, request, room, 8, 0), look(room, 64);
    CALL(457, request, room, 4096, 0), look(room, 512);
}

static void memory(void) {
    unsigned char* at = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned long nodes[16] = {1}, status = 0;
    void* page = at;
    int policy = 0;
    memset(at, 7, 65536);
    CALL(SYS_mprotect, at, 4096, PROT_READ), look(at, 4096);
    CALL(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_WRITE, -1);
    CALL(SYS_pkey_alloc, 0, 0), CALL(SYS_pkey_free, 1);
    CALL(SYS_brk, 0);
    CALL(SYS_msync, at, 4096, MS_SYNC);
    CALL(SYS_mincore, at, 65536, room), look(room, 16);
    CALL(SYS_madvise, at, 4096, MADV_DONTNEED), look(at, 8192);
    CALL(SYS_mlock, at, 4096), CALL(SYS_mlock2, at, 4096, 0), CALL(SYS_munlock, at, 4096);
    CALL(SYS_mlockall, 0), CALL(SYS_munlockall);
    struct iovec own = {room, 64}, there = {at + 8192, 64};
    CALL(SYS_process_vm_readv, getpid(), &own, 1, &there, 1, 0), look(room, 64);
    CALL(SYS_process_vm_writev, getpid(), &own, 1, &there, 1, 0), look(at + 8192, 64);
    int self = CALL(SYS_pidfd_open, getpid(), 0);
    own.iov_base = at + 12288, own.iov_len = 4096;
    CALL(SYS_process_madvise, self, &own, 1, MADV_DONTNEED, 0), look(at + 8192, 16384);
    CALL(SYS_process_mrelease, -1, 0);
    CALL(SYS_pidfd_getfd, self, 1, 0), CALL(SYS_pidfd_send_signal, self, 0, 0, 0);
    CALL(SYS_get_mempolicy, &policy, nodes, 1024, 0, 0), LOOK(policy), LOOK(nodes);
    CALL(SYS_set_mempolicy, 0, 0, 0), CALL(SYS_mbind, at, 4096, 0, 0, 0, 0);
    CALL(SYS_set_mempolicy_home_node, at, 4096, 0, 0);
    CALL(SYS_migrate_pages, 0, 64, nodes, nodes);
    CALL(SYS_move_pages, 0, 1, &page, 0, &status, 0), LOOK(status);
    at = (void*)CALL(SYS_mremap, at, 65536, 131072, MREMAP_MAYMOVE), look(at, 65536);
    CALL(462, at, 0, 0);
    CALL(SYS_munmap, at, 131072);
    CALL(453, 0, 0, 0);
    CALL(SYS_userfaultfd, 1), CALL(SYS_remap_file_pages, 0, 0, 0, 0, 0);
}

static void processes(void) {
    int status = 0, parent = 0, child;
    struct rusage used;
    siginfo_t about;
    struct rlimit limit;
    struct tms times;
    unsigned long word = 0, length = 0;
    if ((child = CALL(SYS_fork)) == 0) CALL(SYS_exit_group, 3);
    CALL(SYS_wait4, child, &status, 0, &used), LOOK(status), LOOK(used);
    if ((child = CALL(SYS_clone, SIGCHLD | CLONE_PARENT_SETTID, 0, &parent, 0, 0)) == 0)
        CALL(SYS_exit, 4);
    LOOK(parent);
    memset(&about, 0, sizeof about);
    CALL(SYS_waitid, P_PID, child, &about, WEXITED, &used), LOOK(about), LOOK(used);
    CALL(SYS_clone3, 0, 0);
    CALL(SYS_getpid), CALL(SYS_getppid), CALL(SYS_gettid);
    CALL(SYS_getpgid, 0), CALL(SYS_getpgrp), CALL(SYS_getsid, 0), CALL(SYS_setpgid, 0, 0);
    CALL(SYS_setsid);
    CALL(SYS_getrlimit, RLIMIT_NOFILE, &limit), LOOK(limit);
    CALL(SYS_setrlimit, RLIMIT_CORE, &limit);
    CALL(SYS_prlimit64, 0, RLIMIT_STACK, 0, &limit), LOOK(limit);
    CALL(SYS_getrusage, RUSAGE_SELF, &used), LOOK(used);
    CALL(SYS_times, &times), LOOK(times);
    CALL(SYS_prctl, 16, room), look(room, 16);
    CALL(SYS_arch_prctl, 0x1003, &word), LOOK(word);
    CALL(SYS_get_robust_list, 0, &word, &length), LOOK(word), LOOK(length);
    CALL(SYS_personality, 0xffffffff);
    CALL(SYS_getpriority, 0, 0), CALL(SYS_setpriority, 0, 0, 0);
    CALL(SYS_unshare, 0), CALL(SYS_setns, -1, 0);
    CALL(SYS_kcmp, getpid(), getpid(), 0, 0, 0);
    CALL(SYS_modify_ldt, 0, room, 16);
    CALL(SYS_rseq, 0, 0, 0, 0);
    CALL(SYS_ptrace, 9999, 0, 0, 0);
    CALL(470, 0, 0, 0, 0);
}

static void scheduling(void) {
    struct sched_param priority = {0};
    struct timespec slice;
    unsigned processor, node;
    unsigned char attributes[48] = {48};
    CALL(SYS_sched_yield);
    CALL(SYS_sched_getparam, 0, &priority), LOOK(priority);
    CALL(SYS_sched_setparam, 0, &priority);
    CALL(SYS_sched_setscheduler, 0, 0, &priority), CALL(SYS_sched_getscheduler, 0);
    CALL(SYS_sched_get_priority_max, 1), CALL(SYS_sched_get_priority_min, 1);
    CALL(SYS_sched_rr_get_interval, 0, &slice), LOOK(slice);
    CALL(SYS_sched_getaffinity, 0, 128, room), look(room, 8);
    CALL(SYS_sched_setaffinity, 0, 8, room);
    CALL(SYS_sched_getattr, 0, attributes, 48, 0), LOOK(attributes);
    CALL(SYS_sched_setattr, 0, attributes, 0);
    CALL(SYS_ioprio_get, 1, 0), CALL(SYS_ioprio_set, 1, 0, 0);
    CALL(SYS_getcpu, &processor, &node, 0), LOOK(processor), LOOK(node);
    CALL(SYS_membarrier, 0, 0, 0);
}

static void signals(void) {
    struct sigaction action = {.sa_handler = nothing};
    unsigned long set = 1ul << (SIGUSR1 - 1), old = 0;
    siginfo_t about;
    struct timespec wait = {0, 1000};
    stack_t stack;
    sigaction(SIGUSR2, &action, 0), sigaction(SIGALRM, &action, 0);
    CALL(SYS_rt_sigaction, SIGUSR2, 0, room, 8), look(room, 32);
    CALL(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8), LOOK(old);
    CALL(SYS_kill, getpid(), SIGUSR1);
    CALL(SYS_rt_sigpending, &old, 8), LOOK(old);
    CALL(SYS_rt_sigtimedwait, &set, &about, &wait, 8), look(&about, 24);
    memset(&about, 0, sizeof about);
    about.si_code = SI_QUEUE;
    CALL(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &about);
    CALL(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &about);
    int file = CALL(SYS_signalfd4, -1, &set, 8, 0);
    look(room, CALL(SYS_read, file, room, 128));
    CALL(SYS_signalfd, file, &set, 8);
    CALL(SYS_sigaltstack, 0, &stack), LOOK(stack);
    CALL(SYS_tkill, getpid(), SIGUSR2), CALL(SYS_tgkill, getpid(), getpid(), SIGUSR2);
    CALL(SYS_alarm, 1), CALL(SYS_pause);
    CALL(SYS_alarm, 1), CALL(SYS_rt_sigsuspend, &set, 8);
    CALL(SYS_restart_syscall);
}

static void clocks(void) {
    struct timespec now, wait = {0, 1000}, left = {7, 7};
    struct timeval time;
    struct timezone zone;
    struct timex tuning = {0};
    struct itimerval every = {{100, 0}, {100, 0}}, before;
    struct itimerspec set = {{1, 2}, {5, 6}}, old;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    long seconds;
    int timer, file;
    CALL(SYS_gettimeofday, &time, &zone), LOOK(time), LOOK(zone);
    CALL(SYS_time, &seconds), LOOK(seconds);
    CALL(SYS_clock_gettime, 1, &now), LOOK(now), CALL(SYS_clock_getres, 1, &now), LOOK(now);
    CALL(SYS_clock_nanosleep, 1, 0, &wait, &left), LOOK(left);
    CALL(SYS_nanosleep, &wait, &left), LOOK(left);
    CALL(SYS_adjtimex, &tuning), LOOK(tuning);
    CALL(SYS_clock_adjtime, 0, &tuning), LOOK(tuning);
    CALL(SYS_clock_settime, 99, &now), CALL(SYS_settimeofday, 0, 0);
    CALL(SYS_setitimer, ITIMER_REAL, &every, &before), LOOK(before);
    CALL(SYS_getitimer, ITIMER_REAL, &before), LOOK(before);
    memset(&every, 0, sizeof every), CALL(SYS_setitimer, ITIMER_REAL, &every, 0);
    CALL(SYS_timer_create, 1, &event, &timer), LOOK(timer);
    CALL(SYS_timer_settime, timer, 0, &set, &old), LOOK(old);
    CALL(SYS_timer_gettime, timer, &old), LOOK(old);
    CALL(SYS_timer_getoverrun, timer), CALL(SYS_timer_delete, timer);
    file = CALL(SYS_timerfd_create, 1, 0);
    CALL(SYS_timerfd_settime, file, 0, &set, &old), LOOK(old);
    CALL(SYS_timerfd_gettime, file, &old), LOOK(old);
}

static void waiting(void) {
    int ends[2], set, event, watch, word = 5;
    struct epoll_event wanted = {EPOLLIN, {.u64 = 0x1122334455}}, seen[4] = {0};
    struct timespec wait = {0, 1000};
    struct timeval short_time = {0, 1000};
    fd_set read_set, write_set;
    pipe(ends), write(ends[1], "x", 1);
    struct pollfd polled[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLOUT, 0}};
    CALL(SYS_poll, polled, 2, 1), LOOK(polled);
    CALL(SYS_ppoll, polled, 2, &wait, 0, 8), LOOK(polled), LOOK(wait);
    FD_ZERO(&read_set);
    FD_ZERO(&write_set);
    FD_SET(ends[0], &read_set);
    FD_SET(ends[1], &write_set);
    CALL(SYS_select, ends[1] + 1, &read_set, &write_set, 0, &short_time);
    LOOK(read_set), LOOK(write_set), LOOK(short_time);
    CALL(SYS_pselect6, ends[1] + 1, &read_set, &write_set, 0, &wait, 0);
    LOOK(read_set), LOOK(write_set), LOOK(wait);
    CALL(SYS_epoll_create, 1);
    set = CALL(SYS_epoll_create1, 0), event = CALL(SYS_eventfd2, 1, 0), CALL(SYS_eventfd, 1);
    CALL(SYS_epoll_ctl, set, EPOLL_CTL_ADD, event, &wanted);
    CALL(SYS_epoll_wait, set, seen, 4, 1), LOOK(seen);
    CALL(SYS_epoll_pwait, set, seen, 4, 1, 0, 8), LOOK(seen);
    memset(seen, 0, sizeof seen);
    CALL(SYS_epoll_pwait2, set, seen, 4, &wait, 0, 8), LOOK(seen);
    CALL(SYS_inotify_init);
    watch = CALL(SYS_inotify_init1, 0);
    int number = CALL(SYS_inotify_add_watch, watch, ".", IN_CREATE);
    close(creat("watched", 0600)), unlink("watched");
    look(room, CALL(SYS_read, watch, room, 200));
    CALL(SYS_inotify_rm_watch, watch, number);
    CALL(SYS_fanotify_init, -1, 0), CALL(SYS_fanotify_mark, -1, 0, 0, 0, 0);
    CALL(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1, &word, 0x01000001), LOOK(word);
    struct futex_waitv one = {word + 1, (unsigned long)&word, 2, 0};
    CALL(SYS_futex_waitv, &one, 1, 0, 0, 0);
    CALL(454, &word, ~0u, 1, 2), CALL(455, &word, word + 1, ~0u, 2, 0, 0);
    CALL(456, &one, 0, 0, 0);
}

static void asynchronous(void) {
    aio_context_t context = 0;
    struct io_event done[2] = {{0}};
    int file = open("data", O_RDWR);
    struct iocb read_it = {.aio_fildes = file, .aio_buf = (long)room, .aio_nbytes = 8};
    struct iocb* list[1] = {&read_it};
    struct io_uring_params parameters = {0};
    CALL(SYS_io_setup, 4, &context), LOOK(context);
    CALL(SYS_io_submit, context, 1, list);
    CALL(SYS_io_getevents, context, 1, 2, done, 0), LOOK(done), look(room, 8);
    CALL(SYS_io_submit, context, 1, list);
    CALL(SYS_io_pgetevents, context, 1, 2, done, 0, 0), LOOK(done), look(room, 8);
    CALL(SYS_io_cancel, context, &read_it, done);
    CALL(SYS_io_destroy, context);
    int ring = CALL(SYS_io_uring_setup, 4, &parameters);
    LOOK(parameters);
    CALL(SYS_io_uring_enter, ring, 0, 0, 0, 0, 0);
    CALL(SYS_io_uring_register, ring, IORING_UNREGISTER_FILES, 0, 0);
}

static void communication(void) {
    struct shmid_ds segment;
    struct msqid_ds queue;
    struct semid_ds semaphores;
    struct {
        long kind;
        char text[16];
    } message = {5, "queue"}, received;
    struct sembuf up = {0, 1, 0};
    struct timespec wait = {0, 1};
    unsigned short values[2] = {3, 4};
    int id = CALL(SYS_shmget, IPC_PRIVATE, 4096, 0600);
    char* at = (char*)CALL(SYS_shmat, id, 0, 0);
    strcpy(at, "shared"), look(at, 16);
    CALL(SYS_shmctl, id, IPC_STAT, &segment), LOOK(segment);
    CALL(SYS_shmdt, at), CALL(SYS_shmctl, id, IPC_RMID, 0);
    id = CALL(SYS_msgget, IPC_PRIVATE, 0600);
    CALL(SYS_msgsnd, id, &message, 6, 0);
    look(&received, 8 + CALL(SYS_msgrcv, id, &received, 16, 0, 0));
    CALL(SYS_msgctl, id, IPC_STAT, &queue), LOOK(queue), CALL(SYS_msgctl, id, IPC_RMID, 0);
    id = CALL(SYS_semget, IPC_PRIVATE, 2, 0600);
    CALL(SYS_semctl, id, 0, SETALL, values), CALL(SYS_semop, id, &up, 1);
    CALL(SYS_semtimedop, id, &up, 1, &wait);
    CALL(SYS_semctl, id, 0, GETALL, values), LOOK(values);
    CALL(SYS_semctl, id, 0, IPC_STAT, &semaphores), LOOK(semaphores);
    CALL(SYS_semctl, id, 0, IPC_RMID, 0);
    long attributes[8] = {0, 2, 16}, old[8] = {0};
    unsigned priority;
    int mail = CALL(SYS_mq_open, "system-calls", O_RDWR | O_CREAT, 0600, attributes);
    CALL(SYS_mq_timedsend, mail, "hey", 3, 9, 0);
    look(room, CALL(SYS_mq_timedreceive, mail, room, 16, &priority, 0)), LOOK(priority);
    CALL(SYS_mq_getsetattr, mail, 0, old), LOOK(old);
    CALL(SYS_mq_notify, mail, 0), CALL(SYS_mq_unlink, "system-calls");
}

static void network(void) {
    int pair[2], value = 0, size = sizeof value, of_name;
    struct sockaddr_un name = {AF_UNIX, "socket"}, peer;
    struct iovec part = {"abc", 3}, into = {room, 16};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr many = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    int server = CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    CALL(SYS_bind, server, &name, sizeof name), CALL(SYS_listen, server, 2);
    int one = CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    CALL(SYS_connect, one, &name, sizeof name);
    of_name = sizeof peer, memset(&peer, 0, sizeof peer);
    CALL(SYS_accept, server, &peer, &of_name), LOOK(peer), LOOK(of_name);
    int two = CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    CALL(SYS_connect, two, &name, sizeof name);
    of_name = sizeof peer;
    CALL(SYS_accept4, server, &peer, &of_name, 0), LOOK(peer), LOOK(of_name);
    of_name = sizeof peer;
    CALL(SYS_getsockname, server, &peer, &of_name), LOOK(peer), LOOK(of_name);
    of_name = sizeof peer;
    CALL(SYS_getpeername, one, &peer, &of_name), LOOK(peer), LOOK(of_name);
    CALL(SYS_getsockopt, one, SOL_SOCKET, SO_SNDBUF, &value, &size), LOOK(value), LOOK(size);
    CALL(SYS_setsockopt, one, SOL_SOCKET, SO_SNDBUF, &value, size);
    CALL(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair), LOOK(pair);
    CALL(SYS_sendto, pair[0], "abc", 3, 0, 0, 0);
    of_name = sizeof peer;
    look(room, CALL(SYS_recvfrom, pair[1], room, 16, 0, &peer, &of_name)), LOOK(of_name);
    CALL(SYS_sendmsg, pair[0], &message, 0);
    message.msg_iov = &into;
    look(room, CALL(SYS_recvmsg, pair[1], &message, 0)), LOOK(message);
    CALL(SYS_sendmmsg, pair[0], &many, 1, 0), LOOK(many);
    many.msg_hdr.msg_iov = &into;
    CALL(SYS_recvmmsg, pair[1], &many, 1, MSG_DONTWAIT, 0), LOOK(many), look(room, 3);
    CALL(SYS_shutdown, pair[0], SHUT_WR);
}

static void identity(void) {
    unsigned a, b, c, groups[64];
    struct __user_cap_header_struct header = {0x20080522, 0};
    struct __user_cap_data_struct data[2];
    CALL(SYS_getuid), CALL(SYS_getgid), CALL(SYS_geteuid), CALL(SYS_getegid);
    CALL(SYS_setreuid, -1, -1), CALL(SYS_setregid, -1, -1);
    CALL(SYS_setresuid, -1, -1, -1), CALL(SYS_setresgid, -1, -1, -1);
    CALL(SYS_setuid, getuid()), CALL(SYS_setgid, getgid());
    CALL(SYS_setfsuid, -1), CALL(SYS_setfsgid, -1);
    look(groups, 4 * CALL(SYS_getgroups, 64, groups)), CALL(SYS_setgroups, -1, groups);
    CALL(SYS_getresuid, &a, &b, &c), LOOK(a), LOOK(b), LOOK(c);
    CALL(SYS_getresgid, &a, &b, &c), LOOK(a), LOOK(b), LOOK(c);
    CALL(SYS_capget, &header, data), LOOK(data), CALL(SYS_capset, &header, data);
    long key = CALL(SYS_add_key, "user", "system-calls", "secret", 6, -2);
    CALL(SYS_request_key, "user", "system-calls", 0, 0);
    CALL(SYS_keyctl, 11, key, room, 16), look(room, 6);
}

static void rest(void) {
    struct utsname names;
    struct sysinfo system;
    struct landlock_ruleset_attr rules = {.handled_access_fs = 1};
    unsigned size = 256;
    struct perf_event_attr counter = {.type = PERF_TYPE_SOFTWARE, .size = sizeof counter};
    CALL(SYS_uname, &names), LOOK(names), CALL(SYS_sysinfo, &system), LOOK(system);
    CALL(SYS_getrandom, room, 40, 0), look(room, 40);
    CALL(SYS_syslog, 10, 0, 0);
    CALL(SYS_perf_event_open, &counter, 0, -1, -1, 0), CALL(SYS_bpf, -1, 0, 0);
    CALL(SYS_seccomp, 3, 0, room);
    int set = CALL(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    struct landlock_path_beneath_attr beneath = {1, -1};
    CALL(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    CALL(SYS_landlock_restrict_self, -1, 0);
    CALL(461, room, &size, 0), look(room, 64), LOOK(size);
    size = 4096, CALL(459, 100, room, &size, 0), LOOK(size), CALL(460, 0, 0, 0, 0);
}

/* Without the privilege, or in a way that the kernel refuses. */
static void refused(void) {
    static const short gone[] = {134, 156, 172, 173, 174, 175, 176, 177, 178, 180, 181, 182,
                                 183, 184, 185, 205, 211, 212, 214, 215, 236, 246, 313, 320};
    for (unsigned i = 0; i < sizeof gone / sizeof *gone; i++) CALL(gone[i], -1, -1, -1, -1, -1, -1);
    const char* nowhere = "/nowhere/at/all";
    CALL(SYS_execve, nowhere, 0, 0), CALL(SYS_execveat, AT_FDCWD, nowhere, 0, 0, 0);
    CALL(SYS_chroot, nowhere), CALL(SYS_acct, nowhere), CALL(SYS_pivot_root, nowhere, nowhere);
    CALL(SYS_swapon, nowhere, 0), CALL(SYS_swapoff, nowhere);
    CALL(SYS_mount, nowhere, nowhere, "none", 0, 0), CALL(SYS_umount2, nowhere, 0);
    CALL(SYS_sethostname, "x", -1), CALL(SYS_setdomainname, "x", -1);
    CALL(SYS_reboot, 0, 0, 0, 0), CALL(SYS_quotactl, -1, nowhere, 0, 0);
    CALL(SYS_quotactl_fd, -1, 0, 0, 0), CALL(SYS_fsopen, "nothing", 0);
    CALL(SYS_fsconfig, -1, 0, "key", 0, 0), CALL(SYS_fsmount, -1, 0, 0);
    CALL(SYS_fspick, AT_FDCWD, nowhere, 0), CALL(SYS_open_tree, AT_FDCWD, nowhere, 0);
    CALL(SYS_move_mount, AT_FDCWD, nowhere, AT_FDCWD, nowhere, 0);
    CALL(SYS_mount_setattr, AT_FDCWD, nowhere, 0, room, 32);
    CALL(467, AT_FDCWD, nowhere, 0, room, 32);
}

int main(void) {
    if (mkdtemp(folder) == NULL || chdir(folder) != 0) return 1;
    files(), paths(), memory(), processes(), scheduling(), signals(), clocks(), waiting();
    asynchronous(), communication(), network(), identity(), rest(), refused();
    unlink("data"), unlink("other"), unlink("socket"), chdir("/"), rmdir(folder);
    return 0;
}
