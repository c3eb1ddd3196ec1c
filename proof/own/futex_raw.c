// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int word, other;
static void *work(void *a) { while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL); return a; }
int main(void) { struct timespec t = {0, 1000000}; printf("%ld ", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t)); printf("%d\n", errno == ETIMEDOUT);
    printf("%ld ", syscall(SYS_futex, &word, FUTEX_WAIT, 5, &t)); printf("%d\n", errno == EAGAIN);
    pthread_t p; pthread_create(&p, NULL, work, NULL); __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST); syscall(SYS_futex, &word, FUTEX_WAKE, 9);
    pthread_join(p, NULL); other = 5; printf("%ld %d\n", syscall(SYS_futex, &word, FUTEX_WAKE_OP, 1, 1L, &other, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 2)), other); return 0; }
