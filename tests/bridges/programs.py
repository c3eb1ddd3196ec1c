# SPDX-License-Identifier: Apache-2.0
"""Programs that debuggers look at through bridges."""

from __future__ import annotations

DEBUGGED = """
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
int total;
int values[8] = {3, 1, 4, 1, 5, 9, 2, 6};
double half = 0.5;
static void on_signal(int number) { total += 100 * (number == SIGUSR1); }
__attribute__((noinline)) int add(int a, int b) {
    int sum = a + b;
    return sum;
}
__attribute__((noinline)) int sum_of(int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) {
        sum = add(sum, values[i]);
        total = sum;
    }
    return sum;
}
int main(int argc, char **argv) {
    signal(SIGUSR1, on_signal);
    int sum = sum_of(8);
    long double more = half * sum;
    raise(SIGUSR1);
    char *text = malloc(32);
    sprintf(text, "sum %d, half %.1Lf", sum, more);
    puts(text);
    int *bad = argc > 1 ? 0 : &total;
    *bad = 1;
    return 0;
}
"""
DEBUGGED_FLAGS = ("-O0",)

THREADS = """
#include <pthread.h>
#include <stdio.h>
int counted[2];
pthread_barrier_t both;
__attribute__((noinline)) void tick(int which) { counted[which]++; }
static void *run(void *which) {
    pthread_barrier_wait(&both);
    for (int i = 0; i < 5; i++) { tick(which != 0); pthread_barrier_wait(&both); }
    return 0;
}
int main(void) {
    pthread_t threads[2];
    pthread_barrier_init(&both, 0, 2);
    for (long i = 0; i < 2; i++) pthread_create(&threads[i], 0, run, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
    printf("%d %d\\n", counted[0], counted[1]);
    return 0;
}
"""
THREAD_FLAGS = ("-O0", "-pthread")

# Small enough to be looked at whole: loops, a signal, a page of data.
SMALL = """
#include <signal.h>
int cells[8];
volatile int seen;
static void on_signal(int number) { seen = number; }
__attribute__((noinline)) int walk(int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) { cells[i & 7] = i / 3; sum += cells[i * 5 & 7]; }
    return sum;
}
int main(void) {
    signal(SIGUSR2, on_signal);
    int first = walk(20);
    raise(SIGUSR2);
    return (first + walk(9)) & 1;
}
"""
SMALL_FLAGS = ("-static", "-O1")
