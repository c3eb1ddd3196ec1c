// SPDX-License-Identifier: Apache-2.0
// flags: -O0 -g -rdynamic
#include <execinfo.h>
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) void inner(void) {
    void *frames[16];
    int count = backtrace(frames, 16);
    char **names = backtrace_symbols(frames, count);
    for (int i = 0; i < 3; i++) { char *open = strchr(names[i], '('); printf("%.*s\n", (int)strcspn(open, "+"), open); }
}
__attribute__((noinline)) void outer(void) { inner(); puts(""); }
int main(void) { outer(); return 0; }
