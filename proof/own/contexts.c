// SPDX-License-Identifier: Apache-2.0
// Coroutines with makecontext, each on a stack of its own.
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
static ucontext_t home, away[3];
static int turn;
static void work(int me) {
    for (int i = 0; i < 5; i++) { printf("%d:%d ", me, i); turn = (me + 1) % 3; swapcontext(&away[me], &away[turn]); }
}
int main(void) {
    for (int i = 0; i < 3; i++) {
        getcontext(&away[i]);
        away[i].uc_stack.ss_sp = malloc(65536);
        away[i].uc_stack.ss_size = 65536;
        away[i].uc_link = &home;
        makecontext(&away[i], (void (*)(void))work, 1, i);
    }
    swapcontext(&home, &away[0]);
    puts("home");
    return 0;
}
