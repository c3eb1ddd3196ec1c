// SPDX-License-Identifier: Apache-2.0
// said: remap_file_pages
// What can be done with mappings: moved, split, grown, dropped, wiped in forks, filled on faults.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define P 4096
static sigjmp_buf back; static char *lazy; static int filled; static volatile int code;
static void fault(int n, siginfo_t *i, void *c) { char *a = i->si_addr; if (lazy && a >= lazy && a < lazy + 64 * P) { char *page = (char *)((long)a & ~4095l); mprotect(page, P, PROT_READ | PROT_WRITE); memset(page, 'L', 8); filled++; return; } code = n * 100 + i->si_code; siglongjmp(back, 1); }
#define TRY(x) if (!sigsetjmp(back, 1)) { x; printf("fine "); } else printf("%d ", code)
int main(void) {
    struct sigaction s = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER}; sigaction(SIGSEGV, &s, NULL); sigaction(SIGBUS, &s, NULL);
    lazy = mmap(NULL, 64 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); long sum = 0; for (int i = 0; i < 64; i += 3) sum += lazy[i * P + 5]; lazy[10 * P] = 1; printf("%d %ld\n", filled, sum); char *all = lazy; lazy = NULL;
    TRY(*(volatile char *)(all + P) = 1); TRY(*(volatile char *)16 = 1); mprotect(all, P, PROT_READ); TRY(*(volatile char *)all = 1); TRY((void)*(volatile char *)0x800000000000); puts("");
    int f = open("file", O_CREAT | O_RDWR | O_TRUNC, 0600); write(f, "hello", 5); char *m = mmap(NULL, 3 * P, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0); TRY((void)*(volatile char *)(m + P)); ftruncate(f, 3 * P); TRY(m[2 * P] = 'x'); ftruncate(f, P); TRY((void)*(volatile char *)(m + 2 * P)); printf("%c\n", m[1]);
    char *w = mmap(NULL, 8 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); for (int i = 0; i < 8; i++) w[i * P] = 'a' + i; char *moved = mremap(w + 2 * P, 2 * P, 4 * P, MREMAP_MAYMOVE); printf("%c%c%d ", moved[0], moved[P], moved[3 * P]); TRY((void)*(volatile char *)(w + 2 * P)); char *fixed = mremap(w + 6 * P, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, w + 2 * P); printf("%c %d\n", w[2 * P], fixed == w + 2 * P);
    printf("%d ", mmap(w, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? errno : 0); char *low = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0); printf("%d ", (unsigned long)low < 1ul << 31); char *high = mmap((void *)0x7000000000, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); *high = 5; printf("%d\n", high == (void *)0x7000000000);
    madvise(w, P, MADV_DONTNEED); printf("%d %c ", w[0], w[P]); madvise(w + P, P, MADV_FREE); w[P] = 'k'; printf("%d ", w[P]); madvise(w + P, P, MADV_WIPEONFORK); fflush(stdout); if (fork() == 0) { printf("%d ", w[P]); fflush(stdout); _exit(0); } wait(NULL); madvise(w + P, P, MADV_DONTFORK); if (fork() == 0) { TRY((void)*(volatile char *)(w + P)); fflush(stdout); _exit(0); } wait(NULL); printf("%c\n", w[P]);
    unsigned char in[8]; printf("%d ", mincore(moved, 4 * P, in)); printf("%d%d ", in[0] & 1, in[1] & 1); printf("%d %d %d ", mlock(moved, P), munlock(moved, P), msync(m, P, MS_SYNC)); printf("%d\n", munmap(moved + P, P)); TRY((void)*(volatile char *)(moved + P)); TRY((void)*(volatile char *)moved); TRY((void)*(volatile char *)(moved + 2 * P)); puts("");
    char *shared = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); if (fork() == 0) { strcpy(shared, "by the child"); _exit(0); } wait(NULL); puts(shared); char *run = mmap(NULL, P, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); for (int i = 0; i < 5; i++) { memcpy(run, "\xb8\0\0\0\0\xc3", 6); run[1] = i * 7; printf("%d ", ((int (*)(void))run)()); } mprotect(run, P, PROT_READ); TRY(((int (*)(void))run)()); puts("");
    char *grow = mmap((void *)0x600000000000, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); (void)grow; printf("%d %d\n", remap_file_pages(m, P, 0, 0, 0), errno != 0); return 0;
}
