// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
// Mutexes with priority inheritance, which the kernel keeps.
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t m; static int sum;
static void *work(void *a) { for (int i = 0; i < 200; i++) { pthread_mutex_lock(&m); sum++; pthread_mutex_unlock(&m); } return a; }
int main(void) { pthread_mutexattr_t k; pthread_mutexattr_init(&k); int r = pthread_mutexattr_setprotocol(&k, PTHREAD_PRIO_INHERIT); r |= pthread_mutex_init(&m, &k);
    pthread_t t[3]; for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, work, NULL); for (int i = 0; i < 3; i++) pthread_join(t[i], NULL); printf("%d %d\n", r, sum); return 0; }
