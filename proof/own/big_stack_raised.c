// SPDX-License-Identifier: Apache-2.0
// More than 8 MiB of stack, under a limit that the program itself raises for what it executes.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
static int small(int n) { volatile char page[4000]; page[0] = n; return n == 0 ? 0 : page[0] % 3 + small(n - 1); }
int main(int argc, char **argv) {
    if (argc == 1) {
        struct rlimit limit;
        getrlimit(RLIMIT_STACK, &limit);
        limit.rlim_cur = 64 << 20;
        if (setrlimit(RLIMIT_STACK, &limit)) return 9;
        execl("/proc/self/exe", "again", "x", NULL);
        return 8;
    }
    printf("%s %d\n", argv[0], small(10000));
    return 0;
}
