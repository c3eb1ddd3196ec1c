// SPDX-License-Identifier: Apache-2.0
// Filters of system calls that a program gives itself, in all the ways they can be given, and
// all that they can say. It prints what it meets; nothing of it depends on the run.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SAY(what) BPF_STMT(BPF_RET | BPF_K, what)
#define IF_CALL(number, what) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), SAY(what)
#define COUNT(list) (sizeof(list) / sizeof *(list))

static int set(struct sock_filter *code, size_t length, int flags) {
    struct sock_fprog program = {(unsigned short)length, code};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static int outcome(long result) { return result == -1 ? -errno : (int)result; }

static void trapped(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    printf("trapped %d: code %d errno %d call %d arch %x ip %d rax %lld\n", number, info->si_code,
           info->si_errno, info->si_syscall, info->si_arch,
           (greg_t)info->si_call_addr == registers[REG_RIP], registers[REG_RAX]);
    registers[REG_RAX] = 4242;
}

static void in_child(const char *name, void (*run)(void)) {
    int status;
    fflush(stdout);
    if (fork() == 0) {
        run();
        fflush(stdout);
        _exit(0);
    }
    wait(&status);
    printf("%s: %s %d\n", name, WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void errors(void) {
    struct sock_filter code[] = {LOAD(nr),
                                 IF_CALL(SYS_getpgid, SECCOMP_RET_ERRNO | 99),
                                 IF_CALL(SYS_munmap, SECCOMP_RET_ERRNO | 0),
                                 IF_CALL(SYS_madvise, SECCOMP_RET_ERRNO | 0),
                                 IF_CALL(SYS_clock_gettime, SECCOMP_RET_ERRNO | 1),
                                 IF_CALL(SYS_getuid, SECCOMP_RET_ERRNO | 0xffff),
                                 IF_CALL(SYS_getgid, SECCOMP_RET_TRACE | 5),
                                 IF_CALL(SYS_getsid, SECCOMP_RET_LOG),
                                 SAY(SECCOMP_RET_ALLOW)};
    struct timespec now = {0, -1};
    volatile char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[5] = 'x';
    printf("set %d\n", set(code, COUNT(code), 0));
    printf("mode %d\n", prctl(PR_GET_SECCOMP));
    printf("getpgid %ld", syscall(SYS_getpgid, 0));
    printf(" %d\n", errno);
    printf("munmap %d %c\n", munmap((void *)page, 4096), page[5]);
    printf("madvise %d %c\n", madvise((void *)page, 4096, MADV_DONTNEED), page[5]);
    printf("clock %d", clock_gettime(CLOCK_MONOTONIC, &now));
    printf(" %d\n", now.tv_nsec != -1);
    printf("getuid %ld", syscall(SYS_getuid));
    printf(" %d\n", errno);
    printf("getgid %ld", syscall(SYS_getgid));
    printf(" %d\n", errno);
    printf("getsid %d\n", syscall(SYS_getsid, 0) >= 0);
}

static void traps(void) {
    struct sock_filter code[] = {LOAD(nr), IF_CALL(SYS_getppid, SECCOMP_RET_TRAP | 7),
                                 IF_CALL(SYS_getpriority, SECCOMP_RET_TRAP),
                                 SAY(SECCOMP_RET_ALLOW)};
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    sigset_t blocked;
    sigaction(SIGSYS, &action, 0);
    set(code, COUNT(code), 0);
    printf("getppid %ld\n", syscall(SYS_getppid));
    printf("getppid %ld\n", syscall(SYS_getppid));
    fflush(stdout);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGSYS);
    sigprocmask(SIG_BLOCK, &blocked, 0);
    syscall(SYS_getpriority, 0, 0);
    printf("not reached\n");
}

/* Arguments, arithmetic, words of memory, jumps. */
static void arguments(void) {
    struct sock_filter code[] = {LOAD(arch),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
                                 SAY(SECCOMP_RET_KILL_PROCESS),
                                 LOAD(nr),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 1, 0),
                                 SAY(SECCOMP_RET_ALLOW),
                                 LOAD(args[0]),
                                 BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
                                 BPF_STMT(BPF_ST, 2),
                                 LOAD(args[1]),
                                 BPF_STMT(BPF_MISC | BPF_TAX, 0),
                                 BPF_STMT(BPF_LD | BPF_MEM, 2),
                                 BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
                                 BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
                                 BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 0x55),
                                 BPF_STMT(BPF_ALU | BPF_NEG, 0),
                                 BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
                                 BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
                                 BPF_STMT(BPF_RET | BPF_A, 0)};
    set(code, COUNT(code), 0);
    for (long i = 0; i < 5; i++) {
        syscall(SYS_getpgid, i * 7, i * i);
        printf("%d ", errno);
    }
    printf("\n");
}

static void dies(void) {
    struct sock_filter code[] = {LOAD(nr), IF_CALL(SYS_getppid, SECCOMP_RET_KILL_PROCESS),
                                 SAY(SECCOMP_RET_ALLOW)};
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, 0);
    set(code, COUNT(code), 0);
    syscall(SYS_getppid);
}

static void *thread_ends(void *unused) {
    struct sock_filter code[] = {LOAD(nr), IF_CALL(SYS_getppid, SECCOMP_RET_KILL_THREAD),
                                 SAY(SECCOMP_RET_ALLOW)};
    set(code, COUNT(code), 0);
    syscall(SYS_getppid);
    printf("not reached\n");
    return unused;
}

static void thread_dies(void) {
    pthread_t thread;
    pthread_create(&thread, 0, thread_ends, 0);
    pthread_join(thread, 0);
    printf("the others live: %d\n", getppid() > 0);
}

static volatile int others_value;
static pthread_barrier_t together;
static void *other(void *unused) {
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    others_value = syscall(SYS_getpgid, 0) == -1 ? errno : 0;
    return unused;
}

static void all_threads(void) {
    struct sock_filter code[] = {LOAD(nr), IF_CALL(SYS_getpgid, SECCOMP_RET_ERRNO | 12),
                                 SAY(SECCOMP_RET_ALLOW)};
    pthread_t thread;
    pthread_barrier_init(&together, 0, 2);
    pthread_create(&thread, 0, other, 0);
    pthread_barrier_wait(&together);
    printf("all: %d\n", set(code, COUNT(code), SECCOMP_FILTER_FLAG_TSYNC));
    pthread_barrier_wait(&together);
    pthread_join(thread, 0);
    printf("other: %d\n", others_value);
}

static void strict(void) {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    write(1, "strict\n", 7);
    syscall(SYS_getppid);
    write(1, "not reached\n", 12);
}

static void inherited(void) {
    struct sock_filter first[] = {LOAD(nr), IF_CALL(SYS_getpgid, SECCOMP_RET_ERRNO | 21),
                                  IF_CALL(SYS_getppid, SECCOMP_RET_ERRNO | 22),
                                  SAY(SECCOMP_RET_ALLOW)};
    struct sock_filter second[] = {LOAD(nr), IF_CALL(SYS_getpgid, SECCOMP_RET_ERRNO | 31),
                                   SAY(SECCOMP_RET_ALLOW)};
    set(first, COUNT(first), 0);
    set(second, COUNT(second), 0);
    execl("/proc/self/exe", "confined", "again", NULL);
}

static void again(void) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    syscall(SYS_getpgid, 0);
    printf("getpgid %d", errno);
    syscall(SYS_getppid);
    printf(" getppid %d\n", errno);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "Seccomp", 7) == 0) fputs(line, stdout);
    for (char **word = environ; *word != NULL; word++)
        if (strncmp(*word, "REVEN", 5) == 0) puts(*word);
}

static void sent(void) {
    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, 0);
    signal(SIGSYS, SIG_IGN);
    kill(getpid(), SIGSYS);
    printf("ignored\n");
    signal(SIGSYS, SIG_DFL);
    fflush(stdout);
    raise(SIGSYS);
}

static void refused(void) {
    struct sock_filter jumps_out[] = {LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 9),
                                      SAY(SECCOMP_RET_ALLOW)},
                       never_ends[] = {LOAD(nr)},
                       loads_bytes[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
                                        SAY(SECCOMP_RET_ALLOW)},
                       loads_beyond[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64),
                                         SAY(SECCOMP_RET_ALLOW)},
                       divides[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), SAY(SECCOMP_RET_ALLOW)};
    struct sock_fprog nowhere = {3, (struct sock_filter *)16};
    printf("%d", outcome(set(jumps_out, 3, 0)));
    printf(" %d", outcome(set(never_ends, 1, 0)));
    printf(" %d", outcome(set(loads_bytes, 2, 0)));
    printf(" %d", outcome(set(loads_beyond, 2, 0)));
    printf(" %d", outcome(set(divides, 2, 0)));
    printf(" %d", outcome(set(divides, 0, 0)));
    printf(" %d", outcome(set(divides, 2, 1 << 20)));
    printf(" %d", outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &nowhere)));
    printf(" %d\n", outcome(syscall(SYS_seccomp, 77, 0, 0)));
}

int main(int count, char **words) {
    (void)words;
    if (count > 1) {
        again();
        return 0;
    }
    printf("mode %d\n", prctl(PR_GET_SECCOMP));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    in_child("errors", errors);
    in_child("traps", traps);
    in_child("arguments", arguments);
    in_child("dies", dies);
    in_child("thread", thread_dies);
    in_child("all threads", all_threads);
    in_child("strict", strict);
    in_child("inherited", inherited);
    in_child("sent", sent);
    in_child("refused", refused);
    return 0;
}
